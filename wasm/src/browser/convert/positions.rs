//! Converts the positions of sources to JavaScript.

use std::collections::BTreeMap;

use alluvium_core::model::position::ByPartition;
use alluvium_core::model::source_position::SourcePosition;
use serde::Serialize;
use serde_bytes::Bytes;
use wasm_bindgen::prelude::*;

use super::to_js;

/// A position: an offset becomes a `bigint`, and opaque bytes become a `Uint8Array`.
#[derive(Serialize)]
#[serde(untagged)]
enum Position<'a> {
    Offset(u64),
    Opaque(&'a Bytes),
}

impl<'a> From<&'a SourcePosition> for Position<'a> {
    fn from(position: &'a SourcePosition) -> Self {
        match position {
            SourcePosition::Offset(offset) => Self::Offset(*offset),
            SourcePosition::Opaque(opaque) => Self::Opaque(Bytes::new(opaque.as_bytes())),
        }
    }
}

/// Converts to a map of maps: the positions by source and partition.
pub(in crate::browser) fn positions(positions: &ByPartition<SourcePosition>) -> JsValue {
    let by_source = positions.iter().map(|(source, partitions)| {
        let partitions = partitions.iter().map(|(name, position)| (name.as_str(), Position::from(position)));
        (source.as_str(), partitions.collect())
    });
    to_js(&by_source.collect::<BTreeMap<&str, BTreeMap<&str, Position<'_>>>>())
}
