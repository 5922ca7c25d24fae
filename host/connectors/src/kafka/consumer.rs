//! A client that reads.

use std::time::Duration;

use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::BorrowedMessage;

use super::{KafkaServer, Topic, Trouble, Watch};

/// What a reader sees of transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// Messages of transactions that were committed, and only up to the first that is open.
    Committed,
    /// Everything.
    Uncommitted,
}

/// A client that reads partitions of topics. It belongs to no group: it is in charge of its position.
pub(crate) struct Consumer {
    /// There until it is dropped.
    client: Option<BaseConsumer<Watch>>,
    watch: Watch,
    answer_time: Duration,
}

/// What a poll came to.
pub(crate) enum Came<'a> {
    Message(BorrowedMessage<'a>),
    /// The end of what may be read, for now.
    End,
    Nothing,
    Trouble(Trouble),
    /// The partition has no message at the offset any more, or not yet.
    OutOfRange,
}

/// How many events of a client are looked at after a failure.
const EVENTS_MAX: usize = 64;

/// How many KiB of messages are fetched ahead.
const AHEAD_KIB_MAX: &str = "8192";

impl Consumer {
    /// Returns a client. It connects by itself. When there is no message, the cluster waits so long for one before it
    /// says so.
    pub(crate) fn new(server: &KafkaServer, isolation: Isolation, patience: Duration) -> Result<Self, Trouble> {
        let watch = Watch::default();
        let isolation = match isolation {
            Isolation::Committed => "read_committed",
            Isolation::Uncommitted => "read_uncommitted",
        };
        let mut config = server.config();
        config
            // The library asks for the name of a group, also of a client that joins none.
            .set("group.id", "alluvium")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("allow.auto.create.topics", "false")
            .set("auto.offset.reset", "error")
            .set("enable.partition.eof", "true")
            .set("isolation.level", isolation)
            .set("queued.max.messages.kbytes", AHEAD_KIB_MAX)
            .set("fetch.wait.max.ms", patience.as_millis().to_string())
            .set("fetch.queue.backoff.ms", "20")
            .set("fetch.error.backoff.ms", "100");
        let client = config.create_with_context(watch.clone()).map_err(|error| watch.trouble(&error))?;
        Ok(Self { client: Some(client), watch, answer_time: server.answer_time() })
    }

    /// Why something failed. What the client has to say about it waits until it is asked. Messages that come
    /// meanwhile are dropped: after a trouble, reading begins again.
    fn trouble(&self, error: &KafkaError) -> Trouble {
        for _ in 0..EVENTS_MAX {
            drop(self.client().poll(Duration::ZERO));
        }
        self.watch.trouble(error)
    }

    fn client(&self) -> &BaseConsumer<Watch> {
        self.client.as_ref().expect("a client until the end")
    }

    /// Returns how many partitions a topic has.
    pub(crate) fn partitions(&self, topic: &str) -> Result<i32, Trouble> {
        let metadata = self.client().fetch_metadata(Some(topic), self.answer_time);
        let metadata = metadata.map_err(|error| self.trouble(&error))?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let missing = || Trouble::Refused(format!("there is no topic {topic}"));
        let found = found.ok_or_else(missing)?;
        match found.error().map(Code::from) {
            None => i32::try_from(found.partitions().len()).map_err(|error| Trouble::Refused(error.to_string())),
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => Err(missing()),
            Some(code) => Err(Trouble::of_code(code, code.to_string())),
        }
    }

    /// Refuses a partition that the topic does not have.
    pub(crate) fn check(&self, topic: &Topic) -> Result<(), Trouble> {
        let count = self.partitions(&topic.name)?;
        if topic.partition < count {
            return Ok(());
        }
        Err(Trouble::Refused(format!("the topic has {count} partitions, and no partition {}", topic.partition)))
    }

    /// Returns what the cluster calls itself, in one word. It is known once the cluster was asked something.
    pub(crate) fn cluster(&self) -> String {
        let id = self.client().client().fetch_cluster_id(self.answer_time);
        let is_word = |id: &String| !id.is_empty() && id.len() <= 255 && id.bytes().all(|byte| byte.is_ascii_graphic());
        id.filter(is_word).unwrap_or_else(|| "-".to_owned())
    }

    /// Returns the offset of the first message and the one behind the last that may be read.
    pub(crate) fn ends(&self, topic: &Topic) -> Result<(u64, u64), Trouble> {
        let ends = self.client().fetch_watermarks(&topic.name, topic.partition, self.answer_time);
        let (first, end) = ends.map_err(|error| self.trouble(&error))?;
        let known = |offset: i64| u64::try_from(offset).map_err(|_| Trouble::Lost("it has no offsets yet".to_owned()));
        Ok((known(first)?, known(end)?))
    }

    /// Begins to read at an offset.
    pub(crate) fn read_from(&self, topic: &Topic, offset: u64) -> Result<(), Trouble> {
        let offset = i64::try_from(offset).map_err(|error| Trouble::Refused(error.to_string()))?;
        let mut list = TopicPartitionList::new();
        let added = list.add_partition_offset(&topic.name, topic.partition, Offset::Offset(offset));
        added.and_then(|()| self.client().assign(&list)).map_err(|error| self.trouble(&error))
    }

    /// Waits for what comes next.
    pub(crate) fn poll(&self, wait: Duration) -> Came<'_> {
        match self.client().poll(wait) {
            None => Came::Nothing,
            Some(Ok(message)) => Came::Message(message),
            Some(Err(KafkaError::PartitionEOF(_))) => Came::End,
            Some(Err(error)) => match error.rdkafka_error_code() {
                Some(Code::AutoOffsetReset | Code::OffsetOutOfRange | Code::LogTruncation) => Came::OutOfRange,
                _ => Came::Trouble(self.watch.trouble(&error)),
            },
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // Closing waits for the client's threads, and nothing depends on its end.
        let client = self.client.take();
        let _ = std::thread::Builder::new().name("alluvium-kafka".to_owned()).spawn(move || drop(client));
    }
}
