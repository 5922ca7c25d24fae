//! Entries that expire: what is read, what is deleted and when, and what it costs.

use alluvium_core::Columns;
use alluvium_core::IncrementalCheckpointError as Error;
use alluvium_core::directory::block_on;
use alluvium_core::model::namespace::{Namespace, NamespaceKind, TimeDomain};
use alluvium_core::model::work::{take_keys_read, take_probes};
use alluvium_test_harness::{Expected, Manager, checkpoint, fresh, open};

const ORDERED: NamespaceKind = NamespaceKind::Ordered { route_bytes: 2 };

fn expiring(manager: &mut Manager, name: &str, kind: NamespaceKind, domain: TimeDomain, after_ms: u64) -> u32 {
    manager.declare_namespace(&Namespace::new(0, name, kind).expiring(domain, after_ms)).unwrap()
}

fn keys(manager: &mut Manager, namespace: u32) -> Vec<Vec<u8>> {
    let of_iter: Vec<Vec<u8>> = manager.iter_in(namespace, b"").unwrap().map(|(key, _)| key.to_vec()).collect();
    let mut walk = manager.walk_in(namespace, b"").unwrap();
    let mut walked = Vec::new();
    loop {
        let page = manager.next_page(&mut walk, 3, 1_000).unwrap();
        if page.is_empty() {
            break;
        }
        walked.extend(page.into_iter().map(|(key, _)| key.to_vec()));
    }
    assert_eq!(walked, of_iter);
    let scanned = manager.scan(namespace, b"", None, false, 10_000, usize::MAX).unwrap();
    assert_eq!(scanned.into_iter().map(|(key, _)| key.to_vec()).collect::<Vec<_>>(), of_iter);
    of_iter
}

#[test]
fn an_entry_lives_until_its_clock_passes_it() {
    let (directory, mut manager) = fresh();
    let event = expiring(&mut manager, "event", ORDERED, TimeDomain::Event, 100);
    let processing = expiring(&mut manager, "processing", ORDERED, TimeDomain::Processing, 100);
    manager.set_watermark(1_000);
    manager.set_processing_time(5_000);
    manager.put_in(event, b"a", b"1").unwrap();
    manager.put_in(processing, b"a", b"1").unwrap();
    manager.set_watermark(1_050);
    let batch = Columns { ops: &[0, 0], key_lens: &[1, 1], value_lens: &[1, 1], keys: b"ab", values: b"23" };
    manager.apply_in(event, &batch).unwrap();
    manager.set_watermark(1_149);
    assert_eq!(manager.get_in(event, b"a").unwrap(), Some(&b"2"[..]), "a write makes it young again");
    checkpoint(&mut manager);
    let mut manager = open(&directory).unwrap();
    assert_eq!(keys(&mut manager, event), [b"a", b"b"]);
    manager.set_watermark(1_150);
    assert_eq!((manager.get_in(event, b"a").unwrap(), manager.len_in(event).unwrap()), (None, 0));
    assert_eq!(manager.get_in(processing, b"a").unwrap(), Some(&b"1"[..]), "another clock");
    assert!(!manager.delete_in(event, b"a").unwrap());
    assert_eq!(keys(&mut manager, event), Vec::<Vec<u8>>::new());
    let metadata = block_on(manager.create_checkpoint(0)).unwrap();
    assert_eq!((metadata.key_count, metadata.alluvium.unwrap().tombstones), (1, 2), "deletions are mutations");
    assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&manager));
}

/// What has expired and is not deleted yet is read nowhere.
#[test]
fn many_that_expire_at_once_are_deleted_in_bounded_steps() {
    let (directory, mut manager) = fresh();
    let event = expiring(&mut manager, "event", ORDERED, TimeDomain::Event, 100);
    manager.set_watermark(0);
    for n in 0..10_000_u32 {
        manager.put_in(event, &n.to_be_bytes(), b"old").unwrap();
    }
    manager.set_watermark(50);
    manager.put_in(event, b"young", b"1").unwrap();
    take_probes();
    manager.set_watermark(100);
    let probes = take_probes();
    assert!(probes < 1_024 * 150, "{probes} probes when the clock moved");
    assert_eq!(manager.len_in(event).unwrap(), 10_001 - 1_024);
    assert_eq!(keys(&mut manager, event), [b"young"]);
    assert_eq!(manager.get_many_in(event, &[4, 5], b"\0\0\x27\x0fyoung").unwrap(), [None, Some(&b"1"[..])]);
    checkpoint(&mut manager);

    // Each change deletes two more, so that the others cannot outlive many changes.
    let mut manager = open(&directory).unwrap();
    let before = manager.len_in(event).unwrap();
    manager.put_in(event, b"young", b"2").unwrap();
    assert_eq!(manager.len_in(event).unwrap(), before - 2);
    assert_eq!(manager.delete_expired(1_000).unwrap(), 1_000);
    assert_eq!(manager.delete_expired(usize::MAX).unwrap(), before - 3 - 1_000);
    assert_eq!((manager.len_in(event).unwrap(), manager.delete_expired(usize::MAX).unwrap()), (1, 0));
    checkpoint(&mut manager);
    assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&manager));
}

