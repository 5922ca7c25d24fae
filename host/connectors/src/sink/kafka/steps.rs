//! The steps of the sink that need the cluster.

use super::KafkaSink;
use super::header::Header;
use super::mark::Mark;
use super::recovery;
use super::target::{Failure, Standing};
use crate::opaque::Shown;
use crate::sink::ends::{Ends, Stage};
use crate::sink::token::{Token, records_in};
use crate::sink::waiting::{self, Held};
use crate::sink::{Publication, SinkError, SinkErrorKind as Kind};

impl KafkaSink {
    /// Publishes what the frames hold behind those that are published.
    fn publish_frames(&mut self, first: u64, count: u64, frames: &[u8]) -> Result<(), SinkError> {
        let Some((records, _)) = records_in(frames, count) else { return Err(self.missing(first + count)) };
        let records: Vec<&[u8]> = records.into_iter().map(|record| &frames[record]).collect();
        let is_sure = std::mem::replace(&mut self.is_sure, false);
        match self.target.publish(&mut self.standing, is_sure, first, &records) {
            Ok(()) => self.is_sure = true,
            Err(Failure::Trouble(trouble)) => return Err(self.troubled(&trouble)),
            Err(Failure::Refused((kind, what))) => return Err(self.error(kind, what)),
        }
        let mark = Mark { id: self.standing.id.clone(), number: self.standing.number };
        self.waiting.keep_note(&mark).map_err(|error| self.failed(error))
    }

    pub(super) fn missing(&self, end: u64) -> SinkError {
        let what = format!(
            "{} of the {end} records that the checkpoint stands for are published, and {} does not hold the others",
            self.standing.number,
            self.waiting.place_name()
        );
        self.error(Kind::Missing, what)
    }

    /// Begins an epoch with frames that wait already.
    pub(super) fn begin(&mut self, frames: &[u8]) -> Result<(), SinkError> {
        let Standing { id, cluster, base, .. } = self.standing.clone();
        let header = Header { id, cluster, base, first: self.ends.waiting_from };
        self.waiting.begin(&header, frames).map_err(|error| self.failed(error))
    }

    /// Begins a new stream of records, behind the messages that are there.
    pub(super) fn recover_nothing(&mut self) -> Result<(), SinkError> {
        let look = self.target.take(None).map_err(|trouble| self.troubled(&trouble))?;
        let id = waiting::draw_id().map_err(|error| SinkError::io(Kind::Open, &self.name, error))?;
        self.standing = Standing { id, number: 0, cluster: look.cluster, base: look.end };
        self.is_sure = true;
        self.waiting.end();
        (self.stage, self.ends) = (Stage::Untouched, Ends::default());
        Ok(())
    }

    pub(super) fn recover_token(&mut self, token: Token) -> Result<Publication, SinkError> {
        let held = self.waiting.held(Header::read).map_err(|error| self.failed(error))?;
        let Some(Held { header, frames }) = held else {
            return Err(self.error(Kind::Missing, self.waiting.holds_nothing()));
        };
        let look = self.target.take(Some((&header.id, header.base))).map_err(|trouble| self.troubled(&trouble))?;
        let note = self.waiting.note().map_err(|error| self.failed(error))?;
        let noted = note.and_then(|note| Mark::read(note.as_bytes()));
        let number = recovery::published(token.end(), &header, noted.as_ref(), &look);
        let number = number.map_err(|(kind, what)| self.error(kind, what))?;
        if number > token.end() {
            let what = format!("{number} records are published, and the checkpoint stands for {}", token.end());
            return Err(self.error(Kind::Ahead, what));
        }
        self.standing = Standing { id: header.id, number, cluster: look.cluster, base: look.end };
        self.is_sure = true;
        let mut publication = Publication::Before;
        if number < token.end() {
            let are_these = header.first == token.first && number >= token.first;
            let frames = token.frames_in(&frames).filter(|_| are_these);
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
        self.publish_frames(token.first, token.count, &frames)?;
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
