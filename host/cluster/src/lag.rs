//! What is there of an input, and not read.

use std::iter::Sum;

use alluvium_connectors::source::Progress;
use serde::{Deserialize, Serialize};

/// What is there and not read, as far as the source knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// In bytes, as they are stored.
    pub bytes: Option<u64>,
    /// In records.
    pub records: Option<u64>,
}

impl Lag {
    /// Returns the lag of a reader.
    pub(crate) fn of(progress: &Progress) -> Self {
        let bytes = progress.total_bytes.map(|total| total.saturating_sub(progress.read_bytes));
        Self { bytes, records: progress.lag_records }
    }
}

impl Sum for Lag {
    /// Adds what is known.
    fn sum<I: Iterator<Item = Self>>(lags: I) -> Self {
        let add = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
        lags.fold(Self::default(), |sum, lag| Self {
            bytes: add(sum.bytes, lag.bytes),
            records: add(sum.records, lag.records),
        })
    }
}
