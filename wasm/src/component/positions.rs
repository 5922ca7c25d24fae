//! Converts what a checkpoint knows of the stream: offsets, positions, watermarks and tokens.

use std::collections::BTreeMap;

use alluvium_core::model::opaque::Opaque;
use alluvium_core::model::position::ByPartition;
use alluvium_core::model::source_position::SourcePosition;

use super::bindings::alluvium::checkpoint::types::Error;
use super::bindings::exports::alluvium::checkpoint::checkpoints as wit;
use super::convert;

pub(super) fn offsets(offsets: &BTreeMap<String, u64>) -> Vec<wit::SourceOffset> {
    offsets.iter().map(|(source, &offset)| wit::SourceOffset { source: source.clone(), offset }).collect()
}

pub(super) fn position(position: wit::Position) -> Result<SourcePosition, Error> {
    match position {
        wit::Position::Offset(offset) => Ok(SourcePosition::Offset(offset)),
        wit::Position::Opaque(bytes) => Opaque::new(bytes).map(SourcePosition::Opaque).map_err(convert::error),
    }
}

pub(super) fn positions(positions: &ByPartition<SourcePosition>) -> Vec<wit::SourcePosition> {
    each(positions, |source, partition, position| {
        let position = match position {
            SourcePosition::Offset(offset) => wit::Position::Offset(*offset),
            SourcePosition::Opaque(opaque) => wit::Position::Opaque(opaque.as_bytes().to_vec()),
        };
        wit::SourcePosition { source, partition, position }
    })
}

pub(super) fn watermarks(watermarks: &ByPartition<i64>) -> Vec<wit::PartitionWatermark> {
    each(watermarks, |input, partition, &watermark_ms| wit::PartitionWatermark { input, partition, watermark_ms })
}

pub(super) fn tokens(sinks: &BTreeMap<String, Opaque>) -> Vec<wit::SinkToken> {
    let token =
        |(sink, token): (&String, &Opaque)| wit::SinkToken { sink: sink.clone(), token: token.as_bytes().to_vec() };
    sinks.iter().map(token).collect()
}

/// Converts every value, in the order of names and partitions.
fn each<T, W>(values: &ByPartition<T>, convert: impl Fn(String, String, &T) -> W) -> Vec<W> {
    let parts = values.iter().flat_map(|(name, parts)| parts.iter().map(move |(part, value)| (name, part, value)));
    parts.map(|(name, part, value)| convert(name.clone(), part.clone(), value)).collect()
}
