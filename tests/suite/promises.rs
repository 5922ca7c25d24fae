//! What the original got wrong, and the promise that stands there now: one test for each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alluvium_core::directory::{DirectoryErrorKind, MemoryDirectory, Operation, block_on};
use alluvium_core::gc;
use alluvium_core::verify::verify;
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError as Error, IncrementalCheckpointMetadata, OpenOptions,
};
use alluvium_tests::faulty::{Fault, FaultyDirectory};
use alluvium_tests::golden::Golden;
use alluvium_tests::{
    Files, Manager, START_MS, STORE_ID, Truth, checkpoint, clock, empty, fresh, fresh_with, keep, memory, open,
    open_with, options,
};

/// Puts `count` keys with a value of 100 bytes each.
fn fill(manager: &mut Manager, count: u64, letter: char) {
    for number in 0..count {
        manager.put(format!("key-{number:012}").as_bytes(), letter.to_string().repeat(100).as_bytes()).unwrap();
    }
}

fn latest(manager: &Manager) -> IncrementalCheckpointMetadata {
    block_on(manager.find_latest_checkpoint()).unwrap().expect("a checkpoint")
}

#[test]
fn state_offsets_watermark_and_epoch_are_one_atomic_checkpoint() {
    let (directory, mut manager) = fresh();
    manager.put(b"bed", b"gravel").unwrap();
    manager.put(b"bank", b"silt").unwrap();
    manager.delete(b"bank").unwrap();
    manager.set_source_offset("input", 27_004).unwrap();
    manager.set_watermark(1_357_034_400_000);
    manager.set_epoch(7).unwrap();
    block_on(manager.create_checkpoint(99)).unwrap();
    let expected = Truth::of(&manager);
    // What comes after the checkpoint is not in it.
    manager.put(b"late", b"flood").unwrap();
    manager.set_source_offset("input", 30_000).unwrap();
    drop(manager);

    let manager = open(&directory).unwrap();
    assert_eq!(Truth::of(&manager), expected);
    assert_eq!(manager.get(b"bed"), Some(b"gravel".as_slice()));
    assert_eq!(manager.get(b"bank"), None);
    assert_eq!(manager.get(b"late"), None);
}

#[test]
fn bytes_written_follow_what_changed() {
    let (_, mut manager) = fresh_with(keep(3));
    fill(&mut manager, 20_000, 'a');
    checkpoint(&mut manager);
    let base = latest(&manager).alluvium.unwrap().bytes_written;
    assert!(base > 20_000 * 100);
    for round in 0_u64..20 {
        for number in 0..20 {
            manager.put(format!("key-{:012}", round * 20 + number).as_bytes(), &[b'b'; 100]).unwrap();
        }
        checkpoint(&mut manager);
        let metadata = latest(&manager);
        let written = metadata.alluvium.unwrap().bytes_written;
        assert!(metadata.is_incremental);
        // 20 records of 118 bytes, header and table; the rolling rebase may add a few times as much.
        assert!(written < base / 50, "round {round}: {written} bytes written for 20 keys of {base} bytes");
    }
}

#[test]
fn a_checkpoint_without_changes_writes_no_segment() {
    let (directory, mut manager) = fresh();
    fill(&mut manager, 100, 'a');
    checkpoint(&mut manager);
    let before = directory.to_files().len();
    checkpoint(&mut manager);
    assert_eq!(directory.to_files().len(), before + 1, "metadata alone");
}

#[test]
fn what_was_checkpointed_is_what_the_manager_reports() {
    let (directory, mut manager) = fresh();
    manager.set_source_offset("own", 1).unwrap();
    manager.set_watermark(1);
    let offsets = BTreeMap::from([("own".to_string(), 5), ("other".to_string(), 6)]);
    block_on(manager.create_checkpoint_with_state(10, offsets.clone(), Some(77), b"opaque")).unwrap();
    for manager in [manager, open(&directory).unwrap()] {
        assert_eq!(*manager.source_offsets(), offsets);
        assert_eq!(manager.watermark(), Some(77));
        assert_eq!(manager.wal_position(), 10);
        let metadata = latest(&manager);
        assert_eq!((metadata.source_offsets, metadata.watermark), (offsets.clone(), Some(77)));
    }
}

