//! What becomes of a checkpoint or a WAL file that is dropped on its way, and of what a restore was about to bring.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use alluvium_core::directory::{Directory, MemoryDirectory, block_on};
use alluvium_core::tools::verify::verify;
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError as Error, IncrementalCheckpointManager, ManualClock, OpenOptions,
    Reaction,
};

use crate::stopping::Stopping;

type Manager<D = MemoryDirectory> = IncrementalCheckpointManager<D>;

fn open<D: Directory>(directory: &Arc<D>) -> Manager<D> {
    let config = CheckpointConfig::new().with_max_in_flight(3).with_max_retained(10);
    let options = OpenOptions::new(Arc::new(ManualClock::new(1_000))).create(true);
    block_on(Manager::open(directory.clone(), config, options)).unwrap()
}

fn checkpoint<D: Directory>(manager: &mut Manager<D>) -> u64 {
    block_on(manager.create_checkpoint(0)).unwrap().id
}

/// Begins to run a future, and drops it.
fn begin_and_drop(future: impl Future) {
    assert!(matches!(pin!(future).poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
}

#[test]
fn a_checkpoint_that_is_dropped_before_its_write_belongs_to_the_next_one() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    manager.put(b"a", b"1").unwrap();
    let first = manager.prepare_checkpoint(0).unwrap();
    manager.put(b"b", b"1").unwrap();
    drop(first);
    manager.put(b"a", b"2").unwrap();
    let created = block_on(manager.create_checkpoint(0)).unwrap();
    assert_eq!((created.id, created.parent_id, created.key_count), (1, None, 2));
    let again = open(&directory);
    assert_eq!((again.get(b"a"), again.get(b"b")), (Some(&b"2"[..]), Some(&b"1"[..])));
}

#[test]
fn one_that_is_prepared_already_takes_over_the_changes_of_one_that_is_dropped() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    checkpoint(&mut manager);
    manager.put(b"a", b"1").unwrap();
    let first = manager.prepare_checkpoint(0).unwrap();
    manager.put(b"b", b"1").unwrap();
    let second = manager.prepare_checkpoint(0).unwrap();
    manager.put(b"c", b"1").unwrap();
    // It waits for the first one. Nothing is written, and nothing is lost.
    let third = manager.prepare_checkpoint(0).unwrap();
    let error = block_on(third.write()).unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error}");
    drop(first);
    let written = block_on(second.write()).unwrap();
    assert_eq!((written.metadata().id, written.metadata().parent_id, written.metadata().key_count), (3, Some(1), 2));
    manager.finish_checkpoint(written).unwrap();
    assert_eq!((checkpoint(&mut manager), open(&directory).len()), (4, 3));
    assert_eq!(block_on(verify(&*directory)).unwrap().findings, []);
}

#[test]
fn an_id_that_a_dropped_checkpoint_left_free_does_not_hide_another_writer() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    checkpoint(&mut manager);
    let first = manager.prepare_checkpoint(0).unwrap();
    let second = manager.prepare_checkpoint(0).unwrap();
    drop(first);
    let mut other = open(&directory);
    other.put(b"other", b"1").unwrap();
    assert_eq!(checkpoint(&mut other), 2);
    let error = block_on(second.write()).unwrap_err();
    assert!(matches!(error, Error::Fenced(_)), "{error}");
    assert_eq!(open(&directory).get(b"other"), Some(&b"1"[..]));
}

#[test]
fn the_manager_learns_of_a_written_checkpoint_that_is_dropped() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    for round in 1..=5_u8 {
        manager.put(b"a", &[round]).unwrap();
        drop(block_on(manager.prepare_checkpoint(0).unwrap().write()).unwrap());
        // A WAL file can follow it.
        manager.put(b"b", &[round]).unwrap();
        block_on(manager.sync(0)).unwrap();
        assert_eq!(manager.latest_checkpoint_id(), Some(u64::from(round)));
        assert!(manager.wal_size() > 0);
    }
    assert_eq!(open(&directory).get(b"b"), Some(&[5][..]));
}

