use std::collections::BTreeMap;

use crate::model::hash::{entry_digest, key_hash, value_hash};
use crate::model::key_groups::group_of;
use crate::model::record::KEY_BYTES_MAX;
use crate::model::work::take_probes;
use crate::state::append::Tail;
use crate::state::keyed_state::State;

/// Returns the next number of a small deterministic generator, so that tests replay.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

#[test]
fn agrees_with_a_map() {
    let mut seed = 1;
    let mut state = State::new();
    let mut model = BTreeMap::new();
    for _ in 0..200_000 {
        let key = (next(&mut seed) % 5_000).to_string().into_bytes();
        if next(&mut seed).is_multiple_of(4) {
            assert_eq!(state.delete(&key), model.remove(&key).is_some());
        } else {
            let value = vec![next(&mut seed) as u8; next(&mut seed) as usize % 700];
            state.put(&key, &value).unwrap();
            model.insert(key, value);
        }
    }
    assert!(state.iter().eq(model.iter().map(|(key, value)| (&key[..], &value[..]))));
    assert_eq!((state.len(), state.slots()), (model.len(), model.len()));
    let payload: usize = model.iter().map(|(key, value)| key.len() + value.len()).sum();
    assert_eq!(state.payload_bytes(), payload as u64);
    let digest =
        model.iter().fold(0u64, |sum, (key, value)| sum.wrapping_add(entry_digest(key_hash(key), value_hash(value))));
    assert_eq!(state.digest(), digest);
}

#[test]
fn appending_is_putting() {
    let mut records: Vec<_> =
        (0..20_000u32).map(|n| (key_hash(&n.to_le_bytes()), n.to_le_bytes(), vec![n as u8; n as usize % 50])).collect();
    records.sort_unstable();
    let check = |records: &[(u64, [u8; 4], Vec<u8>)], reserved: usize| {
        let (mut put, mut appended, mut tail) = (State::new(), State::new(), Tail::default());
        for (at, (hash, key, value)) in records.iter().enumerate() {
            if reserved > 0 && at % 1_000 == 0 {
                appended.reserve(&mut tail, group_of(*hash), reserved);
            }
            appended.append_hashed(&mut tail, *hash, key, value);
        }
        appended.end_append(&mut tail);
        // In the order of their keys, their hashes come in any order.
        let by_key: BTreeMap<_, _> = records.iter().map(|(_, key, value)| (key, value)).collect();
        for (key, value) in &by_key {
            put.put(*key, value).unwrap();
        }
        assert!(put.iter_hash_order().eq(appended.iter_hash_order()));
        assert_eq!(
            (put.len(), put.digest(), put.payload_bytes()),
            (appended.len(), appended.digest(), appended.payload_bytes())
        );
        let probes = [&put, &appended].map(|state| {
            take_probes();
            for (key, value) in &by_key {
                assert_eq!(state.get(*key), Some(&value[..]));
            }
            take_probes()
        });
        assert!(probes[1] <= probes[0] * 5 / 4, "a search is as short as among keys that were put: {probes:?}");
        for (_, key, _) in records {
            assert_eq!(appended.delete(key), put.delete(key));
        }
        assert_eq!((appended.len(), appended.slots()), (0, 0));
    };
    check(&records, 0);
    check(&records, 100);
    check(&records, 2_000);
    // Of a large group the first records come alone, and are all near each other.
    let mut of_one: Vec<_> = (0..1_300_000u32).map(|n| (key_hash(&n.to_le_bytes()), n.to_le_bytes(), vec![])).collect();
    of_one.retain(|(hash, _, _)| group_of(*hash) == 7);
    of_one.sort_unstable();
    check(&of_one, 0);
    check(&of_one, 1_000);
    // Records out of order, records that come twice, and a group that is appended to again.
    let mut disordered = records.clone();
    disordered.swap(100, 5_000);
    disordered.extend_from_slice(&records[3_000..3_500]);
    check(&disordered, 0);
    check(&disordered, 100);
}

#[test]
fn space_of_changing_sizes_is_reclaimed() {
    let mut seed = 2;
    let mut state = State::new();
    for round in 0..600_000u64 {
        let key = (next(&mut seed) % 60_000).to_le_bytes();
        // The sizes drift, so that old holes never fit exactly.
        let bytes = 1_000 + (round / 1_000) as usize + next(&mut seed) as usize % 400;
        state.put(&key, &vec![1; bytes]).unwrap();
    }
    let ratio = state.allocated_bytes() as f64 / state.payload_bytes() as f64;
    assert!(state.payload_bytes() > 64 << 20 && ratio < 1.6, "{ratio}");
    for key in 0..60_000u64 {
        state.delete(&key.to_le_bytes());
    }
    assert_eq!((state.len(), state.payload_bytes(), state.digest()), (0, 0, 0));
    assert!(state.allocated_bytes() < 8 << 20, "{}", state.allocated_bytes());
}

/// The first segments are smaller than the others. What dies in them must not stay, because the others would then be cleaned
/// again and again.
#[test]
fn space_in_the_first_segments_is_reclaimed() {
    let mut state = State::new();
    let value = vec![1; 1_000];
    let mut keys = 0_u32;
    while state.allocated_bytes() < 10 << 20 {
        state.put(&keys.to_le_bytes(), &value).unwrap();
        keys += 1;
    }
    for key in (0..2_400).filter(|key| key % 10 != 0) {
        assert!(state.delete(&u32::to_le_bytes(key)));
    }
    // The next calls clean, each a little.
    for _ in 0..4_000 {
        state.put(&0_u32.to_le_bytes(), &vec![2; 2_000]).unwrap();
        state.put(&0_u32.to_le_bytes(), &value).unwrap();
    }
    assert!(!state.arena.wants_cleaning());
}

#[test]
fn large_values_and_empty_keys_have_their_place() {
    let mut state = State::new();
    let large = vec![9; 3 << 20];
    state.put(b"", b"").unwrap();
    state.put(b"large", &large).unwrap();
    state.put(b"small", b"1").unwrap();
    assert_eq!(state.get(b""), Some(&b""[..]));
    assert_eq!(state.get(b"large"), Some(&large[..]));
    assert!(state.delete(b"large"));
    assert_eq!(state.get(b"small"), Some(&b"1"[..]));
    assert!(state.put(&vec![0; KEY_BYTES_MAX + 1], b"").is_err());
    assert_eq!(state.len(), 2);
}

#[test]
fn order_is_by_key_and_by_hash() {
    let mut state = State::new();
    for key in [&b"b"[..], b"a", b"ab", b"c"] {
        state.put(key, b"").unwrap();
    }
    let keys: Vec<_> = state.iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [&b"a"[..], b"ab", b"b", b"c"]);
    let keys: Vec<_> = state.iter_prefix(b"a").map(|(key, _)| key).collect();
    assert_eq!(keys, [&b"a"[..], b"ab"]);
    let hashes: Vec<_> = state.iter_hash_order().map(|(key, _)| key_hash(key)).collect();
    assert!(hashes.is_sorted());
}
