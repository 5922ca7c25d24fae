//! What of a token is delivered, by what the directory holds.

use super::delivery::Delivery;
use super::header::Header;
use super::outbox::Outbox;
use super::target::{self, Target};
use crate::opaque::{self, Opaque};
use crate::sink::ends::{Ends, Stage};
use crate::sink::token::Token;
use crate::sink::waiting;
use crate::sink::{Publication, SinkError, SinkErrorKind as Kind};

impl<T: Target> Outbox<T> {
    pub(super) fn recover(&mut self, committed: &[Opaque]) -> Result<Vec<Publication>, SinkError> {
        let token = match committed {
            [] => None,
            [token] if opaque::is_empty(token) => None,
            [token] => Some(self.read(token)?),
            _ => return Err(self.error(Kind::Unsupported, "it has one writer, and there are several tokens")),
        };
        self.waiting.take(&self.name)?;
        self.stage = Stage::Unknown;
        self.target.look().map_err(|refusal| target::error(&self.name, refusal))?;
        match token {
            Some(token) => self.recover_token(token).map(|publication| vec![publication]),
            None => self.recover_nothing().map(|()| vec![Publication::Before; committed.len()]),
        }
    }

    /// Begins a new stream of records.
    fn recover_nothing(&mut self) -> Result<(), SinkError> {
        let id = waiting::draw_id().map_err(|error| SinkError::io(Kind::Open, &self.name, error))?;
        (self.last, self.session) = (Delivery::none(id), 0);
        self.waiting.end();
        (self.stage, self.ends) = (Stage::Untouched, Ends::default());
        Ok(())
    }

    fn recover_token(&mut self, token: Token) -> Result<Publication, SinkError> {
        let held = self.waiting.held(Header::read).map_err(|error| self.failed(error))?;
        let note = self.waiting.note().map_err(|error| self.failed(error))?;
        let last = note.as_deref().and_then(Delivery::read);
        if note.is_some() && last.is_none() {
            let what = format!("{}: the note is not one of this sink", self.waiting.place_name());
            return Err(self.error(Kind::Replaced, what));
        }
        // Of a run that sent nothing, there may be the note of another run before it.
        let last = match (last, &held) {
            (Some(last), Some(held)) if held.header.id != last.id => Delivery::none(held.header.id.clone()),
            (Some(last), _) => last,
            (None, Some(held)) => Delivery::none(held.header.id.clone()),
            (None, None) => return Err(self.error(Kind::Missing, self.waiting.holds_nothing())),
        };
        if last.end > token.end() {
            let what = format!("{} records are sent, and the checkpoint stands for {}", last.end, token.end());
            return Err(self.error(Kind::Ahead, what));
        }
        self.session = last.session + 1;
        self.ends = Ends::all_at(if last.is_done { last.end } else { last.first });
        self.last = last;
        let mut publication = Publication::Before;
        if self.ends.published < token.end() {
            let held = held.filter(|held| held.header.first == token.first && self.ends.published >= token.first);
            let frames = held.and_then(|held| token.frames_in(&held.frames).map(<[u8]>::to_vec));
            let frames = frames.ok_or_else(|| self.missing(token.end()))?;
            self.deliver(token, &frames)?;
            publication = Publication::Now;
        }
        self.waiting.end();
        (self.stage, self.ends) = (Stage::Open, Ends::all_at(token.end()));
        Ok(publication)
    }
}
