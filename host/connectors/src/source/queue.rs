//! What waits between the task that gets records and the reader that hands them out.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::Notify;

use super::SourceError;

/// How many bytes may wait, and one batch of records beyond them.
const BYTES_MAX: usize = 8 << 20;

/// How many records may wait, in the same way.
const RECORDS_MAX: usize = 4_096;

/// A record that is handed out next.
#[derive(Debug)]
pub(super) struct Waiting<P> {
    pub(super) payload: Bytes,
    /// Where the reader is when it is handed out.
    pub(super) at: P,
}

/// A queue of records with a bound.
#[derive(Debug)]
pub(super) struct Queue<P> {
    content: Mutex<Content<P>>,
    filled: Condvar,
    /// Told when there may be room.
    room: Notify,
}

#[derive(Debug)]
pub(super) struct Content<P> {
    records: VecDeque<Waiting<P>>,
    bytes: usize,
    /// What follows the records.
    error: Option<SourceError>,
    /// Whether nothing follows the records, but for what is half of one.
    end: Option<Bytes>,
    /// How many records were there when a session began.
    pending: Option<u64>,
    /// Whether there is no session, and another one is tried.
    is_cut_off: bool,
}

impl<P> Default for Queue<P> {
    fn default() -> Self {
        let content =
            Content { records: VecDeque::new(), bytes: 0, error: None, end: None, pending: None, is_cut_off: false };
        Self { content: Mutex::new(content), filled: Condvar::new(), room: Notify::new() }
    }
}

impl<P> Queue<P> {
    fn lock(&self) -> MutexGuard<'_, Content<P>> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds records when there is room.
    pub(super) async fn add(&self, records: Vec<Waiting<P>>) {
        loop {
            let room = self.room.notified();
            {
                let mut content = self.lock();
                if content.bytes < BYTES_MAX && content.records.len() < RECORDS_MAX {
                    content.bytes += records.iter().map(|record| record.payload.len()).sum::<usize>();
                    content.records.extend(records);
                    break;
                }
            }
            room.await;
        }
        self.filled.notify_one();
    }

    /// Takes note of how many records wait on the server.
    pub(super) fn note_pending(&self, pending: u64) {
        self.lock().pending = Some(pending);
    }

    /// Takes note of whether there is a session.
    pub(super) fn cut_off(&self, is_cut_off: bool) {
        self.lock().is_cut_off = is_cut_off;
    }

    /// Whether there is no session, and another one is tried.
    pub(super) fn is_cut_off(&self) -> bool {
        self.lock().is_cut_off
    }

    /// Adds an error behind the records.
    pub(super) fn fail(&self, error: SourceError) {
        self.lock().error = Some(error);
        self.filled.notify_one();
    }

    /// Ends the records. What is unfinished may be half of one.
    pub(super) fn end(&self, unfinished: Bytes) {
        self.lock().end = Some(unfinished);
        self.filled.notify_one();
    }

    /// Hands what waits to `take`, or waits for it until the deadline. `take` returns whether it took any.
    pub(super) fn take_until<T>(
        &self,
        deadline: Instant,
        mut take: impl FnMut(&mut Content<P>) -> Option<T>,
    ) -> Option<T> {
        let mut content = self.lock();
        loop {
            if let Some(taken) = take(&mut content) {
                drop(content);
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

    /// Returns how many records wait on the server and here, if nothing was handed out since the session began.
    pub(super) fn pending(&self) -> Option<u64> {
        self.lock().pending
    }
}

impl<P> Content<P> {
    /// Takes the next record.
    pub(super) fn next(&mut self) -> Option<Waiting<P>> {
        let record = self.records.pop_front()?;
        self.bytes -= record.payload.len();
        Some(record)
    }

    /// Returns what is unfinished at the end, if no record is before it.
    pub(super) fn end(&self) -> Option<&Bytes> {
        self.end.as_ref().filter(|_| self.records.is_empty())
    }

    /// Takes the error, if no record is before it. One that passes is taken once, and another stays.
    pub(super) fn error(&mut self) -> Option<SourceError> {
        if !self.records.is_empty() {
            return None;
        }
        let error = self.error.clone()?;
        if error.is_transient() {
            self.error = None;
        }
        Some(error)
    }
}
