//! The position of a state in its stream. It is the part of a checkpoint that is not keyed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::IncrementalCheckpointError as Error;

/// A position in the stream. Its setters keep the rule that it never goes backwards.
///
/// ```
/// use alluvium_core::StreamPosition;
///
/// let mut position = StreamPosition::default();
/// position.set_source_offset("orders", 7)?;
/// assert!(position.set_source_offset("orders", 6).is_err());
/// assert_eq!(position.source_offsets["orders"], 7);
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamPosition {
    /// The epoch, as in stream processing.
    pub epoch: u64,
    /// The caller's own position in the caller's own WAL.
    pub wal_position: u64,
    /// The watermark in milliseconds of Unix time, if there is one.
    pub watermark: Option<i64>,
    /// The offset of each source, by name: how far the source was consumed.
    pub source_offsets: BTreeMap<String, u64>,
    /// The short texts that the caller attached, by name.
    pub annotations: BTreeMap<String, String>,
}

impl StreamPosition {
    /// Sets the epoch. An earlier epoch is [`EpochMismatch`](Error::EpochMismatch) and changes nothing.
    pub fn set_epoch(&mut self, epoch: u64) -> Result<(), Error> {
        self.epoch = not_before(self.epoch, epoch)?;
        Ok(())
    }

    /// Checks that a WAL position does not go backwards.
    pub(crate) fn check_wal_position(&self, wal_position: u64) -> Result<(), Error> {
        not_before(self.wal_position, wal_position).map(drop)
    }

    /// Sets the offset of a source. An earlier offset is [`EpochMismatch`](Error::EpochMismatch) and changes
    /// nothing.
    pub fn set_source_offset(&mut self, source: impl Into<String>, offset: u64) -> Result<(), Error> {
        let source = source.into();
        self.check_source_offset(&source, offset)?;
        self.source_offsets.insert(source, offset);
        Ok(())
    }

    /// Checks that a source's offset does not go backwards.
    pub(crate) fn check_source_offset(&self, source: &str, offset: u64) -> Result<(), Error> {
        self.source_offsets.get(source).map_or(Ok(()), |before| not_before(*before, offset).map(drop))
    }

    /// Sets the watermark, in milliseconds of Unix time. An earlier watermark is ignored.
    pub fn set_watermark(&mut self, watermark_ms: i64) {
        self.watermark = self.watermark.max(Some(watermark_ms));
    }
}

/// Returns `found`, or an error if it is less than `expected`.
fn not_before(expected: u64, found: u64) -> Result<u64, Error> {
    if found < expected { Err(Error::EpochMismatch { expected, found }) } else { Ok(found) }
}
