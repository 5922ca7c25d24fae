//! Timers: their order, their clocks, and what setting and taking them costs.

use alluvium_core::IncrementalCheckpointError as Error;
use alluvium_core::directory::block_on;
use alluvium_core::model::namespace::{NamespaceKind, TimeDomain};
use alluvium_core::model::timer::Timer;
use alluvium_core::model::work::{take_keys_read, take_probes};
use alluvium_test_harness::{Expected, Manager, checkpoint, fresh, open};

use super::declare;

const EVENT: NamespaceKind = NamespaceKind::Timers(TimeDomain::Event);
const PROCESSING: NamespaceKind = NamespaceKind::Timers(TimeDomain::Processing);

fn taken(manager: &mut Manager, namespace: u32, up_to_ms: i64, limit: usize) -> Vec<(i64, Vec<u8>)> {
    let taken = manager.take_timers(namespace, up_to_ms, limit).unwrap();
    taken.into_iter().map(|Timer { at_ms, key }| (at_ms, key)).collect()
}

#[test]
fn timers_are_taken_in_the_order_of_times_and_keys() {
    let (directory, mut manager) = fresh();
    let (event, processing) = (declare(&mut manager, "event", EVENT), declare(&mut manager, "processing", PROCESSING));
    for (at_ms, key) in [(5, &b"b"[..]), (i64::MAX, b""), (5, b"a"), (-3, b"z"), (5, b"ab"), (7, b"a"), (i64::MIN, b"")]
    {
        manager.set_timer(event, at_ms, key).unwrap();
        manager.set_timer(event, at_ms, key).unwrap();
    }
    manager.set_timer(processing, 5, b"b").unwrap();
    assert_eq!((manager.clock_in(event).unwrap(), manager.len_in(event).unwrap()), (None, 7));
    manager.set_watermark(6);
    manager.set_processing_time(4);
    assert_eq!([event, processing].map(|id| manager.clock_in(id).unwrap()), [Some(6), Some(4)]);
    assert_eq!(taken(&mut manager, processing, 4, 9), []);
    assert!(manager.delete_timer(event, 5, b"ab").unwrap() && !manager.delete_timer(event, 5, b"ab").unwrap());
    checkpoint(&mut manager);

    let mut manager = open(&directory).unwrap();
    assert_eq!(taken(&mut manager, event, 6, 2), [(i64::MIN, vec![]), (-3, b"z".to_vec())]);
    // One that is set while others are taken has its turn.
    manager.set_timer(event, 4, b"new").unwrap();
    let next = [(4, b"new".to_vec()), (5, b"a".to_vec()), (5, b"b".to_vec())];
    assert_eq!(taken(&mut manager, event, 6, 100), next);
    assert_eq!(taken(&mut manager, event, 6, 100), []);
    assert_eq!(taken(&mut manager, event, i64::MAX, 100), [(7, b"a".to_vec()), (i64::MAX, vec![])]);
    assert_eq!((manager.len_in(event).unwrap(), manager.len_in(processing).unwrap()), (0, 1));
    block_on(manager.sync(0)).unwrap();
    assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&manager));
}

#[test]
fn a_batch_that_is_undone_gives_its_timers_back() {
    let (_, mut manager) = fresh();
    let event = declare(&mut manager, "event", EVENT);
    for at_ms in 0..100 {
        manager.set_timer(event, at_ms, b"k").unwrap();
    }
    let before = Expected::of(&manager);
    manager.begin_batch();
    assert_eq!(taken(&mut manager, event, 49, 1_000).len(), 50);
    manager.set_timer(event, 7, b"other").unwrap();
    manager.rollback_batch().unwrap();
    assert_eq!(Expected::of(&manager), before);
    assert_eq!(taken(&mut manager, event, 0, 10), [(0, b"k".to_vec())]);
}

