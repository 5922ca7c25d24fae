//! A cluster in a process of its own, which can be cut off.

use std::cell::OnceCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use alluvium_connectors::KafkaServer;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use alluvium_test_servers::example;

/// How long something may take, on a machine that does other things.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Cluster {
    process: Child,
    answers: BufReader<ChildStdout>,
    address: String,
    /// Publishes for the tests, from the first time on.
    producer: OnceCell<BaseProducer>,
}

impl Cluster {
    /// Starts a cluster of one broker on a free port of this machine.
    pub(crate) fn start() -> Self {
        let program = example::path("kafka_cluster");
        let mut command = Command::new(&program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap_or_else(|error| {
            panic!("{} ({error}): cargo build -p alluvium-connectors --features kafka --examples", program.display())
        });
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let mut address = String::new();
        answers.read_line(&mut address).unwrap();
        Self { process, answers, address: address.trim().to_owned(), producer: OnceCell::new() }
    }

    /// Starts a cluster with topics of one partition.
    pub(crate) fn with_topics(names: &[&str]) -> Self {
        let mut cluster = Self::start();
        for name in names {
            cluster.create(name, 1);
        }
        cluster
    }

    fn command(&mut self, command: &str) {
        writeln!(self.process.stdin.as_mut().unwrap(), "{command}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert_eq!(answer.trim(), "ok", "{command}");
    }

    pub(crate) fn create(&mut self, topic: &str, partitions: usize) {
        self.command(&format!("topic {topic} {partitions}"));
    }

    /// Cuts all connections, and refuses others.
    pub(crate) fn down(&mut self) {
        self.command("down");
    }

    pub(crate) fn up(&mut self) {
        self.command("up");
    }

    /// Cuts the connection instead of an answer to each of the next requests of a kind.
    pub(crate) fn cut(&mut self, kind: &str, count: usize) {
        self.command(&format!("cut {kind} {count}"));
    }

    /// Answers the next requests of a kind as if another producer had taken the transactional id.
    pub(crate) fn fence(&mut self, kind: &str, count: usize) {
        self.command(&format!("fence {kind} {count}"));
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Where it is, for a source or a sink.
    pub(crate) fn server(&self) -> KafkaServer {
        let (host, port) = self.address.split_once(':').unwrap();
        KafkaServer::new(host, port.parse().unwrap())
    }

    fn config(&self) -> ClientConfig {
        ClientConfig::new().set("bootstrap.servers", &self.address).clone()
    }

    /// Publishes records, and waits until the cluster has them.
    pub(crate) fn publish(&self, topic: &str, partition: usize, records: &[String]) {
        let messages: Vec<_> = records.iter().map(|record| (None, Some(record.as_str()))).collect();
        self.publish_messages(topic, partition, &messages);
    }

    /// Publishes messages with a key and a value.
    pub(crate) fn publish_messages(&self, topic: &str, partition: usize, messages: &[(Option<&str>, Option<&str>)]) {
        let producer = self.producer.get_or_init(|| self.config().create().unwrap());
        for (key, value) in messages {
            let message = BaseRecord::<str, str>::to(topic).partition(i32::try_from(partition).unwrap());
            let message = key.iter().fold(message, |message, key| message.key(*key));
            let message = value.iter().fold(message, |message, value| message.payload(*value));
            producer.send(message).map_err(|(error, _)| error).unwrap();
        }
        let give_up = Instant::now() + PATIENCE;
        while producer.in_flight_count() > 0 {
            assert!(Instant::now() < give_up, "the cluster did not take the messages within {PATIENCE:?}");
            producer.poll(Duration::from_millis(2));
        }
    }

    /// Returns what is in the first partition of a topic, in order.
    pub(crate) fn content(&self, topic: &str) -> Vec<String> {
        let mut config = self.config();
        config.set("group.id", "test").set("enable.auto.commit", "false").set("enable.partition.eof", "true");
        config.set("fetch.wait.max.ms", "10");
        let consumer: BaseConsumer = config.create().unwrap();
        let (first, _) = consumer.fetch_watermarks(topic, 0, PATIENCE).unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Offset(first)).unwrap();
        consumer.assign(&list).unwrap();
        let mut found = Vec::new();
        let give_up = Instant::now() + PATIENCE;
        while Instant::now() < give_up {
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => found.push(String::from_utf8(message.payload().unwrap().to_vec()).unwrap()),
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    // Nothing depends on the end of its threads.
                    std::thread::spawn(move || drop(consumer));
                    return found;
                }
                Some(Err(_)) | None => {}
            }
        }
        panic!("the end of {topic} did not come within {PATIENCE:?}");
    }

    /// Waits until the first partition of a topic has so many messages.
    pub(crate) fn wait_for(&self, topic: &str, messages: usize) {
        let consumer: BaseConsumer = self.config().create().unwrap();
        let give_up = Instant::now() + PATIENCE;
        let end = || consumer.fetch_watermarks(topic, 0, PATIENCE).map_or(0, |(_, end)| usize::try_from(end).unwrap());
        while end() < messages {
            assert!(Instant::now() < give_up, "{messages} messages did not come within {PATIENCE:?}");
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
