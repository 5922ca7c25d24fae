//! One session: answers of the server, from the offset of a position until the connection is lost.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Response, StatusCode};

use super::chapter::{Chapter, Read};
use super::elements::NoElement;
use super::framing::Framing;
use super::position::{At, BEGINNING, OFFSET_BYTES_MAX};
use crate::http::{self, ANSWER_TIME_MAX, Failure, Shared, answer, checked, header};
use crate::retry::Outage;
use crate::source::http::follow::{End, Follow};
use crate::source::queue::{Queue, Waiting};
use crate::source::{Place, Position, SourceError, SourceErrorKind as Kind};
use crate::trouble::Trouble;

/// How long a long poll may take. Servers answer sooner, also if nothing came.
const POLL_TIME_MAX: Duration = Duration::from_mins(2);

/// How many records are handed on at a time.
const BATCH_RECORDS: usize = 256;

/// What is read.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    pub(super) shared: Arc<Shared>,
    pub(super) name: String,
    pub(super) record_bytes_max: usize,
}

/// What the head of an answer says.
struct Head {
    next: String,
    cursor: Option<String>,
    is_up_to_date: bool,
    is_closed: bool,
}

/// What is asked for next.
struct Question {
    offset: String,
    cursor: Option<String>,
    /// Whether the server may wait for more.
    is_live: bool,
}

impl Follow for Feed {
    type At = At;

    const WHAT: &'static str = "a durable stream";

    fn start() -> At {
        At::start()
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
        let mut chapter = Chapter::again(at);
        let mut question = Question { offset: at.offset.clone(), cursor: None, is_live: false };
        let mut framing = None;
        loop {
            match self.round(&question, &mut chapter, &mut framing, at, queue, outage).await {
                Ok(next) => question = next,
                Err(end) => return end,
            }
        }
    }
}

impl Feed {
    fn error(&self, kind: Kind, what: impl Into<String>) -> SourceError {
        SourceError::new(kind, &self.name, what)
    }

    /// The error of a position that the stream does not have.
    fn misplaced(&self, kind: Kind, at: &At, what: impl Into<String>) -> End {
        End::Failed(self.error(kind, what).at(Place::Position(at.clone().into())))
    }

    /// Gets one answer, hands on its records, and returns what to ask next.
    async fn round(
        &self,
        question: &Question,
        chapter: &mut Chapter,
        framing: &mut Option<Framing>,
        at: &mut At,
        queue: &Queue<At>,
        outage: &mut Outage,
    ) -> Result<Question, End> {
        let mut response = match self.ask(question).await {
            Err(failure) => return Err(self.refused(failure, at)),
            Ok(response) => response,
        };
        let head = self.head(response.headers())?;
        if question.offset != BEGINNING && head.next.as_str() < question.offset.as_str() {
            if chapter.compares() {
                return Err(self.too_short(chapter, at));
            }
            // A server may show records a moment before it knows their end. What was read is compared again, and
            // that says whether they are gone.
            let what =
                format!("the server's end {:?} is before the offset {:?} that it gave", head.next, question.offset);
            return Err(Trouble::Lost(what).into());
        }
        outage.is_over();
        queue.cut_off(false);
        if response.status() != StatusCode::NO_CONTENT {
            let content_type = header(response.headers(), CONTENT_TYPE.as_str()).unwrap_or_default();
            let answered = Framing::of(content_type, self.record_bytes_max);
            let framing = framing.get_or_insert(answered);
            framing.begin();
            chapter.turn(&question.offset, framing);
            while let Some(piece) = http::piece(&mut response, ANSWER_TIME_MAX).await? {
                framing.add(&piece);
                self.hand_on(chapter, framing, at, queue).await?;
            }
            if !framing.may_end() {
                return Err(Trouble::Lost("the answer ended within its array".to_owned()).into());
            }
        }
        if (head.is_up_to_date || head.is_closed) && chapter.compares() {
            return Err(self.too_short(chapter, at));
        }
        if head.is_closed {
            let unfinished = framing.as_ref().map(|framing| Bytes::copy_from_slice(framing.unfinished()));
            return Err(End::Complete(unfinished.unwrap_or_default()));
        }
        // A server that says nothing and does not move on is asked to wait.
        let is_live = head.is_up_to_date || head.next == question.offset;
        Ok(Question { offset: head.next, cursor: head.cursor.filter(|_| is_live), is_live })
    }

