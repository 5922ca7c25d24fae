//! The messages of a NATS JetStream stream.

mod checks;
mod feed;
mod position;
mod reader;
mod session;

use std::sync::Arc;

use self::feed::Feed;
use self::reader::JetStreamReader;
use super::gaps::{self, Gaps};
use super::{Identity, Partition, Reader, Source, SourceError, SourceErrorKind as Kind};
use crate::address::{Address, AddressError};
use crate::nats::{self, Connection, NatsServer};

/// A source of the messages of a JetStream stream. The payload of each message is a raw record.
///
/// A position is the sequence of a message, with the time at which the stream was created and the time of the
/// message. So a stream that was deleted and created again is refused, and so is one that has lost messages
/// and then got others. Messages that retention deleted before they were read are an error that says how
/// many. The server remembers nothing about the reader: acknowledgements play no part.
///
/// Streams whose retention is that of a work queue or of interest are refused, because they delete what was
/// delivered, and a checkpoint could not go back.
///
/// ```no_run
/// use std::time::{Duration, Instant};
///
/// use alluvium_connectors::source::{JetStreamOptions, JetStreamSource, Partition, Source};
/// use alluvium_connectors::{Batch, NatsServer};
///
/// let server = NatsServer::new("nats.example", 4222).token(std::env::var("NATS_TOKEN")?);
/// let mut source = JetStreamSource::new(server, "ORDERS", JetStreamOptions::default().subject("orders.eu.>"))?;
/// let mut reader = source.open(&Partition::new("orders.eu.>")?)?;
/// let mut batch = Batch::new(1_000, 1 << 20);
/// reader.poll(&mut batch, Instant::now() + Duration::from_secs(1))?;
/// println!("{} messages, and the next are after {}", batch.count(), reader.position());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct JetStreamSource {
    identity: Identity,
    server: NatsServer,
    options: JetStreamOptions,
    connection: Option<Arc<Connection>>,
}

/// What is read of a stream.
///
/// ```
/// use alluvium_connectors::source::{Gaps, JetStreamOptions};
///
/// let options = JetStreamOptions::default().subject("a.*").subject("b.>").start_sequence(7).gaps(Gaps::Skip);
/// assert_ne!(options, JetStreamOptions::default());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JetStreamOptions {
    subjects: Vec<String>,
    start_sequence: u64,
    gaps: Gaps,
}

impl Default for JetStreamOptions {
    /// Returns the whole stream from its first message on, and no gaps.
    fn default() -> Self {
        Self { subjects: Vec::new(), start_sequence: 0, gaps: Gaps::Refuse }
    }
}

impl JetStreamOptions {
    /// Reads only messages with this subject, which may have wildcards. Each subject is a partition, which
    /// has the subject as its name. Without any subject, the whole stream is one partition.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subjects.push(subject.into());
        self
    }

    /// Sets the sequence of the first message, which holds for readers that seek no position.
    #[must_use]
    pub fn start_sequence(self, start_sequence: u64) -> Self {
        Self { start_sequence, ..self }
    }

    /// Sets what follows when messages were deleted before they were read.
    #[must_use]
    pub fn gaps(self, gaps: Gaps) -> Self {
        Self { gaps, ..self }
    }

    /// Returns what is wrong with the subjects.
    fn check_subjects(&self) -> Result<(), String> {
        for (at, subject) in self.subjects.iter().enumerate() {
            nats::check_filter(subject)?;
            Partition::new(subject.clone()).map_err(|error| error.to_string())?;
            if let Some(other) = self.subjects[..at].iter().find(|other| nats::overlap(other, subject)) {
                return Err(format!("{other:?} and {subject:?} let the same messages through"));
            }
        }
        Ok(())
    }
}

impl JetStreamSource {
    /// Returns the source over a stream. Nothing is connected yet. A name of a stream or a subject that
    /// cannot be one is refused, and so are subjects that let the same messages through.
    pub fn new(server: NatsServer, stream: &str, options: JetStreamOptions) -> Result<Self, SourceError> {
        let checked = nats::check_stream_name(stream).and_then(|()| options.check_subjects());
        checked.map_err(|what| SourceError::new(Kind::Open, stream, what))?;
        Ok(Self { identity: Identity::new("nats", stream), server, options, connection: None })
    }

    /// Returns the source that an address `nats://HOST:PORT/STREAM` stands for, with the options `subject`,
    /// `start`, `gaps`, and those of the server: `server`, `creds`, `tls`, `ca` and `retry-for`.
    pub fn from_url(address: &str) -> Result<Self, AddressError> {
        let mut address = Address::parse(address)?;
        let server = NatsServer::take_from(&mut address)?;
        let mut options = JetStreamOptions { subjects: address.take_all("subject"), ..JetStreamOptions::default() };
        options.start_sequence = address.take_parsed("start", "the sequence of a message")?.unwrap_or(0);
        options.gaps = address.take_word("gaps", &gaps::WORDS)?.unwrap_or(options.gaps);
        options.check_subjects().map_err(|what| address.error("subject", what))?;
        let stream = address.name()?;
        nats::check_stream_name(&stream).map_err(|what| address.error("path", what))?;
        address.finish()?;
        Ok(Self { identity: Identity::new("nats", stream), server, options, connection: None })
    }

    fn connection(&mut self) -> Result<Arc<Connection>, SourceError> {
        if let Some(connection) = &self.connection {
            return Ok(Arc::clone(connection));
        }
        let connection = Connection::new(self.server.clone());
        let connection = connection.map_err(|error| SourceError::io(Kind::Open, self.identity.name(), error))?;
        Ok(Arc::clone(self.connection.insert(Arc::new(connection))))
    }
}

impl Source for JetStreamSource {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn partitions(&mut self) -> Result<Vec<Partition>, SourceError> {
        let named = |subject: &String| {
            let refused = |error: super::PartitionNameTooLong| error.to_string();
            Partition::new(subject.clone()).map_err(refused)
        };
        let partitions: Result<Vec<Partition>, String> = self.options.subjects.iter().map(named).collect();
        let mut partitions = partitions.map_err(|what| SourceError::new(Kind::Open, self.identity.name(), what))?;
        if partitions.is_empty() {
            partitions.push(Partition::whole());
        }
        Ok(partitions)
    }

    fn open(&mut self, partition: &Partition) -> Result<Box<dyn Reader>, SourceError> {
        if !self.partitions()?.contains(partition) {
            let what = format!("has no partition {:?}", partition.name());
            return Err(SourceError::new(Kind::Open, self.identity.name(), what));
        }
        let connection = self.connection()?;
        let feed = Feed {
            shared: Arc::clone(connection.shared()),
            stream: self.identity.name().to_owned(),
            subject: partition.name().to_owned(),
            start_sequence: self.options.start_sequence,
            gaps: self.options.gaps,
        };
        Ok(Box::new(JetStreamReader::new(connection, feed)))
    }
}
