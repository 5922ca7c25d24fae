//! Ordered namespaces: what a scan and a deletion of a range cost, counted in keys that are read and in probes.

use alluvium_core::directory::block_on;
use alluvium_core::model::namespace::NamespaceKind;
use alluvium_core::model::stop::Stop;
use alluvium_core::model::work::{take_keys_read, take_probes};
use alluvium_core::{Columns, IncrementalCheckpointError as Error};
use alluvium_test_harness::{Expected, Manager, checkpoint, fresh, open};

use super::declare;

const BY_KEY: NamespaceKind = NamespaceKind::Ordered { route_bytes: 4 };

/// Fills a namespace with this many groups of a hundred keys.
fn fill(manager: &mut Manager, namespace: u32, groups: u32) {
    let keys = u64::from(groups) * 100;
    for n in 0..keys {
        // The keys come in no order.
        let n = n * 7_919 % keys;
        let key = format!("group {:06} key {:02}", n / 100, n % 100);
        manager.put_in(namespace, key.as_bytes(), b"a value").unwrap();
    }
}

#[test]
fn a_scan_costs_what_it_finds() {
    let cost = |groups: u32| {
        let (_, mut manager) = fresh();
        let namespace = declare(&mut manager, "by key", BY_KEY);
        fill(&mut manager, namespace, groups);
        take_probes();
        take_keys_read();
        for reverse in [false, true] {
            let from = format!("group {:06}", groups / 2);
            let to = format!("group {:06}", groups / 2 + 1);
            let page = manager.scan(namespace, from.as_bytes(), Some(to.as_bytes()), reverse, 1_000, usize::MAX);
            assert_eq!(page.unwrap().len(), 100);
        }
        take_probes() + take_keys_read()
    };
    let (few, many) = (cost(100), cost(10_000));
    assert!(2 * many <= 3 * few, "{many} steps among a million keys, {few} among ten thousand");
}

#[test]
fn a_walk_over_a_prefix_costs_what_it_finds() {
    let (_, mut manager) = fresh();
    let namespace = declare(&mut manager, "by key", BY_KEY);
    fill(&mut manager, namespace, 1_000);
    take_keys_read();
    let mut walk = manager.walk_in(namespace, b"group 000500").unwrap();
    assert_eq!(manager.next_page(&mut walk, 1_000, usize::MAX).unwrap().len(), 100);
    assert_eq!(manager.iter_in(namespace, b"group 000501").unwrap().count(), 100);
    let read = take_keys_read();
    assert!(read < 2_000, "{read} keys were read for 200 of 100,000");
}

/// Deleting everything takes a few steps for each entry, holds little, and leaves nothing.
#[test]
fn everything_is_deleted_in_bounded_memory() {
    let (directory, mut manager) = fresh();
    let namespace = declare(&mut manager, "by key", BY_KEY);
    fill(&mut manager, namespace, 2_000);
    manager.put(b"k", b"stays").unwrap();
    checkpoint(&mut manager);
    take_probes();
    assert_eq!(manager.delete_range(namespace, b"", None).unwrap(), 200_000);
    let probes = take_probes();
    assert!(probes < 200_000 * 120, "{probes} probes");
    assert_eq!((manager.len_in(namespace).unwrap(), manager.len()), (0, 1));
    assert!(manager.memory().state_bytes < 10 << 20, "{:?}", manager.memory());
    checkpoint(&mut manager);
    let found = block_on(manager.find_latest_checkpoint()).unwrap().unwrap();
    assert_eq!((found.key_count, found.alluvium.unwrap().tombstones), (1, 200_000));
    assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&manager));
}

#[test]
fn only_ordered_namespaces_have_ranges() {
    let (_, mut manager) = fresh();
    let hashed = declare(&mut manager, "hashed", NamespaceKind::Hashed);
    let by_key = declare(&mut manager, "by key", BY_KEY);
    for namespace in [0, hashed, 7] {
        assert!(matches!(manager.scan(namespace, b"", None, false, 1, 1), Err(Error::InvalidInput(_))));
        assert!(matches!(manager.delete_range(namespace, b"", None), Err(Error::InvalidInput(_))));
    }
    assert!(matches!(manager.scan(by_key, b"", None, false, 0, 1), Err(Error::InvalidInput(_))));
    assert_eq!(manager.scan(by_key, b"", None, true, 1, 1).unwrap(), []);
    for key in [&b"a"[..], b"b", b"c"] {
        manager.put_in(by_key, key, b"value").unwrap();
    }
    assert_eq!(manager.scan(by_key, b"", None, false, 9, 11).unwrap().len(), 1, "the page holds few bytes");
    assert_eq!(manager.scan(by_key, b"c", Some(b"b"), false, 9, 99).unwrap(), [], "the range ends before it begins");
}

/// A range that is deleted in a batch comes back, also if the work was stopped in its middle.
#[test]
fn a_deleted_range_can_be_undone() {
    let (_, mut manager) = fresh();
    let namespace = declare(&mut manager, "by key", BY_KEY);
    fill(&mut manager, namespace, 100);
    let before = Expected::of(&manager);
    manager.begin_batch();
    manager.stop_when(Some(Stop::new(|| true)));
    assert!(matches!(manager.delete_range(namespace, b"", None), Err(Error::LimitExceeded(_))));
    manager.stop_when(None);
    assert!(manager.len_in(namespace).unwrap() < 10_000);
    manager.rollback_batch().unwrap();
    assert_eq!(Expected::of(&manager), before);
    assert_eq!(manager.scan(namespace, b"", None, false, 20_000, usize::MAX).unwrap().len(), 10_000);
}

/// Records that grow, shrink and move keep their places, and a limit of memory counts the order.
#[test]
fn the_order_follows_records_that_move() {
    let (directory, mut manager) = fresh();
    let namespace = declare(&mut manager, "by key", BY_KEY);
    let mut rng = fastrand::Rng::with_seed(7);
    for round in 0..30_000_u32 {
        let key = rng.u16(0..3_000).to_be_bytes();
        let value = vec![round as u8; rng.usize(0..9_000)];
        let (key_lens, value_lens) = ([2], [value.len() as u32]);
        let batch = Columns { ops: &[0], key_lens: &key_lens, value_lens: &value_lens, keys: &key, values: &value };
        manager.apply_in(namespace, &batch).unwrap();
        if round % 10_000 == 0 {
            checkpoint(&mut manager);
        }
    }
    let keys = |manager: &Manager| -> Vec<Vec<u8>> {
        let page = manager.scan(namespace, b"", None, false, 10_000, usize::MAX).unwrap();
        page.into_iter().map(|(key, _)| key.to_vec()).collect()
    };
    let found = keys(&manager);
    assert!(found.is_sorted() && found.len() == manager.len_in(namespace).unwrap());
    checkpoint(&mut manager);
    assert_eq!(keys(&open(&directory).unwrap()), found);
}
