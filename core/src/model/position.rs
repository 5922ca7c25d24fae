//! The position of a state in its stream. It is the part of a checkpoint that is not keyed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::IncrementalCheckpointError as Error;
use crate::model::namespace::TimeDomain;
use crate::model::opaque::Opaque;
use crate::model::source_position::SourcePosition;

/// Values by name, and for each name by partition.
pub type ByPartition<T> = BTreeMap<String, BTreeMap<String, T>>;

/// A position in the stream. Its setters keep the rule that it never goes backwards. Only the positions of
/// partitions and the tokens of sinks may be set freely, because opaque ones cannot be compared.
///
/// ```
/// use alluvium_core::StreamPosition;
/// use alluvium_core::model::opaque::Opaque;
/// use alluvium_core::model::source_position::SourcePosition;
///
/// let mut position = StreamPosition::default();
/// position.set_source_offset("orders", 7)?;
/// assert!(position.set_source_offset("orders", 6).is_err());
/// assert_eq!(position.source_offsets["orders"], 7);
/// position.set_position("clicks", "shard-7", Opaque::new(b"49590338")?);
/// position.set_position("payments", "0", 12);
/// assert_eq!(position.positions["payments"]["0"], SourcePosition::Offset(12));
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
    /// The positions of sources, by source and partition.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub positions: ByPartition<SourcePosition>,
    /// The watermarks of inputs in milliseconds of Unix time, by input and partition.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub watermarks: ByPartition<i64>,
    /// The processing time in milliseconds of Unix time, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing_time_ms: Option<i64>,
    /// The tokens by which sinks recognise what they prepared, by name of the sink.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sinks: BTreeMap<String, Opaque>,
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

    /// Sets the position of one partition of a source.
    pub fn set_position(
        &mut self,
        source: impl Into<String>,
        partition: impl Into<String>,
        position: impl Into<SourcePosition>,
    ) {
        self.positions.entry(source.into()).or_default().insert(partition.into(), position.into());
    }

    /// Sets the watermark of one partition of an input, in milliseconds of Unix time. An earlier watermark
    /// is ignored.
    pub fn set_partition_watermark(
        &mut self,
        input: impl Into<String>,
        partition: impl Into<String>,
        watermark_ms: i64,
    ) {
        let watermark = self.watermarks.entry(input.into()).or_default().entry(partition.into());
        watermark.and_modify(|before| *before = watermark_ms.max(*before)).or_insert(watermark_ms);
    }

    /// Sets the processing time, in milliseconds of Unix time. An earlier time is ignored.
    pub fn set_processing_time(&mut self, processing_time_ms: i64) {
        self.processing_time_ms = self.processing_time_ms.max(Some(processing_time_ms));
    }

    /// Returns the time that a clock shows, in milliseconds.
    pub fn time(&self, domain: TimeDomain) -> Option<i64> {
        match domain {
            TimeDomain::Event => self.watermark,
            TimeDomain::Processing => self.processing_time_ms,
        }
    }

    /// Sets the token of a sink. A token of more than 1 KiB is [`LimitExceeded`](Error::LimitExceeded) and
    /// changes nothing.
    pub fn set_sink_token(&mut self, sink: impl Into<String>, token: impl Into<Vec<u8>>) -> Result<(), Error> {
        let token = Opaque::new(token)?;
        self.sinks.insert(sink.into(), token);
        Ok(())
    }
}

/// Returns `found`, or an error if it is less than `expected`.
fn not_before(expected: u64, found: u64) -> Result<u64, Error> {
    if found < expected { Err(Error::EpochMismatch { expected, found }) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_do_not_go_backwards() {
        let mut position = StreamPosition::default();
        for (time, expected) in [(5, 5), (3, 5), (9, 9)] {
            position.set_partition_watermark("clicks", "0", time);
            position.set_processing_time(time);
            assert_eq!((position.watermarks["clicks"]["0"], position.processing_time_ms), (expected, Some(expected)));
        }
    }

    #[test]
    fn opaque_bytes_are_set_freely_within_a_limit() {
        let mut position = StreamPosition::default();
        for bytes in [&b"b"[..], b"a", &[7; 1024]] {
            position.set_position("clicks", "0", Opaque::new(bytes).unwrap());
            position.set_sink_token("out", bytes).unwrap();
            assert_eq!(position.positions["clicks"]["0"], Opaque::new(bytes).unwrap().into());
            assert_eq!(position.sinks["out"].as_bytes(), bytes);
        }
        let before = position.clone();
        assert!(matches!(Opaque::new([0; 1025]), Err(Error::LimitExceeded(_))));
        assert!(matches!(position.set_sink_token("out", [0; 1025]), Err(Error::LimitExceeded(_))));
        assert_eq!(position, before);
    }
}
