//! Chunks whose records say which namespace they belong to.

use crate::error::IncrementalCheckpointError as Error;
use crate::format::segment::chunk_reader::read_chunk;
use crate::format::segment::head_reader::decode_file;
use crate::format::segment::header::{Header, chunk_binding};
use crate::format::segment::layout::{Chunk, EncodedSegment, SegmentIdentity, SegmentKind};
use crate::format::segment::table::push_entry;
use crate::format::segment::writer::encode;
use crate::format::version::FormatVersion;
use crate::model::expiry::with_expiry;
use crate::model::hash::{checksum, key_hash};
use crate::model::namespace::{Namespace, NamespaceKind, Namespaces, TimeDomain};
use crate::model::record::Record;
use crate::model::timer::timer_key;

fn namespaces() -> Namespaces {
    Namespaces::new([
        Namespace::new(1, "windows", NamespaceKind::Hashed),
        Namespace::new(2, "by time", NamespaceKind::Ordered { route_bytes: 4 }),
        Namespace { expires: Some(TimeDomain::Event), ..Namespace::new(3, "sessions", NamespaceKind::Hashed) },
        Namespace::new(300, "timers", NamespaceKind::Timers(TimeDomain::Event)),
    ])
    .unwrap()
}

type Owned = (u32, Vec<u8>, Option<Vec<u8>>);

fn borrowed(records: &[Owned]) -> Vec<Record<'_>> {
    let namespaces = namespaces();
    let placed = records.iter().map(|(namespace, key, value)| {
        let route = namespaces.get(*namespace).map_or(Some(&key[..]), |declared| declared.route(key));
        Record { hash: key_hash(route.unwrap()), namespace: *namespace, key, value: value.as_deref() }
    });
    let mut borrowed: Vec<Record<'_>> = placed.collect();
    borrowed.sort_unstable_by_key(Record::order);
    borrowed
}

const IDENTITY: SegmentIdentity = SegmentIdentity {
    format: FormatVersion::V3,
    store_id: [7; 16],
    kind: SegmentKind::Delta,
    number: 3,
    writer: 9,
    checkpoint_id: 2,
};

fn decode(files: &[EncodedSegment]) -> Result<Vec<(u64, Owned)>, Error> {
    let mut found = Vec::new();
    for file in files {
        for chunk in decode_file("file", &file.identity, &file.content, file.checksum)? {
            let range = chunk.offset as usize..chunk.offset as usize + chunk.bytes as usize;
            read_chunk("file", &file.identity, &chunk, &file.content[range], &namespaces(), |record| {
                let owned = (record.namespace, record.key.to_vec(), record.value.map(<[u8]>::to_vec));
                found.push((record.hash, owned));
                Ok(())
            })?;
        }
    }
    Ok(found)
}

fn check_comes_back(records: &[Owned]) -> Vec<EncodedSegment> {
    let borrowed = borrowed(records);
    let expected: Vec<_> = borrowed
        .iter()
        .map(|record| (record.hash, (record.namespace, record.key.to_vec(), record.value.map(<[u8]>::to_vec))))
        .collect();
    let files = encode(IDENTITY, borrowed, 0);
    assert_eq!(decode(&files).unwrap(), expected);
    files
}

/// Records of every kind of namespace, all with the same key and so with the same hash.
fn of_each_kind() -> Vec<Owned> {
    let key = b"JFK".to_vec();
    vec![
        (0, key.clone(), Some(b"default".to_vec())),
        (1, key.clone(), Some(b"window".to_vec())),
        (2, key.clone(), Some(Vec::new())),
        (3, key.clone(), Some(with_expiry(-5, b"session"))),
        (300, timer_key(5, &key), Some(Vec::new())),
        (300, timer_key(-5, &key), None),
        (2, b"JFK 2013".to_vec(), Some(b"flight".to_vec())),
        (2, b"JFK 2014".to_vec(), None),
    ]
}

#[test]
fn records_of_all_kinds_come_back() {
    let files = check_comes_back(&of_each_kind());
    assert!(files[0].chunks[0].is_namespaced);
    let placed: Vec<u64> = decode(&files).unwrap().iter().map(|(hash, _)| *hash).collect();
    assert_eq!(placed.iter().filter(|hash| **hash == key_hash(b"JFK")).count(), 6, "one route, one place");
    assert_eq!(placed.iter().filter(|hash| **hash == key_hash(b"JFK ")).count(), 2, "the first four bytes");
}

