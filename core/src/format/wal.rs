//! The WAL between checkpoints. Each `sync` writes one file, which holds records and the position in the
//! stream at which they end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::wal_path;
use crate::format::segment::{
    Chunk, SegmentIdentity, SegmentKind, check_chunk, claimed_checksum, claimed_writer, collect_chunk, decode_file,
    encode_wal, is_torn,
};
use crate::format::version::FormatVersion;
use crate::model::hex_digits;
use crate::model::key_groups::group_of;
use crate::model::namespace::Namespaces;
use crate::model::opaque::Opaque;
use crate::model::position::{ByPartition, StreamPosition};
use crate::model::record::Record;
use crate::model::source_position::SourcePosition;

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
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    positions: ByPartition<SourcePosition>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    watermarks: ByPartition<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    processing_time_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    sinks: BTreeMap<String, Opaque>,
}

impl WalPosition {
    fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let position = self.position.clone();
        serde_json::to_vec(&Line {
            epoch: position.epoch,
            wal_position: position.wal_position,
            watermark: position.watermark,
            source_offsets: position.source_offsets,
            annotations: position.annotations,
            key_count: self.key_count,
            state_bytes: self.state_bytes,
            state_digest: self.state_digest,
            positions: position.positions,
            watermarks: position.watermarks,
            processing_time_ms: position.processing_time_ms,
            sinks: position.sinks,
        })
    }

    fn from_json(bytes: &[u8]) -> serde_json::Result<Self> {
        let line: Line = serde_json::from_slice(bytes)?;
        let position = StreamPosition {
            epoch: line.epoch,
            wal_position: line.wal_position,
            watermark: line.watermark,
            source_offsets: line.source_offsets,
            annotations: line.annotations,
            positions: line.positions,
            watermarks: line.watermarks,
            processing_time_ms: line.processing_time_ms,
            sinks: line.sinks,
        };
        let Line { key_count, state_bytes, state_digest, .. } = line;
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

/// What a WAL file is bound to: a directory, the checkpoint that it follows, and its place after it. The format
/// is that of the checkpoint, because WAL files of another version never follow it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WalIdentity {
    pub(crate) format: FormatVersion,
    pub(crate) store_id: [u8; 16],
    pub(crate) checkpoint: u64,
    pub(crate) sequence: u64,
}

impl WalIdentity {
    /// Returns the relative path of the file.
    pub(crate) fn path(self) -> String {
        wal_path(self.checkpoint, self.sequence)
    }

    fn of_segment(self, writer: u64) -> SegmentIdentity {
        SegmentIdentity {
            format: self.format,
            store_id: self.store_id,
            kind: SegmentKind::Wal,
            number: self.sequence,
            writer,
            checkpoint_id: self.checkpoint,
        }
    }
}

/// Encodes a WAL file, in the newest format.
///
/// A file of 4 GiB or more is [`LimitExceeded`](Error::LimitExceeded).
pub(crate) fn encode<'a>(
    identity: WalIdentity,
    writer: u64,
    records: impl IntoIterator<Item = Record<'a>>,
    position: &WalPosition,
) -> Result<Vec<u8>, Error> {
    let position = position.to_json().map_err(|error| Error::Serialization(error.to_string()))?;
    let content = encode_wal(identity.of_segment(writer), records, &position).content;
    if u32::try_from(content.len()).is_err() {
        return Err(Error::LimitExceeded("a WAL file of 4 GiB or more: take a checkpoint instead".into()));
    }
    Ok(content)
}

/// Checks the head of a WAL file and reads its position. The records are not read yet.
pub(crate) fn decode(identity: WalIdentity, content: &[u8]) -> Result<WalFile<'_>, WalFault> {
    let (path, format) = (identity.path(), identity.format);
    let identity = identity.of_segment(claimed_writer(format, content));
    if is_torn(&identity, content) {
        let what = format!("{path}: only the first {} bytes exist", content.len());
        return Err(WalFault::Torn(Error::Wal(what)));
    }
    let decoded = || {
        // No metadata names a WAL file. The checksum in its header is bound to its name and its directory.
        let short = || Error::corrupt(&path, "too short for a WAL file");
        let expected = claimed_checksum(format, content).ok_or_else(short)?;
        let mut chunks = decode_file(&path, &identity, content, expected)?;
        let last = chunks.pop().ok_or_else(|| Error::corrupt(&path, "holds no position"))?;
        let bytes = bytes_of(&path, &last, content)?;
        check_chunk(&path, &identity, &last, bytes)?;
        let position = WalPosition::from_json(bytes).map_err(|error| Error::unknown(&path, error))?;
        if !is_position(format, &last) || chunks.iter().any(|chunk| chunk.records == 0) {
            return Err(Error::corrupt(&path, "does not end with a position"));
        }
        Ok((chunks, position))
    };
    match decoded() {
        Ok((chunks, position)) => Ok(WalFile { path: path.clone(), identity, chunks, content, position }),
        Err(error) => Err(WalFault::Damaged(error)),
    }
}

/// Tells whether the table says that a chunk is the position of a WAL file.
fn is_position(format: FormatVersion, chunk: &Chunk) -> bool {
    let ends_the_order = match format {
        FormatVersion::V2 => chunk.first_group() == group_of(u64::MAX),
        FormatVersion::V3 => chunk.first_hash == u64::MAX,
    };
    chunk.records == 0 && ends_the_order && !chunk.is_namespaced
}

fn bytes_of<'a>(path: &str, chunk: &Chunk, content: &'a [u8]) -> Result<&'a [u8], Error> {
    let start = chunk.offset as usize;
    content
        .get(start..start + chunk.bytes as usize)
        .ok_or_else(|| Error::corrupt_at(path, start as u64, format!("ends within the chunk at {start}")))
}

impl<'a> WalFile<'a> {
    /// Checks the bytes of all records without reading any, if the namespaces are not known to which they belong.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.chunks.iter().try_for_each(|chunk| {
            let bytes = bytes_of(&self.path, chunk, self.content)?;
            check_chunk(&self.path, &self.identity, chunk, bytes)
        })
    }

    /// Reads and checks every record. `namespaces` are those of the checkpoint that the file follows.
    pub(crate) fn records(&self, namespaces: &Namespaces) -> Result<Vec<Record<'a>>, Error> {
        let mut records = Vec::new();
        for chunk in &self.chunks {
            let bytes = bytes_of(&self.path, chunk, self.content)?;
            collect_chunk(&self.path, &self.identity, chunk, bytes, namespaces, &mut records)?;
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests;
