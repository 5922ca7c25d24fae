use super::*;
use crate::model::hash::key_hash;

fn opaque(bytes: &[u8]) -> Opaque {
    Opaque::new(bytes).unwrap()
}

const IDENTITY: WalIdentity = WalIdentity { format: FormatVersion::V3, store_id: [1; 16], checkpoint: 4, sequence: 2 };

fn position() -> WalPosition {
    WalPosition {
        position: StreamPosition {
            epoch: 3,
            wal_position: 9,
            watermark: Some(-5),
            source_offsets: BTreeMap::from([("input".into(), 12)]),
            annotations: BTreeMap::from([("sink".into(), "0 7".into())]),
            positions: BTreeMap::from([("clicks".into(), BTreeMap::from([("0".into(), opaque(b"\x00\xff").into())]))]),
            watermarks: BTreeMap::from([("input".into(), BTreeMap::from([("0".into(), -7)]))]),
            processing_time_ms: Some(8),
            sinks: BTreeMap::from([("out".into(), opaque(b"token"))]),
        },
        key_count: 1,
        state_bytes: 2,
        state_digest: 77,
    }
}

fn sample() -> Vec<u8> {
    let record = |key: &'static [u8], value| Record { hash: key_hash(key), key, value, ..Record::default() };
    let mut records = [record(b"a", Some(&b"1"[..])), record(b"b", None)];
    records.sort_by_key(|record| record.hash);
    encode(IDENTITY, 0x1234_5678_9abc_def0, records, &position()).unwrap()
}

#[test]
fn comes_back() {
    let content = sample();
    let file = decode(IDENTITY, &content).unwrap();
    assert_eq!((file.records(&Namespaces::default()).unwrap().len(), &file.position), (2, &position()));
}

#[test]
fn every_flipped_bit_is_damage_and_never_a_torn_tail() {
    let content = sample();
    for at in 0..content.len() * 8 {
        let mut damaged = content.clone();
        damaged[at / 8] ^= 1 << (at % 8);
        match decode(IDENTITY, &damaged) {
            Ok(file) => assert!(file.records(&Namespaces::default()).is_err(), "bit {at}"),
            Err(fault) => assert!(matches!(fault, WalFault::Damaged(_)), "bit {at}: {fault:?}"),
        }
    }
}

#[test]
fn every_cut_is_a_torn_tail() {
    let content = sample();
    for length in 0..content.len() {
        let fault = decode(IDENTITY, &content[..length]).err();
        assert!(matches!(fault, Some(WalFault::Torn(_))), "{length}: {fault:?}");
    }
}

#[test]
fn another_place_is_damage() {
    let content = sample();
    for other in [
        WalIdentity { store_id: [2; 16], ..IDENTITY },
        WalIdentity { checkpoint: 5, ..IDENTITY },
        WalIdentity { sequence: 3, ..IDENTITY },
        WalIdentity { format: FormatVersion::V2, ..IDENTITY },
    ] {
        assert!(matches!(decode(other, &content), Err(WalFault::Damaged(_))), "{other:?}");
    }
}
