//! Converts checkpoints to JavaScript: their metadata, their statistics and lists of them.

use std::collections::BTreeMap;

use alluvium_core::format::metadata::AlluviumFields;
use alluvium_core::tools::inspect::CheckpointSummary;
use alluvium_core::{CheckpointStatistics, IncrementalCheckpointMetadata};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::{count, to_js};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    id: u64,
    epoch: u64,
    timestamp_ms: f64,
    wal_position: u64,
    source_offsets: &'a BTreeMap<String, u64>,
    watermark: Option<i64>,
    size_bytes: f64,
    key_count: f64,
    is_incremental: bool,
    parent_id: Option<u64>,
    files: Vec<String>,
    is_original: bool,
    keys_changed: Option<f64>,
    tombstones: Option<f64>,
    bytes_changed: Option<f64>,
    bytes_written: Option<f64>,
    state_bytes: Option<f64>,
    state_digest: Option<String>,
    has_state: bool,
    annotations: BTreeMap<&'a str, &'a str>,
}

impl<'a> From<&'a IncrementalCheckpointMetadata> for Metadata<'a> {
    fn from(metadata: &'a IncrementalCheckpointMetadata) -> Self {
        let fields = metadata.alluvium.as_ref();
        let timestamp_ms = fields.map_or(metadata.timestamp.saturating_mul(1_000), |fields| fields.timestamp_ms);
        let counted = |get: fn(&AlluviumFields) -> u64| fields.map(|fields| count(get(fields)));
        let annotations = fields.into_iter().flat_map(|fields| &fields.annotations);
        Self {
            id: metadata.id,
            epoch: metadata.epoch,
            timestamp_ms: count(timestamp_ms),
            wal_position: metadata.wal_position,
            source_offsets: &metadata.source_offsets,
            watermark: metadata.watermark,
            size_bytes: count(metadata.size_bytes),
            key_count: count(metadata.key_count),
            is_incremental: metadata.is_incremental,
            parent_id: metadata.parent_id,
            files: metadata.files(),
            is_original: fields.is_none(),
            keys_changed: counted(|fields| fields.keys_changed),
            tombstones: counted(|fields| fields.tombstones),
            bytes_changed: counted(|fields| fields.bytes_changed),
            bytes_written: counted(|fields| fields.bytes_written),
            state_bytes: counted(|fields| fields.state_bytes),
            state_digest: fields.map(|fields| format!("{:016x}", fields.state_digest)),
            has_state: fields.is_none_or(|fields| fields.state_file.is_some()),
            annotations: annotations.map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        }
    }
}

/// Converts to the package's `CheckpointMetadata`.
pub(in crate::browser) fn metadata(metadata: &IncrementalCheckpointMetadata) -> JsValue {
    to_js(&Metadata::from(metadata))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Statistics {
    id: u64,
    keys_changed: f64,
    tombstones: f64,
    bytes_changed: f64,
    delta_bytes: f64,
    rebased_bytes: f64,
    bytes_written: f64,
    freeze_us: f64,
    write_us: f64,
}

/// Converts to the package's `CheckpointStatistics`.
pub(in crate::browser) fn statistics(statistics: &CheckpointStatistics) -> JsValue {
    to_js(&Statistics {
        id: statistics.id,
        keys_changed: count(statistics.keys_changed),
        tombstones: count(statistics.tombstones),
        bytes_changed: count(statistics.bytes_changed),
        delta_bytes: count(statistics.delta_bytes),
        rebased_bytes: count(statistics.rebased_bytes),
        bytes_written: count(statistics.bytes_written),
        freeze_us: count(statistics.freeze_us),
        write_us: count(statistics.write_us),
    })
}

/// One item of a list. It has either `metadata` or `damage`, never both.
#[derive(Serialize)]
#[serde(untagged)]
enum Listed<'a> {
    Whole { id: u64, metadata: Metadata<'a> },
    Damaged { id: u64, damage: &'a str },
}

impl<'a> From<&'a CheckpointSummary> for Listed<'a> {
    fn from(summary: &'a CheckpointSummary) -> Self {
        let id = summary.id;
        match &summary.metadata {
            Ok(metadata) => Self::Whole { id, metadata: metadata.into() },
            Err(damage) => Self::Damaged { id, damage },
        }
    }
}

/// Converts to the package's `ListedCheckpoint[]`.
pub(in crate::browser) fn listed(summaries: &[CheckpointSummary]) -> JsValue {
    to_js(&summaries.iter().map(Listed::from).collect::<Vec<_>>())
}
