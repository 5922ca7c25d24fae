//! The WAL between checkpoints.

use std::collections::BTreeMap;
use std::time::Duration;

use alluvium_core::directory::{DirectoryErrorKind, Operation, block_on};
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::tools::verify::verify;
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError as Error, OpenOptions, RecoveryConfig, RecoveryManager, archive,
    wal_size,
};
use alluvium_test_harness::faulty::{Fault, FaultyDirectory};
use alluvium_test_harness::golden::Golden;
use alluvium_test_harness::{
    Expected, Files, Manager, STORE_ID, checkpoint, clock, empty, fresh, fresh_with, keep, memory, open, open_with,
    options,
};

fn sync(manager: &mut Manager) {
    let position = manager.wal_position() + 1;
    block_on(manager.sync(position)).unwrap();
}

fn logs(files: &Files) -> Vec<String> {
    files.keys().filter(|path| path.starts_with("wal/")).cloned().collect()
}

#[test]
fn a_sync_makes_everything_put_so_far_durable_with_its_position() {
    let (directory, mut manager) = fresh();
    manager.put(b"bed", b"gravel").unwrap();
    checkpoint(&mut manager);
    manager.put(b"bed", b"sand").unwrap();
    manager.put(b"bank", b"silt").unwrap();
    manager.set_epoch(4).unwrap();
    manager.set_source_offset("input", 500).unwrap();
    manager.set_watermark(77);
    block_on(manager.sync(12)).unwrap();
    let synced = Expected::of(&manager);
    assert_eq!(synced.wal_position, 12);
    manager.put(b"late", b"flood").unwrap();
    manager.set_source_offset("input", 900).unwrap();
    drop(manager);

    let mut manager = open(&directory).unwrap();
    assert_eq!(Expected::of(&manager), synced);
    assert_eq!(manager.recovered().unwrap().wal_entries, 2);
    // The next checkpoint holds what the log held, and the log goes.
    checkpoint(&mut manager);
    assert_eq!(logs(&directory.to_files()), Vec::<String>::new());
    assert_eq!(Expected::of(&open(&directory).unwrap()), synced);
}

#[test]
fn the_key_ranges_of_a_state_with_logs_add_up_to_it() {
    let (directory, mut manager) = fresh();
    for n in 0..400_u32 {
        manager.put(&n.to_be_bytes(), b"before").unwrap();
    }
    checkpoint(&mut manager);
    for n in 100..450_u32 {
        manager.put(&n.to_be_bytes(), &n.to_le_bytes()).unwrap();
    }
    sync(&mut manager);
    // Nearly everything goes, by the log alone.
    for n in 0..390_u32 {
        manager.delete(&n.to_be_bytes()).unwrap();
    }
    manager.set_source_offset("input", 900).unwrap();
    sync(&mut manager);
    let expected = Expected::of(&manager);
    assert_eq!(expected.state.len(), 60);
    for parts in [1, 2, 5, 64] {
        let mut found = BTreeMap::new();
        for part in 0..parts {
            let groups = part * 64 / parts..=(part + 1) * 64 / parts - 1;
            let options = RecoverOptions::new().groups(groups.clone());
            let part = block_on(recover(&*directory, &options)).unwrap().unwrap();
            assert_eq!(part.position().source_offsets, expected.source_offsets, "{groups:?}");
            for (key, value) in part.state.iter() {
                assert!(found.insert(key.to_vec(), value.to_vec()).is_none(), "{key:?} is in two parts of {parts}");
            }
        }
        assert_eq!(found, expected.state, "{parts} parts");
    }
}

