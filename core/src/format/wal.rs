//! A log between checkpoints: one file for each `sync`, records and the position in the stream at
//! which they end.

use std::collections::BTreeMap;

use crate::error::IncrementalCheckpointError as Error;
use crate::format::json::{self, Node, Object};
use crate::format::paths::wal_path;
use crate::format::segment::{
    Chunk, Record, SegmentIdentity, SegmentKind, claimed_checksum, collect_chunk, decode_file, encode_wal, is_torn,
};
use crate::model::hash::KEY_GROUPS;

/// Where in the stream a log ends, and what the state is then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalPosition {
    /// The epoch.
    pub epoch: u64,
    /// The caller's own position in the caller's own log.
    pub wal_position: u64,
    /// The watermark in milliseconds of Unix time.
    pub watermark: Option<i64>,
    /// For each source, how far it was consumed.
    pub source_offsets: BTreeMap<String, u64>,
    /// What the caller attached: short texts by name.
    pub annotations: BTreeMap<String, String>,
    /// Live keys.
    pub key_count: u64,
    /// Bytes of all live keys and values.
    pub state_bytes: u64,
    /// The state's digest.
    pub state_digest: u64,
}

impl WalPosition {
    fn to_json(&self) -> String {
        let offsets = self.source_offsets.iter().map(|(name, offset)| (name, offset.to_string()));
        let annotations = self.annotations.iter().map(|(name, text)| (name, json::text(text)));
        format!(
            "{{\"epoch\":{},\"wal_position\":{},\"watermark\":{},\"source_offsets\":{},\"annotations\":{},\
             \"key_count\":{},\"state_bytes\":{},\"state_digest\":\"{:016x}\"}}",
            self.epoch,
            self.wal_position,
            json::optional(self.watermark.map(|watermark| watermark.to_string())),
            json::map(offsets, ""),
            json::map(annotations, ""),
            self.key_count,
            self.state_bytes,
            self.state_digest,
        )
    }

    fn from_json(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let read = Object::parse(text).and_then(|mut json| {
            let position = Self {
                epoch: json.unsigned("epoch"),
                wal_position: json.unsigned("wal_position"),
                watermark: json.optional("watermark", Node::signed),
                source_offsets: json.required("source_offsets", |node| node.map(Node::unsigned)),
                annotations: json.required("annotations", |node| node.map(Node::text)),
                key_count: json.unsigned("key_count"),
                state_bytes: json.unsigned("state_bytes"),
                state_digest: json.required("state_digest", Node::hex),
            };
            json.end("unknown field of a position: written by a newer version").map(|()| position)
        });
        read.map_err(|error| error.to_string())
    }
}

/// A log that was read, its chunks still to be walked over.
#[derive(Debug)]
pub(crate) struct Log<'a> {
    path: String,
    identity: SegmentIdentity,
    chunks: Vec<Chunk>,
    content: &'a [u8],
    pub(crate) position: WalPosition,
}

/// What is wrong with a log.
#[derive(Debug)]
pub(crate) enum WalFault {
    /// It is only the beginning of a file.
    Torn(Error),
    /// Anything else.
    Damaged(Error),
}

/// Encodes one log.
pub(crate) fn encode<'a>(
    store_id: [u8; 16],
    checkpoint: u64,
    sequence: u64,
    records: impl IntoIterator<Item = Record<'a>>,
    position: &WalPosition,
) -> Result<Vec<u8>, Error> {
    let content = encode_wal(identity(store_id, checkpoint, sequence), records, position.to_json().as_bytes()).content;
    if u32::try_from(content.len()).is_err() {
        return Err(Error::LimitExceeded("a log of 4 GiB or more: take a checkpoint instead".into()));
    }
    Ok(content)
}

fn identity(store_id: [u8; 16], checkpoint: u64, sequence: u64) -> SegmentIdentity {
    SegmentIdentity { store_id, kind: SegmentKind::Wal, number: sequence, checkpoint_id: checkpoint }
}

