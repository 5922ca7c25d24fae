//! Workers that die, hang or lose their host.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use alluvium::NativeDirectory;
use alluvium_core::model::stop::Stop;
use alluvium_host::{Cache, Host, HostOptions, Limit, Limits, Plugin, PluginOptions, RuntimeError, WorkerProcess};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use super::program::{HOST, WORKER};
use super::{isolated, worker};
use crate::support::{BRIEF, Bench, delays, engine, files, flights, header, refused};

/// The child of a process that has this directory open.
fn worker_in(directory: &Path, host: u32) -> Pid {
    let directory = directory.canonicalize().expect("a directory");
    let is_worker = |pid: i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let parent: u32 = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        // Between two programs, any child has what its parent has open.
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let works = arguments.split(|&byte| byte == 0).any(|argument| argument == WORKER.as_bytes());
        (parent == host && works).then_some(())
    };
    let has_it_open = |pid: i32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| target == directory)
    };
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let worker = numbers.find(|&pid| is_worker(pid).is_some() && has_it_open(pid)).expect("a worker");
    Pid::from_raw(worker).expect("a number")
}

fn begun(bench: &Bench, limits: Limits, worker: WorkerProcess) -> Plugin {
    let host = bench.host.isolated(worker).expect("a wall");
    let options = PluginOptions { limits: Some(limits), ..PluginOptions::default() };
    let mut plugin = host.start(&host.load(delays()).unwrap(), bench.path("one"), &options).expect("it starts");
    plugin.begin(0, &header()).unwrap();
    plugin.feed(0, &flights(0, 100)).unwrap();
    plugin.set_source_offset("input", 100).unwrap();
    plugin.checkpoint().unwrap();
    plugin
}

/// It is gone, and what was durable is there.
#[track_caller]
fn check_restarts(
    bench: &Bench,
    mut plugin: Plugin,
    before: &impl PartialEq<std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>>,
) {
    assert!(!plugin.is_running());
    assert!(matches!(refused(plugin.feed(0, &flights(2, 1))), RuntimeError::Ended { .. }));
    assert!(*before == files(&bench.path("one")), "the last checkpoint is intact");
    plugin.restart().expect("another worker");
    assert_eq!(plugin.source_offset("input").unwrap(), Some(100));
    plugin.feed(0, &flights(100, 100)).unwrap();
    assert_eq!(plugin.checkpoint().unwrap().info.id, 2);
}

#[test]
fn a_worker_that_is_killed_ends_its_plugin_and_no_other() {
    let bench = Bench::new();
    let mut neighbour = isolated(&bench.host)
        .start(&bench.host.load(delays()).unwrap(), bench.path("two"), &PluginOptions::default())
        .unwrap();
    for (signal, name) in [(Signal::KILL, "SIGKILL"), (Signal::SYS, "SIGSYS"), (Signal::ABORT, "SIGABRT")] {
        let _ = fs::remove_dir_all(bench.path("one"));
        let mut plugin = begun(&bench, Limits::default(), worker());
        let before = files(&bench.path("one"));
        plugin.feed(0, &flights(100, 10)).unwrap();
        let process = worker_in(&bench.path("one"), std::process::id());
        let ended = pidfd_open(process, PidfdFlags::empty()).expect("it is alive");
        kill_process(process, signal).expect("it is alive");
        // A signal is sent before it is taken.
        poll(&mut [PollFd::new(&ended, PollFlags::IN)], None).expect("it ends");
        let error = refused(plugin.checkpoint().and_then(|_| plugin.checkpoint()));
        assert!(matches!(error, RuntimeError::Trap { who: "the worker process", .. }) && error.is_end(), "{error}");
        assert!(error.to_string().contains(name), "{error}");
        check_restarts(&bench, plugin, &before);
    }
    neighbour.begin(0, &header()).unwrap();
    neighbour.feed(0, &flights(0, 10)).unwrap();
    neighbour.checkpoint().unwrap();
}

/// Has a process stand still.
fn hold(process: Pid) {
    kill_process(process, Signal::STOP).expect("it is alive");
    let threads = || fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero())).expect("threads").flatten();
    let stands = |thread: fs::DirEntry| {
        let stat = fs::read_to_string(thread.path().join("stat")).expect("its state");
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
    };
    // A signal is sent before it is taken, by one thread after the other.
    while !threads().all(stands) {
        std::thread::yield_now();
    }
}

