//! Steps of one manager that overlap: a WAL file and a checkpoint, two compactions, a compaction and a checkpoint.
//! Each is driven one call of the directory at a time, so that every overlap is tried.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use alluvium_core::directory::block_on;
use alluvium_core::tools::verify::verify;
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, PreparedCheckpoint};
use alluvium_test_harness::faulty::FaultyDirectory;
use alluvium_test_harness::{Expected, Files, checkpoint, keep, open_with, options};

type Manager = IncrementalCheckpointManager<FaultyDirectory>;

/// A future that is driven by hand.
enum Driven<T> {
    Running(Pin<Box<dyn Future<Output = T>>>),
    Ended(T),
}

impl<T> Driven<T> {
    fn new(future: impl Future<Output = T> + 'static) -> Self {
        Self::Running(Box::pin(future))
    }

    /// Polls it `times`, or until it ends. Returns whether it has ended.
    fn poll(&mut self, times: usize) -> bool {
        for _ in 0..times {
            let Self::Running(future) = self else { break };
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                *self = Self::Ended(output);
            }
        }
        matches!(self, Self::Ended(_))
    }

    /// Runs it to its end.
    fn end(self) -> T {
        match self {
            Self::Running(future) => block_on(future),
            Self::Ended(output) => output,
        }
    }
}

fn open(directory: &Arc<FaultyDirectory>, config: CheckpointConfig) -> Manager {
    open_with(directory, config, options()).unwrap()
}

fn directory() -> Arc<FaultyDirectory> {
    Arc::new(FaultyDirectory::holding(Files::new()).giving_way())
}

/// Holds the directory to what the manager holds, which was just written.
fn check(directory: &Arc<FaultyDirectory>, manager: &Manager, what: &str) {
    let found = block_on(verify(&**directory)).unwrap();
    assert!(!found.is_damaged(), "{what}: {:?}", found.findings);
    let reopened = open_with(directory, keep(1), options()).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(Expected::of(&reopened), Expected::of(manager), "{what}");
}

/// Writes two checkpoints, one after the other, with retention that keeps one.
async fn two_checkpoints(manager: Rc<RefCell<Manager>>, first: PreparedCheckpoint<FaultyDirectory>) {
    let written = first.write().await.unwrap();
    let finished = manager.borrow_mut().finish_checkpoint(written).unwrap();
    assert_eq!(finished.maintenance.run().await.errors, Vec::<String>::new());
    manager.borrow_mut().put(b"d", b"4").unwrap();
    let second = manager.borrow_mut().prepare_checkpoint(0).unwrap();
    let written = second.write().await.unwrap();
    let finished = manager.borrow_mut().finish_checkpoint(written).unwrap();
    assert_eq!(finished.maintenance.run().await.errors, Vec::<String>::new());
}

/// Runs a WAL file and the checkpoints after it, with every number of calls before each switch.
fn a_wal_file_and_checkpoints(writer: u64, is_sync_first: bool) {
    for (of_sync, of_checkpoints) in (0..8).flat_map(|sync| (0..40).map(move |checkpoints| (sync, checkpoints))) {
        let what = format!("{of_sync} calls of the WAL file, {of_checkpoints} of the checkpoints");
        let directory = directory();
        let config = keep(1).with_max_in_flight(2);
        let mut manager = open_with(&directory, config, options().writer(writer)).unwrap();
        manager.put(b"a", b"1").unwrap();
        checkpoint(&mut manager);
        manager.put(b"b", b"2").unwrap();
        let sync = manager.prepare_sync(0).unwrap().unwrap();
        manager.put(b"c", b"3").unwrap();
        let prepared = manager.prepare_checkpoint(0).unwrap();
        let manager = Rc::new(RefCell::new(manager));
        let mut sync = Driven::new(sync.write());
        let mut checkpoints = Driven::new(two_checkpoints(manager.clone(), prepared));
        if is_sync_first {
            sync.poll(of_sync);
            checkpoints.poll(of_checkpoints);
        } else {
            checkpoints.poll(of_checkpoints);
            sync.poll(of_sync);
            checkpoints.poll(3);
        }
        let synced = sync.end().unwrap_or_else(|error| panic!("{what}: WAL file: {error}"));
        checkpoints.end();
        let mut manager = manager.borrow_mut();
        manager.finish_sync(synced).unwrap();
        check(&directory, &manager, &what);
        manager.put(b"e", b"5").unwrap();
        block_on(manager.sync(0)).unwrap_or_else(|error| panic!("{what}: {error}"));
        check(&directory, &manager, &what);
    }
}

