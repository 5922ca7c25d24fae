//! The freeze: the stream never waits for what is written behind it. Each time that the write asks for memory, it is
//! held there, and another thread freezes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use alluvium_core::directory::{Directory, MemoryDirectory, NewFile, block_on};
use alluvium_core::{IncrementalCheckpointError as Error, IncrementalCheckpointManager};
use alluvium_test_harness::allocation::watched;
use alluvium_test_harness::{checkpoint, keep, memory, open_with, options};

type Manager = IncrementalCheckpointManager<MemoryDirectory>;

/// How long a thread that was to continue is waited for, before it counts as stuck. Nothing waits so long otherwise.
const STUCK: Duration = Duration::from_secs(20);

/// A manager with checkpoints and changes.
fn scene() -> Manager {
    let config = keep(2).with_max_in_flight(2).with_recovery_read_ratio(1.1);
    let mut manager = open_with(&memory([].into()), config, options()).unwrap();
    for round in 0..4_u8 {
        manager.put(&[round % 2], &vec![round; 100_000]).unwrap();
        checkpoint(&mut manager);
    }
    manager.put(b"changed", b"later").unwrap();
    manager
}

/// When a write is stopped: when it asks for `at_least` so many bytes for the `nth` time.
#[derive(Clone, Copy)]
struct Stop {
    nth: usize,
    at_least: usize,
}

/// Runs `write`, and stops it until `meanwhile` has come to its end in another thread. Returns whether there was
/// such a moment.
fn stopped_at<T>(Stop { nth, at_least }: Stop, write: impl FnOnce() -> T, meanwhile: impl FnOnce() + Send) -> bool {
    let (stopped, at_the_stop) = channel::<()>();
    let (done, go_on) = channel::<()>();
    let count = Arc::new(AtomicUsize::new(0));
    let outcome = Arc::new(Mutex::new(Ok(())));
    thread::scope(|scope| {
        scope.spawn(move || {
            // If there is no such moment, the sender is dropped.
            if at_the_stop.recv().is_ok() {
                meanwhile();
                let _ = done.send(());
            }
        });
        let watcher = {
            let (count, outcome) = (count.clone(), outcome.clone());
            move |bytes| {
                if bytes >= at_least && count.fetch_add(1, Ordering::Relaxed) == nth {
                    let _ = stopped.send(());
                    *outcome.lock().unwrap() = go_on.recv_timeout(STUCK);
                }
            }
        };
        drop(watched(watcher, write));
    });
    assert_eq!(*outcome.lock().unwrap(), Ok::<(), RecvTimeoutError>(()), "it waited at the {nth}th time");
    count.load(Ordering::Relaxed) > nth
}

/// Holds every stop of a write to `meanwhile`. `begin` returns the write.
fn at_every_stop<T, W: FnOnce() -> T>(begin: impl Fn(&mut Manager) -> W, meanwhile: impl Fn(&mut Manager) + Sync) {
    for nth in 0.. {
        let mut manager = scene();
        let write = begin(&mut manager);
        if !stopped_at(Stop { nth, at_least: 0 }, write, || meanwhile(&mut manager)) {
            assert!(nth > 20, "there were {nth} stops");
            return;
        }
    }
}

#[test]
fn a_checkpoint_is_prepared_while_another_one_is_written() {
    let begin = |manager: &mut Manager| {
        let prepared = manager.prepare_checkpoint(0).unwrap();
        move || block_on(prepared.write()).unwrap()
    };
    at_every_stop(begin, |manager| drop(manager.prepare_checkpoint(0).unwrap()));
}

#[test]
fn a_wal_file_is_prepared_or_refused_at_once_while_a_checkpoint_is_written() {
    let begin = |manager: &mut Manager| {
        let prepared = manager.prepare_checkpoint(0).unwrap();
        move || block_on(prepared.write()).unwrap()
    };
    at_every_stop(begin, |manager| match manager.prepare_sync(0) {
        Ok(_) | Err(Error::BufferOverflow(_)) => {}
        Err(error) => panic!("{error}"),
    });
}

#[test]
fn both_are_prepared_while_a_wal_file_is_written() {
    let begin = |manager: &mut Manager| {
        let prepared = manager.prepare_sync(0).unwrap().unwrap();
        manager.put(b"changed", b"again").unwrap();
        move || block_on(prepared.write()).unwrap()
    };
    at_every_stop(begin, |manager| {
        assert!(manager.prepare_sync(0).unwrap().is_some());
        drop(manager.prepare_checkpoint(0).unwrap());
    });
}

#[test]
fn both_are_prepared_while_maintenance_compacts() {
    let begin = |manager: &mut Manager| {
        let written = block_on(manager.prepare_checkpoint(0).unwrap().write()).unwrap();
        let maintenance = manager.finish_checkpoint(written).unwrap().maintenance;
        manager.put(b"changed", b"again").unwrap();
        move || block_on(maintenance.run())
    };
    at_every_stop(begin, |manager| {
        assert!(manager.prepare_sync(0).unwrap().is_some());
        drop(manager.prepare_checkpoint(0).unwrap());
    });
}

#[test]
fn a_wal_file_is_written_while_maintenance_decides_about_many_files() {
    let scattered = || {
        let mut manager = open_with(&memory([].into()), keep(2), options()).unwrap();
        checkpoint(&mut manager);
        let left = |number: u64| NewFile { path: format!("segments/{number:016x}.delta"), content: vec![1] };
        block_on(manager.directory().create((1_000..6_000).map(left).collect())).unwrap();
        open_with(manager.directory(), keep(2), options()).unwrap()
    };
    for nth in 0.. {
        let mut manager = scattered();
        let written = block_on(manager.prepare_checkpoint(0).unwrap().write()).unwrap();
        let maintenance = manager.finish_checkpoint(written).unwrap().maintenance;
        manager.put(b"changed", b"later").unwrap();
        let sync = manager.prepare_sync(0).unwrap().unwrap();
        // What takes so much memory grows with the directory.
        let stop = Stop { nth, at_least: 100_000 };
        let run = || assert_eq!(block_on(maintenance.run()).deleted.len(), 5_000);
        if !stopped_at(stop, run, || drop(block_on(sync.write()).unwrap())) {
            assert!(nth > 1, "there were {nth} stops");
            return;
        }
    }
}
