//! The steps of the sink that need the server.

use bytes::Bytes;

use super::JetStreamSink;
use super::header::Header;
use super::recovery::{self, Look, Standing};
use super::target::{Failure, HEADER_BYTES_MAX, Target};
use crate::nats::Connection;
use crate::opaque::Shown;
use crate::sink::ends::{Ends, Stage};
use crate::sink::token::{Token, records_in};
use crate::sink::waiting;
use crate::sink::{Publication, SinkError, SinkErrorKind as Kind};

/// Where the sink is in the stream.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) standing: Standing,
    /// Whether the standing is known. Otherwise messages may be on their way.
    pub(super) is_sure: bool,
    created: u64,
    pub(super) record_bytes_max: usize,
}

impl Place {
    fn new(standing: Standing, look: &Look) -> Self {
        let record_bytes_max = look.message_bytes_max.saturating_sub(HEADER_BYTES_MAX);
        Self { standing, is_sure: true, created: look.created, record_bytes_max }
    }

    pub(super) fn nowhere() -> Self {
        let standing = Standing { id: String::new(), number: 0, sequence: 0 };
        Self { standing, is_sure: false, created: 0, record_bytes_max: 0 }
    }
}

impl JetStreamSink {
    pub(super) fn connection(&mut self) -> Result<&Connection, SinkError> {
        if self.connection.is_none() {
            let connection = Connection::new(self.server.clone());
            self.connection = Some(connection.map_err(|error| SinkError::io(Kind::Open, &self.name, error))?);
        }
        self.connection.as_ref().ok_or_else(|| self.error(Kind::Open, "has no connection"))
    }

    pub(super) fn target(&mut self) -> Result<Target, SinkError> {
        let shared = self.connection()?.shared().clone();
        Ok(Target { shared, stream: self.stream.clone(), subject: self.subject.clone() })
    }

    /// Looks at the stream.
    pub(super) fn look(&mut self) -> Result<Look, SinkError> {
        let target = self.target()?;
        let look = self.connection()?.wait(async move { target.look().await });
        look.map_err(|trouble| self.troubled(&trouble))
    }

    /// Publishes what the frames hold behind those that are published.
    pub(super) fn publish_frames(&mut self, first: u64, count: u64, frames: Vec<u8>) -> Result<(), SinkError> {
        let Some((records, _)) = records_in(&frames, count) else {
            return Err(self.missing(first + count));
        };
        let frames = Bytes::from(frames);
        let records = records.into_iter().map(|record| frames.slice(record)).collect();
        let target = self.target()?;
        let (standing, is_sure) = (self.place.standing.clone(), self.place.is_sure);
        self.place.is_sure = false;
        let publishing = async move { target.publish(standing, is_sure, first, records).await };
        match self.connection()?.wait(publishing) {
            Ok(standing) => {
                (self.place.standing, self.place.is_sure) = (standing, true);
                Ok(())
            }
            Err(Failure::Trouble(trouble)) => Err(self.troubled(&trouble)),
            Err(Failure::Refused((kind, what))) => Err(self.error(kind, what)),
        }
    }

    pub(super) fn missing(&self, end: u64) -> SinkError {
        let what = format!(
            "{} of the {end} records that the checkpoint stands for are published, and {} does not hold the others",
            self.place.standing.number,
            self.waiting.place_name()
        );
        self.error(Kind::Missing, what)
    }

    /// Begins an epoch with frames that wait already.
    pub(super) fn begin(&mut self, frames: &[u8]) -> Result<(), SinkError> {
        let Standing { id, sequence, .. } = self.place.standing.clone();
        let header = Header { id, created: self.place.created, base: sequence, first: self.ends.waiting_from };
        self.waiting.begin(&header, frames).map_err(|error| self.failed(error))
    }

    /// Begins a new stream of records, behind the messages that are there.
    pub(super) fn recover_nothing(&mut self) -> Result<(), SinkError> {
        let look = self.look()?;
        let id = waiting::draw_id().map_err(|error| SinkError::io(Kind::Open, &self.name, error))?;
        self.place = Place::new(Standing { id, number: 0, sequence: look.last.sequence() }, &look);
        self.waiting.end();
        (self.stage, self.ends) = (Stage::Untouched, Ends::default());
        Ok(())
    }

    pub(super) fn recover_token(&mut self, token: Token) -> Result<Publication, SinkError> {
        let held = self.waiting.held(Header::read).map_err(|error| self.failed(error))?;
        let look = self.look()?;
        let standing = recovery::standing(token, held.as_ref().map(|held| &held.header), &look);
        let standing = standing.map_err(|(kind, what)| self.error(kind, what))?;
        let number = standing.number;
        if number > token.end() {
            let what = format!("{number} records are published, and the checkpoint stands for {}", token.end());
            return Err(self.error(Kind::Ahead, what));
        }
        self.place = Place::new(standing, &look);
        let mut publication = Publication::Before;
        if number < token.end() {
            let held = held.filter(|held| held.header.first == token.first && number >= token.first);
            let frames = held.and_then(|held| token.frames_in(&held.frames).map(<[u8]>::to_vec));
            let frames = frames.ok_or_else(|| self.missing(token.end()))?;
            self.publish_frames(token.first, token.count, frames)?;
            publication = Publication::Now;
        }
        self.waiting.end();
        (self.stage, self.ends) = (Stage::Open, Ends::all_at(token.end()));
        Ok(publication)
    }

    pub(super) fn publish_token(&mut self, token: Token) -> Result<(), SinkError> {
        if token.first != self.ends.waiting_from || token.end() > self.ends.prepared {
            let what = format!("{} is none of the tokens that it made", Shown(&token.opaque()));
            return Err(self.error(Kind::Token, what));
        }
        let divided = self.waiting.divided(token).map_err(|error| self.failed(error))?;
        let (frames, rest) = divided.ok_or_else(|| self.missing(token.end()))?;
        self.publish_frames(token.first, token.count, frames)?;
        self.ends.published = token.end();
        if self.ends.published == self.ends.prepared {
            // No token names these records any more.
            self.ends.waiting_from = self.ends.prepared;
            self.waiting.end();
            if !rest.is_empty() {
                self.begin(&rest)?;
            }
        }
        Ok(())
    }
}
