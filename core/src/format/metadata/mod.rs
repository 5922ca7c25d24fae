//! The metadata of a checkpoint: its fields, the rules that hold between them, and its
//! JSON.

mod check;
mod fields;
mod json;
mod requirements;
mod stored;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::format::metadata::fields::FieldsLine;
use crate::format::paths::{metadata_path, state_path};
use crate::format::segment_entry::SegmentEntry;
use crate::format::segment_list::SegmentList;
use crate::model::position::StreamPosition;

pub use crate::format::metadata::fields::{AlluviumFields, StateFile};
pub(crate) use crate::format::metadata::stored::StoredMetadata;

/// The most bytes that the metadata of one checkpoint may have. Readers do not read more, and writers do not write
/// more.
pub const METADATA_BYTES_MAX: u64 = 64 << 20;

/// The metadata of a checkpoint: its position in the stream and the files that hold its state.
///
/// The fields are those of LaminarDB, and all of them are set. `to_json` writes what LaminarDB's reader
/// accepts; `from_json` also reads what LaminarDB wrote.
///
/// ```
/// use alluvium_core::IncrementalCheckpointMetadata;
///
/// let metadata = IncrementalCheckpointMetadata::new(1, 100);
/// let again = IncrementalCheckpointMetadata::from_json(&metadata.to_json()?)?;
/// assert_eq!((again.id, again.epoch), (1, 100));
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "MetadataLine")]
pub struct IncrementalCheckpointMetadata {
    /// The id of the checkpoint. Ids start at 1 and are never reused.
    pub id: u64,
    /// The epoch that this checkpoint closes.
    pub epoch: u64,
    /// When the checkpoint was prepared, in seconds of Unix time.
    pub timestamp: u64,
    /// The caller's own position in the caller's own WAL.
    pub wal_position: u64,
    /// The offset of each source, by name: how far the source was consumed.
    pub source_offsets: BTreeMap<String, u64>,
    /// The watermark in milliseconds of Unix time, if there is one.
    pub watermark: Option<i64>,
    /// The bytes of all files that this checkpoint names.
    pub size_bytes: u64,
    /// The number of live keys.
    pub key_count: u64,
    /// Whether the checkpoint shares files with an earlier one or builds on its state.
    pub is_incremental: bool,
    /// The id of the checkpoint that it continues.
    pub parent_id: Option<u64>,
    /// The relative paths of the segments that hold its state.
    pub sst_files: Vec<String>,
    /// The fields that LaminarDB does not know. It is `None` if LaminarDB wrote the checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alluvium: Option<AlluviumFields>,
}

/// The names of the members of the metadata.
const FIELDS: [&str; 13] = [
    "id",
    "epoch",
    "timestamp",
    "wal_position",
    "source_offsets",
    "watermark",
    "size_bytes",
    "key_count",
    "is_incremental",
    "parent_id",
    "sst_files",
    "alluvium",
    "checksum",
];

/// The metadata as JSON holds it.
#[derive(Deserialize)]
struct MetadataLine {
    id: u64,
    epoch: u64,
    timestamp: u64,
    wal_position: u64,
    source_offsets: BTreeMap<String, u64>,
    watermark: Option<i64>,
    size_bytes: u64,
    key_count: u64,
    is_incremental: bool,
    parent_id: Option<u64>,
    sst_files: Vec<String>,
    #[serde(default)]
    alluvium: Option<FieldsLine>,
}

impl MetadataLine {
    /// Returns the metadata, given the list that it names. An error says what does not fit.
    fn complete(self, list: Option<SegmentList>) -> Result<IncrementalCheckpointMetadata, String> {
        if self.alluvium.as_ref().is_some_and(|fields| fields.own_paths() != self.sst_files) {
            return Err("sst_files and segments name different files".into());
        }
        let alluvium = self.alluvium.map(|fields| fields.complete(list)).transpose()?;
        let own_paths = alluvium.as_ref().map(|fields| SegmentEntry::own_paths(&fields.segments));
        Ok(IncrementalCheckpointMetadata {
            id: self.id,
            epoch: self.epoch,
            timestamp: self.timestamp,
            wal_position: self.wal_position,
            source_offsets: self.source_offsets,
            watermark: self.watermark,
            size_bytes: self.size_bytes,
            key_count: self.key_count,
            is_incremental: self.is_incremental,
            parent_id: self.parent_id,
            sst_files: own_paths.unwrap_or(self.sst_files),
            alluvium,
        })
    }
}

impl TryFrom<MetadataLine> for IncrementalCheckpointMetadata {
    type Error = String;

    fn try_from(line: MetadataLine) -> Result<Self, String> {
        match line.alluvium.as_ref().and_then(FieldsLine::list) {
            Some((list, _)) => Err(format!("its segments are in {}: read it from its directory", list.path())),
            None => line.complete(None),
        }
    }
}

impl IncrementalCheckpointMetadata {
    /// Returns the metadata of a checkpoint without a parent, a state or a position.
    pub fn new(id: u64, epoch: u64) -> Self {
        Self {
            id,
            epoch,
            timestamp: 0,
            wal_position: 0,
            source_offsets: BTreeMap::new(),
            watermark: None,
            size_bytes: 0,
            key_count: 0,
            is_incremental: false,
            parent_id: None,
            sst_files: Vec::new(),
            alluvium: None,
        }
    }

    /// Returns the relative path of the checkpoint's directory: `checkpoint_` and sixteen hexadecimal
    /// digits.
    pub fn checkpoint_path(&self) -> String {
        format!("checkpoint_{:016x}", self.id)
    }

    /// Returns the relative paths of the files that this checkpoint needs, its metadata included.
    pub fn files(&self) -> Vec<String> {
        let mut files = self.segment_files();
        if self.alluvium.as_ref().is_none_or(|fields| fields.state_file.is_some()) {
            // LaminarDB writes state.bin without naming it in the metadata. If the file exists, it counts.
            files.push(state_path(self.id));
        }
        files.push(metadata_path(self.id));
        files
    }

    /// Returns the relative paths of the segments in this directory and of the list of segments.
    pub(crate) fn segment_files(&self) -> Vec<String> {
        let list = self.alluvium.iter().flat_map(|fields| &fields.list).map(|list| list.file.path());
        self.sst_files.iter().cloned().chain(list).collect()
    }

    /// Returns where in the stream the checkpoint is.
    pub fn position(&self) -> StreamPosition {
        let plain = StreamPosition {
            epoch: self.epoch,
            wal_position: self.wal_position,
            watermark: self.watermark,
            source_offsets: self.source_offsets.clone(),
            ..StreamPosition::default()
        };
        let Some(fields) = &self.alluvium else { return plain };
        StreamPosition {
            annotations: fields.annotations.clone(),
            positions: fields.positions.clone(),
            watermarks: fields.watermarks.clone(),
            processing_time_ms: fields.processing_time_ms,
            sinks: fields.sinks.clone(),
            ..plain
        }
    }

    /// Returns when the checkpoint was prepared, in milliseconds of Unix time. LaminarDB records seconds.
    pub(crate) fn timestamp_ms(&self) -> u64 {
        self.alluvium.as_ref().map_or(self.timestamp.saturating_mul(1_000), |fields| fields.timestamp_ms)
    }
}
