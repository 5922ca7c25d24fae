//! Directories that are made of parts of others: states that are divided and joined again, at any hash.

#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "the numbers are small")]

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::directory::{Directory as _, MemoryDirectory, Stores, block_on};
use alluvium_core::model::hash::key_hash;
use alluvium_core::model::hash_range::HashRange;
use alluvium_core::model::namespace::{MergeOperator, Namespace, NamespaceKind, TimeDomain};
use alluvium_core::recovery::Part;
use alluvium_core::tools::verify::verify_with;
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError as Error, IncrementalCheckpointManager, ManualClock, OpenOptions,
};

type Manager = IncrementalCheckpointManager<MemoryDirectory>;
type State = BTreeMap<(u32, Vec<u8>), Vec<u8>>;

const ORDERED: u32 = 1;
const TIMERS: u32 = 2;
const COUNTS: u32 = 3;

/// A generator of numbers that are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn options(store: u8) -> OpenOptions {
    OpenOptions::new(Arc::new(ManualClock::new(1_000))).create(true).store_id([store; 16]).writer(u64::from(store))
}

fn config() -> CheckpointConfig {
    CheckpointConfig::new().with_max_retained(1).with_recovery_read_ratio(1.05)
}

fn declare(manager: &mut Manager) {
    let ordered = Namespace::new(0, "by plane", NamespaceKind::Ordered { route_bytes: 4 });
    let timers = Namespace::new(0, "ends", NamespaceKind::Timers(TimeDomain::Event));
    let counts = Namespace::new(0, "counts", NamespaceKind::Hashed).merging(MergeOperator::AddU64);
    for (id, namespace) in [(ORDERED, ordered), (TIMERS, timers), (COUNTS, counts)] {
        assert_eq!(manager.declare_namespace(&namespace).unwrap(), id);
    }
}

/// All entries of a manager, as they are stored.
fn state(manager: &Manager) -> State {
    let entries = |namespace| {
        let stored = manager.stored_in(namespace).unwrap().iter();
        stored.map(move |(key, value)| ((namespace, key.to_vec()), value.to_vec())).collect::<Vec<_>>()
    };
    [0, ORDERED, TIMERS, COUNTS].into_iter().flat_map(entries).collect()
}

/// A directory of one generation, and what it owns.
struct Owner {
    directory: Arc<MemoryDirectory>,
    manager: Manager,
    store: u8,
    checkpoint: u64,
}

/// The ranges between cuts.
fn ranges(cuts: &mut Vec<u64>) -> Vec<HashRange> {
    cuts.sort_unstable();
    cuts.dedup();
    let mut first = 0;
    let mut ranges = Vec::new();
    for last in cuts.iter().copied().chain([u64::MAX]) {
        ranges.push(HashRange::new(first, last).unwrap());
        first = last.wrapping_add(1);
    }
    ranges
}

/// The parts of the owners before that are in a range.
fn parts(before: &[Owner], range: HashRange) -> Vec<Part<MemoryDirectory>> {
    let part = |owner: &Owner| {
        let common = owner.manager.owned_range().intersection(range)?;
        Some(Part::new(owner.directory.clone(), owner.checkpoint, common))
    };
    before.iter().filter_map(part).collect()
}

/// Works on a key in all namespaces, as its owner does, and on the model.
fn work(owner: &mut Manager, model: &mut State, number: u64, round: u64, numbers: &mut Numbers) {
    let plane = format!("{number:04}").into_bytes();
    let value = vec![round as u8; 20 + numbers.below(300) as usize];
    let mut put = |owner: &mut Manager, namespace, key: &[u8], value: &[u8]| {
        owner.put_in(namespace, key, value).unwrap();
        model.insert((namespace, key.to_vec()), value.to_vec());
    };
    put(owner, 0, &plane, &value);
    let flight = [&plane[..], &numbers.below(5).to_be_bytes()].concat();
    put(owner, ORDERED, &flight, &value);
    owner.set_timer(TIMERS, numbers.below(9) as i64, &plane).unwrap();
    owner.merge_in(COUNTS, &plane, &1_u64.to_le_bytes()).unwrap();
    if numbers.below(4) == 0 {
        owner.delete(&plane).unwrap();
        owner.delete_range(ORDERED, &plane, Some(&[&plane[..], &[9]].concat())).unwrap();
    }
    // The model takes over what is there, key by key.
    model.retain(|(_, key), _| !key.windows(4).any(|part| part == plane));
    let of_key = state(owner).into_iter().filter(|((_, key), _)| key.windows(4).any(|part| part == plane));
    model.extend(of_key);
}

