//! A sink that publishes records to a subject of NATS JetStream.

mod header;
mod output;
mod publisher;
mod recovery;

use std::path::{Path, PathBuf};

use self::output::Output;
use super::outbox::{Outbox, sink_over_outbox};
use super::waiting::Waiting;
use super::{SinkError, SinkErrorKind as Kind};
use crate::address::{Address, AddressError};
use crate::nats::{self, NatsServer};

/// A sink that publishes each record as a message to one subject of a JetStream stream, exactly once.
///
/// What is not published waits in a directory of this machine, beside the checkpoints. It does not wait in the
/// stream, nor in another one: a checkpoint then needs no server, and it is as durable as the state whose
/// checkpoint holds the token. The directory belongs to this sink alone.
///
/// Each message is marked (`Nats-Msg-Id`) with a number that is drawn once, and with how many records are
/// published with it. So the stream itself says how much of a checkpoint is published, after a crash at any
/// moment. Each message is published only if the last message of the subject is the one that this sink knows
/// (`Nats-Expected-Last-Subject-Sequence`, and `Nats-Expected-Last-Msg-Id` for messages that follow each other
/// closely). If another writer has published to the subject meanwhile, the error is
/// [`Fenced`](super::SinkErrorKind::Fenced). Messages that are there when a new run begins are left alone, and
/// other subjects of the stream may have other writers.
///
/// The promise ends where the server loses what it has acknowledged, as it may in a power failure: by default it
/// syncs its files every two minutes. The sink finds that out if the last message is lost, and says how many
/// records are gone.
///
/// ```no_run
/// use alluvium_connectors::sink::{JetStreamSink, Sink};
/// use alluvium_connectors::{Batch, NatsServer};
///
/// let server = NatsServer::new("nats.example", 4222).token(std::env::var("NATS_TOKEN")?);
/// let mut sink = JetStreamSink::new(server, "ALERTS", "alerts.late", "state/alerts")?;
/// sink.recover(&[])?;                             // the tokens of the recovered checkpoint
/// sink.write(&Batch::of_raw([&br#"{"late":90}"#[..]]))?;
/// let token = sink.prepare()?;                   // durable in the directory
/// // … the checkpoint that holds the token is committed …
/// sink.publish(&token)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct JetStreamSink(Outbox<Output>);

impl JetStreamSink {
    /// Returns the sink over a subject of a stream, which must be there. Records wait in the directory.
    /// Nothing is connected yet. A name of a stream or a subject that cannot be one is refused.
    pub fn new(
        server: NatsServer,
        stream: &str,
        subject: &str,
        directory: impl Into<PathBuf>,
    ) -> Result<Self, SinkError> {
        Self::waiting(server, stream, subject, Waiting::in_directory(directory.into()))
    }

    fn waiting(server: NatsServer, stream: &str, subject: &str, waiting: Waiting) -> Result<Self, SinkError> {
        let name = format!("{stream}/{subject}");
        let checked = nats::check_stream_name(stream).and_then(|()| nats::check_subject(subject));
        checked.map_err(|what| SinkError::new(Kind::Open, &name, what))?;
        Ok(Self(Outbox::new(name, Output::in_subject(server, stream, subject), waiting)))
    }

    /// Returns the sink that an address `nats://HOST:PORT/STREAM?subject=SUBJECT&waiting=DIRECTORY` stands for.
    /// The options of the server are `server`, `creds`, `tls`, `ca` and `retry-for`.
    pub fn from_url(address: &str) -> Result<Self, AddressError> {
        Self::at(address, true)
    }

    /// Returns the sink at an address, which may have to say where records wait.
    pub(super) fn at(address: &str, names_place: bool) -> Result<Self, AddressError> {
        let mut address = Address::parse(address)?;
        let server = NatsServer::take_from(&mut address)?;
        let subject = address.take("subject")?.filter(|subject| !subject.is_empty());
        let subject = subject.ok_or_else(|| address.error("subject", "it is missing"))?;
        nats::check_subject(&subject).map_err(|what| address.error("subject", what))?;
        let waiting = Waiting::take_from(&mut address, names_place)?;
        let stream = address.name()?;
        nats::check_stream_name(&stream).map_err(|what| address.error("path", what))?;
        let shown = address.shown();
        address.finish()?;
        Self::waiting(server, &stream, &subject, waiting)
            .map_err(|error| AddressError::new(shown, "address", error.what()))
    }

    /// Returns the directory of this machine in which records wait, if they do.
    pub fn directory(&self) -> Option<&Path> {
        self.0.directory()
    }
}

sink_over_outbox!(JetStreamSink);
