use std::collections::BTreeMap;

use super::log::CHUNK_BYTES;
use super::*;
use crate::model::hash::key_hash;
use crate::model::work::take_probes;

fn push(changelog: &mut Changelog, key: &[u8], value: Option<&[u8]>) {
    changelog.push(Record { hash: key_hash(key), namespace: 0, key, value });
}

/// Compacts all mutations so far.
fn compact(changelog: &mut Changelog) {
    changelog.attend(0, true);
    changelog.end_compaction();
}

#[test]
fn the_newest_of_each_key_stays() {
    let mut changelog = Changelog::default();
    for (key, value) in [("a", Some("1")), ("b", Some("2")), ("a", None), ("c", Some("")), ("b", Some("3"))] {
        push(&mut changelog, key.as_bytes(), value.map(str::as_bytes));
    }
    compact(&mut changelog);
    let mut found: Vec<_> = changelog.records().map(|record| (record.key, record.value)).collect();
    found.sort_unstable();
    assert_eq!(found, [(&b"a"[..], None), (b"b", Some(&b"3"[..])), (b"c", Some(b""))]);
}

#[test]
fn chunks_are_fixed_and_large_records_are_shared() {
    let mut changelog = Changelog::default();
    let large = vec![1; CHUNK_BYTES * 2];
    for n in 0..10_000u32 {
        push(&mut changelog, &n.to_le_bytes(), Some(&[0; 100]));
    }
    push(&mut changelog, b"large", Some(&large));
    assert_eq!(changelog.records().count(), 10_001);
    assert_eq!(changelog.copy_tail().records().count(), 10_001);
    push(&mut changelog, b"last", None);
    let tail = changelog.copy_tail();
    assert_eq!((tail.count(), tail.records().map(|record| record.key).collect::<Vec<_>>()), (1, vec![&b"last"[..]]));
    assert_eq!(changelog.copy_tail().records().count(), 0);
    let at = |changelog: &Changelog| {
        let mut large = changelog.records().filter(|record| record.key == b"large");
        large.next().and_then(|record| record.value).expect("it is there").as_ptr()
    };
    let before = at(&changelog);
    compact(&mut changelog);
    assert_eq!(at(&changelog), before, "a large record was copied");
    let frozen = changelog.freeze();
    assert_eq!((changelog.records().count(), changelog.allocated_bytes(), frozen.records().count()), (0, 0, 10_002));
}

#[test]
fn what_is_synced_stays_synced_when_it_is_compacted() {
    let mut changelog = Changelog::default();
    push(&mut changelog, b"a", Some(b"1"));
    push(&mut changelog, b"b", Some(b"1"));
    changelog.mark_synced();
    compact(&mut changelog);
    push(&mut changelog, b"c", Some(b"1"));
    assert_eq!(changelog.copy_tail().records().map(|record| record.key).collect::<Vec<_>>(), [b"c"]);
    push(&mut changelog, b"d", Some(b"1"));
    compact(&mut changelog);
    assert_eq!(changelog.copy_tail().count(), 4, "it is unknown which of the merged ones were synced");
}

/// The mutations of a test, as a map holds them.
type Newest = BTreeMap<(u32, Vec<u8>), Option<Vec<u8>>>;

fn newest_of(changelog: &Changelog) -> Newest {
    let owned = |record: Record<'_>| ((record.namespace, record.key.to_vec()), record.value.map(Vec::from));
    let newest: Vec<_> = changelog.newest().map(owned).collect();
    let map: Newest = newest.iter().cloned().collect();
    assert_eq!(map.len(), newest.len(), "a key comes twice");
    map
}

/// Compactions run while mutations are appended, dropped, synced and frozen. What is there is always what a
/// map would hold, and together the syncs hold it too.
#[test]
fn as_a_map_would_have_it() {
    for (seed, kept_bits) in (0..12u64).zip([u64::MAX, 3, 0].into_iter().cycle()) {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 11) % below
        };
        let (mut changelog, mut expected, mut in_wal) = (Changelog::default(), Newest::new(), Newest::new());
        let mut batch: Option<(Mark, Newest)> = None;
        let mut begun = 0;
        for turn in 0..20_000u64 {
            let key = format!("{}", if next(2) == 0 { next(5) } else { next(900) }).into_bytes();
            let value = (next(5) > 0).then(|| turn.to_string().into_bytes());
            let namespace = [0, 1, 65_535][next(3) as usize];
            let hash = key_hash(&key) & kept_bits;
            changelog.push(Record { hash, namespace, key: &key, value: value.as_deref() });
            expected.insert((namespace, key), value);
            match next(400) {
                0 => batch = Some((changelog.mark(), expected.clone())),
                1..4 => {
                    if let Some((mark, before)) = batch.take() {
                        changelog.truncate(mark);
                        expected = before;
                    }
                }
                4 => {
                    batch = None;
                    in_wal.append(&mut newest_of(&changelog.copy_tail()));
                    assert_eq!(in_wal, expected, "what was synced, seed {seed}");
                }
                5 if next(8) == 0 => {
                    batch = None;
                    assert_eq!(newest_of(&changelog.freeze()), expected, "what was frozen, seed {seed}");
                    expected.clear();
                    in_wal.clear();
                }
                6 => changelog.end_compaction(),
                _ => {}
            }
            let was_idle = changelog.compaction.is_none();
            changelog.attend(if next(50) == 0 { 0 } else { usize::MAX }, batch.is_none());
            begun += usize::from(was_idle && changelog.compaction.is_some());
        }
        assert_eq!(newest_of(&changelog), expected, "seed {seed}");
        changelog.end_compaction();
        assert_eq!(newest_of(&changelog), expected, "at the end, seed {seed}");
        assert!(begun > 20, "only {begun} compactions, seed {seed}");
    }
}