#[test]
fn a_wal_file_that_is_dropped_belongs_to_the_next_one() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    checkpoint(&mut manager);
    manager.put(b"a", b"1").unwrap();
    let first = manager.prepare_sync(0).unwrap().unwrap();
    manager.put(b"b", b"1").unwrap();
    let second = manager.prepare_sync(0).unwrap().unwrap();
    drop(first);
    manager.finish_sync(block_on(second.write()).unwrap()).unwrap();
    assert_eq!(open(&directory).len(), 2);
    manager.put(b"c", b"1").unwrap();
    drop(manager.prepare_sync(0).unwrap());
    manager.put(b"d", b"1").unwrap();
    block_on(manager.sync(0)).unwrap();
    assert_eq!(open(&directory).len(), 4);
    // A checkpoint holds what a WAL file was to hold that is written later.
    manager.put(b"e", b"1").unwrap();
    let late = manager.prepare_sync(0).unwrap().unwrap();
    checkpoint(&mut manager);
    manager.finish_sync(block_on(late.write()).unwrap()).unwrap();
    manager.put(b"f", b"1").unwrap();
    block_on(manager.sync(0)).unwrap();
    assert_eq!(open(&directory).len(), 6);
}

#[test]
fn a_write_that_is_cancelled_while_files_are_created_asks_for_reopening() {
    let begin: [fn(&mut Manager<Stopping>); 4] = [
        |manager| begin_and_drop(manager.create_checkpoint(0)),
        |manager| begin_and_drop(manager.prepare_checkpoint(0).unwrap().write()),
        |manager| begin_and_drop(manager.sync(0)),
        |manager| begin_and_drop(manager.restore_checkpoint(1)),
    ];
    for begin in begin {
        let directory = Arc::new(Stopping::default());
        let mut manager = open(&directory);
        manager.put(b"a", b"1").unwrap();
        checkpoint(&mut manager);
        manager.put(b"a", b"2").unwrap();
        directory.is_stuck.store(true, Ordering::Relaxed);
        begin(&mut manager);
        assert_eq!(manager.get(b"a"), Some(&b"2"[..]), "nothing was restored");
        let refused = [
            manager.prepare_checkpoint(0).map(drop).unwrap_err(),
            manager.prepare_sync(0).map(drop).unwrap_err(),
            block_on(manager.restore_checkpoint(1)).map(drop).unwrap_err(),
            block_on(manager.delete_checkpoint(1)).map(drop).unwrap_err(),
            block_on(manager.collect_garbage()).map(drop).unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.reaction(), Reaction::Reopen, "{error}");
            assert!(error.to_string().contains("was cancelled"), "{error}");
        }
        directory.is_stuck.store(false, Ordering::Relaxed);
        assert_eq!(open(&directory).get(b"a"), Some(&b"1"[..]));
    }
}

#[test]
fn opening_the_newest_checkpoint_by_its_id_leaves_out_its_wal_and_can_sync() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    checkpoint(&mut manager);
    manager.put(b"logged", b"1").unwrap();
    block_on(manager.sync(0)).unwrap();
    let options = OpenOptions::new(Arc::new(ManualClock::new(1_000))).checkpoint(Some(1));
    let mut manager = block_on(Manager::open(directory.clone(), CheckpointConfig::new(), options)).unwrap();
    manager.put(b"instead", b"1").unwrap();
    block_on(manager.sync(0)).unwrap();
    let again = open(&directory);
    assert_eq!((again.get(b"logged"), again.get(b"instead")), (None, Some(&b"1"[..])));
}

/// A checkpoint that is dropped gives back few mutations each time, as when every attempt to write is given up in time.
#[test]
fn checkpoints_that_are_dropped_again_and_again_leave_a_changelog_with_a_bound() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open(&directory);
    let (mut most, mut pushed) = (0, 0);
    for round in 0..6_000_u64 {
        for key in 0..500_u64 {
            let mut value = [0; 100];
            value[..8].copy_from_slice(&(round + key).to_le_bytes());
            manager.put(&(key % 97).to_le_bytes(), &value).unwrap();
            pushed += 124;
        }
        drop(manager.prepare_checkpoint(0).unwrap());
        // A batch that is open keeps its place in the changelog.
        if round % 7 == 0 {
            manager.begin_batch();
            manager.put(b"undone", b"").unwrap();
            manager.rollback_batch().unwrap();
        }
        most = most.max(manager.memory().changelog_bytes);
    }
    // It is compacted once it has 64 MiB, and may grow by a half until that is done, beside its result.
    assert!(most < 128 << 20 && pushed > 256 << 20, "{most} bytes of {pushed}");
    checkpoint(&mut manager);
    let expected: Vec<_> = (0..97_u64).map(|key| (key, 5_999 + (500 - 1 - key) / 97 * 97 + key)).collect();
    let reopened = open(&directory);
    assert_eq!(reopened.len(), 97);
    for (key, value) in expected {
        assert_eq!(reopened.get(&key.to_le_bytes()).unwrap()[..8], value.to_le_bytes(), "{key}");
    }
}
