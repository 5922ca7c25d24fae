//! Handing out the messages that a feed gets.

use std::sync::Arc;
use std::time::Instant;

use tokio::task::JoinHandle;

use super::feed::Feed;
use super::position::{At, START, Seen};
use crate::batch::Batch;
use crate::nats::Connection;
use crate::source::queue::Queue;
use crate::source::{Place, Polled, Position, Progress, Reader, Schema, SourceError, SourceErrorKind as Kind};

pub(super) struct JetStreamReader {
    connection: Arc<Connection>,
    feed: Feed,
    schema: Arc<Schema>,
    at: At,
    queue: Arc<Queue<Seen>>,
    /// The task that fills the queue, from the first poll on.
    task: Option<JoinHandle<()>>,
    read_bytes: u64,
    /// How many messages were behind the last one when it came.
    pending: Option<u64>,
}

impl JetStreamReader {
    pub(super) fn new(connection: Arc<Connection>, feed: Feed) -> Self {
        Self {
            connection,
            feed,
            schema: Arc::new(Schema::Raw),
            at: START,
            queue: Arc::default(),
            task: None,
            read_bytes: 0,
            pending: None,
        }
    }

    /// Ends the task. What it got is forgotten with its queue.
    fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
        self.queue = Arc::default();
        self.pending = None;
    }
}

impl Drop for JetStreamReader {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Reader for JetStreamReader {
    fn schema(&self) -> Option<&Arc<Schema>> {
        Some(&self.schema)
    }

    fn position(&self) -> Position {
        self.at.into()
    }

    fn seek(&mut self, position: &Position) -> Result<(), SourceError> {
        let Some(at) = At::read(position) else {
            let error = self.feed.error(Kind::Position, "is no position in a stream of NATS");
            return Err(error.at(Place::Position(position.clone())));
        };
        self.stop();
        self.at = at;
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch, deadline: Instant) -> Result<Polled, SourceError> {
        if !batch.has_room() {
            return Ok(Polled::Nothing);
        }
        if self.task.is_none() {
            self.task = Some(self.connection.spawn(self.feed.clone().run(self.at, Arc::clone(&self.queue))));
        }
        let (at, pending, read_bytes) = (&mut self.at, &mut self.pending, &mut self.read_bytes);
        let polled = self.queue.take_until(deadline, |content| {
            let before = batch.count();
            while batch.has_room() {
                let Some(message) = content.next() else { break };
                batch.push([&message.payload[..]]);
                (*at, *pending) = (message.at.at, Some(message.at.pending));
                *read_bytes += message.payload.len() as u64;
            }
            if batch.count() > before { Some(Ok(Polled::Records)) } else { content.error().map(Err) }
        });
        polled.unwrap_or(Ok(Polled::Nothing))
    }

    fn place(&mut self) -> Option<Place> {
        // The sequence is what people can ask the server for.
        Some(Place::Record(self.at.sequence))
    }

    fn progress(&self) -> Progress {
        let lag_records = self.pending.or_else(|| self.queue.pending());
        Progress { read_bytes: self.read_bytes, total_bytes: None, lag_records, is_cut_off: self.queue.is_cut_off() }
    }
}
