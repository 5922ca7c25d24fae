//! One session: a consumer on the server, from its creation until it or the connection is lost.

use std::time::{Duration, Instant};

use async_nats::jetstream;
use async_nats::jetstream::consumer::pull::{Config, MessagesError, Stream as Messages};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer};
use async_nats::jetstream::stream::{ConsumerErrorKind as Error, Info, Stream};
use futures_util::{FutureExt, StreamExt};

use super::feed::{End, Feed};
use super::position::{At, Seen};
use crate::nats::{Link, nanoseconds};
use crate::retry::Outage;
use crate::source::queue::{Queue, Waiting};
use crate::trouble::Trouble;

/// How many messages are asked for at a time.
const MESSAGES_AT_A_TIME: usize = 1_000;

/// How many messages are checked and handed on at a time.
const BATCH_MESSAGES: usize = 256;

/// How often the server says that it is there while no messages come.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// How long no message comes before it is asked whether there is none.
const IDLE: Duration = Duration::from_secs(3);

/// How many times messages may be on their way when it is asked.
const ROUNDS_BEHIND_MAX: u32 = 3;

/// For how long it is known that no message was deleted unread, after all of them had been read.
const CAUGHT_UP: Duration = Duration::from_secs(1);

/// How far a feed is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    /// The last message.
    pub(super) at: At,
    /// Every message of the subject up to this sequence was received. It is that of the last message, or of a
    /// later one with another subject.
    pub(super) complete: u64,
}

/// What one round of a session received.
struct Round {
    messages: Vec<Waiting<Seen>>,
    /// Where the feed is when they are handed on.
    cursor: Cursor,
    /// Where messages are missing for the first time.
    gap: Option<Gap>,
}

struct Gap {
    /// How many messages of the round are before it.
    messages: usize,
    before: Cursor,
    /// The sequence of the message behind it.
    next: u64,
}

/// What a consumer hands out.
type Received = Option<Result<jetstream::Message, MessagesError>>;

/// A consumer, and what came from it.
struct Session<'a> {
    feed: &'a Feed,
    stream: Stream,
    consumer: PullConsumer,
    messages: Messages,
    link: Link,
    created: u64,
    /// How many messages the consumer has sent.
    delivered: u64,
    /// How many times in a row nothing came although the server had sent messages, or had some.
    rounds_behind: u32,
    /// Since when nothing waits on the server, as far as is known.
    caught_up: Option<Instant>,
}

impl Feed {
    /// Gets messages behind the cursor, which moves with them.
    pub(super) async fn session(&self, cursor: &mut Cursor, queue: &Queue<Seen>, outage: &mut Outage) -> End {
        let mut link = self.shared.link();
        let begun = tokio::select! {
            biased;
            trouble = link.lost() => Err(trouble.into()),
            begun = self.begin(*cursor, queue, self.shared.link()) => begun,
        };
        match begun {
            Err(end) => end,
            Ok(mut session) => {
                outage.is_over();
                queue.cut_off(false);
                loop {
                    if let Err(end) = session.round(cursor, queue).await {
                        return end;
                    }
                }
            }
        }
    }

    async fn begin(&self, cursor: Cursor, queue: &Queue<Seen>, link: Link) -> Result<Session<'_>, End> {
        let stream = self.shared.stream(&self.stream).await?;
        self.check_retention(stream.cached_info())?;
        let consumer = self.consumer(&stream, cursor).await?;
        // The consumer belongs to one stream, and only what is asked after its creation is about that stream.
        let info = info(&stream).await?;
        self.check_position(&stream, &info, cursor.at).await?;
        self.check_gap(&info, cursor, None)?;
        let pending = consumer.cached_info().num_pending;
        queue.note_pending(pending);
        let messages = self.messages(&consumer).await?;
        let caught_up = (pending == 0).then(Instant::now);
        let created = nanoseconds(info.created);
        Ok(Session { feed: self, stream, consumer, messages, link, created, delivered: 0, rounds_behind: 0, caught_up })
    }
}

