//! Files with everything that the format has and that no script of a golden directory writes: `golden/vectors/v3`
//! holds them, byte for byte.

use std::collections::{BTreeMap, BTreeSet};

use alluvium_core::IncrementalCheckpointMetadata;
use alluvium_core::format::metadata::AlluviumFields;
use alluvium_core::format::segment::{SegmentIdentity, SegmentKind, decode_file, encode, read_chunk};
use alluvium_core::format::segment_entry::SegmentEntry;
use alluvium_core::format::version::FormatVersion;
use alluvium_core::model::expiry::with_expiry;
use alluvium_core::model::hash::key_hash;
use alluvium_core::model::hash_range::HashRange;
use alluvium_core::model::namespace::{MergeOperator, Namespace, NamespaceKind, Namespaces, TimeDomain};
use alluvium_core::model::opaque::Opaque;
use alluvium_core::model::record::Record;
use alluvium_core::model::timer::timer_key;
use alluvium_test_harness::{Files, STORE_ID, here, load, store};

/// The namespaces of all kinds.
fn namespaces() -> Namespaces {
    Namespaces::new([
        Namespace::new(1, "windows", NamespaceKind::Hashed),
        Namespace { schema: 2, ..Namespace::new(2, "by time", NamespaceKind::Ordered { route_bytes: 8 }) },
        Namespace::new(3, "timers", NamespaceKind::Timers(TimeDomain::Event)),
        Namespace::new(4, "alarms", NamespaceKind::Timers(TimeDomain::Processing)),
        Namespace { expires: Some(TimeDomain::Event), ..Namespace::new(5, "sessions", NamespaceKind::Hashed) },
        Namespace { merge: Some(MergeOperator::AddU64), ..Namespace::new(300, "counts", NamespaceKind::Hashed) },
    ])
    .expect("they do not contradict each other")
}

/// A key in a namespace, and its value, or none for a tombstone.
type Owned = (u32, Vec<u8>, Option<Vec<u8>>);

/// Records of all kinds. Some of the default namespace are far from the others, so that their chunks are plain.
fn owned() -> Vec<Owned> {
    let mut records: Vec<Owned> = Vec::new();
    for number in 0..400_u32 {
        records.push((0, format!("route {number:04}").into_bytes(), Some(vec![b'.'; 20])));
    }
    for number in 0..30_i64 {
        let key = format!("route {number:04}").into_bytes();
        records.push((1, key.clone(), (number % 7 > 0).then(|| number.to_le_bytes().to_vec())));
        records.push((2, format!("carrier {number:04}").into_bytes(), Some(b"ordered".to_vec())));
        records.push((3, timer_key(number - 15, &key), Some(Vec::new())));
        records.push((4, timer_key(1_767_225_600_000 + number, &key), (number % 2 > 0).then(Vec::new)));
        records.push((5, key.clone(), Some(with_expiry(number * 1_000, b"until then"))));
        records.push((300, key, Some(number.to_le_bytes().to_vec())));
    }
    records
}

/// The records in their order.
fn ordered<'r>(owned: &'r [Owned], namespaces: &Namespaces) -> Vec<Record<'r>> {
    let placed = owned.iter().map(|(namespace, key, value)| {
        let route = namespaces.get(*namespace).map_or(Some(&key[..]), |declared| declared.route(key));
        let hash = key_hash(route.expect("timers have a time"));
        Record { hash, namespace: *namespace, key, value: value.as_deref() }
    });
    let mut records: Vec<Record<'_>> = placed.collect();
    records.sort_unstable_by_key(Record::order);
    records
}

const IDENTITY: SegmentIdentity = SegmentIdentity {
    format: FormatVersion::V3,
    store_id: STORE_ID,
    kind: SegmentKind::Delta,
    number: 12,
    writer: 0xfeed_0000_0000_beef,
    checkpoint_id: 7,
};

