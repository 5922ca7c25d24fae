use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::format::metadata::stored::SECTION_FIELDS;
use crate::format::metadata::{AlluviumFields, FIELDS, StateFile, StoredMetadata};
use crate::format::segment::SegmentKind;
use crate::format::segment_entry::SegmentEntry;
use crate::format::segment_list::{ListFile, SegmentList};
use crate::format::version::FormatVersion;
use crate::model::hash_range::HashRange;
use crate::model::namespace::{Namespace, NamespaceKind, Namespaces, TimeDomain};
use crate::model::opaque::Opaque;

fn range() -> HashRange {
    HashRange::new(1, u64::MAX / 2).unwrap()
}

fn sample() -> IncrementalCheckpointMetadata {
    let entry = |kind, number, groups: &[(u16, u16)]| SegmentEntry {
        kind,
        number,
        checkpoint_id: 4,
        bytes: 4096,
        checksum: 0xfeed,
        chunks: 2,
        groups: groups.to_vec(),
        ..SegmentEntry::default()
    };
    let segments = vec![
        SegmentEntry { store: Some([9; 16]), ..entry(SegmentKind::Base, 12, &[(0, 63)]) },
        SegmentEntry { format: FormatVersion::V2, ..entry(SegmentKind::Base, 9, &[(0, 63)]) },
        SegmentEntry { writer: 1, ..entry(SegmentKind::Delta, 3, &[(0, 3), (8, 63)]) },
        SegmentEntry { range: Some(range()), writer: 2, ..entry(SegmentKind::Delta, 3, &[(0, 63)]) },
    ];
    let opaque = |bytes: &[u8]| Opaque::new(bytes).unwrap();
    let by_partition = |name: &str| BTreeMap::from([(name.to_owned(), BTreeMap::from([("0".to_owned(), 7)]))]);
    IncrementalCheckpointMetadata {
        source_offsets: BTreeMap::from([("input".into(), u64::MAX)]),
        watermark: Some(-1),
        key_count: 2,
        sst_files: segments[1..].iter().map(SegmentEntry::path).collect(),
        alluvium: Some(AlluviumFields {
            store_id: *b"0123456789abcdef",
            segments,
            state_file: Some(StateFile { bytes: 3, checksum: 1 }),
            annotations: BTreeMap::from([("plugin".into(), "a \"quoted\" name".into())]),
            writer: 0xa,
            positions: BTreeMap::from([("clicks".into(), BTreeMap::from([("0".into(), opaque(b"\x00\xff").into())]))]),
            watermarks: by_partition("clicks"),
            processing_time_ms: Some(-8),
            sinks: BTreeMap::from([("out".into(), opaque(b"token"))]),
            namespaces: Namespaces::new([
                Namespace::new(1, "windows", NamespaceKind::Hashed),
                Namespace::new(2, "timers", NamespaceKind::Timers(TimeDomain::Event)),
            ])
            .unwrap(),
            kept: BTreeSet::from([2, 3]),
            range: Some(range()),
            ..AlluviumFields::default()
        }),
        ..IncrementalCheckpointMetadata::new(5, 6)
    }
}

/// Edits the text and gives it a correct checksum.
fn forged(edit: impl Fn(&str) -> String) -> String {
    let json = sample().to_json().unwrap();
    let edited = edit(&json);
    let covered = &edited[..edited.len() - 16 - CHECKSUM_TAIL.len()];
    format!("{covered}{:016x}{CHECKSUM_TAIL}", checksum(covered.as_bytes(), 0))
}

#[test]
fn comes_back() {
    assert_eq!(IncrementalCheckpointMetadata::from_json(&sample().to_json().unwrap()).unwrap(), sample());
    let original = IncrementalCheckpointMetadata::new(1, 2);
    assert_eq!(IncrementalCheckpointMetadata::from_json(&original.to_json().unwrap()).unwrap(), original);
}

#[test]
fn every_flipped_bit_is_found() {
    let json = sample().to_json().unwrap().into_bytes();
    for at in 0..json.len() * 8 {
        let mut damaged = json.clone();
        damaged[at / 8] ^= 1 << (at % 8);
        assert!(IncrementalCheckpointMetadata::decode("m", &damaged).is_err(), "bit {at}");
    }
}