    async fn ask(&self, question: &Question) -> Result<Response, Failure> {
        let mut url = self.shared.endpoint().url().clone();
        url.query_pairs_mut().append_pair("offset", &question.offset);
        if question.is_live {
            url.query_pairs_mut().append_pair("live", "long-poll");
        }
        if let Some(cursor) = &question.cursor {
            url.query_pairs_mut().append_pair("cursor", cursor);
        }
        let within = if question.is_live { POLL_TIME_MAX } else { ANSWER_TIME_MAX };
        checked(answer(self.shared.request(Method::GET, url), within).await?).await
    }

    fn head(&self, headers: &HeaderMap) -> Result<Head, End> {
        let text = |name| header(headers, name).map(|value| String::from_utf8_lossy(value).into_owned());
        let next = text("stream-next-offset").filter(|next| !next.is_empty());
        let Some(next) = next else {
            let what = "its answer has no Stream-Next-Offset: it is no durable stream";
            return Err(End::Failed(self.error(Kind::Open, what)));
        };
        if next.len() > OFFSET_BYTES_MAX {
            let what = format!("its offsets have {} bytes, more than {OFFSET_BYTES_MAX}", next.len());
            return Err(End::Failed(self.error(Kind::Unsupported, what)));
        }
        let is = |name| header(headers, name).is_some_and(|value| value.eq_ignore_ascii_case(b"true"));
        Ok(Head {
            next,
            cursor: text("stream-cursor"),
            is_up_to_date: is("stream-up-to-date"),
            is_closed: is("stream-closed"),
        })
    }

    /// Hands on the records that came.
    async fn hand_on(
        &self,
        chapter: &mut Chapter,
        framing: &mut Framing,
        at: &mut At,
        queue: &Queue<At>,
    ) -> Result<(), End> {
        let mut new = Vec::new();
        let mut end = None;
        loop {
            let (since, before) = chapter.counters();
            let payload = match framing.next(since, before) {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(failure) => {
                    end = Some(self.malformed(failure, at));
                    break;
                }
            };
            match chapter.judge() {
                Read::Again => {}
                Read::Other => {
                    let what = "what is before the position is not what was read: the stream was deleted and made \
                                again, or its server went back to a copy";
                    end = Some(self.misplaced(Kind::Replaced, at, what));
                    break;
                }
                Read::New(since) => {
                    *at = At { records: at.records + 1, since, offset: chapter.offset().to_owned() };
                    new.push(Waiting { payload: payload.into(), at: at.clone() });
                }
            }
            if new.len() >= BATCH_RECORDS {
                queue.add(std::mem::take(&mut new)).await;
            }
        }
        // What came before an error is handed on.
        if !new.is_empty() {
            queue.add(new).await;
        }
        end.map_or(Ok(()), Err)
    }

    fn malformed(&self, failure: NoElement, at: &At) -> End {
        let error = match failure {
            NoElement::TooLong => {
                self.error(Kind::TooLong, format!("it has more than {} bytes", self.record_bytes_max))
            }
            NoElement::Malformed(what) => self.error(Kind::Io, format!("the server sends broken JSON: {what}")),
        };
        End::Failed(error.at(Place::Record(at.records + 1)))
    }

    fn too_short(&self, chapter: &Chapter, at: &At) -> End {
        let records = at.records.saturating_sub(chapter.missing());
        let what = "the stream ends before the position: it was deleted and made again, or its server has lost records";
        self.misplaced(Kind::TooShort { records }, at, what)
    }

    fn refused(&self, failure: Failure, at: &At) -> End {
        match failure.answer.as_ref().map(|answer| answer.0) {
            Some(StatusCode::NOT_FOUND) => {
                End::Failed(self.error(Kind::Open, "there is no such stream (404 Not Found)"))
            }
            Some(StatusCode::GONE) => {
                let what = "the stream is deleted, or does not keep its records from here on any more (410 Gone)";
                self.misplaced(Kind::Replaced, at, what)
            }
            _ => failure.into(),
        }
    }
}
