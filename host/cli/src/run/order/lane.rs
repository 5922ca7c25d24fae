//! An input that ends: its partitions are read one after the other.

use std::collections::VecDeque;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::BLOCK;
use crate::run::reading::{Message, What};

/// What the lanes are compared by: the event time of what comes next, and how many blocks were taken. The least comes
/// next. A lane without event times has none, and so comes before all that have one.
pub(super) type Rank = (Option<i64>, u64);

/// An input that ends.
pub(in crate::run) struct Lane {
    /// Whether it has event times.
    pub(in crate::run) has_times: bool,
    /// Whether it cannot go back, and may be quiet.
    pub(in crate::run) is_pipe: bool,
    /// Records consumed, by earlier runs too.
    pub(in crate::run) consumed: u64,
    /// The largest event time in them.
    pub(in crate::run) time_ms: Option<i64>,
    /// How many of its partitions have not ended.
    pub(in crate::run) partitions_left: usize,
    /// What was read and waits for its turn.
    pub(super) waiting: VecDeque<Message>,
    /// Whether its reader has said all.
    pub(super) is_over: bool,
    /// Gives back a credit for each message that is taken.
    pub(super) credits: Option<Receiver<()>>,
    /// When something was last heard or taken of it.
    last_active: Instant,
}

impl Lane {
    /// A lane that is not read yet.
    pub(in crate::run) fn new(has_times: bool, is_pipe: bool) -> Self {
        Self {
            has_times,
            is_pipe,
            consumed: 0,
            time_ms: None,
            partitions_left: 0,
            waiting: VecDeque::new(),
            is_over: false,
            credits: None,
            last_active: Instant::now(),
        }
    }

    /// Whether the end of its last partition was reached.
    pub(in crate::run) fn has_ended(&self) -> bool {
        self.partitions_left == 0
    }

    /// Takes note of records that were consumed.
    pub(in crate::run) fn advance(&mut self, records: u64, time_ms: Option<i64>) {
        self.consumed += records;
        self.time_ms = self.time_ms.max(time_ms);
    }

    /// Whether nothing has come of a pipe for so long. A file is never quiet: it is slow to read, at most.
    pub(in crate::run) fn is_quiet(&self, idle: Option<Duration>) -> bool {
        let is_idle = |idle| self.last_active.elapsed() >= idle;
        self.is_pipe && self.waiting.is_empty() && idle.is_some_and(is_idle)
    }

    /// Whether a block of it was taken in part.
    pub(super) fn is_within_block(&self) -> bool {
        !self.has_ended() && !self.consumed.is_multiple_of(BLOCK)
    }

    /// What its next block is compared by, if that has come.
    pub(super) fn rank(&self) -> Option<Rank> {
        match &self.waiting.front()?.what {
            What::Read(read) => Some((read.first_ms.or(self.time_ms), self.consumed / BLOCK)),
            _ => None,
        }
    }

    pub(super) fn put(&mut self, message: Message) {
        self.last_active = Instant::now();
        if matches!(message.what, What::Over) {
            self.is_over = true;
        } else {
            self.waiting.push_back(message);
        }
    }

    pub(super) fn take(&mut self) -> Option<Message> {
        let message = self.waiting.pop_front()?;
        self.last_active = Instant::now();
        // The reader took it before it sent the message.
        let _ = self.credits.as_ref().map(Receiver::try_recv);
        Some(message)
    }
}
