//! Handing out the messages that a feed gets.

use std::sync::Arc;
use std::time::Instant;

use super::feed::Feed;
use super::position::At;
use super::queue::Queue;
use crate::batch::Batch;
use crate::source::{Place, Polled, Position, Progress, Reader, Schema, SourceError, SourceErrorKind as Kind};

pub(super) struct KafkaReader {
    feed: Feed,
    schema: Arc<Schema>,
    at: At,
    /// What the feed fills, from the first poll on.
    queue: Option<Arc<Queue>>,
    read_bytes: u64,
}

impl KafkaReader {
    pub(super) fn new(feed: Feed) -> Self {
        Self { feed, schema: Arc::new(Schema::Raw), at: At::start(), queue: None, read_bytes: 0 }
    }

    /// Ends the feed. What it got is forgotten with its queue.
    fn stop(&mut self) {
        if let Some(queue) = self.queue.take() {
            queue.close();
        }
    }
}

impl Drop for KafkaReader {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Reader for KafkaReader {
    fn schema(&self) -> Option<&Arc<Schema>> {
        Some(&self.schema)
    }

    fn position(&self) -> Position {
        (&self.at).into()
    }

    fn seek(&mut self, position: &Position) -> Result<(), SourceError> {
        let Some(at) = At::read(position) else {
            let error = self.feed.error(Kind::Position, "is no position in a topic of Kafka");
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
        let queue = match &self.queue {
            Some(queue) => Arc::clone(queue),
            None => Arc::clone(self.queue.insert(self.feed.start(self.at.clone())?)),
        };
        let (at, read_bytes) = (&mut self.at, &mut self.read_bytes);
        let polled = queue.take_until(deadline, |content| {
            let before = batch.count();
            while batch.has_room() {
                let Some(message) = content.next() else { break };
                batch.push([&message.payload[..]]);
                *read_bytes += message.payload.len() as u64;
                *at = message.at;
            }
            if batch.count() > before { Some(Ok(Polled::Records)) } else { content.error().map(Err) }
        });
        polled.unwrap_or(Ok(Polled::Nothing))
    }

    fn place(&mut self) -> Option<Place> {
        Some(Place::Offset(self.at.next.checked_sub(1)?))
    }

    fn progress(&self) -> Progress {
        let ends = self.queue.as_ref().and_then(|queue| queue.ends());
        let lag_records = ends.map(|(first, end)| end.saturating_sub(self.at.next.max(first)));
        let is_cut_off = self.queue.as_ref().is_some_and(|queue| queue.is_cut_off());
        Progress { read_bytes: self.read_bytes, total_bytes: None, lag_records, is_cut_off }
    }
}