#[test]
fn a_worker_that_does_not_answer_in_time_is_killed() {
    let bench = Bench::new();
    let limits = Limits { plugin_call: BRIEF, ..Limits::default() };
    let mut plugin = begun(&bench, limits, WorkerProcess { grace: Duration::from_millis(300), ..worker() });
    let before = files(&bench.path("one"));
    let process = worker_in(&bench.path("one"), std::process::id());
    let ended = pidfd_open(process, PidfdFlags::empty()).expect("it is alive");
    hold(process);
    let error = refused(plugin.feed(0, &flights(100, 10)));
    assert!(matches!(error, RuntimeError::Limit { who: "the worker process", limit: Limit::Time, .. }), "{error}");
    assert!(error.to_string().contains("within 1300 ms"), "{error}");
    poll(&mut [PollFd::new(&ended, PollFlags::IN)], None).expect("it ends");
    check_restarts(&bench, plugin, &before);
}

#[test]
fn what_is_asked_of_its_engine_ends_when_the_host_says_so() {
    let bench = Bench::new();
    let mut plugin = begun(&bench, Limits::default(), worker());
    let before = files(&bench.path("one"));
    let process = worker_in(&bench.path("one"), std::process::id());
    let ended = pidfd_open(process, PidfdFlags::empty()).expect("it is alive");
    let mut stop_after = |asked: u32| {
        let counted = AtomicU32::new(0);
        let stop = Stop::new(move || counted.fetch_add(1, Ordering::Relaxed) >= asked);
        plugin.with_engine(|engine| {
            engine.stop_when(Some(stop));
            engine.len(0)
        })
    };
    assert!(stop_after(u32::MAX).expect("it says nothing") > 0);
    // It says so when the question is on its way: the worker, which stands still, does not answer.
    hold(process);
    let error = refused(stop_after(10));
    assert!(matches!(error, RuntimeError::Limit { limit: Limit::Time, .. }), "{error}");
    assert!(error.to_string().contains("what it asked of the engine"), "{error}");
    poll(&mut [PollFd::new(&ended, PollFlags::IN)], None).expect("it ends");
    check_restarts(&bench, plugin, &before);
}

/// `DIRECTORY`: feeds an isolated plugin until this process is killed.
pub(super) fn feed_for_ever(arguments: &[OsString]) -> i32 {
    let cache = Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    let host = isolated(&Host::new(engine(), HostOptions { cache, ..HostOptions::default() }).expect("a host"));
    let code = host.load(delays()).expect("it loads");
    let mut plugin = host.start(&code, &arguments[0], &PluginOptions::default()).expect("it starts");
    plugin.begin(0, &header()).expect("it begins");
    for batch in 0.. {
        plugin.feed(0, &flights(batch * 10, 10)).expect("a batch");
        plugin.set_source_offset("input", (batch + 1) * 10).expect("an offset");
        let id = plugin.checkpoint().expect("a checkpoint").info.id;
        println!("{id}");
    }
    0
}

#[test]
fn a_worker_ends_with_its_host() {
    let bench = Bench::new();
    let mut host = Command::new(std::env::current_exe().expect("this program"))
        .arg(HOST)
        .arg(bench.path("one"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(host.stdout.take().expect("a pipe")).lines();
    let third = lines.nth(2).expect("three checkpoints").expect("text");
    assert_eq!(third, "3");
    let ended = pidfd_open(worker_in(&bench.path("one"), host.id()), PidfdFlags::empty()).expect("it is alive");
    host.kill().expect("a signal");
    host.wait().expect("its end");
    poll(&mut [PollFd::new(&ended, PollFlags::IN)], None).expect("it ends");
    // The lock went with the last of the two.
    NativeDirectory::open_exclusive(bench.path("one")).expect("no other writer");
    assert!(bench.state("one").contains_key(&b"UA:EWR-IAH"[..]));
}

#[test]
fn the_host_itself_counts_what_is_on_the_disk() {
    let bench = Bench::new();
    let mut plugin = begun(&bench, Limits { disk_bytes: 1 << 20, ..Limits::default() }, worker());
    let before = files(&bench.path("one"));
    // As a worker would that holds itself to nothing.
    fs::write(bench.path("one/much"), vec![1; 1 << 20]).expect("it writes");
    let error = refused(plugin.checkpoint());
    assert!(matches!(error, RuntimeError::Limit { limit: Limit::DiskBytes, .. }), "{error}");
    assert!(error.to_string().contains("its files are more than 1048576 bytes"), "{error}");
    fs::remove_file(bench.path("one/much")).expect("it is there");
    check_restarts(&bench, plugin, &before);
}
