//! Two writers on one directory: while one is anywhere in its work, another opens the directory, works
//! and continues. A superseded writer gets an error, and what the other one acknowledged stands.

use std::sync::{Arc, Mutex};

use alluvium_core::IncrementalCheckpointError as Error;
use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::gc;
use alluvium_core::tools::verify::verify;
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager};
use alluvium_test_harness::faulty::FaultyDirectory;
use alluvium_test_harness::{Expected, keep, open_with, options};

type Intruded = FaultyDirectory<MemoryDirectory>;

type Work = fn(&mut IncrementalCheckpointManager<Intruded>) -> Result<(), Error>;

/// What the stale writer is doing when the other one comes.
const WORKS: [(&str, Work); 6] = [
    ("a checkpoint", |manager| {
        manager.put(b"stale", b"was here")?;
        block_on(manager.create_checkpoint(10)).map(|_| ())
    }),
    ("a checkpoint without changes", |manager| block_on(manager.create_checkpoint(10)).map(|_| ())),
    ("a sync", |manager| {
        manager.put(b"stale", b"was here")?;
        block_on(manager.sync(10))
    }),
    ("a restore", |manager| block_on(manager.restore_checkpoint(1)).map(|_| ())),
    ("deleting the newest", |manager| block_on(manager.delete_checkpoint(3)).map(|_| ())),
    ("retention and garbage collection", |manager| {
        block_on(manager.cleanup_old_checkpoints_keep(1))?;
        block_on(manager.collect_garbage()).map(|_| ())
    }),
];

/// What the other writer does meanwhile.
const INTRUSIONS: [(&str, usize, bool); 4] =
    [("one checkpoint", 1, false), ("three checkpoints", 3, false), ("nothing but syncs", 0, true), ("both", 2, true)];

fn config() -> CheckpointConfig {
    keep(2)
}

fn start() -> Arc<MemoryDirectory> {
    let directory = alluvium_test_harness::empty();
    let mut manager = open_with(&directory, keep(10), options()).unwrap();
    for round in 0_u8..3 {
        manager.put(&[round], b"before both").unwrap();
        block_on(manager.create_checkpoint(u64::from(round))).unwrap();
    }
    directory
}

/// Does the newer writer's work on `directory`. What was acknowledged as durable goes into `acknowledged`.
fn intruder(
    directory: &Arc<MemoryDirectory>,
    number: u64,
    checkpoints: usize,
    syncs: bool,
    acknowledged: &Arc<Mutex<Option<Expected>>>,
) -> impl FnOnce() + Send + use<> {
    let (directory, acknowledged) = (Arc::clone(directory), Arc::clone(acknowledged));
    move || {
        let mut manager = open_with(&directory, config(), options().writer(number)).unwrap();
        for round in 0..checkpoints {
            manager.put(b"newer", &[round as u8]).unwrap();
            block_on(manager.create_checkpoint(100)).unwrap();
        }
        if syncs {
            manager.put(b"newer", b"synced").unwrap();
            block_on(manager.sync(101)).unwrap();
        }
        *acknowledged.lock().unwrap() = Some(Expected::of(&manager));
    }
}

#[test]
fn the_stale_writer_resumes_at_every_operation() {
    resumes(1, 2);
}

/// Without numbers of their own, the two call their files the same.
#[test]
fn a_stale_writer_without_a_number_resumes_at_every_operation() {
    resumes(0, 0);
}

/// Lets a stale writer with the number `stale` resume after one with the number `newer`.
fn resumes(stale_number: u64, newer_number: u64) {
    let mut interleavings = 0;
    for (work_name, work) in WORKS {
        for (intrusion_name, checkpoints, syncs) in INTRUSIONS {
            for call in 0.. {
                let acknowledged = Arc::new(Mutex::new(None));
                let inner = start();
                let directory = Arc::new(Intruded::over(Arc::clone(&inner)));
                let mut stale = open_with(&directory, config(), options().writer(stale_number)).unwrap();
                directory.before_call(call, intruder(&inner, newer_number, checkpoints, syncs, &acknowledged));
                let outcome = work(&mut stale);
                let Some(acknowledged) = acknowledged.lock().unwrap().clone() else { break };
                let place = format!("{work_name}, {intrusion_name} before call {call}: {outcome:?}");
                check(&inner, &acknowledged, &outcome, &place);
                // From here on every operation of the stale writer fails, and changes nothing.
                stale.put(b"stale", b"again").unwrap();
                let again = block_on(stale.create_checkpoint(1_000));
                assert!(matches!(again, Err(Error::Fenced(_))), "{place}, then {again:?}");
                let _ = block_on(stale.collect_garbage());
                check(&inner, &acknowledged, &outcome, &place);
                interleavings += 1;
            }
        }
    }
    println!("{interleavings} interleavings, 0 violations");
    assert!(interleavings > 60, "only {interleavings}");
}

fn check(directory: &Arc<MemoryDirectory>, acknowledged: &Expected, outcome: &Result<(), Error>, place: &str) {
    if let Err(error) = outcome {
        assert!(matches!(error, Error::Fenced(_) | Error::NotFound(_)), "{place}");
    }
    let mut manager = open_with(directory, config(), options()).unwrap_or_else(|error| panic!("{place}: {error}"));
    assert_eq!(Expected::of(&manager), *acknowledged, "{place}: what was acknowledged last is there");
    let report = block_on(verify(&**directory)).unwrap();
    assert!(!report.is_damaged(), "{place}: {:?}", report.findings);
    // The newer one continues without noticing. It works on a copy, so that the directory can be examined twice.
    let copy = alluvium_test_harness::memory(directory.to_files());
    manager = open_with(&copy, config(), options()).unwrap();
    manager.put(b"newer", b"goes on").unwrap();
    block_on(manager.create_checkpoint(2_000)).unwrap_or_else(|error| panic!("{place}: {error}"));
    block_on(manager.collect_garbage()).unwrap();
    let plan = block_on(gc::plan(&*copy, None)).unwrap();
    assert!(plan.files.iter().all(|verdict| verdict.keep), "{place}: {plan:?}");
    assert_eq!(Expected::of(&open_with(&copy, config(), options()).unwrap()), Expected::of(&manager), "{place}");
}
