mod namespaced;

use crate::error::IncrementalCheckpointError as Error;
use crate::format::segment::chunk_reader::read_chunk;
use crate::format::segment::head_reader::decode_file;
use crate::format::segment::header::chunk_binding;
use crate::format::segment::layout::{Chunk, EncodedSegment, FILE_BYTES, SegmentIdentity, SegmentKind};
use crate::format::segment::lengths::SAME_LENGTHS;
use crate::format::segment::writer::encode;
use crate::format::version::FormatVersion;
use crate::model::hash::{checksum, key_hash};
use crate::model::namespace::Namespaces;
use crate::model::record::Record;

fn identity(kind: SegmentKind) -> SegmentIdentity {
    SegmentIdentity { store_id: [7; 16], kind, number: 3, writer: 9, checkpoint_id: 2, ..SegmentIdentity::default() }
}

type Owned = Vec<(u64, Vec<u8>, Vec<u8>)>;

fn sorted(count: u32, value_bytes: usize) -> Owned {
    let mut records: Vec<_> = (0..count)
        .map(|n| {
            let key = n.to_be_bytes().to_vec();
            (key_hash(&key), key, vec![n as u8; value_bytes])
        })
        .collect();
    records.sort();
    records
}

fn encode_sorted(records: &[(u64, Vec<u8>, Vec<u8>)]) -> Vec<EncodedSegment> {
    let mut borrowed = Vec::new();
    for (hash, key, value) in records {
        borrowed.push(Record { hash: *hash, key, value: Some(value), ..Record::default() });
    }
    encode(identity(SegmentKind::Base), borrowed, 0)
}

fn decode(files: &[EncodedSegment]) -> Result<Owned, Error> {
    let mut found = Vec::new();
    for file in files {
        for chunk in decode_file("file", &file.identity, &file.content, file.checksum)? {
            let range = chunk.offset as usize..chunk.offset as usize + chunk.bytes as usize;
            read_chunk("file", &file.identity, &chunk, &file.content[range], &Namespaces::default(), |record| {
                found.push((record.hash, record.key.to_vec(), record.value.unwrap().to_vec()));
                Ok(())
            })?;
        }
    }
    Ok(found)
}

#[test]
fn records_come_back_over_chunks_and_files() {
    let records = sorted(20_000, 500);
    let files = encode_sorted(&records);
    assert_eq!(files.len(), 3);
    assert!(files.iter().all(|file| file.content.len() < FILE_BYTES + 64 * 1024));
    assert!(files[0].chunks.len() > 16);
    assert_eq!(decode(&files).unwrap(), records);
}

#[test]
fn nothing_gives_no_file() {
    assert!(encode(identity(SegmentKind::Delta), [], 0).is_empty());
}

#[test]
fn every_flipped_bit_is_found() {
    let files = encode_sorted(&sorted(20, 10));
    for at in 0..files[0].content.len() {
        for bit in 0..8 {
            let mut damaged = files.clone();
            damaged[0].content[at] ^= 1 << bit;
            assert!(decode(&damaged).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn lengths_are_said_once_and_in_one_way() {
    let key = |n: u8| vec![n; 3];
    let mut records: Vec<_> = [0, 1, 2, 3, 4, 5].map(|n| (key_hash(&key(n)), key(n), vec![n; 5])).into();
    records.sort();
    records[3].2 = Vec::new();
    let file = encode_sorted(&records).remove(0);
    let chunk = file.chunks[0];
    let range = chunk.offset as usize..chunk.offset as usize + chunk.bytes as usize;
    // Three are alike, one has no value, two are as before: six records store lengths three times.
    assert_eq!(range.len(), 6 * 3 + 5 * 5 + 3 * 2 + 3);
    assert_eq!(decode(std::slice::from_ref(&file)).unwrap(), records);

    let check = |edit: fn(&mut Vec<u8>), expected: &str| {
        let mut bytes = file.content[range.clone()].to_vec();
        edit(&mut bytes);
        let checksum = checksum(&bytes, chunk_binding(&file.identity, chunk.offset));
        let chunk = Chunk { bytes: bytes.len() as u32, checksum, ..chunk };
        let error = read_chunk("file", &file.identity, &chunk, &bytes, &Namespaces::default(), |_| Ok(()))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(|bytes| drop(bytes.splice(..2, [SAME_LENGTHS])), "record at 72: refers to the lengths of a previous record");
    check(|bytes| drop(bytes.splice(10..11, [4, 6])), "record at 82: repeats the lengths of the previous record");
    check(|bytes| bytes.truncate(11), "record at 82: key reaches past the chunk");
}

#[test]
fn another_identity_is_found() {
    let file = encode_sorted(&sorted(20, 10)).remove(0);
    for other in [
        SegmentIdentity { number: 4, ..file.identity },
        SegmentIdentity { store_id: [8; 16], ..file.identity },
        SegmentIdentity { kind: SegmentKind::Delta, ..file.identity },
        SegmentIdentity { checkpoint_id: 9, ..file.identity },
        SegmentIdentity { writer: 8, ..file.identity },
        SegmentIdentity { format: FormatVersion::V2, ..file.identity },
    ] {
        assert!(decode_file("file", &other, &file.content, file.checksum).is_err());
    }
}
