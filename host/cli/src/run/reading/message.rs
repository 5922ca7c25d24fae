//! What a reading thread has to say.

use std::sync::Arc;

use alluvium_connectors::Batch;
use alluvium_connectors::source::{Position, Progress, Schema, SourceError};

use super::super::bad_record::BadRecord;
use crate::failure::Failure;

/// What a reading thread has to say, in order. Its end says that there are no more records.
pub(in crate::run) struct Message {
    /// The number of the partition.
    pub(in crate::run) from: usize,
    pub(in crate::run) what: What,
}

pub(in crate::run) enum What {
    /// How the records look that come next.
    Schema(Arc<Schema>),
    Read(Read),
    /// Another source is read in place of the one before.
    Another(SourceError),
    /// A connection was lost. It is tried again.
    Lost(SourceError),
    /// After the end: a record that may be half of one, or why it cannot be read.
    Unfinished(Result<Batch, SourceError>),
    /// The partition has ended.
    Ended,
    SourceFailed(SourceError),
    Failed(Failure),
}

/// Records that were read.
pub(in crate::run) struct Read {
    pub(in crate::run) parts: Vec<Part>,
    /// How many records they have.
    pub(in crate::run) count: u32,
    /// The position after them.
    pub(in crate::run) position: Position,
    /// The ends of the files among them that were left for the next one.
    pub(in crate::run) left: Vec<Position>,
    pub(in crate::run) progress: Progress,
}

/// Records that are processed together.
pub(in crate::run) enum Part {
    /// Records, with the largest event time in them.
    Good(Batch, Option<i64>),
    Bad(BadRecord),
}
