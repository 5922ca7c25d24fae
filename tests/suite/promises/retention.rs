//! What stays and what goes.

use std::sync::Arc;

use alluvium_core::directory::{Operation, block_on};
use alluvium_core::{IncrementalCheckpointError as Error, gc};
use alluvium_test_harness::faulty::FaultyDirectory;
use alluvium_test_harness::golden::Golden;
use alluvium_test_harness::{Expected, checkpoint, fresh, fresh_with, keep, memory, open, open_with, options};

use super::fill;

#[test]
fn retention_goes_by_reachability() {
    let (directory, mut manager) = fresh_with(keep(2));
    fill(&mut manager, 200, 'a');
    for round in 0_u8..10 {
        manager.put(b"round", &[round]).unwrap();
        checkpoint(&mut manager);
        let files = directory.to_files();
        for metadata in block_on(manager.list_checkpoints()).unwrap() {
            for path in metadata.files() {
                assert!(files.contains_key(&path), "round {round}: checkpoint {} needs {path}", metadata.id);
            }
            let reopened = open_with(&directory, keep(2), options().checkpoint(Some(metadata.id))).unwrap();
            assert_eq!(reopened.len(), 201);
        }
    }
}

#[test]
fn leftovers_are_reclaimed_and_foreign_files_are_not() {
    let golden = Golden::named("deltas");
    let mut files = golden.files.clone();
    let leftovers =
        ["segments/00000000000000aa.delta", "segments/00000000000000ab.base", "checkpoint_0000000000000007/state.bin"];
    let foreign =
        ["notes.txt", "segments/readme", "checkpoint_7/metadata.json", "segments/1.base", "other/segments.base"];
    for path in leftovers.iter().chain(&foreign) {
        files.insert((*path).to_string(), b"left here".to_vec());
    }
    let directory = memory(files);
    let plan = block_on(gc::plan(&*directory, None)).unwrap();
    for verdict in &plan.files {
        assert_eq!(!verdict.keep, leftovers.contains(&verdict.path.as_str()), "{verdict:?}");
        assert!(!verdict.why.is_empty());
    }
    let mut manager = open(&directory).unwrap();
    block_on(manager.collect_garbage()).unwrap();
    let after = directory.to_files();
    for path in leftovers {
        assert!(!after.contains_key(path), "{path} stays");
    }
    for path in foreign {
        assert!(after.contains_key(path), "{path} was not ours to delete");
    }
    for (id, expected) in &golden.checkpoints {
        let manager = open_with(&directory, keep(10), options().checkpoint(Some(*id))).unwrap();
        assert_eq!(Expected::of(&manager), *expected);
    }
    // Ids and numbers of leftovers are not given again while they may still be there.
    assert!(checkpoint(&mut manager) > 7);
}

#[test]
fn keeping_nothing_is_refused() {
    let (directory, mut manager) = fresh();
    checkpoint(&mut manager);
    let before = directory.to_files();
    let error = block_on(manager.cleanup_old_checkpoints_keep(0)).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::InvalidConfig(_) | Error::InvalidInput(_)), "{error:?}");
    assert_eq!(directory.to_files(), before);
    let refused = open_with(&directory, keep(0), options()).map(|_| ()).unwrap_err();
    assert!(matches!(refused, Error::InvalidConfig(_)), "{refused:?}");
}

#[test]
fn the_cost_of_a_checkpoint_does_not_grow_with_the_number_kept() {
    let cost = |kept: usize| {
        let directory = Arc::new(FaultyDirectory::default());
        let mut manager = open_with(&directory, keep(kept).with_recovery_read_ratio(1e6), options()).unwrap();
        for round in 0..60_u8 {
            manager.put(b"round", &[round]).unwrap();
            checkpoint(&mut manager);
        }
        directory.take_calls();
        manager.put(b"round", b"last").unwrap();
        checkpoint(&mut manager);
        directory.take_calls()
    };
    let (few, many) = (cost(3), cost(50));
    assert_eq!(few.of(Operation::Read), 0, "a checkpoint reads nothing");
    assert_eq!(few.count, many.count, "and asks no more often when more are kept");
}