#[test]
fn only_namespaces_of_timers_hold_them() {
    let (_, mut manager) = fresh();
    let hashed = declare(&mut manager, "hashed", NamespaceKind::Hashed);
    let event = declare(&mut manager, "event", EVENT);
    for namespace in [0, hashed, 7] {
        assert!(matches!(manager.set_timer(namespace, 1, b"k"), Err(Error::InvalidInput(_))));
        assert!(matches!(manager.delete_timer(namespace, 1, b"k"), Err(Error::InvalidInput(_))));
        assert!(matches!(manager.take_timers(namespace, 1, 1), Err(Error::InvalidInput(_))));
        assert!(matches!(manager.clock_in(namespace), Err(Error::InvalidInput(_))));
    }
    assert!(matches!(manager.timers(event, 1, 0), Err(Error::InvalidInput(_))));
    assert!(matches!(manager.set_timer(event, 1, &[7; 65_530]), Err(Error::LimitExceeded(_))));
    assert!(matches!(manager.put_in(event, b"short", b""), Err(Error::InvalidInput(_))));
    assert!(matches!(manager.put_in(event, b"long enough", b"value"), Err(Error::InvalidInput(_))));
    manager.set_timer(event, 1, &[7; 65_527]).unwrap();
}

#[test]
fn the_first_timers_are_those_of_one_time() {
    let (_, mut manager) = fresh();
    let event = declare(&mut manager, "event", EVENT);
    assert_eq!(manager.first_timer(event).unwrap(), None);
    assert_eq!(manager.take_first_timers(event, i64::MAX, 10).unwrap(), []);
    for (at_ms, key) in [(5, b"b"), (5, b"a"), (i64::MIN, b"c"), (i64::MAX, b"d")] {
        manager.set_timer(event, at_ms, key).unwrap();
    }
    let mut first = |up_to_ms, limit| {
        let taken = manager.take_first_timers(event, up_to_ms, limit).unwrap();
        (taken.iter().map(|timer| timer.key[0]).collect::<Vec<_>>(), manager.first_timer(event).unwrap())
    };
    assert_eq!(first(7, 10), (b"c".to_vec(), Some(5)));
    assert_eq!(first(4, 10), (vec![], Some(5)));
    assert_eq!(first(7, 1), (b"a".to_vec(), Some(5)));
    assert_eq!(first(7, 10), (b"b".to_vec(), Some(i64::MAX)));
    assert_eq!(first(i64::MAX, 10), (b"d".to_vec(), None));
    assert!(matches!(manager.take_first_timers(event, 7, 0), Err(Error::InvalidInput(_))));
    assert!(matches!(manager.first_timer(0), Err(Error::InvalidInput(_))));
}

/// A million timers at one instant: each is set in a few steps, and they are taken in pages of bounded size.
#[test]
fn a_million_timers_at_one_instant() {
    const TIMERS: u32 = 1_000_000;
    let (directory, mut manager) = fresh();
    let event = declare(&mut manager, "event", EVENT);
    take_probes();
    let (mut longest, mut all) = (0, 0);
    for n in 0..TIMERS {
        let key = n.wrapping_mul(2_654_435_761).to_be_bytes();
        manager.set_timer(event, 1_000, &key).unwrap();
        let steps = take_probes() + take_keys_read();
        longest = longest.max(steps);
        all += steps;
    }
    // The longest one makes the table of a key group larger, as any new key may.
    assert!(longest < 40_000, "{longest} steps to set one timer");
    assert!(all / u64::from(TIMERS) < 100, "{} steps to set a timer", all / u64::from(TIMERS));
    assert_eq!(manager.take_timers(event, 999, 10).unwrap(), []);
    checkpoint(&mut manager);
    let mut manager = open(&directory).unwrap();
    take_probes();
    take_keys_read();
    let (mut count, mut last) = (0, Vec::new());
    loop {
        let page = manager.take_timers(event, 1_000, 10_000).unwrap();
        let Some(newest) = page.last() else { break };
        assert!(page.len() <= 10_000 && page[0].key > last && page.is_sorted());
        last = newest.key.clone();
        count += page.len();
    }
    let steps = (take_probes() + take_keys_read()) / u64::from(TIMERS);
    assert!(steps < 150, "{steps} steps to take one timer");
    assert_eq!((count, manager.len_in(event).unwrap()), (TIMERS as usize, 0));
}
