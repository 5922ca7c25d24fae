//! The WAL between checkpoints: what `sync` made durable is recovered after a crash, and nothing else is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alluvium_core::directory::{Directory, MemoryDirectory, NewFile, block_on};
use alluvium_core::tools::verify::verify;
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError as Error, IncrementalCheckpointManager, ManualClock, OpenOptions,
    RecoveryConfig, RecoveryManager, wal_size,
};

type Manager = IncrementalCheckpointManager<MemoryDirectory>;

fn open_with(directory: &Arc<MemoryDirectory>, config: CheckpointConfig, fallback: bool) -> Result<Manager, Error> {
    let options = OpenOptions::new(Arc::new(ManualClock::new(1_000))).allow_fallback(fallback).create(true);
    block_on(Manager::open(directory.clone(), config, options))
}

fn open(directory: &Arc<MemoryDirectory>) -> Manager {
    open_with(directory, CheckpointConfig::new(), false).unwrap()
}

fn sync(manager: &mut Manager, wal_position: u64) {
    block_on(manager.sync(wal_position)).unwrap();
}

fn checkpoint(manager: &mut Manager, wal_position: u64) {
    block_on(manager.create_checkpoint(wal_position)).unwrap();
}

fn contents(manager: &Manager) -> BTreeMap<Vec<u8>, Vec<u8>> {
    manager.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

/// Writes a checkpoint, then two WAL files, then changes that are never synced. Returns the directory and the
/// state that is durable.
fn written() -> (Arc<MemoryDirectory>, BTreeMap<Vec<u8>, Vec<u8>>) {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    manager.put(b"a", b"1").unwrap();
    manager.put(b"b", b"1").unwrap();
    checkpoint(&mut manager, 1);
    manager.put(b"b", b"2").unwrap();
    manager.set_source_offset("input", 20).unwrap();
    sync(&mut manager, 2);
    manager.delete(b"a").unwrap();
    manager.put(b"c", b"3").unwrap();
    manager.set_source_offset("input", 30).unwrap();
    manager.set_watermark(300);
    manager.set_epoch(3).unwrap();
    manager.set_annotation("sink", "0 7");
    sync(&mut manager, 3);
    let durable = contents(&manager);
    manager.put(b"d", b"4").unwrap();
    manager.set_source_offset("input", 40).unwrap();
    (directory, durable)
}

fn edited(directory: &MemoryDirectory, edit: impl Fn(&mut BTreeMap<String, Vec<u8>>)) -> Arc<MemoryDirectory> {
    let mut files = directory.to_files();
    edit(&mut files);
    Arc::new(MemoryDirectory::from_files(files))
}

const FIRST: &str = "wal/0000000000000001-0000000000000001.log";
const SECOND: &str = "wal/0000000000000001-0000000000000002.log";

#[test]
fn what_was_synced_is_there_and_what_was_not_is_not() {
    let (directory, durable) = written();
    let manager = open(&directory);
    assert_eq!(contents(&manager), durable);
    assert_eq!((manager.epoch(), manager.wal_position(), manager.watermark()), (3, 3, Some(300)));
    assert_eq!(manager.source_offsets()["input"], 30);
    assert_eq!(manager.annotations()["sink"], "0 7");
    assert_eq!(manager.recovered().unwrap().wal_entries, 3);
    assert!(manager.wal_size() > 0);
    assert_eq!(block_on(wal_size(&*directory)).unwrap(), manager.wal_size());
}

#[test]
fn the_next_checkpoint_contains_the_wal_and_drops_it() {
    let (directory, durable) = written();
    let mut manager = open(&directory);
    checkpoint(&mut manager, 3);
    assert_eq!(manager.wal_size(), 0);
    let names: Vec<_> = directory.to_files().into_keys().filter(|path| path.starts_with("wal/")).collect();
    assert!(names.is_empty(), "{names:?}");
    assert_eq!(contents(&open(&directory)), durable);
}

#[test]
fn without_truncate_wal_the_wal_stays_with_its_checkpoint() {
    let (directory, durable) = written();
    let mut manager = open_with(&directory, CheckpointConfig::new().with_truncate_wal(false), false).unwrap();
    checkpoint(&mut manager, 3);
    assert!(directory.to_files().contains_key(SECOND));
    assert_eq!(contents(&open(&directory)), durable, "the WAL after an older checkpoint is not replayed");
}

#[test]
fn the_wal_continues_after_reopening() {
    let (directory, _) = written();
    let mut manager = open(&directory);
    manager.put(b"e", b"5").unwrap();
    sync(&mut manager, 4);
    assert!(directory.to_files().contains_key("wal/0000000000000001-0000000000000003.log"));
    assert_eq!(open(&directory).get(b"e"), Some(&b"5"[..]));
}

#[test]
fn the_first_sync_takes_a_checkpoint_and_an_idle_one_writes_nothing() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    manager.put(b"a", b"1").unwrap();
    sync(&mut manager, 1);
    assert_eq!(manager.latest_checkpoint_id(), Some(1));
    sync(&mut manager, 1);
    let before = directory.to_files();
    sync(&mut manager, 1);
    assert_eq!(directory.to_files(), before);
}

