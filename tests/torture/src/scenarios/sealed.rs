//! Raw bytes of segments and logs, for fuzzing: as they are, and sealed with checksums that hold, so
//! that mutations come past the checksums to what is behind them.
//!
//! The seal is written here a second time, from FORMAT.md and not from the encoder.

use std::sync::{Arc, OnceLock};

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::format::segment::{SegmentIdentity, SegmentKind, decode_file, encode, read_chunk};
use alluvium_core::model::hash::{checksum, key_hash};
use alluvium_core::model::record::Record;
use alluvium_test_harness::{Files, STORE_ID, empty, keep, memory, open_with, options};

use super::decode::read_everything;

/// What a file of the fuzz target is bound to.
const IDENTITY: SegmentIdentity =
    SegmentIdentity { store_id: STORE_ID, kind: SegmentKind::Delta, number: 1, checkpoint_id: 1 };

/// Below this a chunk is not closed early, so that one chunk has one form.
const ONE_CHUNK_BYTES: usize = 4 << 10;

/// A chunk to be sealed: its bytes, and what the table says of them.
struct Chunk<'a> {
    bytes: &'a [u8],
    records: u32,
    tombstones: u32,
    first_group: u16,
    last_group: u16,
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
        bound.extend([2, 0, kind, 0, 64, 0, 0, 0]);
        bound.extend(identity.store_id);
        bound.extend(identity.number.to_le_bytes());
        bound.extend(identity.checkpoint_id.to_le_bytes());
        bound
    };
    let (mut body, mut table) = (Vec::new(), Vec::new());
    for chunk in chunks {
        let offset = 64 + body.len() as u64;
        table.extend((chunk.bytes.len() as u32).to_le_bytes());
        table.extend(chunk.records.to_le_bytes());
        table.extend(chunk.tombstones.to_le_bytes());
        table.extend(chunk.first_group.to_le_bytes());
        table.extend(chunk.last_group.to_le_bytes());
        table.extend(checksum(chunk.bytes, checksum(&bound(), offset)).to_le_bytes());
        body.extend_from_slice(chunk.bytes);
    }
    let mut file = bound();
    file.extend((chunks.len() as u32).to_le_bytes());
    file.extend(((64 + body.len() + table.len()) as u32).to_le_bytes());
    let head = checksum(&table, checksum(&file, 0));
    file.extend(head.to_le_bytes());
    file.extend(body);
    file.extend(table);
    file
}

/// The checksum that a file's own header claims.
fn claimed(file: &[u8]) -> u64 {
    file.get(56..64).and_then(|eight| eight.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// The chunk that the first four bytes describe and the rest is: records, tombstones, groups.
fn described(bytes: &[u8]) -> Chunk<'_> {
    let (head, rest) = bytes.split_at(bytes.len().min(4));
    let head = |at: usize| head.get(at).copied().unwrap_or_default();
    Chunk {
        bytes: rest,
        records: u32::from(head(0)),
        tombstones: u32::from(head(1)),
        first_group: u16::from(head(2)),
        last_group: u16::from(head(3)),
    }
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
    let mut records: Vec<Record<'_>> = Vec::new();
    for chunk in &chunks {
        let start = chunk.offset as usize;
        let content = file.get(start..start + chunk.bytes as usize).expect("the table was held to the file's length");
        let read = read_chunk("segment", &IDENTITY, chunk, content, |record| {
            assert_eq!(record.hash, key_hash(record.key));
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
    let last = Chunk { bytes: position, records: 0, tombstones: 0, first_group: 63, last_group: 63 };
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
    let record = |key: &'static [u8], value| Record { hash: key_hash(key), key, value };
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
    let head = [chunk.records as u8, chunk.tombstones as u8, chunk.first_group as u8, chunk.last_group as u8];
    let log = logged().to_files().remove(LOG).expect("it was synced");
    let identity = SegmentIdentity { kind: SegmentKind::Wal, ..IDENTITY };
    let chunks = decode_file("log", &identity, &log, claimed(&log)).expect("it was just written");
    let of = |at: usize| &log[chunks[at].offset as usize..][..chunks[at].bytes as usize];
    let first = &chunks[0];
    let described = [first.records as u8, first.tombstones as u8, first.first_group as u8, first.last_group as u8];
    let length = ((of(0).len() + 4) as u16).to_le_bytes();
    vec![
        [&[0][..], &file.content].concat(),
        [&[1][..], &head, bytes].concat(),
        [&[3][..], &length, &described, of(0), of(1)].concat(),
        [&[3, 0, 0][..], of(1)].concat(),
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
        let last = Chunk { bytes: position, records: 0, tombstones: 0, first_group: 63, last_group: 63 };
        assert_eq!(seal(&identity, &[described(records), last]), written);
    }

    #[test]
    fn the_seeds_are_read() {
        for seed in seeds() {
            segment(&seed);
        }
    }
}