#[test]
fn every_cut_is_found() {
    let json = sample().to_json().unwrap();
    for length in 0..json.len() {
        assert!(IncrementalCheckpointMetadata::decode("m", &json.as_bytes()[..length]).is_err(), "{length}");
    }
}

#[test]
fn unknown_is_an_error_unless_marked() {
    let check =
        |from: &str, to: &str| IncrementalCheckpointMetadata::from_json(&forged(|json| json.replacen(from, to, 1)));
    assert!(check("\"key_groups\"", "\"x-more\": [1], \"key_groups\"").is_ok());
    for (from, to) in [
        ("\"key_groups\"", "\"more\": 1, \"key_groups\""),
        ("\"epoch\"", "\"more\": 1, \"epoch\""),
        ("\"version\": 3", "\"version\": 2"),
        ("\"version\": 3", "\"version\": 1"),
        ("\"key_groups\": 64", "\"key_groups\": 32"),
        ("segments/0000000000000009.base", "../../../etc/passwd"),
        ("[[0,63]]", "[[0,64]]"),
        ("[[0,63]]", "[[5,2]]"),
        ("[[0,63]]", "[]"),
        ("[\"namespaces\",\"ranges\",\"stores\",\"timers\"]", "[\"namespaces\",\"ranges\",\"stores\"]"),
        (
            "[\"namespaces\",\"ranges\",\"stores\",\"timers\"]",
            "[\"expiry\",\"namespaces\",\"ranges\",\"stores\",\"timers\"]",
        ),
        ("\"writer\": \"000000000000000a\"", "\"writer\": \"a\""),
        ("\"00ff\"", "\"00f\""),
        ("\"00ff\"", "\"00FF\""),
        ("\"format\":2", "\"format\":3"),
        ("\"format\":2", "\"format\":4"),
        ("-0000000000000001.delta", "-0000000000000000.delta"),
        ("\"bytes\":4096", "\"bytes\":9"),
    ] {
        let error = check(from, to).unwrap_err();
        assert!(matches!(error, Error::Deserialization { .. }), "{to}: {error}");
    }
}

#[test]
fn a_feature_that_is_not_implemented_is_named() {
    let listed = "[\"namespaces\",";
    let json = forged(|json| json.replacen(listed, "[\"teleportation\",\"namespaces\",", 1));
    // Its fields are not known either, but the feature says more.
    let error = IncrementalCheckpointMetadata::from_json(&json).unwrap_err().to_string();
    assert!(error.contains("requires the feature \"teleportation\""), "{error}");
}

#[test]
fn the_names_of_the_members_are_those_that_are_written() {
    let (mut metadata, changes) = listed();
    metadata.alluvium.as_mut().unwrap().state_digest = 1;
    let json: Value = serde_json::from_str(&metadata.to_stored_json(&changes).unwrap()).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&json), FIELDS);
    assert_eq!(names(&json["alluvium"]), SECTION_FIELDS);
}

#[test]
fn what_is_empty_is_not_written() {
    let plain = IncrementalCheckpointMetadata {
        alluvium: Some(AlluviumFields::default()),
        ..IncrementalCheckpointMetadata::new(5, 6)
    };
    let json = plain.to_json().unwrap();
    for name in ["features", "writer", "positions", "watermarks", "processing", "sinks", "namespaces", "kept", "range"]
    {
        assert!(!json.contains(name), "{name} in {json}");
    }
    assert_eq!(IncrementalCheckpointMetadata::from_json(&json).unwrap(), plain);
}

#[test]
fn metadata_of_version_1_comes_back_and_has_no_later_fields() {
    let segments = vec![SegmentEntry {
        format: FormatVersion::V2,
        number: 1,
        bytes: 4096,
        chunks: 1,
        groups: vec![(0, 63)],
        ..SegmentEntry::default()
    }];
    let old = IncrementalCheckpointMetadata {
        sst_files: segments.iter().map(SegmentEntry::path).collect(),
        alluvium: Some(AlluviumFields { format: FormatVersion::V2, segments, ..AlluviumFields::default() }),
        ..IncrementalCheckpointMetadata::new(5, 6)
    };
    let json = old.to_json().unwrap();
    assert!(json.contains("\"version\": 1") && !json.contains("\"format\""));
    assert_eq!(IncrementalCheckpointMetadata::from_json(&json).unwrap(), old);
    for later in [
        "\"kept\": [1]",
        "\"writer\": \"000000000000000a\"",
        "\"processing_time_ms\": 0",
        "\"features\": [\"ranges\"]",
        "\"range\": [\"0000000000000000\",\"0000000000000001\"]",
    ] {
        let edited = json.replacen("\"key_groups\"", &format!("{later}, \"key_groups\""), 1);
        let covered = &edited[..edited.len() - 16 - CHECKSUM_TAIL.len()];
        let edited = format!("{covered}{:016x}{CHECKSUM_TAIL}", checksum(covered.as_bytes(), 0));
        let error = IncrementalCheckpointMetadata::from_json(&edited).unwrap_err();
        assert!(matches!(error, Error::Deserialization { .. }), "{later}: {error}");
    }
}