/// Checks a log's head and reads its position.
pub(crate) fn decode(store_id: [u8; 16], checkpoint: u64, sequence: u64, content: &[u8]) -> Result<Log<'_>, WalFault> {
    let path = wal_path(checkpoint, sequence);
    let identity = identity(store_id, checkpoint, sequence);
    if is_torn(&identity, content) {
        let what = format!("{path}: only the first {} bytes are there", content.len());
        return Err(WalFault::Torn(Error::Wal(what)));
    }
    let decoded = || {
        // No metadata names a log; its header's own claim is bound to its name and its directory.
        let expected = claimed_checksum(content).ok_or_else(|| Error::corrupt(&path, "too short for a log"))?;
        let mut chunks = decode_file(&path, &identity, content, expected)?;
        let last = chunks.pop().ok_or_else(|| Error::corrupt(&path, "no position in it"))?;
        let bytes = bytes_of(&path, &last, content)?;
        crate::format::segment::check_chunk(&path, &identity, &last, bytes)?;
        let position = WalPosition::from_json(bytes).map_err(|error| Error::unknown(&path, error))?;
        if last.records > 0 || last.first_group != KEY_GROUPS - 1 {
            return Err(Error::corrupt(&path, "does not end with a position"));
        }
        Ok((chunks, position))
    };
    match decoded() {
        Ok((chunks, position)) => Ok(Log { path: path.clone(), identity, chunks, content, position }),
        Err(error) => Err(WalFault::Damaged(error)),
    }
}

fn bytes_of<'a>(path: &str, chunk: &Chunk, content: &'a [u8]) -> Result<&'a [u8], Error> {
    let start = chunk.offset as usize;
    content
        .get(start..start + chunk.bytes as usize)
        .ok_or_else(|| Error::corrupt(path, format!("ends within the chunk at {start}")))
}

impl<'a> Log<'a> {
    /// Every record, checked as it is walked over.
    pub(crate) fn records(&self) -> Result<Vec<Record<'a>>, Error> {
        let mut records = Vec::new();
        for chunk in &self.chunks {
            let bytes = bytes_of(&self.path, chunk, self.content)?;
            collect_chunk(&self.path, &self.identity, chunk, bytes, &mut records)?;
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hash::key_hash;

    fn position() -> WalPosition {
        WalPosition {
            epoch: 3,
            wal_position: 9,
            watermark: Some(-5),
            source_offsets: BTreeMap::from([("input".into(), 12)]),
            annotations: BTreeMap::from([("sink".into(), "0 7".into())]),
            key_count: 1,
            state_bytes: 2,
            state_digest: 77,
        }
    }

    fn sample() -> Vec<u8> {
        let record = |key: &'static [u8], value| Record { hash: key_hash(key), key, value };
        let mut records = [record(b"a", Some(&b"1"[..])), record(b"b", None)];
        records.sort_by_key(|record| record.hash);
        encode([1; 16], 4, 2, records, &position()).unwrap()
    }

    #[test]
    fn comes_back() {
        let content = sample();
        let log = decode([1; 16], 4, 2, &content).unwrap();
        assert_eq!((log.records().unwrap().len(), &log.position), (2, &position()));
    }

    #[test]
    fn every_flipped_bit_is_damage_and_never_a_torn_tail() {
        let content = sample();
        for at in 0..content.len() * 8 {
            let mut damaged = content.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            match decode([1; 16], 4, 2, &damaged) {
                Ok(log) => assert!(log.records().is_err(), "bit {at}"),
                Err(fault) => assert!(matches!(fault, WalFault::Damaged(_)), "bit {at}: {fault:?}"),
            }
        }
    }

    #[test]
    fn every_cut_is_a_torn_tail() {
        let content = sample();
        for length in 0..content.len() {
            let fault = decode([1; 16], 4, 2, &content[..length]).err();
            assert!(matches!(fault, Some(WalFault::Torn(_))), "{length}: {fault:?}");
        }
    }

    #[test]
    fn another_place_is_damage() {
        let content = sample();
        for (store, checkpoint, sequence) in [([2; 16], 4, 2), ([1; 16], 5, 2), ([1; 16], 4, 3)] {
            assert!(matches!(decode(store, checkpoint, sequence, &content), Err(WalFault::Damaged(_))));
        }
    }
}