#[test]
fn a_wal_file_that_is_begun_first_and_checkpoints_do_not_fence_each_other() {
    a_wal_file_and_checkpoints(7, true);
}

#[test]
fn checkpoints_that_are_begun_first_and_a_wal_file_do_not_fence_each_other() {
    a_wal_file_and_checkpoints(7, false);
}

#[test]
fn without_a_number_of_the_writer_they_do_not_fence_each_other_either() {
    a_wal_file_and_checkpoints(0, true);
    a_wal_file_and_checkpoints(0, false);
}

/// A manager whose next checkpoint lets compaction rewrite the whole state.
fn before_a_compaction(directory: &Arc<FaultyDirectory>) -> Manager {
    let mut manager = open(directory, keep(3).with_max_in_flight(3).with_recovery_read_ratio(1.01));
    for round in 0..3_u8 {
        manager.put(b"large", &vec![round; 100_000]).unwrap();
        manager.put(b"deleted later", b"1").unwrap();
        checkpoint(&mut manager);
    }
    manager.put(b"large", &vec![3; 100_000]).unwrap();
    manager
}

#[test]
fn of_two_compactions_at_once_only_one_is_published() {
    let mut compacted = 0;
    for (first, second, published) in (2..8).flat_map(|a| (2..8).flat_map(move |b| (0..4).map(move |c| (a, b, c)))) {
        let what =
            format!("{first} polls of the first compaction, {second} of the second, {published} of a checkpoint");
        let directory = directory();
        let mut manager = before_a_compaction(&directory);
        let begin = |manager: &mut Manager, polls: usize| {
            let written = block_on(manager.prepare_checkpoint(0).unwrap().write()).unwrap();
            let mut run = Driven::new(manager.finish_checkpoint(written).unwrap().maintenance.run());
            run.poll(polls);
            run
        };
        let one = begin(&mut manager, first);
        // The second one does not have it any more, the first one does.
        manager.delete(b"deleted later").unwrap();
        let other = begin(&mut manager, second);
        compacted += one.end().rebased_bytes;
        manager.put(b"after", b"1").unwrap();
        let mut written = Driven::new(manager.prepare_checkpoint(0).unwrap().write());
        written.poll(published);
        other.end();
        manager.finish_checkpoint(written.end().unwrap()).unwrap();
        check(&directory, &manager, &what);
        manager.put(b"after", b"2").unwrap();
        checkpoint(&mut manager);
        check(&directory, &manager, &what);
        manager.put(b"after", b"3").unwrap();
        checkpoint(&mut manager);
        check(&directory, &manager, &what);
    }
    assert!(compacted > 0, "nothing was compacted");
}

#[test]
fn a_checkpoint_is_not_deleted_while_a_wal_file_after_it_is_written() {
    let directory = directory();
    let mut manager = open(&directory, keep(3).with_max_in_flight(2));
    manager.put(b"a", b"1").unwrap();
    let first = checkpoint(&mut manager);
    manager.put(b"b", b"2").unwrap();
    let sync = manager.prepare_sync(0).unwrap().unwrap();
    let prepared = manager.prepare_checkpoint(0).unwrap();
    // The checkpoint on its way may still fail. Until it is durable, the WAL file counts.
    let refused = block_on(manager.delete_checkpoint(first)).unwrap_err();
    assert!(refused.to_string().contains("is being written"), "{refused}");
    drop(block_on(sync.write()).unwrap());
    drop(prepared);
    check(&directory, &manager, "after the WAL file");
}
