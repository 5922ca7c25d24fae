//! The messages of a Kafka topic.

mod checks;
mod feed;
mod position;
mod queue;
mod reader;
mod session;

use std::time::Duration;

use self::feed::Feed;
use self::reader::KafkaReader;
use super::gaps::{self, Gaps};
use super::{Identity, Partition, Reader, Source, SourceError, SourceErrorKind as Kind};
use crate::address::{Address, AddressError};
use crate::kafka::{self, Consumer, Isolation, KafkaServer, Topic, Trouble};
use crate::retry::Outage;

/// A source of the messages of a Kafka topic. The value of each message is a raw record.
///
/// Keys and headers are not handed out. A message without a value, as compacted topics have for deletions, is an
/// empty record. Of transactions, only those that were committed are read.
///
/// Each partition of the topic is a partition of the source, with its number as its name. A partition that is
/// added to the topic is found by the next call of [`partitions`](Source::partitions), and read from its first
/// message.
///
/// A position is an offset, with the cluster, the time of the message before it and a checksum of that message. So
/// another cluster is refused, and so is a topic that was deleted and created again or that has lost messages and
/// then got others. Messages that retention deleted before they were read are an error. Nothing is committed to a
/// group: the checkpoint alone holds the position.
///
/// Each reader has connections of its own.
///
/// ```no_run
/// use std::time::{Duration, Instant};
///
/// use alluvium_connectors::source::{KafkaOptions, KafkaSource, Source};
/// use alluvium_connectors::{Batch, KafkaServer};
///
/// let mut source = KafkaSource::new(KafkaServer::new("kafka.example", 9092), "orders", KafkaOptions::default())?;
/// for partition in source.partitions()? {
///     let mut reader = source.open(&partition)?;
///     let mut batch = Batch::new(1_000, 1 << 20);
///     reader.poll(&mut batch, Instant::now() + Duration::from_secs(1))?;
///     println!("{}: {} messages, and the next are after {}", partition.name(), batch.count(), reader.position());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct KafkaSource {
    identity: Identity,
    server: KafkaServer,
    options: KafkaOptions,
}

/// What is read of a topic.
///
/// ```
/// use alluvium_connectors::source::{Gaps, KafkaOptions};
///
/// assert_ne!(KafkaOptions::default().gaps(Gaps::Skip), KafkaOptions::default());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KafkaOptions {
    gaps: Gaps,
}

impl Default for KafkaOptions {
    /// Returns no gaps.
    fn default() -> Self {
        Self { gaps: Gaps::Refuse }
    }
}

impl KafkaOptions {
    /// Sets what follows when messages were deleted before they were read.
    #[must_use]
    pub fn gaps(self, gaps: Gaps) -> Self {
        Self { gaps }
    }
}

impl KafkaSource {
    /// Returns the source over a topic. Nothing is connected yet. A name that cannot be one of a topic is refused.
    pub fn new(server: KafkaServer, topic: &str, options: KafkaOptions) -> Result<Self, SourceError> {
        kafka::check_topic(topic).map_err(|what| SourceError::new(Kind::Open, topic, what))?;
        Ok(Self { identity: Identity::new("kafka", topic), server, options })
    }

    /// Returns the source that an address `kafka://HOST:PORT[,HOST:PORT]/TOPIC` stands for, with the options `gaps`
    /// and `retry-for`.
    pub fn from_url(address: &str) -> Result<Self, AddressError> {
        let (server, mut address) = KafkaServer::take_from(address)?;
        let mut options = KafkaOptions::default();
        options.gaps = address.take_word("gaps", &gaps::WORDS)?.unwrap_or(options.gaps);
        let topic = topic_of(&address)?;
        address.finish()?;
        Ok(Self { identity: Identity::new("kafka", topic), server, options })
    }

    fn troubled(&self, trouble: &Trouble) -> SourceError {
        troubled(&self.server, self.identity.name(), trouble)
    }

    fn partition_count(&self) -> Result<i32, Trouble> {
        Consumer::new(&self.server, Isolation::Committed, Duration::ZERO)?.partitions(self.identity.name())
    }
}

fn topic_of(address: &Address) -> Result<String, AddressError> {
    let topic = address.name()?;
    kafka::check_topic(&topic).map_err(|what| address.error("path", what))?;
    Ok(topic)
}

/// The error of a trouble with a cluster.
fn troubled(server: &KafkaServer, name: &str, trouble: &Trouble) -> SourceError {
    let what = format!("{server}: {}", trouble.what());
    match trouble.as_io() {
        Some(error) => SourceError::io(Kind::Io, name, error).says(what),
        None => SourceError::new(Kind::Open, name, what),
    }
}

impl Source for KafkaSource {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn partitions(&mut self) -> Result<Vec<Partition>, SourceError> {
        let mut outage = Outage::new(self.server.retries());
        let count = loop {
            match self.partition_count() {
                Ok(count) => break count,
                Err(trouble @ Trouble::Lost(_)) => {
                    let pause = outage.pause_after(trouble).map_err(|trouble| self.troubled(&trouble))?;
                    std::thread::sleep(pause);
                }
                Err(trouble) => return Err(self.troubled(&trouble)),
            }
        };
        let named = |number: i32| {
            let refused = |error: super::PartitionNameTooLong| self.troubled(&Trouble::Refused(error.to_string()));
            Partition::new(number.to_string()).map_err(refused)
        };
        (0..count).map(named).collect()
    }

    fn open(&mut self, partition: &Partition) -> Result<Box<dyn Reader>, SourceError> {
        let name = self.identity.name();
        let number = partition.name().parse().ok().filter(|number: &i32| {
            // One partition has one name.
            *number >= 0 && number.to_string() == partition.name()
        });
        let Some(number) = number else {
            let what = format!("has no partition {:?}", partition.name());
            return Err(SourceError::new(Kind::Open, name, what));
        };
        let topic = Topic { name: name.to_owned(), partition: number };
        Ok(Box::new(KafkaReader::new(Feed { server: self.server.clone(), topic, gaps: self.options.gaps })))
    }
}
