//! `alluvium cluster`: the same plugins over many workers.

mod followed;
mod inputs;
mod outputs;

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::running::Running;
use crate::service::listen::Served;
use crate::support::{Bench, Done, alerts, alluvium, command, delays, fails, flights, ok, text};

/// The flights as files, each a partition.
fn partitions(bench: &Bench, count: usize) -> String {
    let all = String::from_utf8(gunzip(&flights())).expect("text");
    let (header, records) = all.split_once('\n').expect("a header");
    let records: Vec<&str> = records.lines().collect();
    let folder = bench.path("in");
    fs::create_dir(&folder).expect("a folder");
    for (number, part) in records.chunks(records.len().div_ceil(count)).enumerate() {
        let content = format!("{header}\n{}\n", part.join("\n"));
        fs::write(folder.join(format!("{number}.csv")), content).expect("it writes");
    }
    text(&folder)
}

fn gunzip(path: &std::path::Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(fs::File::open(path).expect("the flights"));
    std::io::Read::read_to_end(&mut decoder, &mut bytes).expect("it reads");
    bytes
}

fn status(job: &str) -> Value {
    serde_json::from_str(&ok(["cluster", "status", "--job", job, "--json"])).expect("a JSON object")
}

/// The arguments of a run of the plugin `delays`.
fn run_arguments(job: &str, input: &str, more: &[&str]) -> Vec<String> {
    let plugin = text(&delays());
    let fixed = ["cluster", "run", &plugin, "--job", job, "--input", input];
    let every = ["--epoch-records", "500"];
    let every = if more.contains(&every[0]) { &[][..] } else { &every[..] };
    fixed.iter().chain(every).chain(more).map(|&argument| argument.to_owned()).collect()
}

#[test]
fn the_state_is_that_of_one_run_for_any_number_of_workers() {
    let bench = Bench::new();
    let input = partitions(&bench, 4);
    ok(["run", &text(&delays()), "--dir", &bench.dir_text(), "--input", &input, "--no-results"]);
    let one: Value = serde_json::from_str(&ok(bench.over_dir("show", &["--json"]))).expect("a JSON object");
    let mut archives = Vec::new();
    for workers in ["1", "3"] {
        let job = text(&bench.path(&format!("job{workers}")));
        // It is stopped in the middle, and continues with other workers.
        ok(run_arguments(&job, &input, &["--workers", "2", "--stop-after-epochs", "4"]));
        let middle = status(&job);
        assert_eq!((&middle["epoch"], &middle["is_finished"]), (&4.into(), &false.into()), "{middle}");
        ok(run_arguments(&job, &input, &["--workers", workers]));
        let end = status(&job);
        assert_eq!(end["state_digest"], one["alluvium"]["state_digest"], "{end}");
        assert_eq!((&end["generation"], &end["is_finished"]), (&2.into(), &true.into()), "{end}");
        let again = alluvium(run_arguments(&job, &input, &["--workers", workers]));
        assert!(again.code == Some(0) && again.err.contains("has finished already"), "{again:?}");
        let (archive, imported) = (bench.path(&format!("{workers}.tar")), bench.path(&format!("imported{workers}")));
        ok(["cluster", "export", "--job", &job, &text(&archive)]);
        ok(["import", &text(&archive), &text(&imported)]);
        assert_eq!(ok(["dump", &text(&imported)]), bench.dump());
        archives.push(fs::read(&archive).expect("the archive"));
    }
    assert_eq!(archives[0], archives[1], "equal states have equal archives");
}

/// A process of a job, which is killed if the test fails.
struct Process(Option<Child>);

