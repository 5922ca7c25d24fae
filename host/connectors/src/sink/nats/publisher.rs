//! The subject that records are published to.

use std::future::IntoFuture;
use std::pin::pin;
use std::sync::Arc;

use async_nats::header::{NATS_EXPECTED_LAST_MESSAGE_ID, NATS_MESSAGE_ID};
use async_nats::jetstream::context::{PublishAckFuture, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::RawMessageErrorKind;
use async_nats::jetstream::{self, Context};
use bytes::Bytes;

use super::recovery::{Last, Look, Standing, fenced};
use crate::nats::{Shared, nanoseconds};
use crate::retry::Outage;
use crate::sink::{SinkErrorKind as Kind, outbox};
use crate::trouble::Trouble;

/// How many messages are on their way at most.
const WINDOW_MAX: usize = 512;

/// How often a window may be refused without any progress, while the stream has other writers.
const ROUNDS_WITHOUT_PROGRESS_MAX: u32 = 100;

/// What the headers of a message take at most, beside its record.
pub(super) const HEADER_BYTES_MAX: usize = 512;

/// A subject of a stream.
#[derive(Debug, Clone)]
pub(super) struct Publisher {
    pub(super) shared: Arc<Shared>,
    pub(super) stream: String,
    pub(super) subject: String,
}

type Failure = outbox::Failure<Trouble>;

/// Why a window was not published as a whole.
enum Interruption {
    /// The stream is not as the message expected. It was not stored.
    Unexpected,
    /// It is not known whether it was stored.
    Unknown(Trouble),
    /// The server does not take it.
    Refused(Trouble),
}

/// The mark of a message: which sink it is from, and how many records are published with it.
fn mark(id: &str, number: u64) -> String {
    format!("alluvium-{id}-{number}")
}

fn read_mark(mark: &str) -> Option<(String, u64)> {
    let (id, number) = mark.strip_prefix("alluvium-")?.rsplit_once('-')?;
    Some((id.to_owned(), number.parse().ok()?))
}

impl Publisher {
    /// Looks at the last message, for as long as there is patience.
    pub(super) async fn look(&self) -> Result<Look, Trouble> {
        let mut outage = Outage::new(self.shared.server().retries());
        loop {
            let mut link = self.shared.link();
            let looked = tokio::select! {
                biased;
                trouble = link.lost() => Err(trouble),
                looked = self.look_once() => looked,
            };
            match looked {
                Err(trouble @ Trouble::Lost(_)) => tokio::time::sleep(outage.pause_after(trouble)?).await,
                looked => return looked,
            }
        }
    }

    async fn look_once(&self) -> Result<Look, Trouble> {
        let stream = self.shared.stream(&self.stream).await?;
        let info = stream.cached_info();
        let last = match stream.get_last_raw_message_by_subject(&self.subject).await {
            Ok(message) => {
                let mark = message.headers.get_last(NATS_MESSAGE_ID).and_then(|mark| read_mark(mark.as_str()));
                let sequence = message.sequence;
                mark.map_or(Last::Foreign { sequence }, |(id, number)| Last::Marked { id, number, sequence })
            }
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Last::None,
            Err(error) => return Err(Trouble::lost(&error)),
        };
        let of_stream = usize::try_from(info.config.max_message_size).ok().filter(|bytes| *bytes > 0);
        let of_server = self.shared.message_bytes_max().await;
        let message_bytes_max = of_stream.map_or(of_server, |bytes| bytes.min(of_server));
        Ok(Look { last, created: nanoseconds(info.created), end: info.state.last_sequence, message_bytes_max })
    }

    /// Publishes records, each once, and returns where the sink stands then. The standing before may be unknown.
    pub(super) async fn publish(
        &self,
        mut standing: Standing,
        mut is_sure: bool,
        first: u64,
        records: Vec<Bytes>,
    ) -> Result<Standing, Failure> {
        let end = first + records.len() as u64;
        let mut outage = Outage::new(self.shared.server().retries());
        let (mut window, mut idle_rounds) = (WINDOW_MAX, 0);
        loop {
            if !is_sure {
                standing = self.stand_again(standing, end).await?;
            }
            let at = standing.number.checked_sub(first).and_then(|published| usize::try_from(published).ok());
            let rest = at.and_then(|at| records.get(at..)).ok_or_else(|| lost(first, standing.number))?;
            if rest.is_empty() {
                return Ok(standing);
            }
            let before = standing.number;
            let sent = self.publish_window(&mut standing, &rest[..rest.len().min(window)]).await;
            idle_rounds = if standing.number > before { 0 } else { idle_rounds + 1 };
            is_sure = sent.is_ok();
            match sent {
                Ok(()) => {
                    window = (window * 2).min(WINDOW_MAX);
                    outage.is_over();
                }
                Err(Interruption::Refused(trouble)) => return Err(trouble.into()),
                Err(Interruption::Unknown(trouble)) => tokio::time::sleep(outage.pause_after(trouble)?).await,
                Err(Interruption::Unexpected) if idle_rounds > ROUNDS_WITHOUT_PROGRESS_MAX => {
                    return Err(Trouble::Lost("other writers of the stream leave no room".to_owned()).into());
                }
                // The smaller the window, the less others come between.
                Err(Interruption::Unexpected) => window = (window / 2).max(1),
            }
        }
    }

    /// Finds out where the sink stands, after messages of which it is not known whether they were stored.
    async fn stand_again(&self, standing: Standing, end: u64) -> Result<Standing, Failure> {
        let look = self.look().await?;
        let sequence = look.last.sequence();
        match look.last {
            Last::Marked { id, number, .. } if id == standing.id => {
                if number < standing.number {
                    return Err(lost(standing.number, number));
                }
                if number > end {
                    let what = "another process publishes the same output";
                    return Err(Failure::Refused((Kind::Fenced, what.to_owned())));
                }
                Ok(Standing { id, number, sequence })
            }
            // Nothing of this sink was stored since.
            last if last.sequence() == standing.sequence => Ok(standing),
            // Retention deleted the last message, and nothing came behind it.
            Last::None if look.end == standing.sequence => Ok(Standing { sequence: 0, ..standing }),
            Last::None => {
                let what = "no message of the subject is left, so it is not known which records were published";
                Err(Failure::Refused((Kind::Missing, what.to_owned())))
            }
            last => Err(Failure::Refused(fenced(&last))),
        }
    }

    /// Sends messages, each of which expects to follow the one before. The standing moves with those that were
    /// stored.
    async fn publish_window(&self, standing: &mut Standing, records: &[Bytes]) -> Result<(), Interruption> {
        let mut link = self.shared.link();
        let context = self.shared.jetstream().await.map_err(Interruption::Unknown)?;
        let mut lost = pin!(link.lost());
        let mut answers = Vec::with_capacity(records.len());
        let mut interrupted = None;
        for (number, record) in (standing.number..).zip(records) {
            match self.send(&context, standing, number, record).await {
                Ok(answer) => answers.push(answer),
                Err(error) => {
                    interrupted = Some(interruption(&error));
                    break;
                }
            }
        }
        let mut failed = None;
        for answer in answers {
            let answer = tokio::select! {
                biased;
                answer = answer.into_future() => answer.map_err(|error| interruption(&error)),
                trouble = &mut lost => Err(Interruption::Unknown(trouble)),
            };
            match answer {
                Ok(stored) if failed.is_none() => {
                    (standing.number, standing.sequence) = (standing.number + 1, stored.sequence);
                }
                Ok(_) => {}
                // No other answer will come.
                Err(unknown @ Interruption::Unknown(_)) => return Err(failed.unwrap_or(unknown)),
                Err(interruption) => failed = failed.or(Some(interruption)),
            }
        }
        failed.or(interrupted).map_or(Ok(()), Err)
    }

    /// Sends the message of the record behind `number` others.
    async fn send(
        &self,
        context: &Context,
        standing: &Standing,
        number: u64,
        record: &Bytes,
    ) -> Result<PublishAckFuture, PublishError> {
        let message = PublishMessage::build()
            .payload(record.clone())
            .expected_stream(&self.stream)
            .message_id(mark(&standing.id, number + 1));
        let message = if number == standing.number {
            // The fence: the last message of the subject is the one that this sink knows.
            message.expected_last_subject_sequence(standing.sequence)
        } else {
            // The sequence of the message before is not known yet, and guessing it would not do: if the message
            // before is refused, the guess of a later one may come true by chance.
            message.header(NATS_EXPECTED_LAST_MESSAGE_ID, mark(&standing.id, number))
        };
        context.send_publish(self.subject.clone(), message).await
    }
}

/// The server has fewer messages than it had acknowledged.
fn lost(published: u64, found: u64) -> Failure {
    let what = format!("{} records that the server had acknowledged are gone", published.saturating_sub(found));
    Failure::Refused((Kind::Missing, what))
}

fn interruption(error: &PublishError) -> Interruption {
    let answer = std::error::Error::source(error).and_then(|error| error.downcast_ref::<jetstream::Error>());
    match (error.kind(), answer) {
        (PublishErrorKind::WrongLastMessageId | PublishErrorKind::WrongLastSequence, _) => Interruption::Unexpected,
        (PublishErrorKind::MaxPayloadExceeded, _) => Interruption::Refused(Trouble::Refused(error.to_string())),
        (PublishErrorKind::Other, Some(answer)) => match Trouble::answered(answer) {
            trouble @ Trouble::Lost(_) => Interruption::Unknown(trouble),
            trouble @ Trouble::Refused(_) => Interruption::Refused(trouble),
        },
        _ => Interruption::Unknown(Trouble::lost(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_made() {
        assert_eq!(read_mark(&mark("0a-1b", 7)), Some(("0a-1b".to_owned(), 7)));
        for text in ["", "alluvium-7", "alluvium-a-", "other-a-7", "alluvium-a-7x"] {
            assert_eq!(read_mark(text), None, "{text:?}");
        }
    }
}
