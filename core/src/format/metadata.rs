//! The metadata of a checkpoint: its fields, and the rules that hold between them. Its JSON is in
//! `metadata_json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::IncrementalCheckpointError as Error;
use crate::format::hex_digits;
use crate::format::paths::{metadata_path, state_path};
use crate::format::segment::{CHUNK_ENTRY_BYTES, HEADER_BYTES};
use crate::format::segment_entry::SegmentEntry;
use crate::model::key_groups::KEY_GROUPS;
use crate::model::position::StreamPosition;

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

/// The part of the metadata that LaminarDB does not know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlluviumFields {
    /// The id of the directory, to which every file in it is bound.
    #[serde(with = "hex_digits::store_id")]
    pub store_id: [u8; 16],
    /// When the checkpoint was prepared, in milliseconds of Unix time.
    pub timestamp_ms: u64,
    /// The number of keys that changed since the previous checkpoint, tombstones included.
    pub keys_changed: u64,
    /// How many of them were deleted.
    pub tombstones: u64,
    /// The bytes of the keys and values that changed.
    pub bytes_changed: u64,
    /// The bytes of the segments and of the opaque state that were created with this checkpoint.
    pub bytes_written: u64,
    /// The bytes of all live keys and values.
    pub state_bytes: u64,
    /// The sum of [`entry_digest`](crate::model::hash::entry_digest) over the state.
    #[serde(with = "hex_digits")]
    pub state_digest: u64,
    /// The segments, in the order in which recovery applies them. See [`SegmentEntry::order`].
    pub segments: Vec<SegmentEntry>,
    /// The caller's opaque state, if this checkpoint has one.
    pub state_file: Option<StateFile>,
    /// The short texts that the caller attached, by name.
    pub annotations: BTreeMap<String, String>,
}

/// The file of the caller's opaque state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateFile {
    /// Its length in bytes.
    pub bytes: u64,
    /// Its checksum: XXH3-64 with seed 0.
    #[serde(with = "hex_digits")]
    pub checksum: u64,
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
        let mut files = self.sst_files.clone();
        if self.alluvium.as_ref().is_none_or(|fields| fields.state_file.is_some()) {
            // LaminarDB writes state.bin without naming it in the metadata. If the file exists, it counts.
            files.push(state_path(self.id));
        }
        files.push(metadata_path(self.id));
        files
    }

    /// Returns where in the stream the checkpoint is.
    pub fn position(&self) -> StreamPosition {
        StreamPosition {
            epoch: self.epoch,
            wal_position: self.wal_position,
            watermark: self.watermark,
            source_offsets: self.source_offsets.clone(),
            annotations: self.alluvium.as_ref().map(|fields| fields.annotations.clone()).unwrap_or_default(),
        }
    }

    /// Returns when the checkpoint was prepared, in milliseconds of Unix time. LaminarDB records seconds.
    pub(crate) fn timestamp_ms(&self) -> u64 {
        self.alluvium.as_ref().map_or(self.timestamp.saturating_mul(1_000), |fields| fields.timestamp_ms)
    }

    /// Checks the rules between the fields. A violation is [`Deserialization`](Error::Deserialization).
    pub(super) fn check(&self, place: &str) -> Result<(), Error> {
        let Some(fields) = &self.alluvium else {
            return Ok(());
        };
        let paths: Vec<String> = fields.segments.iter().map(SegmentEntry::path).collect();
        if paths != self.sst_files {
            return Err(Error::unknown(place, "sst_files and segments name different files"));
        }
        if !fields.segments.is_sorted_by(|a, b| a.order() < b.order()) {
            return Err(Error::unknown(place, "segments are not bases and then deltas, each by checkpoint and number"));
        }
        let mut covered = vec![false; usize::from(KEY_GROUPS)];
        for entry in &fields.segments {
            let at = || format!("{place}: {}", entry.path());
            let table = u64::from(entry.chunks) * CHUNK_ENTRY_BYTES as u64;
            if entry.bytes < HEADER_BYTES as u64 + table {
                return Err(Error::unknown(at(), "shorter than its own chunk table"));
            }
            let apart = entry.groups.is_sorted_by(|a, b| a.1 < b.0);
            let sound = entry.groups.iter().all(|(first, last)| first <= last && *last < KEY_GROUPS);
            if entry.groups.is_empty() || !apart || !sound {
                return Err(Error::unknown(at(), "key groups are not ascending ranges"));
            }
            for (first, last) in &entry.groups {
                covered[usize::from(*first)..=usize::from(*last)].fill(true);
            }
        }
        if self.key_count > 0 && !covered.contains(&true) {
            return Err(Error::unknown(place, "names keys but no segment that holds them"));
        }
        Ok(())
    }
}
