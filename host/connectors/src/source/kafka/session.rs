//! One session: a client of the cluster, from its first question until the cluster is lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::Message as _;

use super::checks::behind;
use super::feed::{End, Feed};
use super::position::At;
use super::queue::{Message, Queue};
use crate::kafka::{Came, Consumer, Isolation, Trouble};
use crate::retry::Outage;

/// How many messages are handed on at a time.
const BATCH_MESSAGES: usize = 256;

/// How soon it is noticed that the reader is gone.
const IDLE: Duration = Duration::from_millis(100);

/// How long the cluster waits for a message before it answers that there is none.
const FETCH_WAIT: Duration = Duration::from_millis(500);

/// How often the cluster is asked where the partition ends, which shows that it is still there as well.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A client, and what came from it.
struct Session<'a> {
    feed: &'a Feed,
    consumer: &'a Consumer,
    cluster: Arc<str>,
    /// The place behind the message that was read in an earlier session, until it was compared.
    compared_with: Option<At>,
    looked: Instant,
}

impl Feed {
    /// Gets messages behind a place, which moves with them.
    pub(super) fn session(&self, at: &mut At, queue: &Queue, outage: &mut Outage) -> End {
        let consumer = match Consumer::new(&self.server, Isolation::Committed, FETCH_WAIT) {
            Ok(consumer) => consumer,
            Err(trouble) => return trouble.into(),
        };
        match self.begin(&consumer, at, queue) {
            Err(end) => end,
            Ok(mut session) => {
                outage.is_over();
                queue.cut_off(false);
                loop {
                    if let Err(end) = session.round(at, queue) {
                        return end;
                    }
                }
            }
        }
    }

    fn begin<'a>(&'a self, consumer: &'a Consumer, at: &At, queue: &Queue) -> Result<Session<'a>, End> {
        consumer.check(&self.topic)?;
        let cluster: Arc<str> = consumer.cluster().into();
        let ends = consumer.ends(&self.topic)?;
        let offset = self.first_offset(at, &cluster, ends)?;
        consumer.read_from(&self.topic, offset)?;
        queue.note_ends(ends);
        let compared_with = (at.next > 0).then(|| at.clone());
        Ok(Session { feed: self, consumer, cluster, compared_with, looked: Instant::now() })
    }
}

impl Session<'_> {
    /// Receives what is at hand, and hands it on.
    fn round(&mut self, at: &mut At, queue: &Queue) -> Result<(), End> {
        if queue.is_closed() {
            return Err(End::Closed);
        }
        let (mut messages, mut ended) = (Vec::new(), Ok(()));
        let mut wait = IDLE;
        while messages.len() < BATCH_MESSAGES && ended.is_ok() {
            match self.consumer.poll(wait) {
                Came::Message(message) => {
                    let behind = behind(&message, &self.cluster);
                    if let Some(last) = self.compared_with.take().filter(|last| behind.next <= last.next) {
                        ended = self.feed.check_last(&last, &behind);
                    } else {
                        *at = behind.clone();
                        messages.push(Message { payload: message.payload().unwrap_or_default().to_vec(), at: behind });
                    }
                    wait = Duration::ZERO;
                }
                Came::End => {}
                Came::Nothing => break,
                Came::OutOfRange => ended = Err(Trouble::Lost("the offset is out of range".to_owned()).into()),
                // The client gets over it by itself if the cluster can be reached in another way.
                Came::Trouble(Trouble::Lost(_)) => ended = self.look(at, queue),
                Came::Trouble(trouble) => ended = Err(trouble.into()),
            }
        }
        if !messages.is_empty() {
            // What came before an error is handed on, and the next session continues behind it.
            queue.add(messages);
        }
        ended?;
        if self.looked.elapsed() >= LOOK_EVERY { self.look(at, queue) } else { Ok(()) }
    }

    /// Asks the cluster where the partition ends.
    fn look(&mut self, at: &At, queue: &Queue) -> Result<(), End> {
        let ends = self.consumer.ends(&self.feed.topic)?;
        self.looked = Instant::now();
        self.feed.check_end(at, ends)?;
        queue.note_ends(ends);
        Ok(())
    }
}
