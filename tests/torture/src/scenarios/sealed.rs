//! Raw bytes of segments and logs, for fuzzing: as they are, and sealed with checksums that hold, so
//! that mutations come past the checksums to what is behind them.
//!
//! The seal is written here a second time, from FORMAT.md and not from the encoder.

use std::sync::{Arc, OnceLock};

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::format::segment::{SegmentIdentity, SegmentKind, decode_file, encode, read_chunk};
use alluvium_core::format::version::FormatVersion;
use alluvium_core::model::hash::{checksum, key_hash};
use alluvium_core::model::namespace::{Namespace, NamespaceKind, Namespaces, TimeDomain};
use alluvium_core::model::record::Record;
use alluvium_test_harness::{Files, STORE_ID, empty, keep, memory, open_with, options};

use super::decode::read_everything;

/// What a file of the fuzz target is bound to.
const IDENTITY: SegmentIdentity = SegmentIdentity {
    format: FormatVersion::V3,
    store_id: STORE_ID,
    kind: SegmentKind::Delta,
    number: 1,
    writer: 0,
    checkpoint_id: 1,
};

/// Below this a chunk is not closed early, so that one chunk has one form.
const ONE_CHUNK_BYTES: usize = 4 << 10;

/// A chunk to be sealed: its bytes, and what the table says of them.
struct Chunk<'a> {
    bytes: &'a [u8],
    records: u32,
    tombstones: u32,
    flags: u32,
    first_hash: u64,
    last_hash: u64,
}

/// A whole file with checksums that hold.
fn seal(identity: &SegmentIdentity, chunks: &[Chunk<'_>]) -> Vec<u8> {
    let kind = match identity.kind {
        SegmentKind::Base => 1,
        SegmentKind::Delta => 2,
        SegmentKind::Wal => 3,
    };
    let bound = || {
        let mut bound = b"ALLUVSEG".to_vec();
        bound.extend([3, 0, kind, 0, 64, 0, 0, 0]);
        bound.extend(identity.store_id);
        bound.extend(identity.number.to_le_bytes());
        bound.extend(identity.checkpoint_id.to_le_bytes());
        bound.extend(identity.writer.to_le_bytes());
        bound
    };
    let (mut body, mut table) = (Vec::new(), Vec::new());
    for chunk in chunks {
        let offset = 72 + body.len() as u64;
        table.extend((chunk.bytes.len() as u32).to_le_bytes());
        table.extend(chunk.records.to_le_bytes());
        table.extend(chunk.tombstones.to_le_bytes());
        table.extend(chunk.flags.to_le_bytes());
        table.extend(chunk.first_hash.to_le_bytes());
        table.extend(chunk.last_hash.to_le_bytes());
        table.extend(checksum(chunk.bytes, checksum(&bound(), offset)).to_le_bytes());
        body.extend_from_slice(chunk.bytes);
    }
    let mut file = bound();
    file.extend((chunks.len() as u32).to_le_bytes());
    file.extend(((72 + body.len() + table.len()) as u32).to_le_bytes());
    let head = checksum(&table, checksum(&file, 0));
    file.extend(head.to_le_bytes());
    file.extend(body);
    file.extend(table);
    file
}

/// The checksum that a file's own header claims.
fn claimed(file: &[u8]) -> u64 {
    file.get(64..72).and_then(|eight| eight.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// How many bytes describe a chunk: its records, tombstones and flags in one byte each, and two hashes.
const DESCRIPTION: usize = 3 + 16;

/// The chunk that the first bytes describe and the rest is.
fn described(bytes: &[u8]) -> Chunk<'_> {
    let (head, rest) = bytes.split_at(bytes.len().min(DESCRIPTION));
    let byte = |at: usize| u32::from(head.get(at).copied().unwrap_or_default());
    let hash = |at: usize| head.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |b| u64::from_le_bytes(*b));
    Chunk {
        bytes: rest,
        records: byte(0),
        tombstones: byte(1),
        flags: byte(2),
        first_hash: hash(3),
        last_hash: hash(11),
    }
}

/// Describes a chunk.
fn description(chunk: &alluvium_core::format::segment::Chunk) -> Vec<u8> {
    let mut description = vec![chunk.records as u8, chunk.tombstones as u8, u8::from(chunk.is_namespaced)];
    description.extend(chunk.first_hash.to_le_bytes());
    description.extend(chunk.last_hash.to_le_bytes());
    description
}

/// The position of a log, as a chunk.
fn position(bytes: &[u8]) -> Chunk<'_> {
    Chunk { bytes, records: 0, tombstones: 0, flags: 0, first_hash: u64::MAX, last_hash: u64::MAX }
}

/// The namespaces of a fuzzed segment: one of each kind.
fn namespaces() -> Namespaces {
    Namespaces::new([
        Namespace::new(1, "hashed", NamespaceKind::Hashed),
        Namespace::new(2, "ordered", NamespaceKind::Ordered { route_bytes: 2 }),
        Namespace::new(3, "timers", NamespaceKind::Timers(TimeDomain::Event)),
        Namespace { expires: Some(TimeDomain::Event), ..Namespace::new(4, "expires", NamespaceKind::Hashed) },
    ])
    .expect("they do not contradict each other")
}

/// Takes bytes for a segment: the first says whether they are sealed, and as what.
pub fn segment(bytes: &[u8]) {
    let Some((how, bytes)) = bytes.split_first() else { return };
    match how % 4 {
        0 => walk(bytes),
        1 | 2 => walk(&seal(&IDENTITY, &[described(bytes)])),
        _ => log(bytes),
    }
}

