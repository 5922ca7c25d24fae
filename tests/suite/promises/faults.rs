//! Crashes, damage and failures: never half, never silently.

use std::sync::Arc;

use alluvium_core::directory::{DirectoryErrorKind, Operation, block_on};
use alluvium_core::tools::verify::verify;
use alluvium_core::{IncrementalCheckpointError as Error, gc};
use alluvium_test_harness::faulty::{Fault, FaultyDirectory};
use alluvium_test_harness::golden::Golden;
use alluvium_test_harness::{Expected, Files, checkpoint, fresh_with, keep, memory, open, open_with, options};

use super::fill;

/// A directory with one acknowledged checkpoint and some changes on top, not yet checkpointed.
fn two_states() -> (Files, Expected, impl Fn(&Arc<FaultyDirectory>) -> Result<u64, Error>, Expected) {
    let (directory, mut manager) = fresh_with(keep(2));
    fill(&mut manager, 30, 'a');
    manager.set_source_offset("input", 30).unwrap();
    checkpoint(&mut manager);
    fill(&mut manager, 30, 'b');
    checkpoint(&mut manager);
    let before = Expected::of(&manager);
    let change = |directory: &Arc<FaultyDirectory>| {
        let mut manager = open_with(directory, keep(2), options())?;
        manager.put(b"key-000000000003", b"changed")?;
        manager.delete(b"key-000000000004")?;
        manager.set_epoch(5)?;
        manager.set_source_offset("input", 60)?;
        Ok(block_on(manager.create_checkpoint(60))?.id)
    };
    let after = {
        let directory = Arc::new(FaultyDirectory::holding(directory.to_files()));
        change(&directory).unwrap();
        Expected::of(&open_with(&directory, keep(2), options()).unwrap())
    };
    (directory.to_files(), before, change, after)
}

#[test]
fn a_crash_anywhere_in_a_checkpoint_leaves_the_one_before_or_the_whole_new_one() {
    let (files, before, change, after) = two_states();
    let mut crashes = 0;
    for operation in [Operation::Create, Operation::Delete, Operation::Read, Operation::List] {
        for nth in 0..20 {
            let mut reached = false;
            for done in 0..8 {
                let directory = Arc::new(FaultyDirectory::holding(files.clone()));
                directory.plan(Fault::crash(operation, nth, done));
                let acknowledged = change(&directory).is_ok();
                reached |= directory.has_failed();
                directory.revive();
                let manager = open_with(&directory, keep(2), options()).unwrap();
                let found = Expected::of(&manager);
                let place = format!("crash in {operation} {nth} after {done} files");
                assert!(found == after || (found == before && !acknowledged), "{place}: neither before nor after");
                drop(manager);
                // The directory stays usable: after two more checkpoints nothing of the crash is left.
                let mut manager = open_with(&directory, keep(2), options()).unwrap();
                checkpoint(&mut manager);
                checkpoint(&mut manager);
                block_on(manager.collect_garbage()).unwrap();
                assert_eq!(Expected::of(&open_with(&directory, keep(2), options()).unwrap()), found, "{place}");
                let plan = block_on(gc::plan(&*directory, None)).unwrap();
                assert!(plan.files.iter().all(|verdict| verdict.keep), "{place}: {plan:?}");
                crashes += 1;
            }
            if !reached {
                break;
            }
        }
    }
    println!("{crashes} crashes, 0 violations");
    assert!(crashes >= 4 * 8);
}

#[test]
fn damage_is_an_error_that_names_file_and_place() {
    let golden = Golden::named("small");
    let path = golden.files.keys().find(|path| path.ends_with(".base")).unwrap();
    let mut files = golden.files.clone();
    files.get_mut(path).unwrap()[80] ^= 1;
    let error = open(&memory(files)).map(|_| ()).unwrap_err();
    assert!(matches!(&error, Error::CrcMismatch { place, offset: 72, .. } if place == path), "{error:?}");
}

#[test]
fn a_torn_newest_checkpoint_is_reported_and_passed_over_only_when_allowed() {
    let golden = Golden::named("deltas");
    let (newest, before) = (golden.latest(), golden.latest() - 1);
    let path = format!("checkpoint_{newest:016x}/metadata.json");
    let mut files = golden.files.clone();
    files.get_mut(&path).unwrap().truncate(131);
    let directory = memory(files);
    let error = open(&directory).map(|_| ()).unwrap_err();
    assert!(error.is_corruption() && error.to_string().contains(&path), "{error:?}");
    let manager = open_with(&directory, keep(10), options().allow_fallback(true)).unwrap();
    assert_eq!(Expected::of(&manager), golden.checkpoints[&before]);
    let recovered = manager.recovered().unwrap();
    assert_eq!((recovered.checkpoint_id, recovered.skipped.len(), recovered.skipped[0].id), (before, 1, newest));
    assert!(recovered.skipped[0].reason.contains(&path), "{:?}", recovered.skipped);
}

