//! Where LaminarDB fails: one test for each line of that list that concerns a native program, with what
//! Alluvium does instead.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alluvium::{
    CheckpointConfig, IncrementalCheckpointError as Error, IncrementalCheckpointManager, IncrementalCheckpointMetadata,
    ManualClock, OpenOptions, RecoveryConfig, RecoveryManager,
};

use crate::support::{Seen, Witness, deterministic, files, keep_all, open, open_watched, scratch, write_files};

const NO_LOG: &str = "/no/such/log";

#[test]
fn a_checkpoint_holds_everything_that_was_put() {
    let scratch = scratch();
    let mut manager = open(scratch.path());
    manager.put(b"key", b"value").unwrap();
    manager.set_source_offset("input".into(), 7).unwrap();
    manager.set_watermark(1_000);
    manager.set_epoch(3).unwrap();
    manager.create_checkpoint(512).unwrap();
    drop(manager);
    let recovered = RecoveryManager::recover_simple(scratch.path(), Path::new(NO_LOG)).unwrap();
    assert_eq!(recovered.state.get(b"key"), Some(&b"value"[..]));
    assert_eq!(recovered.source_offsets["input"], 7);
    assert_eq!((recovered.watermark, recovered.epoch, recovered.wal_position), (Some(1_000), 3, 512));
}

#[test]
fn the_bytes_written_follow_what_changed() {
    let scratch = scratch();
    let mut manager = open(scratch.path());
    for n in 0..10_000_u32 {
        manager.put(&n.to_be_bytes(), &[1; 100]).unwrap();
    }
    manager.create_checkpoint(0).unwrap();
    let whole = manager.last_statistics().unwrap().bytes_written;
    for n in 0..100_u32 {
        manager.put(&n.to_be_bytes(), &[2; 100]).unwrap();
    }
    let second = manager.create_checkpoint(0).unwrap();
    let changed = manager.last_statistics().unwrap().bytes_written;
    assert!(second.is_incremental);
    assert!(changed * 30 < whole, "{changed} bytes for 1 % of {whole}");
}

#[test]
fn the_offsets_of_a_checkpoint_with_state_are_the_managers() {
    let scratch = scratch();
    let mut manager = open(scratch.path());
    manager.set_source_offset("input".into(), 1).unwrap();
    let created =
        manager.create_checkpoint_with_state(0, HashMap::from([("input".into(), 2)]), Some(9), b"opaque").unwrap();
    assert_eq!(manager.source_offsets(), &created.source_offsets);
    assert_eq!((manager.source_offsets()["input"], manager.watermark()), (2, Some(9)));
    let back = manager.create_checkpoint_with_state(0, HashMap::from([("input".into(), 1)]), None, b"opaque");
    assert!(matches!(back, Err(Error::EpochMismatch { expected: 2, found: 1 })));
    assert_eq!((manager.source_offsets()["input"], manager.watermark()), (2, Some(9)));
}

#[test]
fn sizes_counts_and_files_are_set_and_keys_can_be_read() {
    let scratch = scratch();
    let mut manager = open(scratch.path());
    manager.put(b"b", b"2").unwrap();
    manager.put(b"a", b"1").unwrap();
    let created = manager.create_checkpoint(0).unwrap();
    let bytes: u64 = created.sst_files.iter().map(|path| fs::metadata(scratch.path().join(path)).unwrap().len()).sum();
    assert_eq!((created.key_count, created.size_bytes), (2, bytes));
    assert!(bytes > 0);
    assert_eq!((manager.get(b"a"), manager.len()), (Some(&b"1"[..]), 2));
    assert_eq!(manager.iter().map(|(key, _)| key).collect::<Vec<_>>(), [b"a", b"b"]);
}