#[test]
fn what_is_restored_or_imported_does_not_take_up_the_logs_that_are_there() {
    let elsewhere = empty();
    let mut other = open_with(&elsewhere, keep(1), options().store_id([9; 16])).unwrap();
    other.put(b"from", b"elsewhere").unwrap();
    checkpoint(&mut other);
    let (archived, expected) = (block_on(archive::export(&*elsewhere, None)).unwrap(), Expected::of(&other));
    for truncate in [true, false] {
        for retained in [10, 1] {
            let config = || keep(retained).with_truncate_wal(truncate);
            let (directory, mut manager) = fresh_with(config());
            manager.put(b"bed", b"gravel").unwrap();
            checkpoint(&mut manager);
            let first = Expected::of(&manager);
            manager.put(b"bed", b"sand").unwrap();
            sync(&mut manager);
            if retained > 1 {
                manager.put(b"bank", b"silt").unwrap();
                checkpoint(&mut manager);
                manager.put(b"bank", b"clay").unwrap();
                sync(&mut manager);
            }
            block_on(manager.restore_checkpoint(1)).unwrap();
            assert_eq!(Expected::of(&manager), first);
            let mut manager = open_with(&directory, config(), options()).unwrap();
            assert_eq!(Expected::of(&manager), first, "truncate {truncate}, {retained} kept");
            // What is synced on top of the import is there as well, and is recovered together with it.
            manager.put(b"late", b"flood").unwrap();
            sync(&mut manager);
            let synced = Expected::of(&manager);
            drop(manager);
            assert_eq!(Expected::of(&open_with(&directory, config(), options()).unwrap()), synced);
            block_on(archive::import(&archived, directory.clone(), config(), options())).unwrap();
            let mut manager = open_with(&directory, config(), options()).unwrap();
            assert_eq!(Expected::of(&manager), expected, "truncate {truncate}, {retained} kept");
            manager.put(b"late", b"again").unwrap();
            sync(&mut manager);
            let synced = Expected::of(&manager);
            drop(manager);
            assert_eq!(Expected::of(&open_with(&directory, config(), options()).unwrap()), synced);
            assert!(!block_on(verify(&*directory)).unwrap().is_damaged());
        }
    }
}

#[test]
fn a_sync_before_the_first_checkpoint_takes_it() {
    let (directory, mut manager) = fresh();
    manager.put(b"bed", b"gravel").unwrap();
    sync(&mut manager);
    assert_eq!(manager.latest_checkpoint_id(), Some(1));
    assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&manager));
}

#[test]
fn truncate_wal_decides_whether_logs_stay_with_their_checkpoint() {
    for truncate in [true, false] {
        let (directory, mut manager) = fresh_with(keep(2).with_truncate_wal(truncate));
        for round in 0_u8..5 {
            manager.put(b"round", &[round]).unwrap();
            checkpoint(&mut manager);
            manager.put(b"log of", &[round]).unwrap();
            sync(&mut manager);
        }
        let both = ["wal/0000000000000004-0000000000000001.log", "wal/0000000000000005-0000000000000001.log"];
        let expected = if truncate { &both[1..] } else { &both };
        assert_eq!(logs(&directory.to_files()), expected, "truncate_wal {truncate}");
        assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&manager));
        // A checkpoint that was asked for is given as it was, logs or not.
        let chosen = open_with(&directory, keep(2), options().checkpoint(Some(4))).unwrap();
        assert_eq!((chosen.get(b"round"), chosen.get(b"log of")), (Some([3].as_slice()), Some([2].as_slice())));
    }
}

#[test]
fn min_wal_size_lets_a_checkpoint_wait_while_the_log_is_small() {
    let clock = clock();
    let config = CheckpointConfig::new().with_interval(Duration::from_secs(1)).with_min_wal_size_for_checkpoint(2_000);
    let directory = empty();
    let options = OpenOptions::new(clock.clone()).store_id(STORE_ID).create(true);
    let mut manager = open_with(&directory, config, options).unwrap();
    checkpoint(&mut manager);
    clock.advance_ms(1_000);
    assert!(manager.should_checkpoint(), "without a log, time alone decides");
    manager.put(b"bed", b"gravel").unwrap();
    sync(&mut manager);
    assert!(!manager.should_checkpoint(), "what happened is durable, and the log is small");
    manager.put(b"bed", &[7; 2_000]).unwrap();
    sync(&mut manager);
    assert!(manager.wal_size() > 2_000);
    assert_eq!(manager.wal_size(), block_on(wal_size(&*directory)).unwrap());
    assert!(manager.should_checkpoint());
    checkpoint(&mut manager);
    assert_eq!(manager.wal_size(), 0);
    assert!(!manager.should_checkpoint());
}

#[test]
fn a_torn_tail_is_cut_said_and_followed_by_a_checkpoint() {
    let golden = Golden::named("logged");
    let last = logs(&golden.files).pop().unwrap();
    for length in 0..golden.files[&last].len() {
        let mut files = golden.files.clone();
        files.get_mut(&last).unwrap().truncate(length);
        let directory = memory(files.clone());
        let mut manager = open(&directory).unwrap();
        assert_eq!(Expected::of(&manager), golden.logged[golden.logged.len() - 2], "cut to {length}");
        let cut = manager.recovered().unwrap().wal_cut.clone().expect("it says so");
        assert_eq!(cut.path, last);
        assert!(block_on(verify(&*directory)).unwrap().is_damaged());
        // Nothing may be hidden behind the torn log: the next sync is a checkpoint.
        manager.put(b"after", b"the cut").unwrap();
        sync(&mut manager);
        assert_eq!(manager.latest_checkpoint_id(), Some(golden.latest() + 1));
        sync(&mut manager);
        let reopened = open(&directory).unwrap();
        assert_eq!(Expected::of(&reopened), Expected::of(&manager));
        assert_eq!(reopened.recovered().unwrap().wal_cut, None);
        // A caller that does not want a repair gets an error, and nothing is cut.
        let strict = RecoveryManager::new(RecoveryConfig::new().with_repair_wal(false));
        assert!(matches!(block_on(strict.recover(&*memory(files))), Err(Error::Wal(_))));
    }
}