/// Everything that a segment's bytes say; what one whole chunk says is written as it was read.
fn walk(file: &[u8]) {
    let Ok(chunks) = decode_file("segment", &IDENTITY, file, claimed(file)) else { return };
    let namespaces = namespaces();
    let mut records: Vec<Record<'_>> = Vec::new();
    for chunk in &chunks {
        let start = chunk.offset as usize;
        let content = file.get(start..start + chunk.bytes as usize).expect("the table was held to the file's length");
        let read = read_chunk("segment", &IDENTITY, chunk, content, &namespaces, |record| {
            let declared = namespaces.get(record.namespace);
            let route = declared.map_or(Some(record.key), |declared| declared.route(record.key));
            assert_eq!(route.map(key_hash), Some(record.hash));
            records.push(record);
            Ok(())
        });
        if read.is_err() {
            return;
        }
    }
    if chunks.len() == 1 && !records.is_empty() && (chunks[0].bytes as usize) < ONE_CHUNK_BYTES {
        let again = encode(IDENTITY, records, 0);
        assert!(again.len() == 1 && again[0].content == file, "a segment has one form");
    }
}

/// A WAL that follows a checkpoint: two bytes for the length of its records, a described chunk of them, and the
/// position.
fn log(bytes: &[u8]) {
    let [low, high, rest @ ..] = bytes else { return };
    let (records, position) = rest.split_at(usize::from(u16::from_le_bytes([*low, *high])).min(rest.len()));
    let last = self::position(position);
    let identity = SegmentIdentity { kind: SegmentKind::Wal, ..IDENTITY };
    let content =
        if records.is_empty() { seal(&identity, &[last]) } else { seal(&identity, &[described(records), last]) };
    let mut files = checkpoint().clone();
    files.insert(LOG.into(), content);
    read_everything(&memory(files));
}

/// The log after the first checkpoint.
const LOG: &str = "wal/0000000000000001-0000000000000001.log";

/// One checkpoint, and a log after it.
fn logged() -> Arc<MemoryDirectory> {
    let directory = empty();
    let mut manager = open_with(&directory, keep(1), options()).expect("an empty directory opens");
    manager.put(b"a", b"1").expect("room");
    block_on(manager.create_checkpoint(1)).expect("memory does not fail");
    manager.put(b"b", b"22").expect("room");
    manager.delete(b"a").expect("no limit");
    block_on(manager.sync(2)).expect("memory does not fail");
    directory
}

fn checkpoint() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut files = logged().to_files();
        files.remove(LOG);
        files
    })
}

/// What fuzzing begins with: a segment as it is, its chunk to be sealed, and a log to be sealed.
pub fn seeds() -> Vec<Vec<u8>> {
    let record = |key: &'static [u8], value| Record { hash: key_hash(key), key, value, ..Record::default() };
    let mut records = [
        record(b"AA:JFK-LAX", Some(&b"12"[..])),
        record(b"", Some(b"")),
        record(b"a", None),
        record(b"key", Some(&[7; 200])),
    ];
    records.sort_by_key(|record| record.hash);
    let file = encode(IDENTITY, records, 0).swap_remove(0);
    let chunk = file.chunks[0];
    let bytes = &file.content[chunk.offset as usize..][..chunk.bytes as usize];
    let log = logged().to_files().remove(LOG).expect("it was synced");
    let identity = SegmentIdentity { kind: SegmentKind::Wal, ..IDENTITY };
    let chunks = decode_file("log", &identity, &log, claimed(&log)).expect("it was just written");
    let of = |at: usize| &log[chunks[at].offset as usize..][..chunks[at].bytes as usize];
    let length = ((of(0).len() + DESCRIPTION) as u16).to_le_bytes();
    let mut of_both = vec![
        Record { hash: key_hash(b"JF"), namespace: 2, key: b"JFK", value: Some(b"1") },
        Record { hash: key_hash(b"JFK"), namespace: 0, key: b"JFK", value: Some(b"2") },
    ];
    of_both.sort_by_key(Record::order);
    let both = encode(IDENTITY, of_both, 0).swap_remove(0);
    let of_both = &both.content[both.chunks[0].offset as usize..][..both.chunks[0].bytes as usize];
    vec![
        [&[0][..], &file.content].concat(),
        [&[1][..], &description(&chunk), bytes].concat(),
        [&[3][..], &length, &description(&chunks[0]), of(0), of(1)].concat(),
        [&[3, 0, 0][..], of(1)].concat(),
        [&[1][..], &description(&both.chunks[0]), of_both].concat(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written twice from one specification: the seeds are taken for what they are.
    #[test]
    fn the_seal_is_that_of_the_encoder() {
        let seeds = seeds();
        let sealed = seal(&IDENTITY, &[described(&seeds[1][1..])]);
        assert_eq!(sealed, seeds[0][1..]);
        let written = logged().to_files().remove(LOG).expect("it was synced");
        let [low, high, rest @ ..] = &seeds[2][1..] else { panic!("a length") };
        let (records, position) = rest.split_at(usize::from(u16::from_le_bytes([*low, *high])));
        let identity = SegmentIdentity { kind: SegmentKind::Wal, ..IDENTITY };
        assert_eq!(seal(&identity, &[described(records), super::position(position)]), written);
    }

    #[test]
    fn the_seeds_are_read() {
        for seed in seeds() {
            segment(&seed);
        }
    }
}