#[test]
fn deleting_un_publishes_first_and_reclaims_after() {
    let golden = Golden::named("opaque");
    for id in golden.checkpoints.keys() {
        for nth in 0..6 {
            for done in 0..4 {
                let directory = Arc::new(FaultyDirectory::holding(golden.files.clone()));
                let mut manager = open_with(&directory, keep(10), options()).unwrap();
                directory.plan(Fault::crash(Operation::Delete, nth, done));
                let _ = block_on(manager.delete_checkpoint(*id));
                directory.revive();
                // Whatever is still listed is whole: never metadata without its state.
                let report = block_on(verify(&*directory)).unwrap();
                assert!(!report.is_damaged(), "delete {id}, crash in delete {nth} after {done}: {:?}", report.findings);
                let manager = open_with(&directory, keep(10), options()).unwrap();
                for metadata in block_on(manager.list_checkpoints()).unwrap() {
                    assert!(block_on(manager.load_checkpoint_state(metadata.id)).is_ok());
                }
            }
        }
    }
}

#[test]
fn the_commit_stands_when_cleanup_fails_and_cleanup_is_tried_again() {
    let directory = Arc::new(FaultyDirectory::default());
    let mut manager = open_with(&directory, keep(1), options()).unwrap();
    for round in 0..4_u8 {
        manager.put(b"round", &[round]).unwrap();
        directory.plan(Fault::once(Operation::Delete, DirectoryErrorKind::Io));
        let created = block_on(manager.create_checkpoint(u64::from(round)));
        assert!(created.is_ok(), "round {round}: {created:?}");
        directory.revive();
    }
    assert_eq!(manager.latest_checkpoint_id(), Some(4));
    checkpoint(&mut manager);
    block_on(manager.cleanup_old_checkpoints()).unwrap();
    let listed = block_on(manager.list_checkpoints()).unwrap();
    assert_eq!(listed.iter().map(|each| each.id).collect::<Vec<_>>(), [5]);
    block_on(manager.collect_garbage()).unwrap();
    let plan = block_on(gc::plan(&*directory, None)).unwrap();
    assert!(plan.files.iter().all(|verdict| verdict.keep), "{plan:?}");
}

#[test]
fn a_failed_cleanup_is_reported_apart() {
    let directory = Arc::new(FaultyDirectory::default());
    let mut manager = open_with(&directory, keep(1), options()).unwrap();
    checkpoint(&mut manager);
    let prepared = manager.prepare_checkpoint(0).unwrap();
    let written = block_on(prepared.write()).unwrap();
    let finished = manager.finish_checkpoint(written).unwrap();
    assert_eq!(finished.metadata.id, 2);
    directory.plan(Fault::once(Operation::Delete, DirectoryErrorKind::Io));
    let report = block_on(finished.maintenance.run());
    assert_eq!(report.errors.len(), 1, "{report:?}");
    assert!(report.errors[0].contains("as planned by the test"), "{report:?}");
}

#[test]
fn after_a_failed_write_the_manager_refuses_until_it_is_reopened() {
    for kind in [DirectoryErrorKind::Io, DirectoryErrorKind::NoSpace] {
        let directory = Arc::new(FaultyDirectory::default());
        let mut manager = open_with(&directory, keep(3), options()).unwrap();
        manager.put(b"bed", b"gravel").unwrap();
        block_on(manager.create_checkpoint(0)).unwrap();
        manager.put(b"bed", b"sand").unwrap();
        directory.plan(Fault::once(Operation::Create, kind));
        let error = block_on(manager.create_checkpoint(0)).unwrap_err();
        assert!(matches!(&error, Error::Io(error) if error.kind() == kind), "{error:?}");
        let error = block_on(manager.create_checkpoint(0)).unwrap_err();
        assert!(matches!(error, Error::Poisoned(_)), "{error:?}");
        let mut manager = open_with(&directory, keep(3), options()).unwrap();
        assert_eq!(manager.get(b"bed"), Some(b"gravel".as_slice()));
        checkpoint(&mut manager);
    }
}