#[test]
fn a_checkpoint_is_durable_and_atomic_before_the_call_returns() {
    let scratch = scratch();
    let witness = Witness::new();
    let mut manager = open_watched(keep_all(scratch.path()), &witness);
    manager.put(b"key", b"value").unwrap();
    witness.take();
    manager.create_checkpoint(0).unwrap();
    let seen = witness.take();
    let at = |wanted: &Seen| seen.iter().position(|seen| seen == wanted).unwrap_or_else(|| panic!("{wanted:?}"));
    let renames: Vec<(&str, &str)> = seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Rename(from, to) => Some((from.as_str(), to.as_str())),
            _ => None,
        })
        .collect();
    let (_, last) = renames[renames.len() - 1];
    assert_eq!(last, "checkpoint_0000000000000001/metadata.json", "its name is the commit");
    for (from, to) in renames {
        let named_at = at(&Seen::Rename(from.into(), to.into()));
        assert!(at(&Seen::Write(from.into())) < at(&Seen::Sync(from.into())), "{to}: written, then synced");
        assert!(at(&Seen::Sync(from.into())) < named_at, "{to}: synced, then named");
        let directory = to.rsplit_once('/').unwrap().0.to_owned();
        let synced = seen.iter().rposition(|seen| *seen == Seen::SyncDirectory(directory.clone()));
        assert!(synced > Some(named_at), "{to}: its name is synced");
    }
}

#[test]
fn every_flipped_bit_is_an_error_that_names_the_file() {
    let scratch = scratch();
    let mut manager = open(scratch.path());
    manager.put(b"key", b"value").unwrap();
    manager.create_checkpoint_with_state(0, HashMap::new(), None, b"opaque").unwrap();
    drop(manager);
    let whole = files(scratch.path());
    let mut flipped = 0;
    for (path, content) in &whole {
        for at in 0..content.len() {
            let mut damaged = content.clone();
            damaged[at] ^= 1 << (at % 8);
            fs::write(scratch.path().join(path), damaged).unwrap();
            let error = RecoveryManager::recover_simple(scratch.path(), Path::new(NO_LOG)).unwrap_err();
            assert!(!error.is_transient(), "{error}");
            let name = path.to_str().unwrap();
            assert_eq!(error.place(), Some(name), "at {at}: {error}");
            assert!(error.to_string().contains(name), "{name} at {at}: {error}");
            flipped += 1;
        }
        fs::write(scratch.path().join(path), content).unwrap();
    }
    assert!(flipped > 500, "{flipped} bytes");
    assert!(RecoveryManager::recover_simple(scratch.path(), Path::new(NO_LOG)).unwrap().has_state());
}

#[test]
fn a_torn_newest_checkpoint_is_reported_and_skipped_only_when_allowed() {
    for torn in ["checkpoint_0000000000000002/metadata.json", "checkpoint_0000000000000002/state.bin"] {
        let scratch = scratch();
        let mut manager = open(scratch.path());
        for offset in 1..=2 {
            let offsets = HashMap::from([("input".into(), offset)]);
            manager.create_checkpoint_with_state(0, offsets, None, b"a state of some bytes").unwrap();
        }
        drop(manager);
        let path = scratch.path().join(torn);
        let content = fs::read(&path).unwrap();
        fs::write(&path, &content[..content.len() / 2]).unwrap();
        RecoveryManager::recover_simple(scratch.path(), Path::new(NO_LOG)).expect_err(torn);
        if torn.ends_with("metadata.json") {
            let error = IncrementalCheckpointManager::new(keep_all(scratch.path())).expect_err(torn);
            assert!(error.is_corruption(), "{error}");
            let options = OpenOptions::new().allow_fallback(true);
            let manager = IncrementalCheckpointManager::open(keep_all(scratch.path()), options).unwrap();
            let recovered = manager.recovered().unwrap();
            assert_eq!((recovered.checkpoint_id, recovered.skipped[0].id), (1, 2));
            assert_eq!(manager.source_offsets()["input"], 1);
        }
    }
}

#[test]
fn deleting_unpublishes_before_it_reclaims() {
    let scratch = scratch();
    let witness = Witness::new();
    let mut manager = open_watched(keep_all(scratch.path()), &witness);
    let first = manager.create_checkpoint_with_state(0, HashMap::new(), None, b"opaque").unwrap();
    manager.create_checkpoint(0).unwrap();
    witness.take();
    manager.delete_checkpoint(first.id).unwrap();
    let seen = witness.take();
    let at = |path: &str| seen.iter().position(|seen| *seen == Seen::Unlink(path.into())).expect(path);
    assert!(at("checkpoint_0000000000000001/metadata.json") < at("checkpoint_0000000000000001/state.bin"));
}

