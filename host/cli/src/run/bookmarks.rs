//! What a checkpoint keeps of inputs and outputs: positions, watermarks and tokens.
//!
//! The number of records consumed of a partition is an offset. Checkpoints of earlier versions have the
//! byte of a plain file and the token of an output among the annotations.

use std::collections::{BTreeSet, VecDeque};

use alluvium_connectors::Opaque;
use alluvium_connectors::source::{FilePosition, Partition, Position};
use alluvium_host::{Engine, RuntimeError};

/// How far a partition of an input was consumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bookmark {
    /// The records consumed.
    pub(super) records: u64,
    /// Where the reader continues.
    pub(super) position: Position,
    /// The largest event time, in milliseconds of Unix time.
    pub(super) time_ms: Option<i64>,
}

impl Bookmark {
    /// A file that was left for the next one, at its end. Its records are counted where they were read.
    pub(super) fn of_left(end: Position) -> Self {
        Self { records: 0, position: end, time_ms: None }
    }
}

/// The name of a partition among the offsets. An input that is not partitioned has its own name.
fn source(input: &str, partition: &Partition) -> String {
    if partition.is_whole() { input.to_owned() } else { format!("{input}/{}", partition.name()) }
}

/// Whether the checkpoint names a partition of an input, although it may have consumed nothing of it.
pub(super) fn is_named(engine: &mut dyn Engine, input: &str, partition: &Partition) -> Result<bool, RuntimeError> {
    Ok(engine.source_offset(&source(input, partition))?.is_some())
}

/// Names a partition of an input of which nothing was consumed in the checkpoints and logs to come.
pub(super) fn set_name(engine: &mut dyn Engine, input: &str, partition: &Partition) -> Result<(), RuntimeError> {
    engine.set_source_offset(&source(input, partition), 0)
}

/// Returns how far a partition of an input was consumed, if the checkpoint says that something was.
pub(super) fn of(
    engine: &mut dyn Engine,
    input: &str,
    partition: &Partition,
) -> Result<Option<Bookmark>, RuntimeError> {
    let source = source(input, partition);
    let Some(records) = engine.source_offset(&source)? else { return Ok(None) };
    let position = match engine.position(input, partition.name())? {
        Some(position) => position,
        None if records == 0 => return Ok(None),
        None => file_position(records, engine.annotation(&format!("{source}.byte"))?.as_deref()),
    };
    let time_ms = engine.partition_watermark(input, partition.name())?;
    Ok(Some(Bookmark { records, position, time_ms }))
}

/// Returns the position that an earlier version meant: a number of records, and the byte of a plain file.
fn file_position(records: u64, byte: Option<&str>) -> Position {
    FilePosition { records, end_byte: byte.and_then(|byte| byte.parse().ok()), fingerprint: None }.into()
}

/// Puts how far a partition was consumed into the checkpoints and logs to come.
pub(super) fn set(
    engine: &mut dyn Engine,
    input: &str,
    partition: &Partition,
    bookmark: &Bookmark,
) -> Result<(), RuntimeError> {
    engine.set_source_offset(&source(input, partition), bookmark.records)?;
    engine.set_position(input, partition.name(), &bookmark.position)?;
    bookmark.time_ms.map_or(Ok(()), |time_ms| engine.set_partition_watermark(input, partition.name(), time_ms))
}

/// Returns the names of the partitions that were ever read of an input of many files.
pub(super) fn known_partitions(engine: &mut dyn Engine, input: &str) -> Result<Option<BTreeSet<String>>, RuntimeError> {
    let name = format!("{input}.partitions");
    let Some(text) = engine.annotation(&name)? else { return Ok(None) };
    let unreadable =
        |error| RuntimeError::Host(format!("the checkpoint's annotation {name:?} names no partitions: {error}"));
    serde_json::from_str(&text).map(Some).map_err(unreadable)
}

/// Puts these names into the checkpoints and logs to come.
pub(super) fn set_known_partitions(
    engine: &mut dyn Engine,
    input: &str,
    names: &BTreeSet<String>,
) -> Result<(), RuntimeError> {
    engine.set_annotation(&format!("{input}.partitions"), &serde_json::json!(names).to_string())
}

/// Returns the ends of the files that were left for the next ones under the name of a partition, the newest first.
pub(super) fn left(
    engine: &mut dyn Engine,
    input: &str,
    partition: &Partition,
) -> Result<VecDeque<Position>, RuntimeError> {
    let name = format!("{}.left", source(input, partition));
    let Some(text) = engine.annotation(&name)? else { return Ok(VecDeque::new()) };
    let unreadable =
        |error| RuntimeError::Host(format!("the checkpoint's annotation {name:?} has no positions: {error}"));
    serde_json::from_str(&text).map_err(unreadable)
}

/// Puts the ends of the files that were left into the checkpoints and logs to come.
pub(super) fn set_left(
    engine: &mut dyn Engine,
    input: &str,
    partition: &Partition,
    left: &VecDeque<Position>,
) -> Result<(), RuntimeError> {
    engine.set_annotation(&format!("{}.left", source(input, partition)), &serde_json::json!(left).to_string())
}

/// Returns the columns that were known of an input whose columns come up as its records do.
pub(super) fn columns(
    engine: &mut dyn Engine,
    input: &str,
    partition: &Partition,
) -> Result<Option<Vec<String>>, RuntimeError> {
    let name = format!("{}.columns", source(input, partition));
    let Some(text) = engine.annotation(&name)? else { return Ok(None) };
    let unreadable =
        |error| RuntimeError::Host(format!("the checkpoint's annotation {name:?} names no columns: {error}"));
    serde_json::from_str(&text).map(Some).map_err(unreadable)
}

/// Puts the columns that are known of an input into the checkpoints and logs to come.
pub(super) fn set_columns(
    engine: &mut dyn Engine,
    input: &str,
    partition: &Partition,
    columns: &[String],
) -> Result<(), RuntimeError> {
    engine.set_annotation(&format!("{}.columns", source(input, partition)), &serde_json::json!(columns).to_string())
}

/// Returns the token of an output, if the checkpoint has one.
pub(super) fn token(engine: &mut dyn Engine, output: &str) -> Result<Option<Opaque>, RuntimeError> {
    if let Some(token) = engine.sink_token(output)? {
        return Ok(Some(token));
    }
    let name = format!("sink.{output}");
    let Some(text) = engine.annotation(&name)? else { return Ok(None) };
    let unreadable = |error| RuntimeError::Host(format!("the checkpoint's annotation {name:?} is no token: {error}"));
    Opaque::new(text).map(Some).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_earlier_checkpoints_say_is_read() {
        for (byte, end_byte) in [(None, None), (Some("345"), Some(345)), (Some("many"), None)] {
            assert_eq!(file_position(7, byte), FilePosition { records: 7, end_byte, fingerprint: None }.into());
        }
    }

    #[test]
    fn an_input_without_partitions_has_its_own_name() {
        assert_eq!(source("input", &Partition::whole()), "input");
        assert_eq!(source("orders", &Partition::new("7").expect("short")), "orders/7");
    }
}
