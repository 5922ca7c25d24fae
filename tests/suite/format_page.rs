//! The test vectors of FORMAT.md are what the encoder gives.

use alluvium_core::format::segment::{SegmentIdentity, SegmentKind, decode_file, encode, read_chunk};
use alluvium_core::model::expiry::with_expiry;
use alluvium_core::model::hash::{checksum, entry_digest, key_hash, namespace_weight, value_hash};
use alluvium_core::model::namespace::{Namespace, NamespaceKind, Namespaces, TimeDomain};
use alluvium_core::model::record::Record;
use alluvium_core::model::timer::timer_key;
use alluvium_test_harness::here;

fn page() -> String {
    std::fs::read_to_string(here("../FORMAT.md")).expect("FORMAT.md")
}

fn check_row(what: &str, value: u64) {
    let row = format!("| {what} | `{value:016x}` |");
    assert!(page().contains(&row), "FORMAT.md should say: {row}");
}

#[test]
fn hashes_and_digests() {
    check_row("`H(\"\")`", key_hash(b""));
    check_row("`H(\"AA:JFK-LAX\")`", key_hash(b"AA:JFK-LAX"));
    check_row("`C(\"sediment\", 1)`", checksum(b"sediment", 1));
    let entry = entry_digest(key_hash(b"a"), value_hash(b"1"));
    check_row("digest of the entry `a` → `1`", entry);
    check_row("weight of namespace 1", namespace_weight(1));
    check_row(
        "digest of a state of `a` → `1` in the namespaces 0 and 1",
        entry.wrapping_add(namespace_weight(1).wrapping_mul(entry)),
    );
    let ordered = Namespace::new(1, "ordered", NamespaceKind::Ordered { route_bytes: 3 });
    check_row("hash of the key `JFK2013` with `route_bytes` 3", key_hash(ordered.route(b"JFK2013").unwrap()));
    let timers = Namespace::new(1, "timers", NamespaceKind::Timers(TimeDomain::Event));
    check_row("hash of any timer of the key `k`", key_hash(timers.route(&timer_key(1, b"k")).unwrap()));
    check_row("value hash of `v`, expiring at 1 ms, as 64 bits", u64::from(value_hash(&with_expiry(1, b"v"))));
}

#[test]
fn a_timer() {
    assert!(page().contains(&spaced(&timer_key(1, b"k"))));
}

fn spaced(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_whole_segment() {
    let namespaces = Namespaces::new([
        Namespace::new(1, "hashed", NamespaceKind::Hashed),
        Namespace::new(2, "timers", NamespaceKind::Timers(TimeDomain::Event)),
    ])
    .unwrap();
    let identity = SegmentIdentity {
        store_id: std::array::from_fn(|at| at as u8),
        kind: SegmentKind::Delta,
        number: 3,
        writer: 0x0123_4567_89ab_cdef,
        checkpoint_id: 2,
        ..SegmentIdentity::default()
    };
    let timer = timer_key(-1, b"JFK");
    let hash = key_hash(b"JFK");
    let records = [
        Record { hash, namespace: 0, key: b"JFK", value: Some(b"12") },
        Record { hash, namespace: 1, key: b"JFK", value: Some(b"3") },
        Record { hash, namespace: 2, key: &timer, value: None },
    ];
    let file = encode(identity, records, 0).remove(0);
    let lines = file.content.chunks(16).enumerate().map(|(at, line)| format!("{:04x}  {}", at * 16, spaced(line)));
    let text = lines.collect::<Vec<_>>().join("\n");
    assert!(page().contains(&text), "FORMAT.md should show:\n{text}");

    // The page's bytes are read for what they are.
    let page = page();
    let bytes = page.lines().filter_map(|line| line.split_once("  ")).filter(|(at, _)| at.len() == 4);
    let bytes: Vec<u8> = bytes
        .flat_map(|(_, line)| {
            line.split(' ').map(|byte| u8::from_str_radix(byte, 16).expect("two digits")).collect::<Vec<_>>()
        })
        .collect();
    let chunks = decode_file("FORMAT.md", &identity, &bytes, file.checksum).unwrap();
    let chunk = &chunks[0];
    let mut found = Vec::new();
    let range = chunk.offset as usize..chunk.offset as usize + chunk.bytes as usize;
    read_chunk("FORMAT.md", &identity, chunk, &bytes[range], &namespaces, |record| {
        found.push(record);
        Ok(())
    })
    .unwrap();
    assert_eq!(found, records);
}
