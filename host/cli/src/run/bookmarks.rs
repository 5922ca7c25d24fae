//! What a checkpoint keeps of inputs and outputs: positions and tokens.
//!
//! The number of records consumed of a partition is an offset. The position and the tokens are
//! annotations: `offset 7`, or `opaque` and hexadecimal digits.

use alluvium_connectors::Opaque;
use alluvium_connectors::source::{FilePosition, Partition, Position};
use alluvium_host::{Engine, Plugin, RuntimeError};

/// How far a partition of an input was consumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bookmark {
    /// The records consumed.
    pub(super) records: u64,
    /// Where the reader continues.
    pub(super) position: Position,
}

/// The name of a partition among the offsets. An input that is not partitioned has its own name.
fn source(input: &str, partition: &Partition) -> String {
    if partition.is_whole() { input.to_owned() } else { format!("{input}/{}", partition.name()) }
}

/// Returns how far a partition of an input was consumed, if the checkpoint says it.
pub(super) fn of(plugin: &mut Plugin, input: &str, partition: &Partition) -> Result<Option<Bookmark>, RuntimeError> {
    let source = source(input, partition);
    let Some(records) = plugin.source_offset(&source)? else { return Ok(None) };
    let name = format!("{source}.position");
    let (position, byte) = (plugin.annotation(&name)?, plugin.annotation(&format!("{source}.byte"))?);
    let read = read_stored(records, position.as_deref(), byte.as_deref());
    read.map(Some).ok_or_else(|| unreadable(&name, &position.unwrap_or_default()))
}

/// Reads what a checkpoint says of a partition: the records consumed, the position, and, in earlier
/// checkpoints, the byte of a plain file instead.
fn read_stored(records: u64, position: Option<&str>, byte: Option<&str>) -> Option<Bookmark> {
    let position = match position {
        Some(text) => read_position(text)?,
        None => FilePosition { records, end_byte: byte.and_then(|byte| byte.parse().ok()) }.into(),
    };
    Some(Bookmark { records, position })
}

/// Puts how far a partition was consumed into the checkpoints and logs to come.
pub(super) fn set(
    engine: &mut dyn Engine,
    input: &str,
    partition: &Partition,
    bookmark: &Bookmark,
) -> Result<(), RuntimeError> {
    let source = source(input, partition);
    engine.set_source_offset(&source, bookmark.records)?;
    engine.set_annotation(&format!("{source}.position"), &position_text(&bookmark.position))
}

/// Returns the token of an output, if the checkpoint has one.
pub(super) fn token(plugin: &mut Plugin, output: &str) -> Result<Option<Opaque>, RuntimeError> {
    let name = format!("sink.{output}");
    let Some(text) = plugin.annotation(&name)? else { return Ok(None) };
    read_token(&text).map(Some).ok_or_else(|| unreadable(&name, &text))
}

/// Earlier checkpoints had the token of a file as it is.
fn read_token(text: &str) -> Option<Opaque> {
    match text.strip_prefix(OPAQUE) {
        Some(digits) => Opaque::try_from(digits.to_owned()).ok(),
        None => Opaque::new(text).ok(),
    }
}

/// Puts the token of an output into the checkpoints and logs to come.
pub(super) fn set_token(engine: &mut dyn Engine, output: &str, token: &Opaque) -> Result<(), RuntimeError> {
    engine.set_annotation(&format!("sink.{output}"), &format!("{OPAQUE}{}", String::from(token.clone())))
}

const OFFSET: &str = "offset ";
const OPAQUE: &str = "opaque ";

fn position_text(position: &Position) -> String {
    match position {
        Position::Offset(offset) => format!("{OFFSET}{offset}"),
        Position::Opaque(bytes) => format!("{OPAQUE}{}", String::from(bytes.clone())),
    }
}

fn read_position(text: &str) -> Option<Position> {
    if let Some(offset) = text.strip_prefix(OFFSET) {
        return offset.parse().ok().map(Position::Offset);
    }
    Opaque::try_from(text.strip_prefix(OPAQUE)?.to_owned()).ok().map(Position::Opaque)
}

fn unreadable(name: &str, text: &str) -> RuntimeError {
    RuntimeError::Host(format!("the checkpoint's annotation {name:?} is {text:?}, which `alluvium run` did not write"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_as_they_were_written() {
        let opaque = |bytes: &[u8]| Position::Opaque(Opaque::new(bytes).expect("short"));
        for position in [Position::Offset(0), Position::Offset(u64::MAX), opaque(b""), opaque(b"12 \xff")] {
            assert_eq!(read_position(&position_text(&position)), Some(position));
        }
        for text in ["", "12", "offset", "offset -1", "opaque 1", "opaque zz", "other 12"] {
            assert_eq!(read_position(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_earlier_checkpoints_say_is_read() {
        let position = |end_byte| Position::from(FilePosition { records: 7, end_byte });
        let check = |byte, expected| {
            let read = read_stored(7, None, byte).expect("it is read");
            assert_eq!(read, Bookmark { records: 7, position: expected });
        };
        check(None, position(None));
        check(Some("345"), position(Some(345)));
        // A position comes before a byte, which an earlier run may have left.
        let read = read_stored(7, Some("offset 7"), Some("345")).map(|bookmark| bookmark.position);
        assert_eq!(read, Some(Position::Offset(7)));
        assert_eq!(read_stored(7, Some("7"), None), None);
        assert_eq!(
            read_token("0 12 00000000000000ab").map(|token| token.as_bytes().to_vec()),
            Some(b"0 12 00000000000000ab".to_vec())
        );
        assert_eq!(read_token("opaque 3132").map(|token| token.as_bytes().to_vec()), Some(b"12".to_vec()));
        assert_eq!(read_token("opaque 3"), None);
    }

    #[test]
    fn an_input_without_partitions_has_its_own_name() {
        assert_eq!(source("input", &Partition::whole()), "input");
        assert_eq!(source("orders", &Partition::new("7").expect("short")), "orders/7");
    }
}
