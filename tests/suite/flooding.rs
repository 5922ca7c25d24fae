//! Hash flooding: keys that an attacker chose by their hashes cost a bounded multiple of ordinary ones, and
//! the state is right with any mixture of both.

use std::collections::BTreeMap;

use alluvium_core::State;
use alluvium_core::model::hash::key_hash;
use alluvium_core::model::work::take_probes;
use alluvium_test_harness::colliding::{colliding_key, ordinary_key};
use alluvium_test_harness::flooding::{FAMILIES, check_flooding};
use alluvium_test_harness::tally::Tally;
use alluvium_test_harness::{Expected, Manager, checkpoint, fresh, open};

/// Scenario 21. `ALLUVIUM_FLOOD_KEYS` says how many keys each family has.
#[test]
fn hostile_keys_cost_at_most_ten_times_the_probes_of_ordinary_keys() {
    let keys = std::env::var("ALLUVIUM_FLOOD_KEYS").map_or(100_000, |keys| keys.parse().expect("a number of keys"));
    let mut tally = Tally::new(21, "keys chosen by their hash, in probes", "steps");
    for (what, is_bounded) in check_flooding(keys, &FAMILIES).unwrap_or_else(|why| panic!("{why}")) {
        println!("{what}");
        tally.note(if is_bounded { Ok(()) } else { Err(what) });
    }
    tally.report(1);
    tally.assert(13 * FAMILIES.len() as u64);
}

/// Probes for reading `keys` ordinary keys.
fn probes_of_gets(state: &State, keys: u32) -> u64 {
    take_probes();
    for n in 0..keys {
        assert!(state.get(&ordinary_key(n)).is_some(), "key {n}");
    }
    take_probes()
}

#[test]
fn a_table_recovers_from_a_flood() {
    let keys = 50_000;
    let mut state = State::new();
    for n in 0..keys {
        state.put(&ordinary_key(n), b"1").unwrap();
    }
    let before = probes_of_gets(&state, keys);
    for family in FAMILIES {
        for n in 0..5_000 {
            state.put(&family.1(n), b"1").unwrap();
        }
        assert!(probes_of_gets(&state, keys) < 2 * before, "the flood of {} is felt in its own group only", family.0);
        for n in 0..5_000 {
            assert!(state.delete(&family.1(n)));
        }
    }
    // Mutations of ordinary keys are what the tables notice the end of the flood by.
    for n in keys..2 * keys {
        state.put(&ordinary_key(n), b"1").unwrap();
    }
    for n in keys..2 * keys {
        state.delete(&ordinary_key(n));
    }
    let after = probes_of_gets(&state, keys);
    assert!(after * 10 < before * 11, "{after} probes after the floods, {before} before");
}

/// Key number `n` of a mixture of all families and ordinary keys.
fn mixed(n: u32) -> Vec<u8> {
    match FAMILIES.get(n as usize % 8) {
        Some((_, key)) => key(n / 8),
        None => ordinary_key(n).to_vec(),
    }
}

fn check_against_model(state: &State, model: &BTreeMap<Vec<u8>, Vec<u8>>, seed: u64) {
    assert!(state.iter().eq(model.iter().map(|(key, value)| (&key[..], &value[..]))), "seed {seed}");
    let by_hash: Vec<(u64, &[u8])> = state.iter_hash_order().map(|(key, _)| (key_hash(key) >> 26, key)).collect();
    assert!(by_hash.is_sorted_by_key(|(hash, _)| *hash), "seed {seed}");
    assert_eq!((state.len(), by_hash.len()), (model.len(), model.len()), "seed {seed}");
    let mut same = State::new();
    for (key, value) in model {
        assert_eq!(state.get(key), Some(&value[..]), "seed {seed}");
        same.put(key, value).unwrap();
    }
    assert_eq!((state.digest(), state.payload_bytes()), (same.digest(), same.payload_bytes()), "seed {seed}");
}

#[test]
fn mixtures_agree_with_a_map() {
    for seed in 0..6 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut state, mut model) = (State::new(), BTreeMap::new());
        // The state grows, is rewritten, shrinks, and grows again.
        for deletes in [10, 50, 90, 20, 100] {
            for _ in 0..30_000 {
                let key = mixed(random.u32(0..40_000));
                if random.u32(0..100) < deletes {
                    assert_eq!(state.delete(&key), model.remove(&key).is_some(), "seed {seed}");
                } else {
                    let value = vec![random.u8(..); random.usize(0..300)];
                    state.put(&key, &value).unwrap();
                    model.insert(key, value);
                }
            }
            check_against_model(&state, &model, seed);
        }
        for key in model.keys() {
            assert!(state.delete(key));
        }
        assert_eq!((state.len(), state.digest(), state.payload_bytes()), (0, 0, 0));
        assert!(state.allocated_bytes() < 16 << 20, "{} bytes are held for nothing", state.allocated_bytes());
    }
}

/// A manager with a mixture of keys, of which some were changed and deleted after each checkpoint.
fn flooded(seed: u64) -> Manager {
    let (directory, mut manager) = fresh();
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..5 {
        for _ in 0..5_000 {
            let key = mixed(random.u32(0..12_000));
            if random.u32(0..3) == 0 {
                manager.delete(&key).unwrap();
            } else {
                manager.put(&key, &random.u64(..).to_le_bytes()).unwrap();
            }
        }
        checkpoint(&mut manager);
        let reopened = open(&directory).unwrap();
        assert_eq!(Expected::of(&reopened), Expected::of(&manager), "seed {seed}");
    }
    manager
}

#[test]
fn mixtures_survive_checkpoints_and_recovery() {
    for seed in 0..3 {
        assert!(flooded(seed).len() > 3_000);
    }
}

#[test]
fn a_key_of_a_flood_that_changes_often_is_written_once() {
    let (directory, mut manager) = fresh();
    for round in 0..20_u32 {
        for n in 0..1_000 {
            manager.put(&colliding_key(n), &round.to_le_bytes()).unwrap();
        }
    }
    checkpoint(&mut manager);
    assert_eq!(manager.last_statistics().unwrap().keys_changed, 1_000);
    assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&manager));
}
