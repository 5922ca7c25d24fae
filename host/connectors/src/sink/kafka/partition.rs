//! The partition that records are published to.

use std::fmt;

use super::look::look;
use super::producer::Producer;
use super::recovery::Look;
use crate::kafka::{KafkaServer, Topic, Trouble};
use crate::retry::Outage;
use crate::sink::{SinkErrorKind as Kind, outbox};

/// A partition of a topic.
pub(super) struct Partition {
    pub(super) server: KafkaServer,
    pub(super) topic: Topic,
    pub(super) transactional_id: String,
    /// There from recovery on. Only recovery takes the id: a process that lost it was replaced.
    producer: Option<Producer>,
}

/// Where a sink stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) id: String,
    /// How many of its records are published.
    pub(super) number: u64,
    pub(super) cluster: String,
    /// An offset behind all of them.
    pub(super) base: u64,
}

type Failure = outbox::Failure<Trouble>;

impl Partition {
    pub(super) fn new(server: KafkaServer, topic: Topic, transactional_id: String) -> Self {
        Self { server, topic, transactional_id, producer: None }
    }

    /// Takes the transactional id, so that no other producer with it can publish any more, and looks at the
    /// partition then: what another process has published is there, and nothing of it can follow.
    pub(super) fn take(&mut self, sink: Option<(&str, u64)>) -> Result<Look, Trouble> {
        let mut outage = Outage::new(self.server.retries());
        loop {
            match self.take_once(sink) {
                Err(trouble @ Trouble::Lost(_)) => std::thread::sleep(outage.pause_after(trouble)?),
                taken => return taken,
            }
        }
    }

    fn take_once(&mut self, sink: Option<(&str, u64)>) -> Result<Look, Trouble> {
        // What is left of an earlier one is over before the next begins.
        self.producer = None;
        let producer = Producer::take(&self.server, &self.topic, &self.transactional_id)?;
        let look = look(&self.server, &self.topic, sink)?;
        self.producer = Some(producer);
        Ok(look)
    }

    /// Publishes records, each once. The standing moves with them; before, it may be unknown.
    pub(super) fn publish(
        &mut self,
        standing: &mut Standing,
        mut is_sure: bool,
        first: u64,
        records: &[&[u8]],
    ) -> Result<(), Failure> {
        let mut outage = Outage::new(self.server.retries());
        loop {
            match self.publish_once(standing, is_sure, first, records) {
                Err(Failure::Trouble(trouble @ Trouble::Lost(_))) => std::thread::sleep(outage.pause_after(trouble)?),
                done => {
                    if done.is_err() {
                        // Otherwise readers of the partition would wait until the cluster aborts what is open.
                        let _ = self.producer.as_mut().map(Producer::settle);
                    }
                    return done;
                }
            }
            is_sure = false;
        }
    }

    fn publish_once(
        &mut self,
        standing: &mut Standing,
        is_sure: bool,
        first: u64,
        records: &[&[u8]],
    ) -> Result<(), Failure> {
        let end = first + records.len() as u64;
        if !is_sure {
            self.stand_again(standing, end)?;
        }
        let at = standing.number.checked_sub(first).and_then(|published| usize::try_from(published).ok());
        let rest = at.and_then(|at| records.get(at..)).ok_or_else(|| lost(first, standing.number))?;
        if rest.is_empty() {
            return Ok(());
        }
        let topic = self.topic.clone();
        let base = self.producer()?.publish(&topic, &standing.id, standing.number, rest)?;
        (standing.number, standing.base) = (end, standing.base.max(base));
        Ok(())
    }

    fn producer(&mut self) -> Result<&mut Producer, Trouble> {
        self.producer.as_mut().ok_or_else(|| Trouble::Refused("the transactional id was not taken".to_owned()))
    }

    /// Finds out where the sink stands, after a transaction of which it is not known whether it was committed.
    fn stand_again(&mut self, standing: &mut Standing, end: u64) -> Result<(), Failure> {
        self.producer()?.settle()?;
        let look = look(&self.server, &self.topic, Some((&standing.id, standing.base)))?;
        let number = look.number.unwrap_or(standing.number);
        let refused = |kind, what: &str| Err(Failure::Refused((kind, what.to_owned())));
        if look.cluster != standing.cluster || look.end < standing.base || number < standing.number {
            return Err(lost(standing.number, number.min(standing.number)));
        }
        if look.number.is_none() && look.first > standing.base {
            return refused(
                Kind::Missing,
                "the topic has deleted messages meanwhile, so it is not known which records were published",
            );
        }
        if number > end {
            return refused(Kind::Fenced, "another process publishes the same output");
        }
        (standing.number, standing.base) = (number, look.end);
        Ok(())
    }
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partition")
            .field("server", &self.server)
            .field("topic", &self.topic)
            .field("transactional_id", &self.transactional_id)
            .finish_non_exhaustive()
    }
}

/// The partition is not the one that records were published to, or has fewer than it had acknowledged.
fn lost(published: u64, found: u64) -> Failure {
    let what = match published.saturating_sub(found) {
        0 => "the topic is not the one that records were published to, or its cluster has lost messages".to_owned(),
        lost => format!("{lost} records that the cluster had acknowledged are gone"),
    };
    Failure::Refused((Kind::Missing, what))
}