#[test]
fn damage_before_the_tail_is_an_error_that_names_the_place_and_cuts_nothing() {
    let golden = Golden::named("logged");
    let logs = logs(&golden.files);
    for (index, path) in logs.iter().enumerate() {
        for at in 0..golden.files[path].len() {
            let mut files = golden.files.clone();
            files.get_mut(path).unwrap()[at] ^= 0x20;
            let directory = memory(files.clone());
            let error = open(&directory).map(|_| ()).expect_err("a flipped bit is not a torn tail");
            assert!(error.to_string().contains(path), "{path} at {at}: {error}");
            assert_eq!(directory.to_files(), files);
            // With permission it continues from the last good WAL file, and says what is missing.
            let manager = open_with(&directory, keep(3), options().allow_fallback(true)).unwrap();
            assert_eq!(Expected::of(&manager), *golden.expected(golden.latest(), index), "{path} at {at}");
            assert_eq!(manager.recovered().unwrap().wal_cut.as_ref().map(|cut| &cut.path), Some(path));
        }
        // Cut short, but with a whole one after it: that is no crash.
        if index + 1 < logs.len() {
            let mut files = golden.files.clone();
            files.get_mut(path).unwrap().truncate(100);
            assert!(open(&memory(files.clone())).is_err(), "{path} cut");
            files.remove(path);
            let error = open(&memory(files)).map(|_| ()).unwrap_err();
            assert!(error.to_string().contains(path), "{path} missing: {error}");
        }
    }
}

#[test]
fn a_sync_never_goes_backwards() {
    let (_, mut manager) = fresh();
    block_on(manager.create_checkpoint(100)).unwrap();
    let error = block_on(manager.sync(99)).unwrap_err();
    assert!(matches!(error, Error::EpochMismatch { expected: 100, found: 99 }), "{error:?}");
    block_on(manager.sync(150)).unwrap();
    let error = block_on(manager.create_checkpoint(149)).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::EpochMismatch { expected: 150, found: 149 }), "{error:?}");
}

#[test]
fn the_stale_writer_is_fenced_from_the_log_too() {
    let (directory, mut stale) = fresh();
    checkpoint(&mut stale);
    let mut newer = open(&directory).unwrap();
    newer.put(b"bed", b"sand").unwrap();
    sync(&mut newer);
    stale.put(b"bed", b"mud").unwrap();
    let error = block_on(stale.sync(0)).unwrap_err();
    assert!(matches!(error, Error::Fenced(_)), "{error:?}");
    let error = block_on(stale.create_checkpoint(0)).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Fenced(_)), "{error:?}");
    assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&newer));
    // And the other way: a newer checkpoint fences the log of the one before.
    let mut newest = open(&directory).unwrap();
    checkpoint(&mut newest);
    newer.put(b"bed", b"clay").unwrap();
    let error = block_on(newer.sync(9)).unwrap_err();
    assert!(matches!(error, Error::Fenced(_)), "{error:?}");
    assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&newest));
}

#[test]
fn after_a_failed_sync_the_manager_refuses_until_it_is_reopened() {
    let directory = std::sync::Arc::new(FaultyDirectory::default());
    let mut manager = open_with(&directory, keep(3), options()).unwrap();
    block_on(manager.create_checkpoint(0)).unwrap();
    manager.put(b"bed", b"gravel").unwrap();
    block_on(manager.sync(1)).unwrap();
    let synced = Expected::of(&manager);
    manager.put(b"bed", b"sand").unwrap();
    directory.plan(Fault::once(Operation::Create, DirectoryErrorKind::NoSpace));
    assert!(block_on(manager.sync(2)).is_err());
    assert!(matches!(block_on(manager.sync(2)), Err(Error::Poisoned(_))));
    assert!(matches!(block_on(manager.create_checkpoint(2)), Err(Error::Poisoned(_))));
    assert_eq!(Expected::of(&open_with(&directory, keep(3), options()).unwrap()), synced);
}