#[test]
fn the_default_namespace_alone_is_plain_and_others_do_not_change_its_chunks() {
    let of_default = |count: u32| (0..count).map(|n| (0, n.to_be_bytes().to_vec(), Some(vec![7; 20])));
    let mut records: Vec<Owned> = of_default(20_000).collect();
    let plain = check_comes_back(&records);
    assert!(plain[0].chunks.iter().all(|chunk| !chunk.is_namespaced));
    // One record of another namespace makes one chunk a little longer, and leaves all before it as they are.
    records.push((1, b"other".to_vec(), Some(b"value".to_vec())));
    let mixed = check_comes_back(&records);
    assert_eq!(mixed[0].chunks.iter().filter(|chunk| chunk.is_namespaced).count(), 1);
    assert!(mixed[0].content.len() < plain[0].content.len() + 200);
}

#[test]
fn a_chunk_that_began_plain_is_encoded_again() {
    let mut records: Vec<Owned> = (0..50u8).map(|n| (0, vec![n; 1 + usize::from(n % 3)], Some(vec![n; 9]))).collect();
    records.extend((0..50u8).map(|n| (1, vec![n; 4], (n % 5 > 0).then(|| vec![n; 3]))));
    let files = check_comes_back(&records);
    assert!(files[0].chunks.len() == 1 && files[0].chunks[0].is_namespaced);
}

#[test]
fn every_flipped_bit_is_found() {
    let files = check_comes_back(&of_each_kind());
    for at in 0..files[0].content.len() * 8 {
        let mut damaged = files.clone();
        damaged[0].content[at / 8] ^= 1 << (at % 8);
        assert!(decode(&damaged).is_err(), "bit {at}");
    }
}

/// Reads these bytes as the only chunk of a file, with checksums that hold.
fn read(bytes: &[u8], is_namespaced: bool, records: u32, hash: u64) -> Result<(), Error> {
    let checksum = checksum(bytes, chunk_binding(&IDENTITY, 72));
    let bytes_long = bytes.len() as u32;
    let chunk = Chunk {
        offset: 72,
        bytes: bytes_long,
        records,
        is_namespaced,
        first_hash: hash,
        last_hash: hash,
        checksum,
        ..Chunk::default()
    };
    read_chunk("file", &IDENTITY, &chunk, bytes, &namespaces(), |_| Ok(()))
}

#[test]
fn each_record_has_one_form_and_a_declared_namespace() {
    let hash = key_hash(b"k");
    assert!(read(&[2, 2, 1, b'k', b'v'], true, 1, hash).is_ok());
    assert!(read(&[2, 2, b'k', b'v'], false, 1, hash).is_ok());
    for (bytes, records, expected) in [
        (&[2, 2, 0, b'k', b'v'][..], 1, "only the default one"),
        (&[2, 2, 7, b'k', b'v'], 1, "does not declare"),
        (&[0, 2, 1, b'k', b'v'], 1, "refers to the namespace of a previous record"),
        (&[2, 2, 1, b'k', b'v', 2, 2, 1, b'l', b'v'], 2, "repeats the lengths and the namespace"),
        (&[2, 2, 1, b'k', b'v', 2, 2, 0, b'k', b'v'], 2, "out of order"),
        (&[2, 2, 0x81, 0x00, b'k', b'v'], 1, "namespace"),
        (&[2, 2, 3, b'k', b'v'], 1, "value without an expiry time"),
        (&[2, 1, 0xac, 2, b'k'], 1, "timer without a time"),
        (&[10, 2, 0xac, 2, 0, 0, 0, 0, 0, 0, 0, 0, b'k', b'v'], 1, "timer with a value"),
    ] {
        let error = read(bytes, true, records, hash).unwrap_err().to_string();
        assert!(error.contains(expected), "{bytes:?}: {error}");
    }
}

#[test]
fn unknown_flags_are_refused() {
    let file = encode(IDENTITY, borrowed(&of_each_kind()), 0).remove(0);
    let table_at = file.content.len() - 40;
    let mut content = file.content.clone();
    content[table_at + 12] |= 2;
    let sum = Header::new(&IDENTITY, 1, content.len() as u32).checksum_with(&content[table_at..]);
    content[64..72].copy_from_slice(&sum.to_le_bytes());
    let error = decode_file("file", &IDENTITY, &content, sum).unwrap_err();
    assert!(matches!(&error, Error::Deserialization { what, .. } if what.contains("unknown flags 0x3")), "{error}");
    let mut table = Vec::new();
    push_entry(&mut table, &file.chunks[0]);
    assert_eq!(file.content[table_at..], table);
}