/// Metadata with every field.
fn metadata(chunks: u32, bytes: u64, checksum: u64) -> IncrementalCheckpointMetadata {
    let own = SegmentEntry {
        kind: IDENTITY.kind,
        number: IDENTITY.number,
        writer: IDENTITY.writer,
        checkpoint_id: IDENTITY.checkpoint_id,
        bytes,
        checksum,
        chunks,
        groups: vec![(0, 20), (32, 63)],
        ..SegmentEntry::default()
    };
    let segments = vec![
        SegmentEntry {
            kind: SegmentKind::Base,
            store: Some([0xa5; 16]),
            range: Some(HashRange::new(1, u64::MAX / 2).expect("not empty")),
            groups: vec![(0, 31)],
            ..own.clone()
        },
        SegmentEntry { kind: SegmentKind::Base, format: FormatVersion::V2, writer: 0, number: 3, ..own.clone() },
        own,
    ];
    let opaque = |bytes: &[u8]| Opaque::new(bytes).expect("small");
    let name = str::to_owned;
    IncrementalCheckpointMetadata {
        timestamp: 1_767_225_600,
        wal_position: 9,
        source_offsets: BTreeMap::from([(name("input"), u64::MAX)]),
        watermark: Some(-1),
        key_count: 3,
        is_incremental: true,
        parent_id: Some(6),
        sst_files: segments[1..].iter().map(SegmentEntry::path).collect(),
        alluvium: Some(AlluviumFields {
            store_id: STORE_ID,
            writer: IDENTITY.writer,
            timestamp_ms: 1_767_225_600_123,
            state_digest: 0x0123_4567_89ab_cdef,
            annotations: BTreeMap::from([(name("plugin"), name("delays"))]),
            positions: BTreeMap::from([(
                name("clicks"),
                BTreeMap::from([(name("shard 7"), opaque(&[0, 0xff]).into())]),
            )]),
            watermarks: BTreeMap::from([(name("clicks"), BTreeMap::from([(name("shard 7"), -5)]))]),
            processing_time_ms: Some(1_767_225_600_200),
            sinks: BTreeMap::from([(name("out"), opaque(b"prepared 7"))]),
            namespaces: namespaces(),
            kept: BTreeSet::from([2, 5]),
            range: Some(HashRange::new(0, u64::MAX / 2).expect("not empty")),
            segments,
            ..AlluviumFields::default()
        }),
        ..IncrementalCheckpointMetadata::new(7, 8)
    }
}

fn made() -> (Files, IncrementalCheckpointMetadata) {
    let owned = owned();
    let file = encode(IDENTITY, ordered(&owned, &namespaces()), 0).remove(0);
    let metadata = metadata(file.chunks.len() as u32, file.content.len() as u64, file.checksum);
    let json = metadata.to_json().expect("JSON holds it").into_bytes();
    (Files::from([("segment.delta".to_owned(), file.content), ("metadata.json".to_owned(), json)]), metadata)
}

#[test]
fn the_encoder_reproduces_them() {
    let (files, _) = made();
    let root = here("golden/vectors/v3");
    if std::env::var_os("ALLUVIUM_BLESS").is_some_and(|value| value == "1") {
        store(&root, &files);
    }
    assert_eq!(load(&root), files);
}

#[test]
fn the_decoder_reads_them_for_what_they_are() {
    let files = load(&here("golden/vectors/v3"));
    let (_, expected) = made();
    let json = std::str::from_utf8(&files["metadata.json"]).unwrap();
    assert_eq!(IncrementalCheckpointMetadata::from_json(json).unwrap(), expected);
    let fields = expected.alluvium.unwrap();
    assert_eq!(fields.required_features(), ["expiry", "namespaces", "ranges", "stores", "timers"]);

    let entry = fields.segments.last().unwrap();
    let content = &files["segment.delta"];
    let chunks = decode_file("segment.delta", &entry.identity(STORE_ID), content, entry.checksum).unwrap();
    assert!(chunks.iter().any(|chunk| chunk.is_namespaced) && chunks.len() > 1);
    let (mut found, owned) = (Vec::new(), owned());
    for chunk in &chunks {
        let range = chunk.offset as usize..chunk.offset as usize + chunk.bytes as usize;
        read_chunk("segment.delta", &IDENTITY, chunk, &content[range], &fields.namespaces, |record| {
            found.push(record);
            Ok(())
        })
        .unwrap();
    }
    assert_eq!(found, ordered(&owned, &fields.namespaces));
}
