//! Positions in sources, as the interface has them.

use alluvium_core::model::opaque::Opaque;
use alluvium_core::model::source_position::SourcePosition;

use crate::bindings::engine::exports::alluvium::checkpoint::checkpoints::Position;
use crate::error::RuntimeError;

pub(super) fn to_wit(position: &SourcePosition) -> Position {
    match position {
        SourcePosition::Offset(offset) => Position::Offset(*offset),
        SourcePosition::Opaque(opaque) => Position::Opaque(opaque.as_bytes().to_vec()),
    }
}

pub(super) fn of_wit(position: Position) -> Result<SourcePosition, RuntimeError> {
    match position {
        Position::Offset(offset) => Ok(SourcePosition::Offset(offset)),
        Position::Opaque(bytes) => opaque(bytes).map(SourcePosition::Opaque),
    }
}

pub(super) fn opaque(bytes: Vec<u8>) -> Result<Opaque, RuntimeError> {
    Opaque::new(bytes).map_err(|error| RuntimeError::Host(format!("the engine's answer: {error}")))
}