#[test]
fn a_cleanup_that_fails_leaves_the_commit_and_is_tried_again() {
    let scratch = scratch();
    let witness = Witness::new();
    let mut manager = open_watched(CheckpointConfig::new(scratch.path()).with_max_retained(1), &witness);
    manager.create_checkpoint(0).unwrap();
    witness.refuse_unlink(true);
    assert_eq!(manager.create_checkpoint(0).unwrap().id, 2);
    assert!(!manager.last_maintenance().unwrap().errors.is_empty());
    assert!(matches!(manager.cleanup_old_checkpoints(), Err(Error::Io(_))));
    assert_eq!(manager.list_checkpoints().unwrap().len(), 2);
    witness.refuse_unlink(false);
    manager.create_checkpoint(0).unwrap();
    assert_eq!(manager.last_maintenance().unwrap().errors, [""; 0]);
    assert_eq!(manager.list_checkpoints().unwrap().len(), 1);
}

#[test]
fn only_sixteen_digits_name_a_checkpoint_and_its_metadata_must_agree() {
    let scratch = scratch();
    let mut manager = open(scratch.path());
    manager.create_checkpoint(0).unwrap();
    drop(manager);
    for foreign in ["checkpoint_f", "checkpoint_+9", "checkpoint_000000000000000F"] {
        fs::create_dir(scratch.path().join(foreign)).unwrap();
        fs::write(scratch.path().join(foreign).join("metadata.json"), "{}").unwrap();
    }
    let mut manager = open(scratch.path());
    assert_eq!(manager.create_checkpoint(0).unwrap().id, 2);
    assert!(scratch.path().join("checkpoint_f/metadata.json").exists(), "what Alluvium did not write stays");
    drop(manager);

    // Checkpoint 1 under the name of checkpoint 3.
    let (one, three) = ("checkpoint_0000000000000001", "checkpoint_0000000000000003");
    fs::create_dir(scratch.path().join(three)).unwrap();
    let metadata = scratch.path().join(one).join("metadata.json");
    fs::copy(metadata, scratch.path().join(three).join("metadata.json")).unwrap();
    let error = IncrementalCheckpointManager::new(keep_all(scratch.path())).unwrap_err();
    assert!(error.to_string().contains(three), "{error}");
    fs::remove_dir_all(scratch.path().join(three)).unwrap();

    // The highest id there is: no id comes after it, and none wraps to 0.
    let last = IncrementalCheckpointMetadata::new(u64::MAX, 0);
    fs::create_dir(last.checkpoint_path(scratch.path())).unwrap();
    fs::write(last.checkpoint_path(scratch.path()).join("metadata.json"), last.to_json().unwrap()).unwrap();
    let mut manager = open(scratch.path());
    assert!(matches!(manager.create_checkpoint(0), Err(Error::LimitExceeded(_))));
}

#[test]
fn ids_are_never_given_twice_and_a_second_writer_is_refused() {
    let scratch = scratch();
    let mut manager = open(scratch.path());
    let newest = manager.create_checkpoint(0).unwrap();
    manager.delete_checkpoint(newest.id).unwrap();
    let second = IncrementalCheckpointManager::new(keep_all(scratch.path()));
    assert!(matches!(second, Err(Error::Fenced(_))));
    drop(manager);
    let mut manager = open(scratch.path());
    assert_eq!(manager.create_checkpoint(0).unwrap().id, newest.id + 1);
}

#[test]
fn retention_keeps_what_is_needed_reclaims_leftovers_and_never_everything() {
    let scratch = scratch();
    let mut manager = IncrementalCheckpointManager::new(keep_all(scratch.path()).with_max_retained(1)).unwrap();
    manager.put(b"old", b"1").unwrap();
    manager.create_checkpoint(0).unwrap();
    drop(manager);
    // A crash has left half a checkpoint.
    let partial = scratch.path().join("checkpoint_0000000000000002");
    fs::create_dir(&partial).unwrap();
    fs::write(partial.join("state.bin"), "half").unwrap();
    let mut manager = IncrementalCheckpointManager::new(keep_all(scratch.path()).with_max_retained(1)).unwrap();
    manager.put(b"new", b"2").unwrap();
    assert_eq!(manager.create_checkpoint(0).unwrap().id, 3);
    assert!(!partial.exists(), "the leftover is reclaimed");
    assert!(matches!(manager.cleanup_old_checkpoints_keep(0), Err(Error::InvalidInput(_))));
    drop(manager);
    // The only checkpoint still has the file that an older one wrote.
    let manager = open(scratch.path());
    assert_eq!((manager.get(b"old"), manager.get(b"new")), (Some(&b"1"[..]), Some(&b"2"[..])));
}

