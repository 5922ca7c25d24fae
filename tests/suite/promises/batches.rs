//! Batches that can be undone: a batch that was rolled back leaves no trace, in memory or in files.

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::{IncrementalCheckpointError as Error, IncrementalCheckpointManager};
use alluvium_test_harness::{Expected, fresh, fresh_with, keep, open};

type Manager = IncrementalCheckpointManager<MemoryDirectory>;

/// Mutates a few of 60 keys: values grow, shrink, go and come back, some of them longer than a chunk of memory.
fn mutate(manager: &mut Manager, random: &mut fastrand::Rng) {
    for _ in 0..random.usize(1..80) {
        let key = [b'k', random.u8(..60)];
        match random.u8(..10) {
            0..3 => drop(manager.delete(&key).unwrap()),
            3 => manager.put(&key, &vec![random.u8(..); random.usize(200_000..400_000)]).unwrap(),
            _ => manager.put(&key, &vec![random.u8(..); random.usize(..300)]).unwrap(),
        }
    }
}

#[test]
fn a_batch_that_is_rolled_back_leaves_no_trace() {
    for seed in 0..8 {
        let ((plain, mut without), (disturbed, mut with)) = (fresh_with(keep(3)), fresh_with(keep(3)));
        let mut random = fastrand::Rng::with_seed(seed);
        for round in 0..12 {
            let good = random.fork();
            for (manager, is_disturbed) in [(&mut without, false), (&mut with, true)] {
                for _ in 0..2 {
                    if is_disturbed {
                        manager.begin_batch();
                        mutate(manager, &mut random);
                        manager.rollback_batch().unwrap();
                    }
                    manager.begin_batch();
                    mutate(manager, &mut good.clone());
                }
            }
            assert_eq!(Expected::of(&with), Expected::of(&without), "seed {seed}, round {round}");
            assert_eq!(with.state().digest(), without.state().digest(), "seed {seed}, round {round}");
            for manager in [&mut with, &mut without] {
                match round % 3 {
                    0 => block_on(manager.sync(round)).unwrap(),
                    1 => drop(block_on(manager.create_checkpoint(round)).unwrap()),
                    _ => {}
                }
            }
        }
        assert_eq!(disturbed.to_files(), plain.to_files(), "seed {seed}");
        drop((with, without));
        assert_eq!(Expected::of(&open(&disturbed).unwrap()), Expected::of(&open(&plain).unwrap()));
    }
}

#[test]
fn what_is_committed_stays() {
    let (directory, mut manager) = fresh();
    let is_refused = |manager: &mut Manager| matches!(manager.rollback_batch(), Err(Error::InvalidInput(_)));
    assert!(is_refused(&mut manager), "no batch is open");
    manager.put(b"before", b"1").unwrap();
    manager.begin_batch();
    manager.put(b"first", b"1").unwrap();
    manager.begin_batch();
    manager.put(b"second", b"1").unwrap();
    manager.rollback_batch().unwrap();
    assert_eq!((manager.get(b"first"), manager.get(b"second")), (Some(&b"1"[..]), None));
    assert!(is_refused(&mut manager), "it was undone already");
    let commits: [fn(&mut Manager); 3] = [
        Manager::commit_batch,
        |manager| drop(block_on(manager.create_checkpoint(0)).unwrap()),
        |manager| block_on(manager.sync(0)).unwrap(),
    ];
    for commit in commits {
        manager.begin_batch();
        manager.put(b"second", b"2").unwrap();
        commit(&mut manager);
        assert!(is_refused(&mut manager), "it was committed");
    }
    drop(manager);
    let manager = open(&directory).unwrap();
    assert_eq!((manager.len(), manager.get(b"second")), (3, Some(&b"2"[..])));
}

#[test]
fn a_restore_drops_the_open_batch() {
    let (_, mut manager) = fresh();
    manager.put(b"key", b"old").unwrap();
    let id = block_on(manager.create_checkpoint(0)).unwrap().id;
    manager.begin_batch();
    manager.put(b"key", b"new").unwrap();
    block_on(manager.restore_checkpoint(id)).unwrap();
    assert!(matches!(manager.rollback_batch(), Err(Error::InvalidInput(_))));
    assert_eq!(manager.get(b"key"), Some(&b"old"[..]));
}
