//! One session: a connection, and what the server must answer.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use sse_stream::SseByteStream;

use super::events::Session;
use super::limit::Limit;
use super::position::At;
use super::{SseOptions, WithoutId};
use crate::http::{ANSWER_TIME_MAX, Failure, Shared, answer, checked, header};
use crate::retry::Outage;
use crate::source::http::follow::{End, Follow};
use crate::source::queue::Queue;
use crate::source::{Place, Position, SourceError, SourceErrorKind as Kind};
use crate::trouble::Trouble;

/// What is read.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    pub(super) shared: Arc<Shared>,
    pub(super) name: String,
    pub(super) options: SseOptions,
}

impl Follow for Feed {
    type At = At;

    const WHAT: &'static str = "server-sent events";

    fn start() -> At {
        At::default()
    }

    fn read(position: &Position) -> Option<At> {
        At::read(position)
    }

    fn records(at: &At) -> u64 {
        at.records
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn shared(&self) -> &Shared {
        &self.shared
    }

    async fn session(&self, at: &mut At, queue: &Queue<At>, outage: &mut Outage) -> End {
        let response = match self.connect(at).await {
            Ok(response) => response,
            Err(failure) => return self.refused(failure, at),
        };
        if response.status() == StatusCode::NO_CONTENT {
            return End::Complete(Bytes::new());
        }
        let content_type = header(response.headers(), CONTENT_TYPE.as_str()).unwrap_or_default();
        let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        if !essence.eq_ignore_ascii_case(b"text/event-stream") {
            let what = format!("the answer is \"{}\", and not text/event-stream", essence.escape_ascii());
            return End::Failed(self.error(Kind::Open, what));
        }
        outage.is_over();
        queue.cut_off(false);
        let mut events = SseByteStream::new(limited(response, self.options.record_bytes_max));
        let again = if self.options.without_id == WithoutId::Repeated { at.without_id } else { 0 };
        let mut session = Session { feed: self, at: at.clone(), again, asked_pause: None };
        loop {
            let is_over = session.round(&mut events, queue).await;
            *at = session.at.clone();
            if let Err(end) = is_over {
                return end;
            }
        }
    }
}

impl Feed {
    pub(super) fn error(&self, kind: Kind, what: impl Into<String>) -> SourceError {
        SourceError::new(kind, &self.name, what)
    }

    /// A server that does not know the id says so with one of a few answers.
    fn refused(&self, failure: Failure, at: &At) -> End {
        let statuses = [
            StatusCode::CONFLICT,
            StatusCode::GONE,
            StatusCode::PRECONDITION_FAILED,
            StatusCode::RANGE_NOT_SATISFIABLE,
        ];
        let is_about_id = failure.answer.as_ref().is_some_and(|answer| statuses.contains(&answer.0));
        match failure.trouble {
            Trouble::Refused(what) if is_about_id && !at.id.is_empty() => {
                let what = format!("the server does not continue behind the id {:?}: {what}", at.id);
                End::Failed(self.error(Kind::Position, what).at(Place::Position(at.clone().into())))
            }
            _ => failure.into(),
        }
    }

    async fn connect(&self, at: &At) -> Result<Response, Failure> {
        let request = self.shared.request(Method::GET, self.shared.endpoint().url().clone());
        let mut request = request.header(ACCEPT, "text/event-stream").header(CACHE_CONTROL, "no-store");
        if !at.id.is_empty() {
            let id = HeaderValue::from_bytes(at.id.as_bytes());
            let id = id.map_err(|error| Trouble::Refused(format!("the id {:?}: {error}", at.id)))?;
            request = request.header("last-event-id", id);
        }
        checked(answer(request, ANSWER_TIME_MAX).await?).await
    }
}

/// The bytes of an answer, without an event that is far too long.
fn limited(
    response: Response,
    record_bytes_max: usize,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Unpin + Send {
    let mut limit = Limit::new(record_bytes_max);
    response.bytes_stream().map_err(|error| std::io::Error::other(error.without_url())).map(move |piece| {
        let piece = piece?;
        limit.count(&piece).map_err(std::io::Error::other)?;
        Ok(piece)
    })
}
