//! Converts between the types of core and the types of the WIT.

use std::collections::BTreeMap;

use alluvium_core::gc::{FileVerdict, GarbageReport};
use alluvium_core::tools::verify::{Severity, VerifyReport};
use alluvium_core::{
    CheckpointStatistics, Columns, IncrementalCheckpointError, IncrementalCheckpointMetadata, MaintenanceReport,
    Reaction, RecoverySummary,
};

use super::bindings::alluvium::checkpoint::types;
use super::bindings::exports::alluvium::checkpoint::checkpoints as wit;
use super::open_manager::Manager;
use super::positions;

/// Converts an error. The case says how the caller can react, and the text says where and why.
pub(super) fn error(error: impl Into<IncrementalCheckpointError>) -> types::Error {
    let error = error.into();
    let text = error.to_string();
    match error.reaction() {
        Reaction::NotFound => types::Error::NotFound(text),
        Reaction::AlreadyExists => types::Error::AlreadyExists(text),
        Reaction::Corruption => types::Error::Corruption(text),
        Reaction::Fenced => types::Error::Fenced(text),
        Reaction::NoSpace => types::Error::NoSpace(text),
        Reaction::LimitExceeded => types::Error::LimitExceeded(text),
        Reaction::InvalidInput => types::Error::InvalidInput(text),
        Reaction::Backpressure => types::Error::Backpressure(text),
        Reaction::Reopen => types::Error::Reopen(text),
        Reaction::Io => types::Error::Io(text),
        _ => types::Error::Other(text),
    }
}

/// Returns the length of a key or value. The format allows only lengths that fit.
pub(super) fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("keys and values are at most 64 MiB long")
}

pub(super) fn columns(batch: &types::Columns) -> Columns<'_> {
    Columns {
        ops: &batch.ops,
        key_lens: &batch.key_lens,
        value_lens: &batch.value_lens,
        keys: &batch.keys,
        values: &batch.values,
    }
}

/// Writes entries as a batch of puts.
pub(super) fn page(entries: &[(&[u8], &[u8])]) -> types::Columns {
    types::Columns {
        ops: vec![0; entries.len()],
        key_lens: entries.iter().map(|(key, _)| len(key)).collect(),
        value_lens: entries.iter().map(|(_, value)| len(value)).collect(),
        keys: entries.iter().map(|(key, _)| *key).collect::<Vec<_>>().concat(),
        values: entries.iter().map(|(_, value)| *value).collect::<Vec<_>>().concat(),
    }
}

/// Packs keys into one argument.
pub(super) fn packed<'a>(keys: impl Iterator<Item = &'a [u8]>) -> types::PackedKeys {
    let mut packed = types::PackedKeys { lens: vec![], bytes: vec![] };
    for key in keys {
        packed.lens.push(len(key));
        packed.bytes.extend_from_slice(key);
    }
    packed
}

/// Looks up many keys.
pub(super) fn get_many(
    manager: &Manager,
    namespace: u32,
    keys: &types::PackedKeys,
) -> Result<types::PackedValues, types::Error> {
    let values = manager.get_many_in(namespace, &keys.lens, &keys.bytes).map_err(error)?;
    let mut found = types::PackedValues { present: vec![], lens: vec![], bytes: vec![] };
    for value in values {
        found.present.push(value.is_some().into());
        found.lens.push(len(value.unwrap_or_default()));
        found.bytes.extend_from_slice(value.unwrap_or_default());
    }
    Ok(found)
}

pub(super) fn annotations(annotations: &BTreeMap<String, String>) -> Vec<wit::Annotation> {
    let annotation = |(name, value): (&String, &String)| wit::Annotation { name: name.clone(), value: value.clone() };
    annotations.iter().map(annotation).collect()
}

pub(super) fn info(metadata: &IncrementalCheckpointMetadata) -> wit::CheckpointInfo {
    let fields = metadata.alluvium.as_ref();
    wit::CheckpointInfo {
        id: metadata.id,
        epoch: metadata.epoch,
        timestamp_ms: fields.map_or(metadata.timestamp.saturating_mul(1_000), |fields| fields.timestamp_ms),
        wal_position: metadata.wal_position,
        source_offsets: positions::offsets(&metadata.source_offsets),
        watermark: metadata.watermark,
        positions: fields.map_or_else(Vec::new, |fields| positions::positions(&fields.positions)),
        partition_watermarks: fields.map_or_else(Vec::new, |fields| positions::watermarks(&fields.watermarks)),
        processing_time_ms: fields.and_then(|fields| fields.processing_time_ms),
        sink_tokens: fields.map_or_else(Vec::new, |fields| positions::tokens(&fields.sinks)),
        writer: fields.map_or(0, |fields| fields.writer),
        key_count: metadata.key_count,
        size_bytes: metadata.size_bytes,
        incremental: metadata.is_incremental,
        parent_id: metadata.parent_id,
        bytes_written: fields.map_or(0, |fields| fields.bytes_written),
        keys_changed: fields.map_or(0, |fields| fields.keys_changed),
        tombstones: fields.map_or(0, |fields| fields.tombstones),
        annotations: fields.map_or_else(Vec::new, |fields| annotations(&fields.annotations)),
    }
}

pub(super) fn maintenance(report: MaintenanceReport) -> wit::MaintenanceReport {
    wit::MaintenanceReport { deleted: report.deleted, reclaimed_bytes: report.reclaimed_bytes, errors: report.errors }
}

pub(super) fn report(
    metadata: &IncrementalCheckpointMetadata,
    statistics: &CheckpointStatistics,
    done: MaintenanceReport,
) -> wit::CheckpointReport {
    wit::CheckpointReport {
        info: info(metadata),
        bytes_changed: statistics.bytes_changed,
        bytes_written: statistics.bytes_written,
        freeze_us: statistics.freeze_us,
        write_us: statistics.write_us,
        maintenance: maintenance(done),
    }
}

pub(super) fn recovery(summary: &RecoverySummary) -> wit::Recovery {
    let skipped = summary.skipped.iter();
    let skipped = skipped.map(|skipped| wit::SkippedCheckpoint { id: skipped.id, reason: skipped.reason.clone() });
    wit::Recovery {
        checkpoint_id: summary.checkpoint_id,
        skipped: skipped.collect(),
        wal_entries: summary.wal_entries,
        wal_cut: summary.wal_cut.as_ref().map(|cut| cut.reason.clone()),
        bytes_read: summary.bytes_read,
        key_count: summary.key_count,
        is_laminar: summary.is_laminar,
    }
}

pub(super) fn verified(report: VerifyReport) -> wit::VerifyReport {
    let finding = |finding: alluvium_core::tools::verify::Finding| wit::Finding {
        path: finding.path,
        severity: match finding.severity {
            Severity::Damage => wit::Severity::Damage,
            Severity::Orphan => wit::Severity::Orphan,
            Severity::Leftover => wit::Severity::Leftover,
            Severity::Foreign => wit::Severity::Foreign,
        },
        what: finding.what,
    };
    wit::VerifyReport {
        findings: report.findings.into_iter().map(finding).collect(),
        checkpoints: report.checkpoints,
        files: report.files,
        bytes: report.bytes,
    }
}

pub(super) fn garbage(report: GarbageReport) -> wit::GarbageReport {
    let verdict = |FileVerdict { path, bytes, keep, why }| wit::FileVerdict { path, keep, why, bytes };
    wit::GarbageReport { files: report.files.into_iter().map(verdict).collect(), errors: report.errors }
}
