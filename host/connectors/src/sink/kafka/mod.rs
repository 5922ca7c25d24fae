//! A sink that publishes records to a partition of a Kafka topic.
//!
//! # Why each record becomes visible once
//!
//! A transaction of Kafka cannot be prepared: only the process that began it can commit it, and the cluster aborts it
//! when that process has died. So a transaction is no place in which records could wait for the commit of their
//! checkpoint. They wait in a directory, and a transaction begins and ends within the publication.
//!
//! Three things hold then.
//!
//! - All of a publication is visible, or nothing of it, because it is one transaction. This holds for readers that
//!   read committed messages only (`isolation.level=read_committed`).
//! - Whether it was committed is known after a crash at any moment. Each message has a mark, in the header
//!   `alluvium`: a number that the run has drawn, and how many records are published with it. Recovery first takes the
//!   transactional id from whatever process had it. The cluster answers that when the transaction of that process is
//!   over, committed or aborted. Only then recovery reads the committed messages behind the offset at which the epoch
//!   began. The last mark says how many records are published, and the rest follows. What other producers write to
//!   the partition is passed over. A transaction of theirs that is open is waited for, because it hides what is
//!   behind it.
//! - No other process of the same sink can publish between that look and the next publication: the cluster refuses
//!   the process that had the transactional id before. That is the fence. Only recovery takes the id. After a lost
//!   connection, the process ends its transaction with the id that it has, and looks again then. If the id was taken
//!   meanwhile, that fails.
//!
//! The marks could be in the offsets of a group instead, which a transaction can commit as well
//! (`send_offsets_to_transaction`). That was not chosen: offsets of a group without members are deleted after some
//! days, as would be the only proof of what a quiet stream has published.
//!
//! Marks are deleted by the retention of the topic. So the directory has a note too, of how many records are
//! published. It is written after the commit. If the process died between the two, and retention has deleted the
//! messages before the next one recovers, it is not known what was published, and recovery says so.

mod header;
mod look;
mod mark;
mod output;
mod partition;
mod producer;
mod recovery;

use std::path::{Path, PathBuf};

use self::output::Output;
use self::partition::Partition;
use super::outbox::{Outbox, sink_over_outbox};
use super::waiting::Waiting;
use super::{SinkError, SinkErrorKind as Kind};
use crate::address::AddressError;
use crate::kafka::{self, KafkaServer, Topic};

/// A sink that publishes each record as a message to one partition of a Kafka topic, exactly once.
///
/// What is not published waits in a directory of this machine, beside the checkpoints. A checkpoint needs no
/// cluster then, and what waits is as durable as the state whose checkpoint holds the token. The directory belongs
/// to this sink alone.
///
/// What a checkpoint stands for is published in one transaction. Readers that read committed messages only
/// (`isolation.level=read_committed`) see all of it or nothing.
///
/// The transactional id is `alluvium-TOPIC-PARTITION`, unless another is [set](Self::transactional_id). It is the
/// fence: a process that recovers takes it from the process that had it, and that gets the error
/// [`Fenced`](super::SinkErrorKind::Fenced) when it publishes again. So two sinks with the same partition need two
/// ids. Producers with other ids may write to the partition meanwhile, and messages that are there when a new run
/// begins are left alone.
///
/// ```no_run
/// use alluvium_connectors::sink::{KafkaSink, Sink};
/// use alluvium_connectors::{Batch, KafkaServer};
///
/// let mut sink = KafkaSink::new(KafkaServer::new("kafka.example", 9092), "alerts", "state/alerts")?;
/// sink.recover(&[])?;                             // the tokens of the recovered checkpoint
/// sink.write(&Batch::of_raw([&br#"{"late":90}"#[..]]))?;
/// let token = sink.prepare()?;                   // durable in the directory
/// // … the checkpoint that holds the token is committed …
/// sink.publish(&token)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct KafkaSink(Outbox<Output>);

impl KafkaSink {
    /// Returns the sink over the first partition of a topic, which must be there. Records wait in the directory.
    /// Nothing is connected yet. A name that cannot be one of a topic is refused.
    pub fn new(server: KafkaServer, topic: &str, directory: impl Into<PathBuf>) -> Result<Self, SinkError> {
        Self::waiting(server, topic, Waiting::in_directory(directory.into()))
    }

    fn waiting(server: KafkaServer, topic: &str, waiting: Waiting) -> Result<Self, SinkError> {
        kafka::check_topic(topic).map_err(|what| SinkError::new(Kind::Open, topic, what))?;
        let topic = Topic { name: topic.to_owned(), partition: 0 };
        let partition = Partition::new(server, topic.clone(), id_of(&topic));
        Ok(Self(Outbox::new(topic.to_string(), Output::in_partition(partition), waiting)))
    }

    /// Publishes to this partition instead of the first. A negative number counts as that of the first.
    #[must_use]
    pub fn partition(mut self, partition: i32) -> Self {
        let target = &mut self.0.target.partition;
        let topic = Topic { name: target.topic.name.clone(), partition: partition.max(0) };
        if target.transactional_id == id_of(&target.topic) {
            target.transactional_id = id_of(&topic);
        }
        self.0.name = topic.to_string();
        target.topic = topic;
        self
    }

    /// Sets the transactional id.
    #[must_use]
    pub fn transactional_id(mut self, id: impl Into<String>) -> Self {
        self.0.target.partition.transactional_id = id.into();
        self
    }

    /// Returns the sink that an address `kafka://HOST:PORT[,HOST:PORT]/TOPIC?waiting=DIRECTORY` stands for. The other
    /// options are `partition`, `transactional-id` and `retry-for`.
    pub fn from_url(address: &str) -> Result<Self, AddressError> {
        Self::at(address, true)
    }

    /// Returns the sink at an address, which may have to say where records wait.
    pub(super) fn at(address: &str, names_place: bool) -> Result<Self, AddressError> {
        let (server, mut address) = KafkaServer::take_from(address)?;
        let waiting = Waiting::take_from(&mut address, names_place)?;
        let partition = address.take_parsed("partition", "the number of a partition")?.unwrap_or(0);
        if partition < 0 {
            return Err(address.error("partition", "partitions are counted from zero"));
        }
        let id = address.take("transactional-id")?;
        if id.as_ref().is_some_and(String::is_empty) {
            return Err(address.error("transactional-id", "it is empty"));
        }
        let topic = address.name()?;
        kafka::check_topic(&topic).map_err(|what| address.error("path", what))?;
        let shown = address.shown();
        address.finish()?;
        let sink = Self::waiting(server, &topic, waiting)
            .map_err(|error| AddressError::new(shown, "address", error.what()))?
            .partition(partition);
        Ok(match id {
            Some(id) => sink.transactional_id(id),
            None => sink,
        })
    }

    /// Returns the directory of this machine in which records wait, if they do.
    pub fn directory(&self) -> Option<&Path> {
        self.0.directory()
    }
}

/// The transactional id of a sink that was given none.
fn id_of(topic: &Topic) -> String {
    format!("alluvium-{}-{}", topic.name, topic.partition)
}

sink_over_outbox!(KafkaSink);
