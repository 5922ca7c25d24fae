//! The events of one connection.

use std::time::Duration;

use futures_util::{FutureExt, Stream, StreamExt};
use sse_stream::{Error, Sse};

use super::WithoutId;
use super::limit::TooLong;
use super::position::{At, ID_BYTES_MAX};
use super::session::Feed;
use crate::http::Failure;
use crate::source::http::follow::End;
use crate::source::queue::{Queue, Waiting};
use crate::source::{Place, SourceErrorKind as Kind};
use crate::trouble::Trouble;

/// How many events are handed on at a time.
const BATCH_EVENTS: usize = 256;

/// The pause after the server has closed the connection, if it asks for none.
const PAUSE: Duration = Duration::from_millis(500);

/// The shortest pause that a server may ask for.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// What came on one connection.
pub(super) struct Session<'a> {
    pub(super) feed: &'a Feed,
    /// Behind the last event that came. Events that are not handed out count too.
    pub(super) at: At,
    /// How many events without an id come again.
    pub(super) again: u64,
    /// The pause that the server asks for before the next connection.
    pub(super) asked_pause: Option<Duration>,
}

impl Session<'_> {
    /// Waits for an event, and hands on what is at hand.
    pub(super) async fn round(
        &mut self,
        events: &mut (impl Stream<Item = Result<Sse, Error>> + Unpin),
        queue: &Queue<At>,
    ) -> Result<(), End> {
        let mut new = Vec::new();
        let mut next = Some(events.next().await);
        let mut end = None;
        while let Some(came) = next {
            match self.take(came) {
                Ok(waiting) => new.extend(waiting),
                Err(failure) => {
                    end = Some(failure);
                    break;
                }
            }
            next = if new.len() < BATCH_EVENTS { events.next().now_or_never() } else { None };
        }
        // What came before an error is handed on.
        if !new.is_empty() {
            queue.add(new).await;
        }
        match end {
            None => Ok(()),
            Some(End::Pause(_)) => Err(End::Pause(self.pause().unwrap_or(PAUSE))),
            Some(End::Failure(failure)) => Err(End::Failure(Failure { retry_after: self.pause(), ..failure })),
            Some(end) => Err(end),
        }
    }

    /// The pause that the server asks for, within what is sensible.
    fn pause(&self) -> Option<Duration> {
        let longest = self.feed.shared.endpoint().retries().pause_max();
        self.asked_pause.map(|asked| asked.clamp(PAUSE_MIN.min(longest), longest))
    }

    /// Takes what came, and returns the record that is handed out.
    fn take(&mut self, came: Option<Result<Sse, Error>>) -> Result<Option<Waiting<At>>, End> {
        let event = match came {
            None => return Err(End::Pause(Duration::ZERO)),
            Some(Ok(event)) => event,
            Some(Err(error)) => return Err(self.broken(error)),
        };
        if let Some(milliseconds) = event.retry {
            self.asked_pause = Some(Duration::from_millis(milliseconds));
        }
        let has_id = event.id.as_ref().is_some_and(|id| !id.is_empty());
        if let Some(id) = event.id.filter(|id| !id.is_empty()) {
            self.check_id(&id)?;
            (self.at.id, self.at.without_id) = (id, 0);
        }
        // By the protocol, a block without data is no event.
        let Some(data) = event.data else { return Ok(None) };
        if data.len() > self.feed.options.record_bytes_max {
            return Err(self.too_long());
        }
        if !has_id && self.is_again()? {
            return Ok(None);
        }
        let kind = event.event.filter(|kind| !kind.is_empty());
        let kind = kind.as_deref().unwrap_or("message");
        let events = &self.feed.options.events;
        if !events.is_empty() && !events.iter().any(|event| event == kind) {
            return Ok(None);
        }
        self.at.records += 1;
        Ok(Some(Waiting { payload: data.into(), at: self.at.clone() }))
    }

    /// Counts an event without an id, and returns whether it was handed out before.
    fn is_again(&mut self) -> Result<bool, End> {
        match self.feed.options.without_id {
            WithoutId::Live => Ok(false),
            WithoutId::Refuse => {
                let what = "it has no id, so reading could not continue behind it: the option without-id says what \
                            such events are, repeated or live";
                Err(self.failed(Kind::Unsupported, what))
            }
            WithoutId::Repeated if self.again > 0 => {
                self.again -= 1;
                Ok(true)
            }
            WithoutId::Repeated => {
                self.at.without_id += 1;
                Ok(false)
            }
        }
    }

    fn check_id(&mut self, id: &str) -> Result<(), End> {
        if self.again > 0 {
            let what = format!(
                "the server has not repeated {} of the {} events without an id behind the id {:?}",
                self.again, self.at.without_id, self.at.id
            );
            let error = self.feed.error(Kind::TooShort { records: self.at.records - self.again }, what);
            return Err(End::Failed(error.at(Place::Position(self.at.clone().into()))));
        }
        if id.len() > ID_BYTES_MAX {
            let what = format!("its id has {} bytes, more than {ID_BYTES_MAX}", id.len());
            return Err(self.failed(Kind::Unsupported, what));
        }
        Ok(())
    }

    /// The error of the next record.
    fn failed(&self, kind: Kind, what: impl Into<String>) -> End {
        End::Failed(self.feed.error(kind, what).at(Place::Record(self.at.records + 1)))
    }

    fn too_long(&self) -> End {
        self.failed(Kind::TooLong, format!("it has more than {} bytes", self.feed.options.record_bytes_max))
    }

    fn broken(&self, error: Error) -> End {
        match error {
            Error::Body(cause) => {
                let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
                if inner.and_then(|inner| inner.downcast_ref::<TooLong>()).is_some() {
                    return self.too_long();
                }
                Trouble::lost(&*cause).into()
            }
            error => self.failed(Kind::Io, format!("it is no event: {error}")),
        }
    }
}
