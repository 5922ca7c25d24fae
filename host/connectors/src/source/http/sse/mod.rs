//! Server-sent events.

mod events;
mod limit;
mod position;
mod session;

use self::session::Feed;
use super::super::{Identity, Partition, Reader, Source, SourceError};
use super::Resource;
use crate::address::{Address, AddressError};
use crate::http::HttpEndpoint;

/// A source of server-sent events (`text/event-stream`). The data of each event is a raw record; lines of data are
/// divided by `\n`.
///
/// A position is the id of the last event. After a restart or a lost connection, the source asks for what follows
/// it (`Last-Event-ID`), so it is exact as far as its server is: the server must answer with the event behind that
/// id, and with every event after it. Nothing in the protocol shows whether it does. What an event without an id
/// means is an option, [`WithoutId`].
///
/// The pause before the next connection is the one that the server asks for (`retry:`), up to the longest pause of
/// [`Retry`](crate::Retry). The source ends if the server answers with 204, as the protocol says.
///
/// ```no_run
/// use std::time::{Duration, Instant};
///
/// use alluvium_connectors::source::{Partition, Source, SseOptions, SseSource};
/// use alluvium_connectors::{Batch, HttpEndpoint};
///
/// let endpoint = HttpEndpoint::new("https://events.example/orders")?.token(std::env::var("EVENTS_TOKEN")?);
/// let mut source = SseSource::new(endpoint, SseOptions::default().event("created").event("changed"));
/// let mut reader = source.open(&Partition::whole())?;
/// let mut batch = Batch::new(1_000, 1 << 20);
/// reader.poll(&mut batch, Instant::now() + Duration::from_secs(1))?;
/// println!("{} events, and the next are after {}", batch.count(), reader.position());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SseSource {
    resource: Resource,
    options: SseOptions,
}

/// How server-sent events are read.
///
/// ```
/// use alluvium_connectors::source::{SseOptions, WithoutId};
///
/// let options = SseOptions::default().event("created").without_id(WithoutId::Live).record_bytes_max(64 << 10);
/// assert_ne!(options, SseOptions::default());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SseOptions {
    events: Vec<String>,
    without_id: WithoutId,
    record_bytes_max: usize,
}

/// What an event without an id of its own means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutId {
    /// Reading could not continue behind it. It is an error, which says what to do.
    Refuse,
    /// The server sends such events again after the event with an id that is before them. A position counts
    /// them, and the source passes over them.
    Repeated,
    /// The server sends it once, to those who listen. It is handed out, and is part of no position: what was sent
    /// while nothing read it is lost, and so is what was read after the last checkpoint.
    Live,
}

impl Default for SseOptions {
    /// Returns every event, none without an id, and records of at most 1 MiB.
    fn default() -> Self {
        Self { events: Vec::new(), without_id: WithoutId::Refuse, record_bytes_max: 1 << 20 }
    }
}

impl SseOptions {
    /// Hands out only events of this type, and of others that are added. An event that says no type has the type
    /// `message`. The ids of all events count.
    #[must_use]
    pub fn event(mut self, event: impl Into<String>) -> Self {
        self.events.push(event.into());
        self
    }

    /// Sets what an event without an id means.
    #[must_use]
    pub fn without_id(self, without_id: WithoutId) -> Self {
        Self { without_id, ..self }
    }

    /// Sets how many bytes an event may have. A longer one is an error that says which record it is.
    #[must_use]
    pub fn record_bytes_max(self, record_bytes_max: usize) -> Self {
        Self { record_bytes_max, ..self }
    }
}

/// What the schemes of these addresses begin with, before `http` or `https`.
const PREFIX: &str = "sse+";

impl SseSource {
    /// Returns the source over a stream of events. Nothing is connected yet.
    pub fn new(endpoint: HttpEndpoint, options: SseOptions) -> Self {
        Self { resource: Resource::new("sse", endpoint), options }
    }

    /// Returns the source that an address `sse+https://HOST/PATH` or `sse+http://HOST/PATH` stands for, with the
    /// options `event`, `without-id`, `record-bytes`, `query`, `ca` and `retry-for`.
    pub fn from_url(address: &str) -> Result<Self, AddressError> {
        let mut address = Address::parse(address)?;
        let endpoint = HttpEndpoint::take_from(&mut address, PREFIX)?;
        let mut options = SseOptions { events: address.take_all("event"), ..SseOptions::default() };
        let words = [("refuse", WithoutId::Refuse), ("repeated", WithoutId::Repeated), ("live", WithoutId::Live)];
        options.without_id = address.take_word("without-id", &words)?.unwrap_or(options.without_id);
        if let Some(bytes) = address.take_parsed("record-bytes", "a number of bytes")? {
            options.record_bytes_max = bytes;
        }
        address.finish()?;
        Ok(Self::new(endpoint, options))
    }
}

impl Source for SseSource {
    fn identity(&self) -> &Identity {
        &self.resource.identity
    }

    fn partitions(&mut self) -> Result<Vec<Partition>, SourceError> {
        Ok(vec![Partition::whole()])
    }

    fn open(&mut self, partition: &Partition) -> Result<Box<dyn Reader>, SourceError> {
        let options = self.options.clone();
        self.resource.open(partition, |connection, name| Feed { shared: connection.shared().clone(), name, options })
    }
}