#[test]
fn the_cost_of_a_checkpoint_does_not_grow_with_those_that_are_kept() {
    let scratch = scratch();
    let witness = Witness::new();
    let mut manager = open_watched(keep_all(scratch.path()), &witness);
    let mut reads = Vec::new();
    for _ in 0..40 {
        witness.take();
        manager.put(b"key", b"value").unwrap();
        manager.create_checkpoint(0).unwrap();
        let of_metadata = |seen: &Seen| matches!(seen, Seen::Read(path) if path.ends_with("metadata.json"));
        reads.push(witness.take().iter().filter(|seen| of_metadata(seen)).count());
    }
    assert!(reads[30..].iter().all(|count| *count <= reads[1]), "{reads:?}");
}

#[test]
fn reopening_restores_everything_and_a_monotonic_clock_decides() {
    let scratch = scratch();
    let clock = Arc::new(ManualClock::new(1_700_000_000_000));
    let config = keep_all(scratch.path()).with_interval(Duration::from_millis(250));
    let mut manager = IncrementalCheckpointManager::open(config.clone(), deterministic(&clock)).unwrap();
    manager.set_epoch(9).unwrap();
    manager.set_source_offset("input".into(), u64::MAX).unwrap();
    manager.set_watermark(-5);
    manager.create_checkpoint(0).unwrap();
    drop(manager);
    clock.advance_ms(100);
    let manager = IncrementalCheckpointManager::open(config, deterministic(&clock)).unwrap();
    assert_eq!((manager.epoch(), manager.source_offsets()["input"], manager.watermark()), (9, u64::MAX, Some(-5)));
    assert!(!manager.should_checkpoint(), "100 ms of 250 have passed");
    clock.set_unix_ms(0);
    clock.advance_ms(149);
    assert!(!manager.should_checkpoint());
    clock.advance_ms(1);
    assert!(manager.should_checkpoint(), "a wall clock that was set back stalls nothing");
}

#[test]
fn epoch_and_position_never_go_backwards() {
    let scratch = scratch();
    let mut manager = open(scratch.path());
    manager.set_epoch(5).unwrap();
    manager.create_checkpoint(100).unwrap();
    assert!(matches!(manager.set_epoch(4), Err(Error::EpochMismatch { expected: 5, found: 4 })));
    assert!(matches!(manager.create_checkpoint(99), Err(Error::EpochMismatch { expected: 100, found: 99 })));
    assert_eq!(manager.create_checkpoint(100).unwrap().epoch, 5);
}

#[test]
fn the_settings_of_the_wal_have_an_effect() {
    // truncate_wal: what a checkpoint made unnecessary goes, or stays with its checkpoint.
    for truncate in [true, false] {
        let scratch = scratch();
        let mut manager =
            IncrementalCheckpointManager::new(keep_all(scratch.path()).with_truncate_wal(truncate)).unwrap();
        manager.create_checkpoint(0).unwrap();
        manager.put(b"key", b"value").unwrap();
        manager.sync(0).unwrap();
        let wal = files(scratch.path()).into_keys().find(|path| path.starts_with("wal")).expect("a WAL file");
        manager.create_checkpoint(0).unwrap();
        assert_eq!(scratch.path().join(wal).exists(), !truncate);
    }
    // min_wal_size_for_checkpoint: a checkpoint that is due waits until the WAL has grown.
    for (min_wal_size, is_due) in [(1, true), (1 << 20, false)] {
        let scratch = scratch();
        let clock = Arc::new(ManualClock::new(1_700_000_000_000));
        let config = keep_all(scratch.path()).with_min_wal_size(min_wal_size);
        let mut manager = IncrementalCheckpointManager::open(config, deterministic(&clock)).unwrap();
        manager.create_checkpoint(0).unwrap();
        manager.put(b"key", b"value").unwrap();
        manager.sync(0).unwrap();
        clock.advance_ms(3_600_000);
        assert_eq!(manager.should_checkpoint(), is_due, "{min_wal_size}");
    }
    // wal_path: the caller's own log stays as it is, and may not lie where Alluvium collects garbage.
    let (scratch, outside) = (scratch(), scratch());
    let log = outside.path().join("my.log");
    fs::write(&log, "mine").unwrap();
    let mut manager = IncrementalCheckpointManager::new(keep_all(scratch.path()).with_wal_path(&log)).unwrap();
    manager.create_checkpoint(4).unwrap();
    assert_eq!(fs::read(&log).unwrap(), b"mine");
    let inside = keep_all(scratch.path()).with_wal_path(&scratch.path().join("my.log"));
    assert!(matches!(inside.validate(), Err(Error::InvalidConfig(_))));
}