#[test]
fn sizes_counts_and_files_are_set_and_true() {
    let (directory, mut manager) = fresh();
    for round in 0..4 {
        fill(&mut manager, 50 + round, 'c');
        manager.delete(b"key-000000000003").unwrap();
        checkpoint(&mut manager);
        let (metadata, files) = (latest(&manager), directory.to_files());
        assert_eq!(metadata.key_count, manager.len() as u64);
        assert!(!metadata.sst_files.is_empty());
        // All files but the metadata itself, which cannot hold its own length.
        let named: u64 = metadata.sst_files.iter().map(|path| files[path].len() as u64).sum();
        assert_eq!(metadata.size_bytes, named);
        let fields = metadata.alluvium.unwrap();
        let payload: usize = manager.iter().map(|(key, value)| key.len() + value.len()).sum();
        assert_eq!(fields.state_bytes, payload as u64);
        for (entry, path) in fields.segments.iter().zip(&metadata.sst_files) {
            assert_eq!((entry.path(), entry.bytes), (path.clone(), files[path].len() as u64));
        }
    }
}

#[test]
fn keys_can_be_read_one_by_one_in_order_and_by_prefix() {
    let (_, mut manager) = fresh();
    for key in ["b:2", "a:1", "b:1", "c", "b:", "b"] {
        manager.put(key.as_bytes(), key.to_uppercase().as_bytes()).unwrap();
    }
    let texts =
        |keys: Vec<&[u8]>| keys.into_iter().map(|key| String::from_utf8(key.to_vec()).unwrap()).collect::<Vec<_>>();
    assert_eq!(texts(manager.iter().map(|(key, _)| key).collect()), ["a:1", "b", "b:", "b:1", "b:2", "c"]);
    assert_eq!(texts(manager.iter_prefix(b"b:").map(|(key, _)| key).collect()), ["b:", "b:1", "b:2"]);
    assert_eq!(manager.iter_prefix(b"d").count(), 0);
    assert_eq!(manager.get(b"b:1"), Some(b"B:1".as_slice()));
    assert_eq!(manager.len(), 6);
}

