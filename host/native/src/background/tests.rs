use std::sync::Arc;

use super::*;
use crate::NativeDirectory;
use crate::SystemClock;
#[cfg(target_os = "linux")]
use crate::scheduling::tests::class_of;
use alluvium_core::directory::MemoryDirectory;
use alluvium_core::{CheckpointConfig, Clock, OpenOptions};

type Manager = IncrementalCheckpointManager<NativeDirectory>;

fn open(directory: &Arc<NativeDirectory>, config: CheckpointConfig) -> Manager {
    block_on(Manager::open(directory.clone(), config, OpenOptions::new(Arc::new(SystemClock::new())).create(true)))
        .unwrap()
}

#[test]
fn every_checkpoint_holds_what_was_put_before_it_and_nothing_after() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = Arc::new(NativeDirectory::open_exclusive(scratch.path()).unwrap());
    let mut manager = open(&directory, CheckpointConfig::new().with_max_retained(100).with_max_in_flight(3));
    let mut writer = BackgroundWriter::start();
    let mut durable = Vec::new();
    for n in 0..40u32 {
        manager.put(b"n", &n.to_le_bytes()).unwrap();
        manager.put(&n.to_le_bytes(), &[0; 1_000]).unwrap();
        manager.set_source_offset("input", u64::from(n)).unwrap();
        loop {
            match writer.checkpoint(&mut manager, u64::from(n)) {
                Ok(_) => break,
                Err(Error::BufferOverflow(_)) => durable.extend(writer.wait(&mut manager).unwrap()),
                Err(error) => panic!("{error}"),
            }
        }
        durable.extend(writer.poll(&mut manager).unwrap());
    }
    durable.extend(writer.wait(&mut manager).unwrap());
    assert_eq!(durable.iter().map(|done| done.metadata.id).collect::<Vec<_>>(), (1..=40).collect::<Vec<_>>());
    while let Some(report) = writer.next_report() {
        assert_eq!(report.errors, Vec::<String>::new());
    }
    for done in durable {
        let options = alluvium_core::recovery::RecoverOptions::new().checkpoint(Some(done.metadata.id));
        let recovered = block_on(alluvium_core::recovery::recover(&*directory, &options)).unwrap().unwrap();
        let n = recovered.metadata.source_offsets["input"];
        assert_eq!(recovered.state.get(b"n"), Some(&n.to_le_bytes()[..4]));
        assert_eq!(recovered.state.len() as u64, n + 2);
    }
}

/// It would interrupt the stream otherwise, in order to write what the stream has handed over.
#[test]
#[cfg(target_os = "linux")]
fn its_thread_takes_no_core_from_the_stream() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = Arc::new(NativeDirectory::open_exclusive(scratch.path()).unwrap());
    let mut manager = open(&directory, CheckpointConfig::new());
    let mut writer = BackgroundWriter::start();
    writer.checkpoint(&mut manager, 0).unwrap();
    writer.wait(&mut manager).unwrap();
    // Other tests have such threads too, and some of those may not have begun yet.
    let threads = std::fs::read_dir("/proc/self/task").unwrap().map(|thread| thread.unwrap().path());
    let is_writer = |thread: &std::path::PathBuf| {
        std::fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.trim() == "checkpoints")
    };
    let classes: Vec<_> = threads.filter(is_writer).map(|thread| class_of(&thread)).collect();
    assert!(classes.contains(&Some(libc::SCHED_BATCH)), "{classes:?}");
}

#[test]
fn dropping_it_waits_for_what_was_started() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = Arc::new(NativeDirectory::open_exclusive(scratch.path()).unwrap());
    let mut manager = open(&directory, CheckpointConfig::new());
    let mut writer = BackgroundWriter::start();
    manager.put(b"key", b"value").unwrap();
    writer.checkpoint(&mut manager, 0).unwrap();
    drop(writer);
    assert_eq!(open(&directory, CheckpointConfig::new()).get(b"key"), Some(&b"value"[..]));
}

#[test]
#[ignore = "run by the next test, in a process that may start no thread"]
fn without_a_thread_the_caller_does_the_work() {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let scratch = tempfile::tempdir().unwrap();
    let directory = Arc::new(NativeDirectory::open_exclusive(scratch.path()).unwrap());
    let mut manager = open(&directory, CheckpointConfig::new());
    setrlimit(Resource::Nproc, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
    assert!(std::thread::Builder::new().spawn(|| ()).is_err(), "the limit has no effect");
    let mut writer = BackgroundWriter::start();
    for n in 0..3 {
        manager.put(b"key", &[n]).unwrap();
        writer.checkpoint(&mut manager, u64::from(n)).unwrap();
        assert_eq!(writer.wait(&mut manager).unwrap().len(), 1);
        assert!(writer.next_report().is_some());
    }
    drop(writer);
    assert_eq!(open(&directory, CheckpointConfig::new()).get(b"key"), Some(&[2][..]));
}

#[test]
#[cfg(target_os = "linux")]
fn a_refused_thread_stops_nothing() {
    use std::os::unix::process::CommandExt;

    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    let name = "background::tests::without_a_thread_the_caller_does_the_work";
    command.args(["--exact", name, "--ignored", "--test-threads=1"]);
    if rustix::process::geteuid().is_root() {
        // The limit is not for root, and counts what all processes of a user have.
        command.uid(50_772).gid(50_772);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
}

/// A clock that panics on the thread that writes.
struct Faulty(SystemClock);

impl Clock for Faulty {
    fn unix_ms(&self) -> u64 {
        self.0.unix_ms()
    }
    fn monotonic_us(&self) -> u64 {
        assert_ne!(std::thread::current().name(), Some("checkpoints"), "a fault of the thread");
        self.0.monotonic_us()
    }
}

#[test]
fn a_thread_that_panicked_is_an_error_for_one_who_polls() {
    let options = OpenOptions::new(Arc::new(Faulty(SystemClock::new()))).create(true);
    let directory = Arc::new(MemoryDirectory::new());
    let opened = IncrementalCheckpointManager::open(directory, CheckpointConfig::new(), options);
    let mut manager = block_on(opened).unwrap();
    let mut writer = BackgroundWriter::start();
    writer.checkpoint(&mut manager, 0).unwrap();
    let error = loop {
        match writer.poll(&mut manager) {
            Ok(finished) => assert!(finished.is_empty()),
            Err(error) => break error,
        }
        std::thread::yield_now();
    };
    assert!(matches!(error, Error::Poisoned(_)), "{error}");
}