impl Process {
    fn start(arguments: Vec<String>) -> Self {
        Self(Some(command(arguments).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts")))
    }

    fn kill(&mut self) {
        self.0.as_mut().expect("it runs").kill().expect("it is killed");
    }

    fn end(mut self) -> Done {
        Done::from(self.0.take().expect("it runs").wait_with_output().expect("it ends"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A file with addresses of free ports.
fn hosts(bench: &Bench, count: usize) -> PathBuf {
    let listeners: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    let addresses: Vec<String> = listeners.iter().map(|at| at.local_addr().expect("its address").to_string()).collect();
    let path = bench.path("hosts");
    fs::write(&path, format!("# one a line\n{}\n", addresses.join("\n"))).expect("it writes");
    path
}

#[test]
fn when_one_process_is_killed_all_end_and_the_job_continues() {
    let bench = Bench::new();
    let input = partitions(&bench, 4);
    let job = text(&bench.path("job"));
    let key = bench.path("key");
    fs::write(&key, "a secret\n").expect("it writes");
    let hosts = text(&hosts(&bench, 3));
    let start = |process: &str, key: &str| {
        let more = ["--hosts", &hosts, "--process", process, "--key-file", key, "--epoch-records", "20"];
        Process::start(run_arguments(&job, &input, &more))
    };
    let key = text(&key);
    let (first, mut second, third) = (start("0", &key), start("1", &key), start("2", &key));
    let until = Instant::now() + Duration::from_mins(1);
    let has_begun = || {
        // At first there is no job, or one without an epoch.
        let shown = alluvium(["cluster", "status", "--job", &job, "--json"]);
        let shown: Option<Value> = serde_json::from_str(&shown.out).ok();
        shown.is_some_and(|shown| shown["epoch"].as_u64() > Some(2))
    };
    while !has_begun() {
        assert!(Instant::now() < until, "no epoch was committed in a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
    second.kill();
    second.end();
    for other in [first, third] {
        let ended = other.end();
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains("connection to another process") && ended.err.contains("start all"), "{ended:?}");
    }
    let committed = status(&job);
    assert_eq!(committed["workers"], 3);
    ok(run_arguments(&job, &input, &["--workers", "2"]));
    let whole = text(&bench.path("whole"));
    ok(run_arguments(&whole, &input, &[]));
    assert_eq!(status(&job)["state_digest"], status(&whole)["state_digest"]);
    // What only earlier generations needed goes, and nothing else.
    ok(["cluster", "gc", "--job", &job]);
    assert!(ok(["cluster", "gc", "--job", &job]).starts_with("0 directories"));
    assert_eq!(status(&job)["keys"], status(&whole)["keys"]);
}

#[test]
fn a_process_without_the_key_is_not_let_in() {
    let bench = Bench::new();
    let input = partitions(&bench, 2);
    let (job, hosts) = (text(&bench.path("job")), text(&hosts(&bench, 2)));
    let [key, other] = ["key", "other"].map(|name| {
        fs::write(bench.path(name), name).expect("it writes");
        text(&bench.path(name))
    });
    let start = |process: &str, key: &str| {
        let more = ["--hosts", &hosts, "--process", process, "--key-file", key];
        Process::start(run_arguments(&job, &input, &more))
    };
    let (first, stranger) = (start("0", &key), start("1", &other));
    std::thread::sleep(Duration::from_millis(300));
    assert!(!bench.path("job/log").is_dir(), "nothing is claimed before all processes are there");
    drop(stranger);
    let friend = start("1", &key).end();
    assert_eq!((friend.code, first.end().code), (Some(0), Some(0)), "{friend:?}");
    assert_eq!(status(&job)["is_finished"], true);
}

#[test]
fn what_cannot_work_is_refused_by_name() {
    let bench = Bench::new();
    let input = partitions(&bench, 2);
    let (job, scratch) = (text(&bench.path("job")), bench.scratch.path());
    let run = |plugin: &str, more: &[&str]| {
        let fixed = ["cluster", "run", plugin, "--job", &job, "--input", &input];
        fixed.iter().chain(more).map(|&argument| argument.to_owned()).collect::<Vec<String>>()
    };
    fails(run(&text(&alerts()), &[]), scratch, &["alerts.wasm", "which keys its records belong to"]);
    fails(run(&text(&delays()), &["--output", "out.ndjson"]), scratch, &["has no outputs", "cluster export"]);
    fails(run(&text(&delays()), &["--time-column", "when"]), &bench.path("in"), &["no column when"]);
    fs::write(bench.path("hosts"), "127.0.0.1\n").expect("it writes");
    let hosts = text(&bench.path("hosts"));
    fails(run(&text(&delays()), &["--hosts", &hosts, "--process", "0"]), scratch, &["hosts", "HOST:PORT"]);
    fs::write(bench.path("hosts"), "127.0.0.1:1\n").expect("it writes");
    fails(run(&text(&delays()), &["--hosts", &hosts, "--process", "1"]), scratch, &["no process 1"]);
    for command in [&["status"][..], &["rescale", "--workers", "2"], &["gc"], &["claim"]] {
        let missing = text(&bench.path("nothing"));
        let arguments = [&["cluster"], command, &["--job", &missing]].concat();
        fails(arguments, scratch, &["there is no job", "alluvium cluster run"]);
    }
    let resume = alluvium(run(&text(&delays()), &["--resume", "skip"]));
    assert!(
        resume.code == Some(2) && resume.err.contains("--resume"),
        "a job continues where its log says: {resume:?}"
    );
    let letters = format!("dead-letter={}", bench.path("in/letters").display());
    fails(run(&text(&delays()), &["--on-error", &letters]), &bench.path("in"), &["would be read", "elsewhere"]);
    let other = run(&text(&delays()), &["--input", "flights=elsewhere.csv"]);
    fails(other, scratch, &["connected twice"]);
    fails(run(&text(&delays()), &["--input", "flights="]), scratch, &["--input flights=", "names nothing"]);
    fails(run(&text(&delays()), &["--param", "a=1", "--param", "a=2"]), scratch, &["sets a twice"]);
}

#[test]
fn a_process_shows_the_job_while_it_runs() {
    let bench = Bench::new();
    let input = partitions(&bench, 2);
    let job = text(&bench.path("job"));
    let more = ["--follow", "--epoch-interval", "50", "--workers", "2", "--listen", "127.0.0.1:0", "--json"];
    let mut served = Served::of(Running::of(run_arguments(&job, &input, &more)));
    // Every flight of the month was counted, by one of the two workers.
    while served.run.wait_for("epoch")["records"] != 27_004 {}
    let (ready, why) = served.get("/ready");
    assert_eq!((ready, why.as_str()), (200, "ok\n"));
    assert_eq!(served.get("/health").0, 200);
    let metrics = served.wait_for("/metrics", "alluvium_job_workers 2.0");
    let value = |name: &str| -> u64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let line = line.unwrap_or_else(|| panic!("{name} is missing in\n{metrics}"));
        line.trim_end_matches(".0").parse().expect("a whole number")
    };
    let of_worker = |name: &str, worker: u32| value(&format!("alluvium_{name}{{worker=\"{worker}\"}}"));
    let of_workers = |name: &str| (0..2).map(|worker| of_worker(name, worker)).sum::<u64>();
    assert_eq!(of_workers("worker_records_total"), 27_004);
    assert_eq!(of_workers("worker_keys"), value("alluvium_job_keys"));
    assert_eq!((value("alluvium_ready"), value("alluvium_job_generation")), (1, 1));
    assert_eq!(value("alluvium_job_left_out_records_total"), 0);
    for partition in ["0.csv", "1.csv"] {
        let lag = format!("alluvium_job_input_lag_bytes{{input=\"flights\",partition=\"{partition}\"}}");
        assert!(metrics.contains(&format!("{lag} 0.0")), "{lag} is missing in\n{metrics}");
    }
    let page = served.get("/").1;
    for shown in ["alluvium cluster run", "Workers", "0.csv", "being read"] {
        assert!(page.contains(shown), "{shown} is missing in\n{page}");
    }
    served.run.signal(rustix::process::Signal::TERM);
    assert_eq!(served.run.end().0, Some(1), "it is stopped before the end of its inputs");
}
