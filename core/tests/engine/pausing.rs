//! A directory pauses the encoding of a checkpoint, so that a program which does one thing at a time can do another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use alluvium_core::directory::{Directory, Entry, block_on};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};

use crate::polling::{poll_and_drop, poll_to_end};
use crate::stopping::Stopping;

type Manager = IncrementalCheckpointManager<Stopping>;

fn open(directory: &Arc<Stopping>) -> Manager {
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

/// Writes eight checkpoints of 20,000 keys, and returns how often they paused, and the files.
fn written(pauses: bool) -> (u32, u32, BTreeMap<String, Vec<u8>>) {
    let directory = Arc::new(Stopping::default());
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
        let directory = Arc::new(Stopping::default());
        let mut manager = open(&directory);
        put(&mut manager, 0..10, 1);
        block_on(manager.create_checkpoint(0)).unwrap();
        put(&mut manager, 0..20_000, 2);
        directory.pauses.store(true, Ordering::Relaxed);
        let prepared = manager.prepare_checkpoint(0).unwrap();
        put(&mut manager, 20_000..20_010, 3);
        assert!(!poll_and_drop(prepared.write(), pause), "it ended before pause {pause}");
        directory.pauses.store(false, Ordering::Relaxed);
        let created = block_on(manager.create_checkpoint(0)).unwrap();
        assert_eq!((created.parent_id, created.key_count), (Some(1), 20_010), "dropped at pause {pause}");
        assert_eq!(open(&directory).get(&key(19_999)), Some(&[2; 100][..]));
    }
}