#[test]
fn states_are_divided_and_joined_at_any_hash_over_generations() {
    for seed in 0..3 {
        let mut numbers = Numbers(seed);
        let mut model = State::new();
        let mut stores = Stores::new();
        let mut before: Vec<Owner> = Vec::new();
        let mut store = 0;
        for generation in 0..12_u64 {
            let mut cuts: Vec<u64> = (0..numbers.below(5)).map(|_| numbers.below(1 << 31) << 33).collect();
            let mut owners = Vec::new();
            for range in ranges(&mut cuts) {
                store += 1;
                let directory = Arc::new(MemoryDirectory::new());
                let of_range = parts(&before, range);
                let open =
                    Manager::open_parts(directory.clone(), &of_range, stores.clone(), range, config(), options(store));
                let mut manager = block_on(open).unwrap();
                declare(&mut manager);
                owners.push(Owner { directory, manager, store, checkpoint: 0 });
            }
            let found: State = owners.iter().flat_map(|owner| state(&owner.manager)).collect();
            assert_eq!(found, model, "seed {seed}, generation {generation}");
            for round in 0..3 {
                for _ in 0..60 {
                    let number = numbers.below(400);
                    let hash = key_hash(format!("{number:04}").as_bytes());
                    let owns = |owner: &&mut Owner| owner.manager.owned_range().contains(hash);
                    let owner = owners.iter_mut().find(owns).unwrap();
                    work(&mut owner.manager, &mut model, number, generation * 3 + round, &mut numbers);
                }
                for owner in &mut owners {
                    owner.checkpoint = block_on(owner.manager.create_checkpoint(0)).unwrap().id;
                    let maintenance = owner.manager.last_maintenance().unwrap();
                    assert!(maintenance.errors.is_empty(), "{:?}", maintenance.errors);
                }
            }
            let found: State = owners.iter().flat_map(|owner| state(&owner.manager)).collect();
            assert_eq!(found, model, "seed {seed}, generation {generation}");
            for owner in &owners {
                stores = stores.with([owner.store; 16], owner.directory.clone());
                let report = block_on(verify_with(&*owner.directory, &stores)).unwrap();
                assert!(!report.is_damaged(), "seed {seed}, generation {generation}: {:?}", report.findings);
            }
            before = owners;
        }
    }
}

/// A directory of 100 keys, and its checkpoint.
fn source(store: u8) -> (Arc<MemoryDirectory>, u64, State) {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = block_on(Manager::open(directory.clone(), config(), options(store))).unwrap();
    declare(&mut manager);
    for number in 0..100_u32 {
        manager.put(format!("{number:04}").as_bytes(), b"value").unwrap();
    }
    let checkpoint = block_on(manager.create_checkpoint(0)).unwrap().id;
    (directory, checkpoint, state(&manager))
}

#[test]
fn a_checkpoint_that_is_not_incremental_is_complete_in_itself() {
    let (directory, checkpoint, all) = source(1);
    let halves = [HashRange::new(0, u64::MAX / 3).unwrap(), HashRange::new(u64::MAX / 3 + 1, u64::MAX).unwrap()];
    let mut joined = Vec::new();
    for (store, half) in [2, 3].into_iter().zip(halves) {
        let part = [Part::new(directory.clone(), checkpoint, half)];
        let own = Arc::new(MemoryDirectory::new());
        let whole = config().with_incremental(false);
        let open = Manager::open_parts(own.clone(), &part, Stores::new(), half, whole, options(store));
        let id = block_on(block_on(open).unwrap().create_checkpoint(0)).unwrap().id;
        // It is opened without the directory that it came of.
        let reopened = block_on(Manager::open(own.clone(), config(), options(store))).unwrap();
        assert_eq!(reopened.owned_range(), half);
        joined.push(Part::new(own, id, half));
    }
    let own = Arc::new(MemoryDirectory::new());
    let open = Manager::open_parts(own, &joined, Stores::new(), HashRange::ALL, config(), options(4));
    assert_eq!(state(&block_on(open).unwrap()), all);
}

