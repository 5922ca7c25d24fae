//! A sink that publishes records to a subject of NATS JetStream.

mod header;
mod recovery;
mod steps;
mod target;

use std::io;
use std::path::{Path, PathBuf};

use self::steps::Place;
use super::ends::{Ends, Stage};
use super::token::Token;
use super::waiting::Waiting;
use super::{Guarantee, Publication, Sink, SinkError, SinkErrorKind as Kind, WaitingPlace};
use crate::address::{Address, AddressError};
use crate::batch::Batch;
use crate::nats::{self, Connection, NatsServer};
use crate::opaque::{self, Opaque, Shown};
use crate::trouble::Trouble;

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
pub struct JetStreamSink {
    name: String,
    server: NatsServer,
    stream: String,
    subject: String,
    /// There from the first recovery on.
    connection: Option<Connection>,
    waiting: Waiting,
    stage: Stage,
    ends: Ends,
    place: Place,
}

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
        Ok(Self {
            name,
            server,
            stream: stream.to_owned(),
            subject: subject.to_owned(),
            connection: None,
            waiting,
            stage: Stage::Unknown,
            ends: Ends::default(),
            place: Place::nowhere(),
        })
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
        self.waiting.directory()
    }

    fn error(&self, kind: Kind, what: impl Into<String>) -> SinkError {
        SinkError::new(kind, &self.name, what)
    }

    fn failed(&self, error: io::Error) -> SinkError {
        self.waiting.failed(&self.name, error)
    }

    fn troubled(&self, trouble: &Trouble) -> SinkError {
        let (Trouble::Lost(what) | Trouble::Refused(what)) = trouble;
        let what = format!("{}: {what}", self.server);
        match trouble.as_io() {
            Some(error) => SinkError::io(Kind::Io, &self.name, error).says(what),
            None => self.error(Kind::Io, what),
        }
    }

    fn read(&self, token: &Opaque) -> Result<Token, SinkError> {
        Token::read(token)
            .ok_or_else(|| self.error(Kind::Token, format!("{} is no token of this kind of sink", Shown(token))))
    }

    /// Runs a step. After an error that does not pass, it is not known what the step has done, and recovery finds
    /// it out.
    fn step<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, SinkError>) -> Result<T, SinkError> {
        if self.stage == Stage::Unknown {
            return Err(self.error(Kind::Unsupported, "it must be recovered first"));
        }
        step(self).inspect_err(|error| {
            if !error.is_transient() {
                self.stage = Stage::Unknown;
            }
        })
    }
}

impl Sink for JetStreamSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    fn needs_place(&self) -> bool {
        self.waiting.needs_place()
    }

    fn wait_in(&mut self, place: Box<dyn WaitingPlace>) {
        self.waiting.wait_in(place);
    }

    fn recover(&mut self, committed: &[Opaque]) -> Result<Vec<Publication>, SinkError> {
        let token = match committed {
            [] => None,
            [token] if opaque::is_empty(token) => None,
            [token] => Some(self.read(token)?),
            _ => return Err(self.error(Kind::Unsupported, "a subject has one writer, and there are several tokens")),
        };
        self.waiting.take(&self.name)?;
        self.stage = Stage::Unknown;
        match token {
            Some(token) => self.recover_token(token).map(|publication| vec![publication]),
            None => self.recover_nothing().map(|()| vec![Publication::Before; committed.len()]),
        }
    }

    fn write(&mut self, records: &Batch) -> Result<(), SinkError> {
        if records.is_empty() {
            return Ok(());
        }
        let longest = records.records().map(|record| record.bytes().len()).max().unwrap_or(0);
        self.step(|sink| {
            if longest > sink.place.record_bytes_max {
                let what = format!(
                    "a record has {longest} bytes, and {} takes at most {}",
                    sink.server, sink.place.record_bytes_max
                );
                return Err(sink.error(Kind::Unsupported, what));
            }
            if !sink.waiting.has_epoch() {
                sink.begin(&[])?;
            }
            sink.stage = Stage::Open;
            sink.waiting.append(records).map_err(|error| sink.failed(error))?;
            sink.ends.written += u64::from(records.count());
            Ok(())
        })
    }

    fn prepare(&mut self) -> Result<Opaque, SinkError> {
        self.step(|sink| {
            if sink.stage == Stage::Untouched {
                return Ok(Opaque::default());
            }
            let Ends { waiting_from, written, .. } = sink.ends;
            let token = sink.waiting.prepare(waiting_from, written - waiting_from);
            let token = token.map_err(|error| sink.failed(error))?.ok_or_else(|| sink.missing(written))?;
            sink.ends.prepared = written;
            Ok(token.opaque())
        })
    }

    fn publish(&mut self, committed: &Opaque) -> Result<(), SinkError> {
        if opaque::is_empty(committed) {
            return Ok(());
        }
        let token = self.read(committed)?;
        self.step(|sink| if token.end() > sink.ends.published { sink.publish_token(token) } else { Ok(()) })
    }

    fn abort(&mut self) -> Result<(), SinkError> {
        self.step(|sink| {
            if !sink.place.is_sure {
                let what = "records of a committed checkpoint are being published, and cannot be dropped";
                return Err(sink.error(Kind::Ahead, what));
            }
            sink.waiting.end();
            sink.ends = Ends::all_at(sink.ends.published);
            Ok(())
        })
    }
}
