//! The WAL between checkpoints. Each `sync` writes one file, which holds records and the position in the
//! stream at which they end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::IncrementalCheckpointError as Error;
use crate::format::hex_digits;
use crate::format::paths::wal_path;
use crate::format::segment::{
    Chunk, SegmentIdentity, SegmentKind, claimed_checksum, collect_chunk, decode_file, encode_wal, is_torn,
};
use crate::model::key_groups::KEY_GROUPS;
use crate::model::position::StreamPosition;
use crate::model::record::Record;

/// Where in the stream a WAL file ends, and what the state holds there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalPosition {
    /// The position in the stream.
    pub position: StreamPosition,
    /// The number of live keys.
    pub key_count: u64,
    /// The bytes of all live keys and values.
    pub state_bytes: u64,
    /// The state's digest.
    pub state_digest: u64,
}

/// A [`WalPosition`] as its JSON holds it: all fields are on one level.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    epoch: u64,
    wal_position: u64,
    watermark: Option<i64>,
    source_offsets: BTreeMap<String, u64>,
    annotations: BTreeMap<String, String>,
    key_count: u64,
    state_bytes: u64,
    #[serde(with = "hex_digits")]
    state_digest: u64,
}

impl WalPosition {
    fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let StreamPosition { epoch, wal_position, watermark, source_offsets, annotations } = self.position.clone();
        serde_json::to_vec(&Line {
            epoch,
            wal_position,
            watermark,
            source_offsets,
            annotations,
            key_count: self.key_count,
            state_bytes: self.state_bytes,
            state_digest: self.state_digest,
        })
    }

    fn from_json(bytes: &[u8]) -> serde_json::Result<Self> {
        let Line { epoch, wal_position, watermark, source_offsets, annotations, key_count, state_bytes, state_digest } =
            serde_json::from_slice(bytes)?;
        let position = StreamPosition { epoch, wal_position, watermark, source_offsets, annotations };
        Ok(Self { position, key_count, state_bytes, state_digest })
    }
}

/// A WAL file whose head and position were read. Its records are read by [`records`](Self::records).
#[derive(Debug)]
pub(crate) struct WalFile<'a> {
    path: String,
    identity: SegmentIdentity,
    chunks: Vec<Chunk>,
    content: &'a [u8],
    pub(crate) position: WalPosition,
}

/// What is wrong with a WAL file.
#[derive(Debug)]
pub(crate) enum WalFault {
    /// Only the beginning of the file exists.
    Torn(Error),
    /// Something else is wrong with it.
    Damaged(Error),
}

/// Encodes the WAL file number `sequence` after `checkpoint`.
///
/// A file of 4 GiB or more is [`LimitExceeded`](Error::LimitExceeded).
pub(crate) fn encode<'a>(
    store_id: [u8; 16],
    checkpoint: u64,
    sequence: u64,
    records: impl IntoIterator<Item = Record<'a>>,
    position: &WalPosition,
) -> Result<Vec<u8>, Error> {
    let position = position.to_json().map_err(|error| Error::Serialization(error.to_string()))?;
    let content = encode_wal(identity(store_id, checkpoint, sequence), records, &position).content;
    if u32::try_from(content.len()).is_err() {
        return Err(Error::LimitExceeded("a WAL file of 4 GiB or more: take a checkpoint instead".into()));
    }
    Ok(content)
}

fn identity(store_id: [u8; 16], checkpoint: u64, sequence: u64) -> SegmentIdentity {
    SegmentIdentity { store_id, kind: SegmentKind::Wal, number: sequence, checkpoint_id: checkpoint }
}

/// Checks the head of a WAL file and reads its position. The records are not read yet.
pub(crate) fn decode(
    store_id: [u8; 16],
    checkpoint: u64,
    sequence: u64,
    content: &[u8],
) -> Result<WalFile<'_>, WalFault> {
    let path = wal_path(checkpoint, sequence);
    let identity = identity(store_id, checkpoint, sequence);
    if is_torn(&identity, content) {
        let what = format!("{path}: only the first {} bytes exist", content.len());
        return Err(WalFault::Torn(Error::Wal(what)));
    }
    let decoded = || {
        // No metadata names a WAL file. The checksum in its header is bound to its name and its directory.
        let expected = claimed_checksum(content).ok_or_else(|| Error::corrupt(&path, "too short for a WAL file"))?;
        let mut chunks = decode_file(&path, &identity, content, expected)?;
        let last = chunks.pop().ok_or_else(|| Error::corrupt(&path, "holds no position"))?;
        let bytes = bytes_of(&path, &last, content)?;
        crate::format::segment::check_chunk(&path, &identity, &last, bytes)?;
        let position = WalPosition::from_json(bytes).map_err(|error| Error::unknown(&path, error))?;
        if last.records > 0 || last.first_group != KEY_GROUPS - 1 {
            return Err(Error::corrupt(&path, "does not end with a position"));
        }
        Ok((chunks, position))
    };
    match decoded() {
        Ok((chunks, position)) => Ok(WalFile { path: path.clone(), identity, chunks, content, position }),
        Err(error) => Err(WalFault::Damaged(error)),
    }
}

fn bytes_of<'a>(path: &str, chunk: &Chunk, content: &'a [u8]) -> Result<&'a [u8], Error> {
    let start = chunk.offset as usize;
    content
        .get(start..start + chunk.bytes as usize)
        .ok_or_else(|| Error::corrupt_at(path, start as u64, format!("ends within the chunk at {start}")))
}

impl<'a> WalFile<'a> {
    /// Reads and checks every record.
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
            position: StreamPosition {
                epoch: 3,
                wal_position: 9,
                watermark: Some(-5),
                source_offsets: BTreeMap::from([("input".into(), 12)]),
                annotations: BTreeMap::from([("sink".into(), "0 7".into())]),
            },
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
        let file = decode([1; 16], 4, 2, &content).unwrap();
        assert_eq!((file.records().unwrap().len(), &file.position), (2, &position()));
    }

    #[test]
    fn every_flipped_bit_is_damage_and_never_a_torn_tail() {
        let content = sample();
        for at in 0..content.len() * 8 {
            let mut damaged = content.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            match decode([1; 16], 4, 2, &damaged) {
                Ok(file) => assert!(file.records().is_err(), "bit {at}"),
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