/// Keys with the same hash, few keys that change always, and keys that are all different: a step costs the same.
#[test]
fn no_step_is_long() {
    for (keys, kept_bits) in [(100, u64::MAX), (50_000, u64::MAX), (50_000, 0)] {
        let mut changelog = Changelog::default();
        for n in 0..100_000u32 {
            let key = (n % keys).to_be_bytes();
            let hash = key_hash(&key) & kept_bits;
            changelog.push(Record { hash, namespace: 0, key: &key, value: Some(&n.to_be_bytes()) });
        }
        changelog.attend(0, true);
        let (mut steps, mut longest) = (0, 0);
        take_probes();
        while changelog.compaction.is_some() || !changelog.superfluous.is_empty() {
            changelog.attend(usize::MAX, false);
            longest = longest.max(take_probes());
            steps += 1;
        }
        assert_eq!(changelog.count(), keys as usize);
        assert!(longest < 20_000, "{longest} probes in one step, {keys} keys");
        assert!(steps < 60_000, "{steps} steps for 100,000 mutations");
    }
}

/// A checkpoint that was dropped gives its changes back.
#[test]
fn earlier_mutations_are_put_before_later_ones() {
    for is_compacting in [false, true] {
        let mut older = Changelog::default();
        push(&mut older, b"a", Some(b"1"));
        push(&mut older, b"b", Some(b"1"));
        older.mark_synced();
        if is_compacting {
            older.attend(0, true);
        }
        push(&mut older, b"b", Some(b"2"));
        let mut newer = Changelog::default();
        push(&mut newer, b"a", Some(b"3"));
        newer.attend(0, true);
        push(&mut newer, b"c", Some(b"3"));
        older.append(newer);
        let found: BTreeMap<_, _> = older.newest().map(|record| (record.key[0], record.value)).collect();
        let found: Vec<_> = found.into_iter().collect();
        assert_eq!(found, [(b'a', Some(&b"3"[..])), (b'b', Some(b"2")), (b'c', Some(b"3"))]);
        assert_eq!(older.copy_tail().count(), 3, "the first two are in the WAL");
        // The compaction that was under way ends first.
        compact(&mut older);
        compact(&mut older);
        assert_eq!(older.count(), 3);
        assert_eq!(older.copy_tail().count(), 0);
    }
}

#[test]
fn a_compaction_that_is_under_way_survives_what_is_appended() {
    let mut older = Changelog::default();
    for n in 0..2_000_u32 {
        push(&mut older, &(n % 10).to_le_bytes(), Some(&n.to_le_bytes()));
    }
    older.attend(0, true);
    older.mark_synced();
    for n in 2_000..6_000_u32 {
        // Each comes as what a dropped checkpoint gave back.
        let mut later = Changelog::default();
        push(&mut later, &(n % 10).to_le_bytes(), Some(&n.to_le_bytes()));
        if n % 3 == 0 {
            compact(&mut later);
        }
        older.append(later);
        older.attend(usize::MAX, false);
    }
    assert!(older.count() < 4_100, "the first 2,000 were compacted: {}", older.count());
    let newest: Vec<_> = older.newest().map(|record| record.value.unwrap().to_vec()).collect();
    let mut newest: Vec<u32> = newest.iter().map(|value| u32::from_le_bytes(value[..].try_into().unwrap())).collect();
    newest.sort_unstable();
    assert_eq!(newest, (5_990..6_000).collect::<Vec<_>>());
    let tail: Vec<_> = older.copy_tail().records().map(|record| record.value.unwrap().to_vec()).collect();
    assert!((4_000..4_100).contains(&tail.len()), "what was not synced, and what was compacted: {}", tail.len());
}