/// A directory with one acknowledged checkpoint and some changes on top, not yet checkpointed.
fn two_states() -> (Files, Truth, impl Fn(&Arc<FaultyDirectory>) -> Result<u64, Error>, Truth) {
    let (directory, mut manager) = fresh_with(keep(2));
    fill(&mut manager, 30, 'a');
    manager.set_source_offset("input", 30).unwrap();
    checkpoint(&mut manager);
    fill(&mut manager, 30, 'b');
    checkpoint(&mut manager);
    let before = Truth::of(&manager);
    let change = |directory: &Arc<FaultyDirectory>| {
        let mut manager = open_with(directory, keep(2), options())?;
        manager.put(b"key-000000000003", b"changed")?;
        manager.delete(b"key-000000000004")?;
        manager.set_epoch(5)?;
        manager.set_source_offset("input", 60)?;
        Ok(block_on(manager.create_checkpoint(60))?.id)
    };
    let after = {
        let directory = Arc::new(FaultyDirectory::over(directory.to_files()));
        change(&directory).unwrap();
        Truth::of(&open_with(&directory, keep(2), options()).unwrap())
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
                let directory = Arc::new(FaultyDirectory::over(files.clone()));
                directory.plan(Fault::crash(operation, nth, done));
                let acknowledged = change(&directory).is_ok();
                reached |= directory.has_failed();
                directory.revive();
                let manager = open_with(&directory, keep(2), options()).unwrap();
                let found = Truth::of(&manager);
                let place = format!("crash in {operation} {nth} after {done} files");
                assert!(found == after || (found == before && !acknowledged), "{place}: neither before nor after");
                drop(manager);
                // And it goes on: two more checkpoints, and nothing of the crash is left.
                let mut manager = open_with(&directory, keep(2), options()).unwrap();
                checkpoint(&mut manager);
                checkpoint(&mut manager);
                block_on(manager.collect_garbage()).unwrap();
                assert_eq!(Truth::of(&open_with(&directory, keep(2), options()).unwrap()), found, "{place}");
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
    files.get_mut(path).unwrap()[70] ^= 1;
    let error = open(&memory(files)).map(|_| ()).unwrap_err();
    assert!(matches!(&error, Error::CrcMismatch { place, offset: 64, .. } if place == path), "{error:?}");
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
    assert_eq!(Truth::of(&manager), golden.truths[&before]);
    let recovered = manager.recovered().unwrap();
    assert_eq!((recovered.checkpoint_id, recovered.skipped.len(), recovered.skipped[0].id), (before, 1, newest));
    assert!(recovered.skipped[0].reason.contains(&path), "{:?}", recovered.skipped);
}

#[test]
fn deleting_un_publishes_first_and_reclaims_after() {
    let golden = Golden::named("opaque");
    for id in golden.truths.keys() {
        for nth in 0..6 {
            for done in 0..4 {
                let directory = Arc::new(FaultyDirectory::over(golden.files.clone()));
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
    let written = block_on(prepared.write(&*directory)).unwrap();
    let finished = manager.finish_checkpoint(written).unwrap();
    assert_eq!(finished.metadata.id, 2);
    directory.plan(Fault::once(Operation::Delete, DirectoryErrorKind::Io));
    let report = block_on(finished.maintenance.run(&*directory));
    assert_eq!(report.errors.len(), 1, "{report:?}");
    assert!(report.errors[0].contains("as planned by the test"), "{report:?}");
}

#[test]
fn only_sixteen_lower_case_digits_are_an_id() {
    let metadata = IncrementalCheckpointMetadata::new(15, 1).to_json().unwrap().into_bytes();
    for name in
        ["checkpoint_f", "checkpoint_+9", "checkpoint_000000000000000F", "checkpoint_0000000000000000f", "checkpoint_"]
    {
        let path = format!("{name}/metadata.json");
        let directory = memory(Files::from([(path.clone(), metadata.clone())]));
        let mut manager = open(&directory).unwrap();
        assert_eq!(manager.latest_checkpoint_id(), None, "{name}");
        assert_eq!(checkpoint(&mut manager), 1, "{name}");
        block_on(manager.collect_garbage()).unwrap();
        assert!(directory.to_files().contains_key(&path), "{name} is not ours to delete");
    }
}

#[test]
fn the_last_id_is_not_followed_by_the_first() {
    let mut metadata = IncrementalCheckpointMetadata::new(u64::MAX, 1);
    metadata.wal_position = 5;
    let path = format!("{}/metadata.json", metadata.checkpoint_path());
    let directory = memory(Files::from([(path, metadata.to_json().unwrap().into_bytes())]));
    // An error at opening or at the next checkpoint; never a wrap, never an overwritten file.
    let before = directory.to_files();
    let outcome = open(&directory).and_then(|mut manager| block_on(manager.create_checkpoint(6)).map(|_| ()));
    assert!(matches!(outcome, Err(Error::LimitExceeded(_))), "{outcome:?}");
    assert_eq!(directory.to_files(), before);
}

#[test]
fn metadata_must_carry_the_id_of_its_directory() {
    let golden = Golden::named("deltas");
    let mut files = golden.files.clone();
    let third = files["checkpoint_0000000000000003/metadata.json"].clone();
    files.insert("checkpoint_0000000000000004/metadata.json".into(), third);
    let directory = memory(files.clone());
    let mut manager = open(&directory).unwrap();
    let error = block_on(manager.load_checkpoint_metadata(4)).unwrap_err();
    assert!(error.to_string().contains("checkpoint_0000000000000004/metadata.json"), "{error}");
    // The original deletes checkpoint 3 here.
    let _ = block_on(manager.delete_checkpoint(4));
    assert!(directory.to_files().contains_key("checkpoint_0000000000000003/metadata.json"));
}

#[test]
fn ids_are_never_reused() {
    let (directory, mut manager) = fresh();
    for expected in [1, 2, 3] {
        assert_eq!(checkpoint(&mut manager), expected);
    }
    block_on(manager.delete_checkpoint(3)).unwrap();
    assert_eq!(checkpoint(&mut manager), 4);
    block_on(manager.delete_checkpoint(4)).unwrap();
    block_on(manager.delete_checkpoint(2)).unwrap();
    // Over a reopening too, when nothing but a marker can remember.
    let mut manager = open(&directory).unwrap();
    assert_eq!(manager.latest_checkpoint_id(), Some(1));
    assert_eq!(checkpoint(&mut manager), 5);
    block_on(manager.delete_checkpoint(1)).unwrap();
    block_on(manager.delete_checkpoint(5)).unwrap();
    block_on(manager.collect_garbage()).unwrap();
    let mut manager = open(&directory).unwrap();
    assert_eq!(manager.latest_checkpoint_id(), None);
    assert_eq!(checkpoint(&mut manager), 6);
}

#[test]
fn the_stale_writer_is_fenced_and_has_no_effect() {
    let (directory, mut stale) = fresh();
    stale.put(b"bed", b"gravel").unwrap();
    checkpoint(&mut stale);
    let mut newer = open(&directory).unwrap();
    newer.put(b"bed", b"sand").unwrap();
    checkpoint(&mut newer);
    let before = directory.to_files();

    stale.put(b"bed", b"mud").unwrap();
    let error = block_on(stale.create_checkpoint(0)).unwrap_err();
    assert!(matches!(error, Error::Fenced(_)), "{error:?}");
    assert_eq!(Truth::of(&open(&directory).unwrap()), Truth::of(&newer));
    for (path, content) in &before {
        assert_eq!(directory.to_files().get(path), Some(content), "{path}");
    }
    // It stays refused until it is reopened.
    assert!(block_on(stale.create_checkpoint(0)).is_err());
    // The winner goes on, whatever the loser left.
    newer.put(b"bank", b"silt").unwrap();
    assert_eq!(checkpoint(&mut newer), 3);
    assert_eq!(Truth::of(&open(&directory).unwrap()), Truth::of(&newer));
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
    for (id, truth) in &golden.truths {
        let manager = open_with(&directory, keep(10), options().checkpoint(Some(*id))).unwrap();
        assert_eq!(Truth::of(&manager), *truth);
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

#[test]
fn reopening_restores_epoch_offsets_watermark_position_and_time() {
    let clock = clock();
    let config = CheckpointConfig::new().with_interval(Duration::from_millis(500));
    let directory = empty();
    let options = || OpenOptions::new(clock.clone()).store_id(STORE_ID);
    let mut manager = open_with(&directory, config.clone(), options()).unwrap();
    assert!(manager.should_checkpoint(), "at once when new");
    manager.set_epoch(3).unwrap();
    manager.set_source_offset("input", u64::MAX).unwrap();
    manager.set_watermark(i64::MIN);
    block_on(manager.create_checkpoint(8)).unwrap();
    let expected = Truth::of(&manager);
    assert!(!manager.should_checkpoint());

    let manager = open_with(&directory, config, options()).unwrap();
    assert_eq!(Truth::of(&manager), expected);
    assert!(!manager.should_checkpoint(), "the last checkpoint was just now");
    clock.advance_ms(499);
    assert!(!manager.should_checkpoint());
    clock.advance_ms(1);
    assert!(manager.should_checkpoint(), "an interval below a second works");
}

#[test]
fn a_wall_clock_set_back_frozen_or_at_its_maximum_never_stalls() {
    for wall in [0, START_MS, START_MS - 1_000_000, u64::MAX] {
        let clock = clock();
        let (directory, config) = (empty(), CheckpointConfig::new().with_interval(Duration::from_secs(1)));
        let options = || OpenOptions::new(clock.clone()).store_id(STORE_ID);
        let mut manager = open_with(&directory, config.clone(), options()).unwrap();
        checkpoint(&mut manager);
        clock.advance_ms(999);
        clock.set_unix_ms(wall);
        assert!(!manager.should_checkpoint());
        clock.advance_ms(1);
        clock.set_unix_ms(wall);
        assert!(manager.should_checkpoint(), "wall clock at {wall}");
        checkpoint(&mut manager);
        assert_eq!(open_with(&directory, config, options()).unwrap().latest_checkpoint_id(), Some(2));
    }
}

#[test]
fn epoch_position_and_offsets_do_not_go_backwards() {
    let (directory, mut manager) = fresh();
    manager.set_epoch(5).unwrap();
    manager.set_source_offset("input", 50).unwrap();
    block_on(manager.create_checkpoint(500)).unwrap();
    let before = Truth::of(&manager);
    let refused =
        |outcome: Result<(), Error>| assert!(matches!(outcome, Err(Error::EpochMismatch { .. })), "{outcome:?}");
    for manager in [&mut manager, &mut open(&directory).unwrap()] {
        refused(manager.set_epoch(4));
        refused(manager.set_source_offset("input", 49));
        refused(block_on(manager.create_checkpoint(499)).map(|_| ()));
        assert_eq!(Truth::of(manager), before, "a refusal changes nothing");
        assert_eq!(manager.latest_checkpoint_id(), Some(1));
    }
}

#[test]
fn a_missing_directory_is_an_error_unless_creation_was_asked_for() {
    let directory = empty();
    let error = open_with(&directory, keep(3), options().create(false)).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "{error:?}");
    assert!(directory.to_files().is_empty());
    let foreign = memory(Files::from([("notes.txt".to_string(), Vec::new())]));
    assert!(open_with(&foreign, keep(3), options().create(false)).is_err());
}

#[test]
fn a_checkpoint_that_is_not_there_is_not_found() {
    let (directory, mut manager) = fresh();
    checkpoint(&mut manager);
    for id in [0, 2, u64::MAX] {
        let not_found =
            |outcome: Result<(), Error>| assert!(matches!(outcome, Err(Error::NotFound(_))), "{id}: {outcome:?}");
        not_found(block_on(manager.load_checkpoint_metadata(id)).map(|_| ()));
        not_found(block_on(manager.load_checkpoint_state(id)).map(|_| ()));
        not_found(block_on(manager.restore_checkpoint(id)).map(|_| ()));
        not_found(block_on(manager.delete_checkpoint(id)).map(|_| ()));
        not_found(open_with(&directory, keep(3), options().checkpoint(Some(id))).map(|_| ()));
    }
    let error = block_on(manager.load_checkpoint_state(1)).unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "no state.bin: {error:?}");
}

#[test]
fn equal_states_under_equal_ids_give_equal_bytes() {
    let made = |order: &[u64]| {
        let (directory, mut manager) = fresh();
        for number in order {
            manager.put(format!("key {number}").as_bytes(), &number.to_le_bytes()).unwrap();
            manager.set_source_offset(format!("source {number}"), *number).unwrap();
        }
        checkpoint(&mut manager);
        for number in order {
            manager.put(format!("key {number}").as_bytes(), b"on the way").unwrap();
            manager.put(format!("key {number}").as_bytes(), b"changed").unwrap();
        }
        manager.delete(b"key 7").unwrap();
        checkpoint(&mut manager);
        directory.to_files()
    };
    let forwards: Vec<u64> = (0..500).collect();
    let mut shuffled = forwards.clone();
    fastrand::Rng::with_seed(7).shuffle(&mut shuffled);
    let (forwards, shuffled) = (made(&forwards), made(&shuffled));
    assert_eq!(forwards.keys().collect::<Vec<_>>(), shuffled.keys().collect::<Vec<_>>());
    for (path, content) in &forwards {
        assert!(shuffled[path] == *content, "{path} depends on the order of the puts");
    }
}

#[test]
fn a_large_state_is_written_in_bounded_pieces() {
    let (directory, mut manager) = fresh();
    for number in 0_u32..12_000 {
        manager.put(&number.to_be_bytes(), &[number as u8; 1_000]).unwrap();
    }
    checkpoint(&mut manager);
    let sizes: Vec<usize> = directory.to_files().values().map(Vec::len).collect();
    assert!(sizes.iter().sum::<usize>() > 12_000_000);
    assert!(sizes.iter().all(|size| *size <= 5 << 20), "{sizes:?}");
    assert_eq!(Truth::of(&open(&directory).unwrap()), Truth::of(&manager));
}

#[test]
fn a_packed_batch_is_all_or_nothing() {
    use alluvium_core::Columns;
    let (_, mut manager) = fresh();
    manager.put(b"bed", b"gravel").unwrap();
    let before = Truth::of(&manager);
    let good = Columns { ops: &[0, 1, 0], key_lens: &[1, 3, 1], value_lens: &[2, 0, 0], keys: b"abedc", values: b"xy" };
    let bad = [
        Columns { ops: &[0, 1, 2], ..good },
        Columns { ops: &[0, 1], ..good },
        Columns { key_lens: &[1, 3, 2], ..good },
        Columns { key_lens: &[1, 3], ..good },
        Columns { key_lens: &[u32::MAX, 3, 1], ..good },
        Columns { value_lens: &[2, 1, 0], values: b"xyz", ..good },
        Columns { value_lens: &[2, 0, 1], ..good },
        Columns { value_lens: &[1, 0, 0], ..good },
        Columns { keys: b"abed", ..good },
        Columns { keys: b"abedcd", ..good },
        Columns { values: b"xyz", ..good },
        Columns { values: b"", ..good },
    ];
    for batch in bad {
        let error = manager.apply(&batch).unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_) | Error::LimitExceeded(_)), "{batch:?}: {error:?}");
        assert_eq!(Truth::of(&manager), before, "{batch:?}");
    }
    assert_eq!(manager.apply(&good).unwrap(), 3);
    let expected = BTreeMap::from([(b"a".to_vec(), b"xy".to_vec()), (b"c".to_vec(), Vec::new())]);
    assert_eq!(Truth::of(&manager).state, expected);
}

#[test]
fn puts_between_the_three_steps_belong_to_the_next_checkpoint() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open_with(&directory, keep(10), options()).unwrap();
    let mut in_flight = Vec::new();
    let mut truths = Vec::new();
    for round in 0_u8..3 {
        manager.put(&[round], b"prepared").unwrap();
        manager.set_epoch(u64::from(round)).unwrap();
        in_flight.push(manager.prepare_checkpoint(u64::from(round)).unwrap());
        truths.push(Truth::of(&manager));
        manager.put(b"between", &[round]).unwrap();
    }
    for prepared in in_flight {
        let written = block_on(prepared.write(&*directory)).unwrap();
        manager.put(b"between", b"write and finish").unwrap();
        manager.finish_checkpoint(written).unwrap();
    }
    for (id, truth) in (1..).zip(truths) {
        let manager = open_with(&directory, keep(10), options().checkpoint(Some(id))).unwrap();
        assert_eq!(Truth::of(&manager).state, truth.state, "checkpoint {id}");
        assert_eq!(manager.epoch(), truth.epoch);
    }
    checkpoint(&mut manager);
    assert_eq!(open(&directory).unwrap().get(b"between"), Some(b"write and finish".as_slice()));
}

#[test]
fn statistics_tell_what_a_checkpoint_took() {
    let (directory, mut manager) = fresh();
    fill(&mut manager, 10, 'a');
    checkpoint(&mut manager);
    manager.put(b"key-000000000001", b"12345").unwrap();
    manager.put(b"key-000000000001", b"123456").unwrap();
    manager.delete(b"key-000000000002").unwrap();
    let before: usize = directory.to_files().values().map(Vec::len).sum();
    checkpoint(&mut manager);
    let after: usize = directory.to_files().values().map(Vec::len).sum();
    let statistics = manager.last_statistics().unwrap();
    assert_eq!((statistics.keys_changed, statistics.tombstones), (2, 1));
    assert_eq!(statistics.bytes_changed, 16 + 6 + 16);
    assert!(statistics.bytes_written > 0 && statistics.bytes_written <= (after - before) as u64);
}
