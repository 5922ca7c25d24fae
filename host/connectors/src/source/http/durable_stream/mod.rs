//! Durable Streams: streams of records with offsets, over HTTP.

mod chapter;
mod elements;
mod framing;
mod position;
mod session;

use self::session::Feed;
use super::super::{Identity, Partition, Reader, Source, SourceError};
use super::Resource;
use crate::address::{Address, AddressError};
use crate::http::HttpEndpoint;

/// A source of the records of a [Durable Stream](https://github.com/durable-streams/durable-streams).
///
/// If the stream is JSON (`application/json`), each message is a raw record. Otherwise each line is one, without
/// its line end (`\n` or `\r\n`). Records that come in several pieces are put together.
///
/// The server numbers no record: it gives an offset with each answer. So a position is the offset at which the
/// answer of the last record began, with how much of it was handed out, and with a checksum of that part. After a
/// restart or a lost connection that part is read again and compared. A stream that was deleted and made again
/// with other records is refused, and so is one that has lost records.
///
/// The source reads what is there, and then waits for more with long polls. It ends when the stream is closed.
///
/// ```no_run
/// use std::time::{Duration, Instant};
///
/// use alluvium_connectors::source::{DurableStreamOptions, DurableStreamSource, Partition, Source};
/// use alluvium_connectors::{Batch, HttpEndpoint};
///
/// let endpoint = HttpEndpoint::new("https://streams.example/orders")?.token(std::env::var("STREAMS_TOKEN")?);
/// let mut source = DurableStreamSource::new(endpoint, DurableStreamOptions::default());
/// let mut reader = source.open(&Partition::whole())?;
/// let mut batch = Batch::new(1_000, 1 << 20);
/// reader.poll(&mut batch, Instant::now() + Duration::from_secs(1))?;
/// println!("{} records, and the next are after {}", batch.count(), reader.position());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DurableStreamSource {
    resource: Resource,
    options: DurableStreamOptions,
}

/// How a Durable Stream is read.
///
/// ```
/// use alluvium_connectors::source::DurableStreamOptions;
///
/// let options = DurableStreamOptions::default().record_bytes_max(64 << 10);
/// assert_ne!(options, DurableStreamOptions::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DurableStreamOptions {
    record_bytes_max: usize,
}

impl Default for DurableStreamOptions {
    /// Returns records of at most 1 MiB.
    fn default() -> Self {
        Self { record_bytes_max: 1 << 20 }
    }
}

impl DurableStreamOptions {
    /// Sets how many bytes a record may have. A longer one is an error that says which record it is.
    #[must_use]
    pub fn record_bytes_max(self, record_bytes_max: usize) -> Self {
        Self { record_bytes_max }
    }
}

/// What the schemes of these addresses begin with, before `http` or `https`.
pub(super) const PREFIX: &str = "durable-stream+";

impl DurableStreamSource {
    /// Returns the source over a stream. Nothing is connected yet.
    pub fn new(endpoint: HttpEndpoint, options: DurableStreamOptions) -> Self {
        Self { resource: Resource::new("durable-stream", endpoint), options }
    }

    /// Returns the source that an address `durable-stream+https://HOST/PATH` or `durable-stream+http://HOST/PATH`
    /// stands for, with the options `record-bytes`, `query`, `ca` and `retry-for`.
    pub fn from_url(address: &str) -> Result<Self, AddressError> {
        let mut address = Address::parse(address)?;
        let endpoint = HttpEndpoint::take_from(&mut address, PREFIX)?;
        let mut options = DurableStreamOptions::default();
        if let Some(bytes) = address.take_parsed("record-bytes", "a number of bytes")? {
            options.record_bytes_max = bytes;
        }
        address.finish()?;
        Ok(Self::new(endpoint, options))
    }
}

impl Source for DurableStreamSource {
    fn identity(&self) -> &Identity {
        &self.resource.identity
    }

    fn partitions(&mut self) -> Result<Vec<Partition>, SourceError> {
        Ok(vec![Partition::whole()])
    }

    fn open(&mut self, partition: &Partition) -> Result<Box<dyn Reader>, SourceError> {
        let record_bytes_max = self.options.record_bytes_max;
        self.resource.open(partition, |connection, name| Feed {
            shared: connection.shared().clone(),
            name,
            record_bytes_max,
        })
    }
}