#[test]
fn a_missing_directory_and_a_position_out_of_range_are_errors() {
    let (scratch, outside) = (scratch(), scratch());
    let mistyped = scratch.path().join("chekpoints");
    let missing = RecoveryManager::recover_simple(&mistyped, Path::new(NO_LOG));
    assert!(matches!(missing, Err(Error::NotFound(_))));
    let options = OpenOptions::new().create(false);
    let missing = IncrementalCheckpointManager::open(keep_all(&mistyped), options);
    assert!(matches!(missing, Err(Error::NotFound(_))));
    assert!(!mistyped.exists(), "nothing was created");

    let log = outside.path().join("my.log");
    fs::write(&log, [0; 99]).unwrap();
    open(scratch.path()).create_checkpoint(100).unwrap();
    let error = RecoveryManager::new(RecoveryConfig::new(scratch.path(), &log)).recover().unwrap_err();
    assert!(matches!(error, Error::Wal(_)), "{error}");
    assert_eq!((error.place(), error.offset()), (log.to_str(), Some(99)));
    fs::write(&log, [0; 100]).unwrap();
    assert_eq!(RecoveryManager::recover_simple(scratch.path(), &log).unwrap().wal_position, 100);
}

#[test]
fn a_torn_tail_of_the_wal_is_cut_and_damage_before_it_is_an_error() {
    let scratch = scratch();
    let mut manager = open(scratch.path());
    manager.create_checkpoint(0).unwrap();
    for key in [b"a", b"b", b"c"] {
        manager.put(key, b"value").unwrap();
        manager.sync(0).unwrap();
    }
    drop(manager);
    let whole = files(scratch.path());
    let wal: Vec<_> = whole.keys().filter(|path| path.starts_with("wal")).cloned().collect();
    assert_eq!(wal.len(), 3);

    let torn = &whole[&wal[2]];
    fs::write(scratch.path().join(&wal[2]), &torn[..torn.len() / 2]).unwrap();
    let recovered = RecoveryManager::recover_simple(scratch.path(), Path::new(NO_LOG)).unwrap();
    assert_eq!((recovered.state.len(), recovered.wal_entries_replayed), (2, 2));

    write_files(scratch.path(), &whole);
    let mut damaged = whole[&wal[0]].clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(scratch.path().join(&wal[0]), damaged).unwrap();
    let before = files(scratch.path());
    IncrementalCheckpointManager::new(keep_all(scratch.path())).expect_err("damage before the tail");
    assert_eq!(files(scratch.path()), before, "nothing was cut");
}

#[test]
fn equal_states_under_equal_ids_give_equal_bytes() {
    let mut written = Vec::new();
    for order in [[1_u64, 2, 3], [3, 1, 2]] {
        let scratch = scratch();
        let clock = Arc::new(ManualClock::new(1_700_000_000_000));
        let mut manager = IncrementalCheckpointManager::open(keep_all(scratch.path()), deterministic(&clock)).unwrap();
        for n in order {
            manager.put(&n.to_be_bytes(), b"value").unwrap();
        }
        let offsets = order.map(|n| (format!("source {n}"), n)).into_iter().collect();
        manager.create_checkpoint_with_state(0, offsets, None, b"opaque").unwrap();
        drop(manager);
        written.push(files(scratch.path()));
    }
    assert_eq!(written[0], written[1]);
    assert!(written[0].len() >= 3);
}
