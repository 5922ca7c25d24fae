//! Converts between core's types and those of the interface, as the component does.

use alluvium_core::model::namespace::{MergeOperator, Namespace, NamespaceKind, TimeDomain};
use alluvium_core::{
    CheckpointStatistics, Columns, IncrementalCheckpointError, IncrementalCheckpointMetadata, MaintenanceReport, Page,
    Reaction, RecoverySummary,
};

use crate::bindings::engine::alluvium::checkpoint::types;
use crate::bindings::engine::exports::alluvium::checkpoint::checkpoints as wit;
use crate::engine::position;
use crate::error::{EngineError, RuntimeError};

/// Converts an error. The case says how the caller can react, and the text says where and why.
pub(super) fn error(error: impl Into<IncrementalCheckpointError>) -> RuntimeError {
    let error = error.into();
    let text = error.to_string();
    RuntimeError::Engine(match error.reaction() {
        Reaction::NotFound => EngineError::NotFound(text),
        Reaction::AlreadyExists => EngineError::AlreadyExists(text),
        Reaction::Corruption => EngineError::Corruption(text),
        Reaction::Fenced => EngineError::Fenced(text),
        Reaction::NoSpace => EngineError::NoSpace(text),
        Reaction::LimitExceeded => EngineError::LimitExceeded(text),
        Reaction::InvalidInput => EngineError::InvalidInput(text),
        Reaction::Backpressure => EngineError::Backpressure(text),
        Reaction::Reopen => EngineError::Reopen(text),
        Reaction::Io => EngineError::Io(text),
        _ => EngineError::Other(text),
    })
}

/// Returns a namespace's declaration as core takes it. Core gives the number.
pub(super) fn declaration(declaration: &types::NamespaceDeclaration) -> Result<Namespace, RuntimeError> {
    let types::NamespaceDeclaration { name, kind, expires, merge } = declaration;
    let kind = match kind {
        types::NamespaceKind::Hashed => NamespaceKind::Hashed,
        types::NamespaceKind::Ordered(bytes) => NamespaceKind::Ordered {
            route_bytes: u16::try_from(*bytes).map_err(|_| {
                let text = format!("namespace {name:?}: {bytes} bytes of a key cannot decide");
                RuntimeError::Engine(EngineError::InvalidInput(text))
            })?,
        },
        types::NamespaceKind::Timers(domain) => NamespaceKind::Timers(time_domain(*domain)),
    };
    let declared = Namespace::new(0, name.as_str(), kind);
    let declared = match expires {
        Some(types::Expiry { domain, after_ms }) => declared.expiring(time_domain(*domain), *after_ms),
        None => declared,
    };
    Ok(match merge {
        Some(operator) => declared.merging(merge_operator(*operator)),
        None => declared,
    })
}

fn time_domain(domain: types::TimeDomain) -> TimeDomain {
    match domain {
        types::TimeDomain::Event => TimeDomain::Event,
        types::TimeDomain::Processing => TimeDomain::Processing,
    }
}

fn merge_operator(operator: types::MergeOperator) -> MergeOperator {
    match operator {
        types::MergeOperator::Add => MergeOperator::AddI64,
        types::MergeOperator::Min => MergeOperator::Min,
        types::MergeOperator::Max => MergeOperator::Max,
        types::MergeOperator::Append => MergeOperator::Append,
        types::MergeOperator::SetUnion => MergeOperator::SetUnion,
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
pub(super) fn page(entries: &Page<'_>) -> types::Columns {
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

pub(super) fn info(metadata: &IncrementalCheckpointMetadata) -> wit::CheckpointInfo {
    let fields = metadata.alluvium.clone().unwrap_or_default();
    let is_ours = metadata.alluvium.is_some();
    let offset = |(source, &offset): (&String, &u64)| wit::SourceOffset { source: source.clone(), offset };
    let annotation = |(name, value): (String, String)| wit::Annotation { name, value };
    wit::CheckpointInfo {
        id: metadata.id,
        epoch: metadata.epoch,
        timestamp_ms: if is_ours { fields.timestamp_ms } else { metadata.timestamp.saturating_mul(1_000) },
        wal_position: metadata.wal_position,
        source_offsets: metadata.source_offsets.iter().map(offset).collect(),
        watermark: metadata.watermark,
        positions: each(fields.positions, |source, partition, at| wit::SourcePosition {
            source,
            partition,
            position: position::to_wit(&at),
        }),
        partition_watermarks: each(fields.watermarks, |input, partition, watermark_ms| wit::PartitionWatermark {
            input,
            partition,
            watermark_ms,
        }),
        processing_time_ms: fields.processing_time_ms,
        sink_tokens: (fields.sinks.into_iter())
            .map(|(sink, token)| wit::SinkToken { sink, token: token.as_bytes().to_vec() })
            .collect(),
        writer: fields.writer,
        key_count: metadata.key_count,
        size_bytes: metadata.size_bytes,
        incremental: metadata.is_incremental,
        parent_id: metadata.parent_id,
        bytes_written: fields.bytes_written,
        keys_changed: fields.keys_changed,
        tombstones: fields.tombstones,
        annotations: fields.annotations.into_iter().map(annotation).collect(),
    }
}

/// Converts every value, in the order of names and partitions.
fn each<T, W>(
    values: alluvium_core::model::position::ByPartition<T>,
    convert: impl Fn(String, String, T) -> W,
) -> Vec<W> {
    let parts = values
        .into_iter()
        .flat_map(|(name, parts)| parts.into_iter().map(move |(partition, value)| (name.clone(), partition, value)));
    parts.map(|(name, partition, value)| convert(name, partition, value)).collect()
}

pub(super) fn report(
    metadata: &IncrementalCheckpointMetadata,
    statistics: &CheckpointStatistics,
    done: MaintenanceReport,
) -> wit::CheckpointReport {
    let MaintenanceReport { deleted, reclaimed_bytes, errors, .. } = done;
    wit::CheckpointReport {
        info: info(metadata),
        bytes_changed: statistics.bytes_changed,
        bytes_written: statistics.bytes_written,
        freeze_us: statistics.freeze_us,
        write_us: statistics.write_us,
        maintenance: wit::MaintenanceReport { deleted, reclaimed_bytes, errors },
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
