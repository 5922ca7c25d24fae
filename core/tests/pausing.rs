//! A directory pauses the encoding of a checkpoint, so that a program which does one thing at a time can do another.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use alluvium_core::directory::{Directory, DirectoryError, Entry, MemoryDirectory, NewFile, block_on};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};

/// A directory that stops at each pause, if it is asked to.
#[derive(Default)]
struct Pausing {
    inner: MemoryDirectory,
    pauses: AtomicBool,
}

impl Directory for Pausing {
    fn list(&self) -> impl Future<Output = Result<Vec<Entry>, DirectoryError>> {
        self.inner.list()
    }
    fn read(&self, path: &str) -> impl Future<Output = Result<Vec<u8>, DirectoryError>> {
        self.inner.read(path)
    }
    fn read_range(
        &self,
        path: &str,
        offset: u64,
        length: usize,
    ) -> impl Future<Output = Result<Vec<u8>, DirectoryError>> {
        self.inner.read_range(path, offset, length)
    }
    fn create(&self, batch: Vec<NewFile>) -> impl Future<Output = Result<(), DirectoryError>> {
        self.inner.create(batch)
    }
    fn delete(&self, paths: &[String]) -> impl Future<Output = Result<(), DirectoryError>> {
        self.inner.delete(paths)
    }
    async fn pause(&self) {
        let mut is_over = !self.pauses.load(Ordering::Relaxed);
        poll_fn(|_| if std::mem::replace(&mut is_over, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

type Manager = IncrementalCheckpointManager<Pausing>;

fn open(directory: &Arc<Pausing>) -> Manager {
    // A merge of deltas comes soon.
    let config = CheckpointConfig::new().with_max_in_flight(3).with_max_retained(2);
    let options = OpenOptions::new(Arc::new(ManualClock::new(1_000))).create(true).writer(7).store_id([3; 16]);
    block_on(Manager::open(directory.clone(), config, options)).unwrap()
}

fn key(number: u32) -> [u8; 16] {
    u128::from(number).to_be_bytes()
}

fn put(manager: &mut Manager, keys: std::ops::Range<u32>, value: u8) {
    for number in keys {
        manager.put(&key(number), &[value; 100]).unwrap();
    }
}

/// Polls a future to its end, and calls `meanwhile` at each pause.
fn poll_to_end<T>(future: impl Future<Output = T>, mut meanwhile: impl FnMut(u32)) -> T {
    let mut future = pin!(future);
    for pause in 0.. {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => return done,
            Poll::Pending => meanwhile(pause),
        }
    }
    unreachable!("there is no last pause")
}

/// Writes eight checkpoints of 20,000 keys, and returns how often they paused, and the files.
fn written(pauses: bool) -> (u32, u32, BTreeMap<String, Vec<u8>>) {
    let directory = Arc::new(Pausing::default());
    directory.pauses.store(pauses, Ordering::Relaxed);
    let mut manager = open(&directory);
    let (mut writing, mut maintaining) = (0, 0);
    for epoch in 0..8 {
        put(&mut manager, 0..20_000, epoch);
        let prepared = manager.prepare_checkpoint(0).unwrap();
        // What is put at a pause belongs to the next checkpoint, and is put there in any case.
        let mut at_pauses = 0;
        let written = poll_to_end(prepared.write(), |pause| {
            writing += 1;
            if pause < 4 {
                put(&mut manager, 100_000 + pause..100_001 + pause, epoch);
                at_pauses += 1;
            }
        });
        put(&mut manager, 100_000 + at_pauses..100_004, epoch);
        let finished = manager.finish_checkpoint(written.unwrap()).unwrap();
        poll_to_end(finished.maintenance.run(), |_| maintaining += 1);
    }
    drop(manager);
    let names = block_on(directory.list()).unwrap();
    let read = |entry: Entry| (entry.path.clone(), block_on(directory.read(&entry.path)).unwrap_or_default());
    (writing, maintaining, names.into_iter().map(read).collect())
}

#[test]
fn pauses_come_often_and_change_no_byte() {
    let (none, no_more, files) = written(false);
    assert_eq!((none, no_more), (0, 0));
    let (writing, maintaining, others) = written(true);
    // Each checkpoint has 2.6 MB, in chunks and steps of a fraction of that.
    assert!(writing > 8 * 20, "{writing} pauses of eight checkpoints");
    assert!(maintaining > 30, "{maintaining} pauses of their maintenance");
    assert!(files == others, "{:?} and {:?}", files.keys(), others.keys());
}

#[test]
fn a_checkpoint_that_is_dropped_at_a_pause_belongs_to_the_next_one() {
    for pause in [0, 5, 20] {
        let directory = Arc::new(Pausing::default());
        let mut manager = open(&directory);
        put(&mut manager, 0..10, 1);
        block_on(manager.create_checkpoint(0)).unwrap();
        put(&mut manager, 0..20_000, 2);
        directory.pauses.store(true, Ordering::Relaxed);
        let prepared = manager.prepare_checkpoint(0).unwrap();
        put(&mut manager, 20_000..20_010, 3);
        {
            let mut write = pin!(prepared.write());
            for _ in 0..=pause {
                assert!(write.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            }
        }
        directory.pauses.store(false, Ordering::Relaxed);
        let created = block_on(manager.create_checkpoint(0)).unwrap();
        assert_eq!((created.parent_id, created.key_count), (Some(1), 20_010), "dropped at pause {pause}");
        assert_eq!(open(&directory).get(&key(19_999)), Some(&[2; 100][..]));
    }
}