/// What expires first is found without looking at what does not.
#[test]
fn keeping_entries_young_costs_little() {
    let cost = |entries: u32| {
        let (_, mut manager) = fresh();
        let event = expiring(&mut manager, "event", NamespaceKind::Hashed, TimeDomain::Event, 1_000_000);
        for n in 0..entries {
            manager.set_watermark(i64::from(n / 100));
            manager.put_in(event, &n.to_be_bytes(), b"value").unwrap();
        }
        take_probes();
        take_keys_read();
        for n in 0..1_000_u32 {
            manager.set_watermark(i64::from(entries + n));
            manager.put_in(event, &(n * 7_919 % entries).to_be_bytes(), b"again").unwrap();
        }
        (take_probes() + take_keys_read()) / 1_000
    };
    let (few, many) = (cost(10_000), cost(300_000));
    assert!(many <= few + 40, "{many} steps among 300,000 entries, {few} among 10,000");
}

#[test]
fn what_was_written_before_the_clock_showed_a_time_begins_to_age_when_it_does() {
    let (directory, mut manager) = fresh();
    let event = expiring(&mut manager, "event", ORDERED, TimeDomain::Event, 100);
    for n in 0..3_000_u32 {
        manager.put_in(event, &n.to_be_bytes(), b"early").unwrap();
    }
    checkpoint(&mut manager);
    let mut manager = open(&directory).unwrap();
    assert_eq!(keys(&mut manager, event).len(), 3_000);
    manager.set_watermark(7_000);
    assert_eq!(manager.delete_expired(usize::MAX).unwrap(), 0, "nothing has expired");
    manager.set_watermark(7_099);
    assert_eq!(keys(&mut manager, event).len(), 3_000);
    manager.set_watermark(7_100);
    assert_eq!(keys(&mut manager, event).len(), 0);
    manager.delete_expired(usize::MAX).unwrap();
    assert_eq!(manager.len_in(event).unwrap(), 0);
}

#[test]
fn a_batch_that_is_undone_brings_back_what_expired_in_it() {
    let (_, mut manager) = fresh();
    let event = expiring(&mut manager, "event", ORDERED, TimeDomain::Event, 100);
    manager.set_watermark(0);
    manager.put_in(event, b"a", b"1").unwrap();
    let before = Expected::of(&manager).namespaces;
    manager.begin_batch();
    manager.set_watermark(200);
    manager.put_in(event, b"b", b"2").unwrap();
    assert_eq!(manager.len_in(event).unwrap(), 1);
    manager.rollback_batch().unwrap();
    assert_eq!(Expected::of(&manager).namespaces, before);
    assert_eq!(manager.get_in(event, b"a").unwrap(), None, "the clock is not part of a batch");
    assert_eq!(manager.delete_expired(usize::MAX).unwrap(), 1);
}

#[test]
fn declarations_of_expiry_are_checked() {
    let (directory, mut manager) = fresh();
    let at_once = Namespace::new(0, "n", ORDERED).expiring(TimeDomain::Event, 0);
    assert!(matches!(manager.declare_namespace(&at_once), Err(Error::InvalidInput(_))));
    let event = expiring(&mut manager, "event", ORDERED, TimeDomain::Event, 100);
    let by_another = Namespace::new(0, "event", ORDERED).expiring(TimeDomain::Processing, 100);
    assert!(matches!(manager.declare_namespace(&by_another), Err(Error::InvalidInput(_))));
    assert!(matches!(manager.put_in(event, b"k", &vec![0; (64 << 20) - 7]), Err(Error::LimitExceeded(_))));
    // Another time to live counts for what is written from now on.
    manager.set_watermark(0);
    manager.put_in(event, b"a", b"").unwrap();
    assert_eq!(expiring(&mut manager, "event", ORDERED, TimeDomain::Event, 300), event);
    manager.put_in(event, b"b", b"").unwrap();
    checkpoint(&mut manager);
    let mut manager = open(&directory).unwrap();
    manager.set_watermark(200);
    assert_eq!(keys(&mut manager, event), [b"b"]);
    // The largest times do not wrap around.
    expiring(&mut manager, "event", ORDERED, TimeDomain::Event, u64::MAX);
    manager.put_in(event, b"c", b"").unwrap();
    manager.set_watermark(i64::MAX - 2);
    assert_eq!(keys(&mut manager, event), [b"c"]);
}