#[test]
fn a_torn_tail_is_cut_off_and_reported() {
    let (directory, _) = written();
    let whole = directory.to_files()[SECOND].len();
    for length in 0..whole {
        let torn = edited(&directory, |files| files.get_mut(SECOND).unwrap().truncate(length));
        let mut manager = open(&torn);
        assert_eq!((manager.get(b"a"), manager.get(b"b")), (Some(&b"1"[..]), Some(&b"2"[..])), "{length}");
        assert_eq!(manager.source_offsets()["input"], 20);
        assert_eq!(manager.recovered().unwrap().wal_cut.as_ref().unwrap().path, SECOND);
        // The manager works on, and the torn file does not prevent it.
        manager.put(b"f", b"6").unwrap();
        sync(&mut manager, 9);
        assert_eq!(open(&torn).get(b"f"), Some(&b"6"[..]));
        let strict = RecoveryManager::new(RecoveryConfig::new().with_repair_wal(false));
        assert!(
            block_on(strict.recover(&*edited(&directory, |files| files.get_mut(SECOND).unwrap().truncate(length))))
                .is_err()
        );
    }
}

#[test]
fn damage_before_the_tail_is_an_error_that_names_the_file_and_changes_nothing() {
    let (directory, durable) = written();
    for (name, length) in [(FIRST, 0), (FIRST, 70)] {
        let torn = edited(&directory, |files| files.get_mut(name).unwrap().truncate(length));
        let before = torn.to_files();
        let error = open_with(&torn, CheckpointConfig::new(), false).unwrap_err();
        assert!(error.to_string().contains(FIRST), "{error}");
        assert_eq!(torn.to_files(), before);
    }
    let missing = edited(&directory, |files| drop(files.remove(FIRST)));
    assert!(open_with(&missing, CheckpointConfig::new(), false).unwrap_err().to_string().contains(FIRST));
    for name in [FIRST, SECOND] {
        for at in 0..directory.to_files()[name].len() {
            let damaged = edited(&directory, |files| files.get_mut(name).unwrap()[at] ^= 4);
            let error = open_with(&damaged, CheckpointConfig::new(), false).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
            assert!(block_on(verify(&*damaged)).unwrap().findings.iter().any(|finding| finding.path == name));
            let allowed = open_with(&damaged, CheckpointConfig::new(), true).unwrap();
            assert_eq!(allowed.recovered().unwrap().wal_cut.as_ref().unwrap().path, name);
            assert_ne!(contents(&allowed), durable);
        }
    }
}

#[test]
fn a_stale_writer_of_the_wal_is_fenced() {
    let (directory, _) = written();
    let (mut stale, mut owner) = (open(&directory), open(&directory));
    owner.put(b"x", b"owner").unwrap();
    sync(&mut owner, 5);
    stale.put(b"x", b"stale").unwrap();
    assert!(matches!(block_on(stale.sync(5)), Err(Error::Fenced(_))));
    assert!(matches!(block_on(stale.create_checkpoint(5)), Err(Error::Fenced(_))), "it stays fenced");
    assert_eq!(open(&directory).get(b"x"), Some(&b"owner"[..]));
    // A checkpoint that does not contain the other writer's WAL file must not make that file void.
    let mut stale = open(&directory);
    owner.put(b"x", b"again").unwrap();
    sync(&mut owner, 6);
    assert!(matches!(block_on(stale.create_checkpoint(6)), Err(Error::Fenced(_))));
    assert_eq!(open(&directory).get(b"x"), Some(&b"again"[..]));
}

#[test]
fn a_checkpoint_may_wait_while_the_wal_is_small() {
    let directory = Arc::new(MemoryDirectory::new());
    let clock = Arc::new(ManualClock::new(0));
    let config =
        CheckpointConfig::new().with_interval(Duration::from_millis(10)).with_min_wal_size_for_checkpoint(2_000);
    let mut manager = block_on(Manager::open(directory, config, OpenOptions::new(clock.clone()).create(true))).unwrap();
    sync(&mut manager, 0);
    clock.advance_ms(11);
    assert!(manager.should_checkpoint(), "without a WAL file, time alone decides");
    manager.put(b"a", b"1").unwrap();
    sync(&mut manager, 1);
    assert!(!manager.should_checkpoint());
    manager.put(b"a", &[1; 2_000]).unwrap();
    sync(&mut manager, 2);
    assert!(manager.should_checkpoint());
}

#[test]
fn recovery_returns_the_changes_and_may_stop_early() {
    let (directory, _) = written();
    let recovered = block_on(RecoveryManager::recover_with_changes(&*directory)).unwrap();
    assert_eq!((recovered.wal_entries_replayed, recovered.state_changes.len()), (3, 3));
    assert!(recovered.state_changes.contains(&(b"a".to_vec(), None)));
    let limited = RecoveryManager::new(RecoveryConfig::new().with_max_wal_entries(1));
    let recovered = block_on(limited.recover(&*directory)).unwrap();
    assert_eq!((recovered.wal_entries_replayed, recovered.wal_position), (1, 2));
}

#[test]
fn a_sync_is_refused_while_a_checkpoint_is_in_flight() {
    let (directory, _) = written();
    let mut manager = open(&directory);
    let prepared = manager.prepare_checkpoint(7).unwrap();
    assert!(matches!(block_on(manager.sync(7)), Err(Error::BufferOverflow(3))));
    manager.put(b"later", b"1").unwrap();
    let written = block_on(prepared.write()).unwrap();
    let finished = manager.finish_checkpoint(written).unwrap();
    assert!(block_on(finished.maintenance.run()).errors.is_empty());
    sync(&mut manager, 8);
    assert_eq!(open(&directory).get(b"later"), Some(&b"1"[..]));
}

#[test]
fn a_foreign_file_beside_the_wal_is_left_alone() {
    let (directory, _) = written();
    let note = NewFile { path: "wal/note.txt".into(), content: b"mine".to_vec() };
    block_on(directory.create(vec![note])).unwrap();
    let mut manager = open(&directory);
    checkpoint(&mut manager, 9);
    assert!(directory.to_files().contains_key("wal/note.txt"));
}
