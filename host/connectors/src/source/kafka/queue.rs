//! What waits between the thread that gets messages and the reader that hands them out.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::position::At;
use crate::source::SourceError;

/// How many bytes may wait, and one batch of messages beyond them.
const BYTES_MAX: usize = 8 << 20;

/// How many messages may wait, in the same way.
const MESSAGES_MAX: usize = 4_096;

/// A message that is handed out next.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) payload: Vec<u8>,
    pub(super) at: At,
}

/// A queue of messages with a bound.
#[derive(Debug, Default)]
pub(super) struct Queue {
    content: Mutex<Content>,
    filled: Condvar,
    /// Told when there may be room, or when the queue is closed.
    room: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct Content {
    messages: VecDeque<Message>,
    bytes: usize,
    /// What follows the messages.
    error: Option<SourceError>,
    /// The offset of the first message of the partition, and the one behind the last, when it was last asked.
    ends: Option<(u64, u64)>,
    is_closed: bool,
    is_cut_off: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds messages when there is room, unless the queue is closed.
    pub(super) fn add(&self, messages: Vec<Message>) {
        let is_full = |content: &mut Content| {
            !content.is_closed && (content.bytes >= BYTES_MAX || content.messages.len() >= MESSAGES_MAX)
        };
        let mut content = self.room.wait_while(self.lock(), is_full).unwrap_or_else(PoisonError::into_inner);
        content.bytes += messages.iter().map(|message| message.payload.len()).sum::<usize>();
        content.messages.extend(messages);
        self.filled.notify_one();
    }

    /// Takes note of where the partition begins and ends.
    pub(super) fn note_ends(&self, ends: (u64, u64)) {
        self.lock().ends = Some(ends);
    }

    /// Returns where the partition began and ended when it was last asked.
    pub(super) fn ends(&self) -> Option<(u64, u64)> {
        self.lock().ends
    }

    /// Takes note of whether the cluster cannot be reached.
    pub(super) fn cut_off(&self, is_cut_off: bool) {
        self.lock().is_cut_off = is_cut_off;
    }

    /// Whether the cluster cannot be reached, as far as is known.
    pub(super) fn is_cut_off(&self) -> bool {
        self.lock().is_cut_off
    }

    /// Adds an error behind the messages.
    pub(super) fn fail(&self, error: SourceError) {
        self.lock().error = Some(error);
        self.filled.notify_one();
    }

    /// Takes note that nothing will be taken any more.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.room.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Waits until the queue is closed, and no longer than until the deadline.
    pub(super) fn wait_for_close(&self, deadline: Instant) {
        let wait = deadline.saturating_duration_since(Instant::now());
        drop(self.room.wait_timeout_while(self.lock(), wait, |content| !content.is_closed));
    }

    /// Hands what waits to `take`, or waits for it until the deadline. `take` returns whether it took any.
    pub(super) fn take_until<T>(
        &self,
        deadline: Instant,
        mut take: impl FnMut(&mut Content) -> Option<T>,
    ) -> Option<T> {
        let mut content = self.lock();
        loop {
            if let Some(taken) = take(&mut content) {
                self.room.notify_one();
                return Some(taken);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            content = self.filled.wait_timeout(content, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Content {
    /// Takes the next message.
    pub(super) fn next(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.payload.len();
        Some(message)
    }

    /// Takes the error, if no message is before it. One that passes is taken once, and another stays.
    pub(super) fn error(&mut self) -> Option<SourceError> {
        if !self.messages.is_empty() {
            return None;
        }
        let error = self.error.clone()?;
        if error.is_transient() {
            self.error = None;
        }
        Some(error)
    }
}
