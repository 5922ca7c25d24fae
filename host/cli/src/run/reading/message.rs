//! What a reading thread has to say.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

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

/// Where a reading thread sends its messages.
#[derive(Clone)]
pub(in crate::run) struct Outlet {
    pub(in crate::run) sender: SyncSender<Message>,
    /// What has an order takes a credit for each message, and waits for it.
    pub(in crate::run) credits: Option<SyncSender<()>>,
}

impl Outlet {
    /// Sends a message. Returns whether it was wanted.
    pub(in crate::run) fn send(&self, message: Message) -> bool {
        self.credits.as_ref().is_none_or(|credits| credits.send(()).is_ok()) && self.sender.send(message).is_ok()
    }

    /// Sends the last message. It needs no credit.
    pub(in crate::run) fn close(&self, from: usize) {
        let _ = self.sender.send(Message { from, what: What::Over });
    }
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
    /// The thread says nothing more.
    Over,
}

/// Records that were read.
pub(in crate::run) struct Read {
    pub(in crate::run) parts: Vec<Part>,
    /// How many records they have.
    pub(in crate::run) count: u32,
    /// The event time of the first record, if it has one.
    pub(in crate::run) first_ms: Option<i64>,
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
