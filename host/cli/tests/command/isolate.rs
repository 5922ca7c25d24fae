//! `alluvium run --isolate`: the plugin in a process of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde_json::Value;

use crate::support::{Bench, FLIGHTS, alerts, alluvium, command, files, flights, ok, some_rows, sum, text};

/// The lengths of the segments of a run, by their numbers and kinds. The number of their writer and the id of their
/// directory are drawn for each; with those given, a test of the library compares every byte.
fn segments(bench: &Bench) -> BTreeMap<(String, String), usize> {
    let named = |(path, content): (PathBuf, Vec<u8>)| {
        let name = path.file_name()?.to_str()?;
        let ((number, _), (_, kind)) = (name.split_once('-')?, name.split_once('.')?);
        path.parent()?.ends_with("segments").then(|| ((number.to_owned(), kind.to_owned()), content.len()))
    };
    files(&bench.dir()).into_iter().filter_map(named).collect()
}

/// A plugin over the flights in two benches, without `--isolate` and with it.
fn both(plugin: &Path, more: &[&str]) -> [Bench; 2] {
    [&[][..], &["--isolate"]].map(|isolate: &[&str]| {
        let bench = Bench::new();
        let (plugin, dir, input) = (text(plugin), bench.dir_text(), text(&flights()));
        let output = text(&bench.path("output"));
        let fixed = ["run", &plugin, "--dir", &dir, "--input", &input, "--output", &output];
        ok(fixed.iter().chain(more).chain(isolate));
        bench
    })
}

#[test]
fn state_results_and_emissions_are_the_same() {
    for (plugin, more) in [
        (crate::support::delays(), &["--checkpoint-every", "1000", "--sync-every", "300"][..]),
        (alerts(), &["--checkpoint-every", "5000"]),
    ] {
        let [here, isolated] = both(&plugin, more);
        assert!(here.dump() == isolated.dump(), "the same state");
        let output = |bench: &Bench| fs::read(bench.path("output")).expect("the output");
        assert!(!output(&here).is_empty() && output(&here) == output(&isolated), "the same output");
        isolated.assert_whole();
        let (here, isolated) = (segments(&here), segments(&isolated));
        assert!(here.len() > 2, "{:?}", here.keys());
        assert_eq!(here, isolated);
    }
}

#[test]
fn each_continues_what_the_other_began() {
    let (whole, bench) = (Bench::new(), Bench::new());
    let results = ok(whole.run_arguments(&[]));
    for (part, more) in [("5000", &["--isolate"][..]), ("7000", &[]), ("9000", &["--isolate"])] {
        ok(bench.run_arguments(&[&["--stop-after", part], more].concat()));
    }
    assert_eq!(ok(bench.run_arguments(&["--isolate"])), results);
    assert!(bench.dump() == whole.dump(), "the same state");
}

/// A run over an input that does not end, after three checkpoints.
fn begun(bench: &Bench) -> (Child, impl Iterator<Item = Value> + use<>) {
    let mut child = command(bench.run_over("-".as_ref(), &["--json", "--checkpoint-every", "500", "--isolate"]))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.as_mut().expect("a pipe").write_all(some_rows(1_600).as_bytes()).expect("it reads");
    let err = BufReader::new(child.stderr.take().expect("a pipe"));
    // An error is for people.
    let mut events = err.lines().map_while(|line| serde_json::from_str::<Value>(&line.expect("a line")).ok());
    assert!(events.by_ref().any(|event| event["event"] == "checkpoint" && event["records"] == 1_500));
    (child, events)
}

/// The worker of a run: its child that is not a compiler.
fn worker_of(run: &Child) -> Pid {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_worker = |pid: i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let parent: u32 = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        let arguments = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
        (parent == run.id() && arguments.ends_with("\0worker\0")).then_some(())
    };
    Pid::from_raw(numbers.find(|&pid| is_worker(pid).is_some()).expect("a worker")).expect("a number")
}

#[test]
fn a_run_that_is_killed_takes_its_worker_along_and_is_continued() {
    let bench = Bench::new();
    let (mut run, _events) = begun(&bench);
    let ended = pidfd_open(worker_of(&run), PidfdFlags::empty()).expect("it is alive");
    run.kill().expect("a signal");
    run.wait().expect("its end");
    poll(&mut [PollFd::new(&ended, PollFlags::IN)], None).expect("it ends");
    bench.assert_whole();
    ok(bench.run_arguments(&["--isolate"]));
    assert_eq!(sum(&bench.dump(), "flights"), FLIGHTS);
}

#[test]
fn a_worker_that_is_killed_ends_the_run_which_is_continued() {
    let bench = Bench::new();
    let (mut run, events) = begun(&bench);
    kill_process(worker_of(&run), Signal::KILL).expect("it is alive");
    // The next record, or the end of the input, finds it gone.
    drop(run.stdin.take());
    let rest: Vec<Value> = events.collect();
    assert_eq!(run.wait().expect("its end").code(), Some(2), "{rest:?}");
    bench.assert_whole();
    ok(bench.run_arguments(&["--isolate"]));
    assert_eq!(sum(&bench.dump(), "flights"), FLIGHTS);
}

#[test]
fn an_interrupt_is_for_the_run_and_not_for_its_worker() {
    let bench = Bench::new();
    let (mut run, events) = begun(&bench);
    kill_process(Pid::from_child(&run), Signal::INT).expect("it is alive");
    let last = events.last().expect("a last event");
    assert_eq!((run.wait().expect("its end").code(), &last["event"]), (Some(1), &"interrupted".into()));
    bench.assert_whole();
}

#[test]
fn a_worker_that_nobody_asked_for_does_nothing() {
    let done = alluvium(["worker"]);
    assert_eq!((done.code, done.out.as_str()), (Some(2), ""));
    assert!(done.err.contains("only `alluvium run --isolate` starts it"), "{}", done.err);
}
