//! The part of the metadata that LaminarDB does not know, and its JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::format::segment_entry::SegmentEntry;
use crate::format::segment_list::{ListChanges, ListFile, SegmentList};
use crate::format::version::FormatVersion;
use crate::model::hash_range::HashRange;
use crate::model::hex_digits;
use crate::model::key_groups::KEY_GROUPS;
use crate::model::namespace::Namespaces;
use crate::model::opaque::Opaque;
use crate::model::position::ByPartition;
use crate::model::source_position::SourcePosition;

/// The part of the metadata that LaminarDB does not know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "FieldsLine", into = "FieldsLine")]
pub struct AlluviumFields {
    /// The version of the format in which the checkpoint was written.
    pub format: FormatVersion,
    /// The id of the directory, to which every file in it is bound.
    pub store_id: [u8; 16],
    /// The number that the writer drew when it opened the directory, or 0 if it drew none.
    pub writer: u64,
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
    /// The sum of [`entry_digest`](crate::model::hash::entry_digest) over the state, where the entries of
    /// each namespace count with its [weight](crate::model::hash::namespace_weight).
    pub state_digest: u64,
    /// The segments, in the order in which recovery applies them. See [`SegmentEntry::order`].
    pub segments: Vec<SegmentEntry>,
    /// The list file on which the entries of the segments are based, if there is one. It belongs to the
    /// checkpoint's files. JSON that stands alone names all segments and no list.
    pub list: Option<SegmentList>,
    /// The caller's opaque state, if this checkpoint has one.
    pub state_file: Option<StateFile>,
    /// The short texts that the caller attached, by name.
    pub annotations: BTreeMap<String, String>,
    /// The positions of sources, by source and partition.
    pub positions: ByPartition<SourcePosition>,
    /// The watermarks of inputs in milliseconds of Unix time, by input and partition.
    pub watermarks: ByPartition<i64>,
    /// The processing time in milliseconds of Unix time, if there is one.
    pub processing_time_ms: Option<i64>,
    /// The tokens by which sinks recognise what they prepared, by name of the sink.
    pub sinks: BTreeMap<String, Opaque>,
    /// The namespaces of the state, beside the default one.
    pub namespaces: Namespaces,
    /// The checkpoints that retention keeps because the caller named them.
    pub kept: BTreeSet<u64>,
    /// The hashes of the keys that this directory owns. `None` means all of them.
    pub range: Option<HashRange>,
}

/// The file of the caller's opaque state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateFile {
    /// Its length in bytes.
    pub bytes: u64,
    /// Its checksum: XXH3-64 with seed 0.
    #[serde(with = "hex_digits")]
    pub checksum: u64,
}

/// The section `alluvium` as JSON holds it, with its fields in the written order.
#[derive(Serialize, Deserialize)]
pub(super) struct FieldsLine {
    version: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    features: Vec<String>,
    #[serde(with = "hex_digits::store_id")]
    store_id: [u8; 16],
    #[serde(default, with = "hex_digits", skip_serializing_if = "is_zero")]
    writer: u64,
    key_groups: u16,
    timestamp_ms: u64,
    keys_changed: u64,
    tombstones: u64,
    bytes_changed: u64,
    bytes_written: u64,
    state_bytes: u64,
    #[serde(with = "hex_digits")]
    state_digest: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state_file: Option<StateFile>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    positions: ByPartition<SourcePosition>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    watermarks: ByPartition<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    processing_time_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    sinks: BTreeMap<String, Opaque>,
    #[serde(default, skip_serializing_if = "Namespaces::is_empty")]
    namespaces: Namespaces,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    kept: BTreeSet<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    range: Option<HashRange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) list: Option<ListFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) removed: Vec<String>,
    pub(super) segments: Vec<SegmentEntry>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl TryFrom<FieldsLine> for AlluviumFields {
    type Error = String;

    fn try_from(line: FieldsLine) -> Result<Self, String> {
        match line.list {
            Some(list) => Err(format!("its segments are in {}: read it from its directory", list.path())),
            None => line.complete(None),
        }
    }
}

impl FieldsLine {
    /// Returns the list file, and the id of the directory that holds it.
    pub(super) fn list(&self) -> Option<(ListFile, [u8; 16])> {
        self.list.map(|list| (list, self.store_id))
    }

    /// Returns the names of the segments that are in the directory itself, as far as they are spelled out.
    pub(super) fn own_paths(&self) -> Vec<String> {
        SegmentEntry::own_paths(&self.segments)
    }

    /// Returns the fields, given the list that they name. An error says what does not fit.
    pub(super) fn complete(mut self, list: Option<SegmentList>) -> Result<AlluviumFields, String> {
        let (changed, removed) = (std::mem::take(&mut self.segments), std::mem::take(&mut self.removed));
        self.segments = match &list {
            Some(list) => ListChanges { changed, removed }.apply_to(&list.entries)?,
            None if removed.is_empty() => changed,
            None => return Err("removes segments, but names no list".into()),
        };
        let line = self;
        let version = line.version;
        let format = FormatVersion::with_metadata(version).ok_or_else(|| format!("metadata version {version}"))?;
        let mut fields = AlluviumFields {
            format,
            store_id: line.store_id,
            writer: line.writer,
            timestamp_ms: line.timestamp_ms,
            keys_changed: line.keys_changed,
            tombstones: line.tombstones,
            bytes_changed: line.bytes_changed,
            bytes_written: line.bytes_written,
            state_bytes: line.state_bytes,
            state_digest: line.state_digest,
            segments: line.segments,
            list,
            state_file: line.state_file,
            annotations: line.annotations,
            positions: line.positions,
            watermarks: line.watermarks,
            processing_time_ms: line.processing_time_ms,
            sinks: line.sinks,
            namespaces: line.namespaces,
            kept: line.kept,
            range: line.range,
        };
        if fields.required_features() != line.features {
            return Err("features are not those that the checkpoint uses".into());
        }
        if format == FormatVersion::V2 {
            fields.as_of_version_2()?;
        }
        Ok(fields)
    }
}

impl From<AlluviumFields> for FieldsLine {
    fn from(mut fields: AlluviumFields) -> Self {
        if fields.format == FormatVersion::V2 {
            // All segments of format 2 have that format, so it is not written down.
            fields.segments.iter_mut().for_each(|entry| entry.format = FormatVersion::default());
        }
        Self {
            version: fields.format.of_metadata(),
            features: fields.required_features().into_iter().map(str::to_owned).collect(),
            store_id: fields.store_id,
            writer: fields.writer,
            key_groups: KEY_GROUPS,
            timestamp_ms: fields.timestamp_ms,
            keys_changed: fields.keys_changed,
            tombstones: fields.tombstones,
            bytes_changed: fields.bytes_changed,
            bytes_written: fields.bytes_written,
            state_bytes: fields.state_bytes,
            state_digest: fields.state_digest,
            state_file: fields.state_file,
            annotations: fields.annotations,
            positions: fields.positions,
            watermarks: fields.watermarks,
            processing_time_ms: fields.processing_time_ms,
            sinks: fields.sinks,
            namespaces: fields.namespaces,
            kept: fields.kept,
            range: fields.range,
            list: None,
            removed: Vec::new(),
            segments: fields.segments,
        }
    }
}