impl Session<'_> {
    /// Receives what is at hand, at least one message, and hands it on.
    async fn round(&mut self, cursor: &mut Cursor, queue: &Queue<Seen>) -> Result<(), End> {
        // What was on the way when the connection was lost does not come again by itself, and if nothing follows,
        // nothing would show that it is missing.
        let first = tokio::select! {
            biased;
            trouble = self.link.lost() => return Err(trouble.into()),
            first = tokio::time::timeout(IDLE, self.messages.next()) => first,
        };
        let Ok(first) = first else { return self.look_around(cursor).await };
        let was_caught_up = self.caught_up.is_some_and(|since| since.elapsed() < CAUGHT_UP);
        let mut round = Round { messages: Vec::new(), cursor: *cursor, gap: None };
        let mut end = None;
        let mut next = Some(first);
        while let Some(received) = next {
            if let Err(failure) = self.receive(received, &mut round) {
                end = Some(failure);
                break;
            }
            let has_room = round.messages.len() < BATCH_MESSAGES;
            next = if has_room { self.messages.next().now_or_never() } else { None };
        }
        // Messages of other subjects are passed over without an answer of the server, unless nothing else is in the stream.
        let may_be_lost = |_: &Gap| self.feed.subject.is_empty() || !was_caught_up;
        if let Some(gap) = round.gap.take().filter(may_be_lost)
            && let Err(failure) = self.check_gap(&gap).await
        {
            round.messages.truncate(gap.messages);
            round.cursor = gap.before;
            end = Some(failure);
        }
        let is_caught_up = round.messages.last().is_some_and(|message| message.at.pending == 0);
        self.caught_up = is_caught_up.then(Instant::now);
        // What came before an error is handed on, and the next session continues behind it.
        *cursor = round.cursor;
        queue.add(round.messages).await;
        end.map_or(Ok(()), Err)
    }

    async fn check_gap(&self, gap: &Gap) -> Result<(), End> {
        self.feed.check_gap(&info(&self.stream).await?, gap.before, Some(gap.next))
    }

    fn receive(&mut self, received: Received, round: &mut Round) -> Result<(), End> {
        let received = received.ok_or_else(|| Trouble::Lost("the consumer has ended".to_owned()))?;
        let received = received.map_err(|error| Trouble::lost(&error))?;
        let info = received.info().map_err(|error| Trouble::Refused(error.to_string()))?;
        let (cursor, sequence) = (round.cursor, info.stream_sequence);
        if info.consumer_sequence != self.delivered + 1 || sequence <= cursor.at.sequence {
            return Err(Trouble::Lost("messages were lost on the way".to_owned()).into());
        }
        (self.delivered, self.rounds_behind) = (info.consumer_sequence, 0);
        if round.gap.is_none() && sequence > cursor.complete + 1 {
            round.gap = Some(Gap { messages: round.messages.len(), before: cursor, next: sequence });
        }
        let at = At { sequence, created: self.created, stored: nanoseconds(info.published) };
        round.cursor = Cursor { at, complete: sequence };
        round.messages.push(Waiting { payload: received.payload.clone(), at: Seen { at, pending: info.pending } });
        Ok(())
    }

    /// Finds out that every message of the subject was received, up to the end of the stream. Otherwise a
    /// subject at rest would seem to have lost messages when the stream deletes those of others.
    async fn look_around(&mut self, cursor: &mut Cursor) -> Result<(), End> {
        let stream = info(&self.stream).await?;
        let end = stream.state.last_sequence;
        let consumer = self.consumer.get_info().await.map_err(|error| Trouble::lost(&error))?;
        if consumer.num_pending == 0 && consumer.delivered.consumer_sequence == self.delivered {
            if self.feed.subject.is_empty() {
                // All that is missing in the whole stream was deleted before it came.
                self.feed.check_gap(&stream, *cursor, None)?;
            }
            cursor.complete = cursor.complete.max(end);
            self.rounds_behind = 0;
            return Ok(());
        }
        self.rounds_behind += 1;
        if self.rounds_behind < ROUNDS_BEHIND_MAX {
            return Ok(());
        }
        Err(Trouble::Lost("messages were lost on the way".to_owned()).into())
    }
}

async fn info(stream: &Stream) -> Result<Info, End> {
    stream.get_info().await.map_err(|error| Trouble::lost(&error).into())
}

impl Feed {
    /// Creates a consumer that the server forgets when this reader is gone.
    async fn consumer(&self, stream: &Stream, cursor: Cursor) -> Result<PullConsumer, End> {
        let config = Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.first(cursor.at.sequence) },
            ack_policy: AckPolicy::None,
            filter_subject: self.subject.clone(),
            inactive_threshold: Duration::from_mins(1),
            memory_storage: true,
            num_replicas: 1,
            ..Config::default()
        };
        stream.create_consumer(config).await.map_err(|error| match error.kind() {
            Error::JetStream(answer) => Trouble::answered(&answer).into(),
            Error::TimedOut | Error::Request | Error::Other => Trouble::lost(&error).into(),
            Error::InvalidConsumerType | Error::InvalidName => Trouble::Refused(error.to_string()).into(),
        })
    }

    async fn messages(&self, consumer: &PullConsumer) -> Result<Messages, End> {
        let messages = consumer
            .stream()
            .max_messages_per_batch(MESSAGES_AT_A_TIME)
            .expires(Duration::from_secs(30))
            .heartbeat(HEARTBEAT)
            .messages();
        messages.await.map_err(|error| Trouble::lost(&error).into())
    }
}
