//! A crash at any call of a random run over all kinds of namespaces. Every state that it may leave opens as the
//! last acknowledged moment, or as one that was submitted since.

use std::sync::Arc;

use alluvium_core::directory::{Directory, SimulatedDirectory, block_on};
use alluvium_core::model::namespace::{MergeOperator, Namespace, NamespaceKind, TimeDomain};
use alluvium_core::tools::verify::verify;
use alluvium_core::{IncrementalCheckpointError as Error, IncrementalCheckpointManager};
use alluvium_test_harness::{Expected, keep, number, open_with, options};

/// The namespaces of these tests, in the order of their ids from 1 on.
pub(super) const NAMES: [&str; 7] = ["planes", "routes", "by key", "by prefix", "timers", "expiring", "counts"];
/// How many of them take any keys and values. They come first.
pub(super) const PLAIN: u32 = 4;
/// Those that are ordered.
pub(super) const ORDERED: [u32; 2] = [3, 4];
/// The one that holds timers.
pub(super) const TIMERS: u32 = 5;
/// The one whose entries expire.
pub(super) const EXPIRING: u32 = 6;
/// After how many milliseconds.
pub(super) const EXPIRES_AFTER_MS: u64 = 300;
/// The one whose values are merged.
pub(super) const COUNTS: u32 = 7;

/// Declares all of them.
pub(super) fn declare_all<D: Directory>(manager: &mut IncrementalCheckpointManager<D>) {
    for (name, id) in NAMES.iter().zip(1..) {
        let of = |kind| Namespace::new(0, *name, kind);
        let declaration = match id {
            3 => of(NamespaceKind::Ordered { route_bytes: u16::MAX }),
            4 => of(NamespaceKind::Ordered { route_bytes: 1 }),
            TIMERS => of(NamespaceKind::Timers(TimeDomain::Event)),
            EXPIRING => of(NamespaceKind::Hashed).expiring(TimeDomain::Event, EXPIRES_AFTER_MS),
            COUNTS => of(NamespaceKind::Hashed).merging(MergeOperator::AddU64),
            _ => of(NamespaceKind::Hashed),
        };
        assert_eq!(manager.declare_namespace(&declaration).expect("a sound declaration"), id);
    }
}

type Manager = IncrementalCheckpointManager<SimulatedDirectory>;

/// A random mutation of any namespace.
fn change(manager: &mut Manager, rng: &mut fastrand::Rng) -> Result<(), Error> {
    let key = [rng.u8(0..12); 3];
    let value = vec![rng.u8(..); rng.usize(0..60)];
    match rng.u8(0..24) {
        0..10 => manager.put_in(rng.u32(0..=PLAIN), &key, &value),
        10..13 => manager.delete_in(rng.u32(0..=PLAIN), &key).map(drop),
        13 => manager.delete_range(ORDERED[rng.usize(0..2)], &key[..1], Some(&[key[0] + 2])).map(drop),
        14..17 => manager.set_timer(TIMERS, rng.i64(0..3_000), &key),
        17 => manager.take_timers(TIMERS, manager.watermark().unwrap_or(0), rng.usize(1..5)).map(drop),
        18..20 => manager.put_in(EXPIRING, &key, &value),
        20 => {
            manager.set_watermark(manager.watermark().unwrap_or(0) + rng.i64(0..200));
            Ok(())
        }
        _ => manager.merge_in(COUNTS, &key, &rng.u64(0..100).to_le_bytes()),
    }
}

/// What may come back after a crash: the first was acknowledged, the others were submitted since.
struct Journal(Vec<Expected>);

impl Journal {
    fn submit(&mut self, manager: &Manager) {
        self.0.push(Expected::of(manager));
    }

    fn acknowledge(&mut self) {
        let last = self.0.pop().expect("something was submitted");
        self.0 = vec![last];
    }
}

/// Works until the power fails.
fn work(directory: &Arc<SimulatedDirectory>, rng: &mut fastrand::Rng, journal: &mut Journal) -> Result<(), Error> {
    let mut manager = open_with(directory, keep(2), options())?;
    declare_all(&mut manager);
    loop {
        for _ in 0..rng.usize(1..12) {
            change(&mut manager, rng)?;
        }
        match rng.u8(0..8) {
            0..3 => {
                journal.submit(&manager);
                block_on(manager.sync(0))?;
                journal.acknowledge();
            }
            3..6 => {
                journal.submit(&manager);
                block_on(manager.create_checkpoint(0))?;
                journal.acknowledge();
            }
            6 => {
                manager.begin_batch();
                for _ in 0..rng.usize(1..8) {
                    change(&mut manager, rng)?;
                }
                manager.rollback_batch()?;
            }
            _ => {
                manager = open_with(directory, keep(2), options())?;
                declare_all(&mut manager);
                assert!(journal.0.contains(&Expected::of(&manager)), "an opening without a crash");
            }
        }
    }
}

#[test]
fn a_crash_at_any_call_leaves_a_moment_that_was_durable() {
    let seeds = number("ALLUVIUM_SEEDS").unwrap_or(400);
    let mut states = 0;
    for seed in 0..seeds {
        let mut rng = fastrand::Rng::with_seed(seed);
        let directory = Arc::new(SimulatedDirectory::new(seed));
        directory.crash_at(rng.u64(0..90));
        let mut journal = Journal(vec![Expected::default()]);
        let stopped = work(&directory, &mut rng, &mut journal).expect_err("the power fails");
        assert!(directory.is_down(), "seed {seed}: {stopped}");
        for nodes in directory.crash_states().into_iter().take(24) {
            let after = Arc::new(SimulatedDirectory::from_nodes(seed, nodes));
            let mut manager = open_with(&after, keep(2), options()).unwrap_or_else(|error| panic!("{seed}: {error}"));
            let found = Expected::of(&manager);
            assert!(journal.0.contains(&found), "seed {seed}: what came back was never submitted");
            let report = block_on(verify(&*after)).expect("it is listed");
            assert!(!report.is_damaged(), "seed {seed}: {:?}", report.findings);
            declare_all(&mut manager);
            change(&mut manager, &mut rng).expect("it is declared");
            block_on(manager.create_checkpoint(0)).expect("work continues");
            let again = open_with(&after, keep(2), options()).expect("it opens again");
            assert_eq!(Expected::of(&again), Expected::of(&manager), "seed {seed}");
            states += 1;
        }
    }
    println!("{states} states after {seeds} crashes, 0 differences");
}