/// The sample, based on a list that has one segment more, one with other groups, and one less.
fn listed() -> (IncrementalCheckpointMetadata, ListChanges) {
    let mut metadata = sample();
    let fields = metadata.alluvium.as_mut().unwrap();
    let mut entries = fields.segments[..3].to_vec();
    entries[2].groups = vec![(0, 63)];
    entries.insert(2, SegmentEntry { writer: 77, ..entries[1].clone() });
    let (list, _) = SegmentList::encode(fields.store_id, 5, 6, 4, &entries).unwrap();
    let changes = list.changes_to(&fields.segments).unwrap();
    fields.list = Some(list);
    (metadata, changes)
}

#[test]
fn what_changed_since_a_list_comes_back_with_the_list() {
    let (metadata, changes) = listed();
    assert_eq!(
        (changes.changed.len(), &changes.removed[..]),
        (2, &["segments/0000000000000009-000000000000004d.base".to_owned()][..])
    );
    let json = metadata.to_stored_json(&changes).unwrap();
    assert!(json.contains("\"list\": {\"path\":\"segments/0000000000000005-0000000000000006.list\""), "{json}");
    let list = metadata.alluvium.as_ref().unwrap().list.clone().unwrap();
    let stored = StoredMetadata::decode("m", json.as_bytes()).unwrap();
    assert_eq!(stored.list(), Some((list.file, *b"0123456789abcdef")));
    assert_eq!(stored.complete(Some(list.clone())).unwrap(), metadata);
    // Alone, such a text is not the whole: it is refused, also by serde.
    assert!(IncrementalCheckpointMetadata::from_json(&json).unwrap_err().to_string().contains("are in segments/"));
    assert!(serde_json::from_str::<IncrementalCheckpointMetadata>(&json).is_err());
    // The text that stands alone names no list.
    let alone = IncrementalCheckpointMetadata::from_json(&metadata.to_json().unwrap()).unwrap();
    assert_eq!(alone, sample());

    // A list that does not fit is refused.
    let other = SegmentList { entries: list.entries[..2].into(), ..list };
    let stored = StoredMetadata::decode("m", json.as_bytes()).unwrap();
    assert!(stored.complete(Some(other)).unwrap_err().to_string().contains("removes a segment"));
}

#[test]
fn a_list_comes_back_and_every_flipped_bit_and_every_cut_is_found() {
    let (metadata, _) = listed();
    let fields = metadata.alluvium.unwrap();
    let entries = &fields.list.as_ref().unwrap().entries;
    let (list, content) = SegmentList::encode(fields.store_id, 5, 6, 4, entries).unwrap();
    let decode = |content: &[u8]| SegmentList::decode(list.file, fields.store_id, content);
    assert_eq!(decode(&content).unwrap(), list);
    for at in 0..content.len() * 8 {
        let mut damaged = content.clone();
        damaged[at / 8] ^= 1 << (at % 8);
        assert!(decode(&damaged).is_err(), "bit {at}");
    }
    for length in 0..content.len() {
        assert!(decode(&content[..length]).is_err(), "{length}");
    }
    for other in [ListFile { number: 4, ..list.file }, ListFile { writer: 4, ..list.file }] {
        assert!(SegmentList::decode(other, fields.store_id, &content).is_err());
    }
    assert!(SegmentList::decode(list.file, [9; 16], &content).is_err());
}

#[test]
fn json_a_million_deep_is_an_error() {
    let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert!(IncrementalCheckpointMetadata::from_json(&deep).is_err());
}
