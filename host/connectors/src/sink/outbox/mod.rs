//! The steps of a sink whose records wait in a place until a server has them.
//!
//! Each kind of server is a [`Target`]. What they have in common is here: which records wait, which of them a token
//! stands for, and when they may be published or dropped.

mod recovery;
mod target;

use std::io;
use std::path::Path;

#[cfg(any(feature = "kafka", feature = "nats"))]
pub(super) use self::target::Failure;
pub(super) use self::target::{Header, Records, Refusal, Target};
use super::ends::{Ends, Stage};
use super::token::Token;
use super::waiting::Waiting;
use super::{Guarantee, SinkError, SinkErrorKind as Kind, WaitingPlace};
use crate::batch::Batch;
use crate::opaque::{self, Opaque, Shown};

/// What waits for a target, and how far it is.
#[derive(Debug)]
pub(super) struct Outbox<T> {
    pub(super) name: String,
    pub(super) target: T,
    waiting: Waiting,
    stage: Stage,
    ends: Ends,
}

impl<T: Target> Outbox<T> {
    pub(super) fn new(name: String, target: T, waiting: Waiting) -> Self {
        Self { name, target, waiting, stage: Stage::Unknown, ends: Ends::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn guarantee(&self) -> Guarantee {
        self.target.guarantee()
    }

    pub(super) fn directory(&self) -> Option<&Path> {
        self.waiting.directory()
    }

    pub(super) fn needs_place(&self) -> bool {
        self.waiting.needs_place()
    }

    pub(super) fn wait_in(&mut self, place: Box<dyn WaitingPlace>) {
        self.waiting.wait_in(place);
    }

    fn error(&self, kind: Kind, what: impl Into<String>) -> SinkError {
        SinkError::new(kind, &self.name, what)
    }

    fn failed(&self, error: io::Error) -> SinkError {
        self.waiting.failed(&self.name, error)
    }

    fn refused(&self, end: u64, refusal: Refusal) -> SinkError {
        match refusal {
            Refusal::Failed(Some(error), what) => SinkError::io(Kind::Io, &self.name, error).says(what),
            Refusal::Failed(None, what) => self.error(Kind::Io, what),
            Refusal::Final(kind, what) => self.error(kind, what),
            Refusal::Place(error) => self.failed(error),
            Refusal::Missing => self.missing(end),
        }
    }

    fn missing(&self, end: u64) -> SinkError {
        let what = format!(
            "{} of the {end} records that the checkpoint stands for are published, and {} does not hold the others",
            self.target.published(),
            self.waiting.place_name()
        );
        self.error(Kind::Missing, what)
    }

    fn read(&self, token: &Opaque) -> Result<Token, SinkError> {
        let what = || format!("{} is no token of this kind of sink", Shown(token));
        Token::read(token).ok_or_else(|| self.error(Kind::Token, what()))
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
            if !sink.target.is_sure() {
                let what = "records of a committed checkpoint are being published, and cannot be dropped";
                return Err(sink.error(Kind::Ahead, what));
            }
            sink.waiting.end();
            sink.ends = Ends::all_at(sink.target.published());
            Ok(())
        })
    }

    /// Begins an epoch with frames that wait already.
    fn begin(&mut self, frames: &[u8]) -> Result<(), SinkError> {
        let header = self.target.header(self.ends.waiting_from);
        self.waiting.begin(&header, frames).map_err(|error| self.failed(error))
    }

    /// Publishes what the frames of a token hold behind what is published.
    fn publish_frames(&mut self, token: Token, frames: Vec<u8>) -> Result<(), SinkError> {
        let end = token.end();
        let records = Records::of(frames, token.count).ok_or_else(|| self.missing(end))?;
        let published = self.target.publish(&mut self.waiting, token.first, records);
        published.map_err(|refusal| self.refused(end, refusal))
    }

    fn publish_token(&mut self, token: Token) -> Result<(), SinkError> {
        if token.first != self.ends.waiting_from || token.end() > self.ends.prepared {
            let what = format!("{} is none of the tokens that it made", Shown(&token.opaque()));
            return Err(self.error(Kind::Token, what));
        }
        let divided = self.waiting.divided(token).map_err(|error| self.failed(error))?;
        let (frames, rest) = divided.ok_or_else(|| self.missing(token.end()))?;
        self.publish_frames(token, frames)?;
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

/// Makes a sink of a type whose only field is an outbox.
macro_rules! sink_over_outbox {
    ($sink:ty) => {
        impl $crate::sink::Sink for $sink {
            fn name(&self) -> &str {
                self.0.name()
            }

            fn guarantee(&self) -> $crate::sink::Guarantee {
                self.0.guarantee()
            }

            fn needs_place(&self) -> bool {
                self.0.needs_place()
            }

            fn wait_in(&mut self, place: Box<dyn $crate::sink::WaitingPlace>) {
                self.0.wait_in(place);
            }

            fn recover(
                &mut self,
                committed: &[$crate::opaque::Opaque],
            ) -> Result<Vec<$crate::sink::Publication>, $crate::sink::SinkError> {
                self.0.recover(committed)
            }

            fn write(&mut self, records: &$crate::batch::Batch) -> Result<(), $crate::sink::SinkError> {
                self.0.write(records)
            }

            fn prepare(&mut self) -> Result<$crate::opaque::Opaque, $crate::sink::SinkError> {
                self.0.prepare()
            }

            fn publish(&mut self, committed: &$crate::opaque::Opaque) -> Result<(), $crate::sink::SinkError> {
                self.0.publish(committed)
            }

            fn abort(&mut self) -> Result<(), $crate::sink::SinkError> {
                self.0.abort()
            }
        }
    };
}

pub(super) use sink_over_outbox;
