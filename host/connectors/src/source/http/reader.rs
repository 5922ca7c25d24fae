//! Handing out the records that a feed gets.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::follow::{self, Follow};
use crate::batch::Batch;
use crate::http::Connection;
use crate::source::queue::Queue;
use crate::source::{Place, Polled, Position, Progress, Reader, Schema, SourceError, SourceErrorKind as Kind};

pub(super) struct HttpReader<F: Follow> {
    connection: Arc<Connection>,
    feed: F,
    schema: Arc<Schema>,
    at: F::At,
    queue: Arc<Queue<F::At>>,
    /// The task that fills the queue, from the first poll on.
    task: Option<JoinHandle<()>>,
    read_bytes: u64,
    /// What may be half of a record, at the end.
    unfinished: Bytes,
}

impl<F: Follow> HttpReader<F> {
    pub(super) fn new(connection: Arc<Connection>, feed: F) -> Self {
        Self {
            connection,
            feed,
            schema: Arc::new(Schema::Raw),
            at: F::start(),
            queue: Arc::default(),
            task: None,
            read_bytes: 0,
            unfinished: Bytes::new(),
        }
    }

    /// Ends the task. What it got is forgotten with its queue.
    fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
        self.queue = Arc::default();
        self.unfinished = Bytes::new();
    }
}

impl<F: Follow> Drop for HttpReader<F> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<F: Follow> Reader for HttpReader<F> {
    fn schema(&self) -> Option<&Arc<Schema>> {
        Some(&self.schema)
    }

    fn position(&self) -> Position {
        self.at.clone().into()
    }

    fn seek(&mut self, position: &Position) -> Result<(), SourceError> {
        let Some(at) = F::read(position) else {
            let error = SourceError::new(Kind::Position, self.feed.name(), format!("is no position in {}", F::WHAT));
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
            let task = follow::run(self.feed.clone(), self.at.clone(), Arc::clone(&self.queue));
            self.task = Some(self.connection.spawn(task));
        }
        let (at, read_bytes, unfinished) = (&mut self.at, &mut self.read_bytes, &mut self.unfinished);
        let polled = self.queue.take_until(deadline, |content| {
            let before = batch.count();
            while batch.has_room() {
                let Some(record) = content.next() else { break };
                batch.push([&record.payload[..]]);
                *at = record.at;
                *read_bytes += record.payload.len() as u64;
            }
            if batch.count() > before {
                return Some(Ok(Polled::Records));
            }
            if let Some(end) = content.end() {
                unfinished.clone_from(end);
                return Some(Ok(Polled::End));
            }
            content.error().map(Err)
        });
        polled.unwrap_or(Ok(Polled::Nothing))
    }

    fn unfinished(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        if self.unfinished.is_empty() {
            return Ok(false);
        }
        batch.push([&self.unfinished[..]]);
        Ok(true)
    }

    fn place(&mut self) -> Option<Place> {
        Some(Place::Record(F::records(&self.at)))
    }

    fn progress(&self) -> Progress {
        Progress { read_bytes: self.read_bytes, is_cut_off: self.queue.is_cut_off(), ..Progress::default() }
    }
}
