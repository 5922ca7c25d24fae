//! What the sink knows of its subject, and the steps that need the server.

use bytes::Bytes;

use super::header::Header;
use super::publisher::{HEADER_BYTES_MAX, Publisher};
use super::recovery::{self, Look, Standing};
use crate::nats::{Connection, NatsServer};
use crate::sink::SinkErrorKind as Kind;
use crate::sink::outbox::{Failure, Records, Refusal, Target};
use crate::sink::waiting::Waiting;
use crate::trouble::Trouble;

/// The records of the sink in a subject of a stream.
#[derive(Debug)]
pub(super) struct Output {
    server: NatsServer,
    stream: String,
    subject: String,
    /// There from the first recovery on.
    connection: Option<Connection>,
    standing: Standing,
    /// Whether the standing is known. Otherwise messages may be on their way.
    is_sure: bool,
    /// When the stream was created.
    created: u64,
    record_bytes_max: usize,
}

impl Output {
    /// Nothing is known of the subject yet.
    pub(super) fn in_subject(server: NatsServer, stream: &str, subject: &str) -> Self {
        Self {
            server,
            stream: stream.to_owned(),
            subject: subject.to_owned(),
            connection: None,
            standing: Standing { id: String::new(), number: 0, sequence: 0 },
            is_sure: false,
            created: 0,
            record_bytes_max: 0,
        }
    }

    fn connection(&mut self) -> Result<&Connection, Refusal> {
        if self.connection.is_none() {
            let connection = Connection::new(self.server.clone());
            self.connection = Some(connection.map_err(|error| Refusal::of(Kind::Open, error.to_string()))?);
        }
        self.connection.as_ref().ok_or_else(|| Refusal::of(Kind::Open, "has no connection"))
    }

    fn publisher(&mut self) -> Result<Publisher, Refusal> {
        let shared = self.connection()?.shared().clone();
        Ok(Publisher { shared, stream: self.stream.clone(), subject: self.subject.clone() })
    }

    /// Looks at the stream.
    fn look(&mut self) -> Result<Look, Refusal> {
        let publisher = self.publisher()?;
        let look = self.connection()?.wait(async move { publisher.look().await });
        look.map_err(|trouble| self.troubled(trouble))
    }

    /// The sink stands here, as a look has shown.
    fn stand(&mut self, standing: Standing, look: &Look) {
        (self.standing, self.is_sure, self.created) = (standing, true, look.created);
        self.record_bytes_max = look.message_bytes_max.saturating_sub(HEADER_BYTES_MAX);
    }

    fn troubled(&self, trouble: Trouble) -> Refusal {
        let name = |what: String| format!("{}: {what}", self.server);
        Refusal::from(match trouble {
            Trouble::Lost(what) => Trouble::Lost(name(what)),
            Trouble::Refused(what) => Trouble::Refused(name(what)),
        })
    }
}

impl Target for Output {
    type Header = Header;

    fn check(&self, record: &[u8]) -> Result<(), String> {
        if record.len() <= self.record_bytes_max {
            return Ok(());
        }
        let (bytes, most) = (record.len(), self.record_bytes_max);
        Err(format!("a record has {bytes} bytes, and {} takes at most {most}", self.server))
    }

    /// Begins behind the messages that are there.
    fn begin(&mut self, id: String) -> Result<(), Refusal> {
        let look = self.look()?;
        self.stand(Standing { id, number: 0, sequence: look.last.sequence() }, &look);
        Ok(())
    }

    fn recover(&mut self, end: u64, held: Option<&Header>, _: &mut Waiting) -> Result<(), Refusal> {
        let look = self.look()?;
        self.stand(recovery::standing(end, held, &look)?, &look);
        Ok(())
    }

    fn header(&self, first: u64) -> Header {
        let Standing { id, sequence, .. } = self.standing.clone();
        Header { id, created: self.created, base: sequence, first }
    }

    fn published(&self) -> u64 {
        self.standing.number
    }

    fn is_sure(&self) -> bool {
        self.is_sure
    }

    fn publish(&mut self, _: &mut Waiting, first: u64, records: Records) -> Result<(), Refusal> {
        let frames = Bytes::from(records.frames);
        let records = records.places.into_iter().map(|place| frames.slice(place)).collect();
        let publisher = self.publisher()?;
        let (standing, is_sure) = (self.standing.clone(), self.is_sure);
        self.is_sure = false;
        let publishing = async move { publisher.publish(standing, is_sure, first, records).await };
        match self.connection()?.wait(publishing) {
            Ok(standing) => {
                (self.standing, self.is_sure) = (standing, true);
                Ok(())
            }
            Err(Failure::Trouble(trouble)) => Err(self.troubled(trouble)),
            Err(Failure::Refused(refusal)) => Err(refusal.into()),
        }
    }
}
