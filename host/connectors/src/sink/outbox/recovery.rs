//! Completing what a checkpoint stands for, after a crash at any moment.

use super::{Header, Outbox, Target};
use crate::opaque::{self, Opaque};
use crate::sink::ends::{Ends, Stage};
use crate::sink::token::Token;
use crate::sink::waiting;
use crate::sink::{Publication, SinkError, SinkErrorKind as Kind};

impl<T: Target> Outbox<T> {
    pub(in crate::sink) fn recover(&mut self, committed: &[Opaque]) -> Result<Vec<Publication>, SinkError> {
        let token = match committed {
            [] => None,
            [token] if opaque::is_empty(token) => None,
            [token] => Some(self.read(token)?),
            _ => return Err(self.error(Kind::Unsupported, "it has one writer, and there are several tokens")),
        };
        self.waiting.take(&self.name)?;
        self.stage = Stage::Unknown;
        match token {
            Some(token) => self.recover_token(token).map(|publication| vec![publication]),
            None => self.recover_nothing().map(|()| vec![Publication::Before; committed.len()]),
        }
    }

    /// Begins a new stream of records.
    fn recover_nothing(&mut self) -> Result<(), SinkError> {
        let id = waiting::draw_id().map_err(|error| SinkError::io(Kind::Open, &self.name, error))?;
        self.target.begin(id).map_err(|refusal| self.refused(0, refusal))?;
        self.waiting.end();
        (self.stage, self.ends) = (Stage::Untouched, Ends::default());
        Ok(())
    }

    fn recover_token(&mut self, token: Token) -> Result<Publication, SinkError> {
        let end = token.end();
        let held = self.waiting.held(T::Header::read).map_err(|error| self.failed(error))?;
        let header = held.as_ref().map(|held| &held.header);
        let recovered = self.target.recover(end, header, &mut self.waiting);
        recovered.map_err(|refusal| self.refused(end, refusal))?;
        let published = self.target.published();
        if published > end {
            let what = format!("{published} records are published, and the checkpoint stands for {end}");
            return Err(self.error(Kind::Ahead, what));
        }
        let mut publication = Publication::Before;
        if published < end {
            let held = held.filter(|held| held.header.first() == token.first && published >= token.first);
            let frames = held.and_then(|held| token.frames_in(&held.frames).map(<[u8]>::to_vec));
            let frames = frames.ok_or_else(|| self.missing(end))?;
            self.publish_frames(token, frames)?;
            publication = Publication::Now;
        }
        self.waiting.end();
        (self.stage, self.ends) = (Stage::Open, Ends::all_at(end));
        Ok(publication)
    }
}
