//! The steps of a sink whose records wait in a directory until they are delivered.

use std::io;
use std::path::Path;

use super::delivery::Delivery;
use super::header::Header;
use super::target::{self, Target};
use crate::batch::Batch;
use crate::opaque::{self, Opaque, Shown};
use crate::sink::ends::{Ends, Stage};
use crate::sink::token::{Token, records_in};
use crate::sink::waiting::Waiting;
use crate::sink::{SinkError, SinkErrorKind as Kind};

/// What waits for a target, and what was sent to it.
#[derive(Debug)]
pub(super) struct Outbox<T> {
    pub(super) name: String,
    pub(super) target: T,
    pub(super) waiting: Waiting,
    pub(super) stage: Stage,
    pub(super) ends: Ends,
    /// What was sent last.
    pub(super) last: Delivery,
    /// The number of this process among those that sent records.
    pub(super) session: u64,
}

impl<T: Target> Outbox<T> {
    pub(super) fn new(name: String, target: T, waiting: Waiting) -> Self {
        let last = Delivery::none(String::new());
        Self { name, target, waiting, stage: Stage::Unknown, ends: Ends::default(), last, session: 0 }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn directory(&self) -> Option<&Path> {
        self.waiting.directory()
    }

    pub(super) fn error(&self, kind: Kind, what: impl Into<String>) -> SinkError {
        SinkError::new(kind, &self.name, what)
    }

    pub(super) fn failed(&self, error: io::Error) -> SinkError {
        self.waiting.failed(&self.name, error)
    }

    pub(super) fn read(&self, token: &Opaque) -> Result<Token, SinkError> {
        let what = || format!("{} is no token of this kind of sink", Shown(token));
        Token::read(token).ok_or_else(|| self.error(Kind::Token, what()))
    }

    pub(super) fn missing(&self, end: u64) -> SinkError {
        let what = format!(
            "{} of the {end} records that the checkpoint stands for are published, and {} does not hold the others",
            self.ends.published,
            self.waiting.place_name()
        );
        self.error(Kind::Missing, what)
    }

    /// Runs a step. After an error that does not pass, it is not known what the step has done, and recovery finds
    /// it out.
    fn step<R>(&mut self, step: impl FnOnce(&mut Self) -> Result<R, SinkError>) -> Result<R, SinkError> {
        if self.stage == Stage::Unknown {
            return Err(self.error(Kind::Unsupported, "it must be recovered first"));
        }
        step(self).inspect_err(|error| {
            if !error.is_transient() {
                self.stage = Stage::Unknown;
            }
        })
    }

    pub(super) fn write(&mut self, records: &Batch) -> Result<(), SinkError> {
        if records.is_empty() {
            return Ok(());
        }
        self.step(|sink| {
            let checked = records.records().try_for_each(|record| sink.target.check(record.bytes()));
            checked.map_err(|what| sink.error(Kind::Unsupported, what))?;
            if !sink.waiting.has_epoch() {
                sink.begin(&[])?;
            }
            sink.stage = Stage::Open;
            sink.waiting.append(records).map_err(|error| sink.failed(error))?;
            sink.ends.written += u64::from(records.count());
            Ok(())
        })
    }

    pub(super) fn prepare(&mut self) -> Result<Opaque, SinkError> {
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

    pub(super) fn publish(&mut self, committed: &Opaque) -> Result<(), SinkError> {
        if opaque::is_empty(committed) {
            return Ok(());
        }
        let token = self.read(committed)?;
        self.step(|sink| if token.end() > sink.ends.published { sink.publish_token(token) } else { Ok(()) })
    }

    pub(super) fn abort(&mut self) -> Result<(), SinkError> {
        self.step(|sink| {
            if !sink.last.is_done {
                let what = "records of a committed checkpoint are being published, and cannot be dropped";
                return Err(sink.error(Kind::Ahead, what));
            }
            sink.waiting.end();
            sink.ends = Ends::all_at(sink.ends.published);
            Ok(())
        })
    }

    /// Begins an epoch with frames that wait already.
    fn begin(&mut self, frames: &[u8]) -> Result<(), SinkError> {
        let header = Header { id: self.last.id.clone(), first: self.ends.waiting_from };
        self.waiting.begin(&header, frames).map_err(|error| self.failed(error))
    }

    fn publish_token(&mut self, token: Token) -> Result<(), SinkError> {
        if token.first != self.ends.waiting_from || token.end() > self.ends.prepared {
            let what = format!("{} is none of the tokens that it made", Shown(&token.opaque()));
            return Err(self.error(Kind::Token, what));
        }
        let divided = self.waiting.divided(token).map_err(|error| self.failed(error))?;
        let (frames, rest) = divided.ok_or_else(|| self.missing(token.end()))?;
        self.deliver(token, &frames)?;
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

    /// Delivers what of a token is not published. What was being sent is sent again as it was, and the rest behind
    /// it.
    pub(super) fn deliver(&mut self, token: Token, frames: &[u8]) -> Result<(), SinkError> {
        let Some((places, _)) = records_in(frames, token.count) else { return Err(self.missing(token.end())) };
        let records: Vec<&[u8]> = places.into_iter().map(|place| &frames[place]).collect();
        if !self.last.is_done {
            // It may be the note of a process before, which the place might lose.
            self.waiting.keep_note(&self.last).map_err(|error| self.failed(error))?;
            self.send(token, &records)?;
        }
        if self.last.end < token.end() {
            self.last = self.last.next(self.session, token.end());
            // First the note: what may have arrived is never sent under another name.
            self.waiting.keep_note(&self.last).map_err(|error| self.failed(error))?;
            self.send(token, &records)?;
        }
        Ok(())
    }

    /// Sends the last delivery.
    fn send(&mut self, token: Token, records: &[&[u8]]) -> Result<(), SinkError> {
        let place = |end: u64| end.checked_sub(token.first).and_then(|place| usize::try_from(place).ok());
        let range = place(self.last.first).zip(place(self.last.end));
        let Some(records) = range.and_then(|(first, end)| records.get(first..end)) else {
            return Err(self.missing(token.end()));
        };
        self.target.deliver(&self.last, records).map_err(|refusal| target::error(&self.name, refusal))?;
        self.last.is_done = true;
        self.ends.published = self.last.end;
        self.waiting.keep_note(&self.last).map_err(|error| self.failed(error))
    }
}