#[test]
fn a_key_that_the_directory_does_not_own_is_refused_by_every_mutation() {
    let (directory, checkpoint, all) = source(1);
    let lower = HashRange::new(0, u64::MAX / 2).unwrap();
    let own = Arc::new(MemoryDirectory::new());
    let part = [Part::new(directory, checkpoint, lower)];
    let mut manager = block_on(Manager::open_parts(own, &part, Stores::new(), lower, config(), options(2))).unwrap();
    let before = state(&manager);
    let foreign = all.keys().map(|(_, key)| key.clone()).find(|key| !manager.owns(key)).unwrap();
    let refused = |result: Result<(), Error>| {
        let text = result.unwrap_err().to_string();
        assert!(text.contains("7fffffffffffffff") && text.contains(std::str::from_utf8(&foreign).unwrap()), "{text}");
    };
    refused(manager.get_in(0, &foreign).map(drop));
    refused(manager.get_in(ORDERED, &foreign).map(drop));
    refused(manager.get_many(&[foreign.len() as u32], &foreign).map(drop));
    refused(manager.get_many_in(COUNTS, &[foreign.len() as u32], &foreign).map(drop));
    refused(manager.put(&foreign, b"x"));
    refused(manager.delete(&foreign).map(drop));
    refused(manager.put_in(ORDERED, &foreign, b"x"));
    refused(manager.delete_in(ORDERED, &foreign).map(drop));
    refused(manager.merge_in(COUNTS, &foreign, &1_u64.to_le_bytes()));
    refused(manager.set_timer(TIMERS, 5, &foreign));
    refused(manager.delete_timer(TIMERS, 5, &foreign).map(drop));
    let lens = ([foreign.len() as u32], [1]);
    let batch =
        alluvium_core::Columns { ops: &[0], key_lens: &lens.0, value_lens: &lens.1, keys: &foreign, values: b"x" };
    refused(manager.apply(&batch).map(drop));
    assert_eq!(state(&manager), before);
}

#[test]
fn a_sync_is_refused_where_checkpoints_count_only_once_they_are_named() {
    let (directory, checkpoint, _) = source(1);
    let part = [Part::new(directory, checkpoint, HashRange::ALL)];
    let own = Arc::new(MemoryDirectory::new());
    let options = options(2).named_elsewhere(true);
    let open = Manager::open_parts(own.clone(), &part, Stores::new(), HashRange::ALL, config(), options);
    let mut manager = block_on(open).unwrap();
    let refused = |error: Error| assert!(error.to_string().contains("no WAL can follow"), "{error}");
    // Before its first checkpoint as after it, and nothing is written instead of the WAL.
    refused(block_on(manager.sync(0)).unwrap_err());
    assert!(block_on(own.list()).unwrap().is_empty());
    let _ = block_on(manager.create_checkpoint(0)).unwrap();
    refused(block_on(manager.sync(0)).unwrap_err());
}

#[test]
fn parts_that_do_not_fit_are_refused_by_name() {
    let (directory, checkpoint, _) = source(1);
    let half = |first, last| Part::new(directory.clone(), checkpoint, HashRange::new(first, last).unwrap());
    let open = |own: &Arc<MemoryDirectory>, parts: &[Part<MemoryDirectory>], range| {
        let opened = Manager::open_parts(own.clone(), parts, Stores::new(), range, config(), options(9));
        block_on(opened).map(drop).unwrap_err().to_string()
    };
    let empty = Arc::new(MemoryDirectory::new());
    let overlapping = open(&empty, &[half(0, 9), half(9, 20)], HashRange::ALL);
    assert!(overlapping.contains("0000000000000009 to 0000000000000009 are in two parts"), "{overlapping}");
    let beyond = open(&empty, &[half(0, 9)], HashRange::new(0, 8).unwrap());
    assert!(beyond.contains("does not own"), "{beyond}");
    let missing = open(&empty, &[Part::new(directory.clone(), 77, HashRange::ALL)], HashRange::ALL);
    assert!(missing.contains("checkpoint 77 does not exist"), "{missing}");
    let taken = open(&directory, &[half(0, 9)], HashRange::ALL);
    assert!(taken.contains("holds checkpoints"), "{taken}");
    // Parts at different positions, or with different namespaces, are not of one moment of one job.
    let other = Arc::new(MemoryDirectory::new());
    let mut manager = block_on(Manager::open(other.clone(), config(), options(5))).unwrap();
    declare(&mut manager);
    manager.set_epoch(7).unwrap();
    let id = block_on(manager.create_checkpoint(0)).unwrap().id;
    let upper = Part::new(other.clone(), id, HashRange::new(1 << 63, u64::MAX).unwrap());
    let apart = open(&empty, &[half(0, 9), upper], HashRange::ALL);
    assert!(apart.contains("another position in the stream"), "{apart}");
    // A directory gives only what it owns.
    let lower = HashRange::new(0, 99).unwrap();
    let own = Arc::new(MemoryDirectory::new());
    let narrow = [half(0, 99)];
    let opened = Manager::open_parts(own.clone(), &narrow, Stores::new(), lower, config(), options(6));
    let id = block_on(block_on(opened).unwrap().create_checkpoint(0)).unwrap().id;
    let wider = open(&empty, &[Part::new(own, id, HashRange::ALL)], HashRange::ALL);
    assert!(wider.contains("its directory has 0000000000000000 to 0000000000000063"), "{wider}");
}
