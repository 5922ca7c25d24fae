//! What jobs read: files, a stream of JetStream, a topic of Kafka. Each has three partitions.

use std::path::Path;
use std::time::{Duration, Instant};

use alluvium_test_servers::nats;
use async_nats::jetstream::stream::Config;
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};

use crate::processes::PATIENCE;

/// So many partitions each input has.
pub const PARTITIONS: usize = 3;

/// The kinds of inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Files of lines.
    Files,
    /// The subjects of a stream.
    JetStream,
    /// The partitions of a topic.
    Kafka,
}

/// What records come from. Servers run until this is dropped.
pub enum Inputs {
    /// Files in the folder of each job.
    Files,
    /// A stream for each job.
    JetStream {
        /// The server.
        server: Box<nats::Server>,
        /// How many streams there are.
        streams: u32,
    },
    /// A topic for each job.
    Kafka {
        /// The cluster, in this process.
        cluster: MockCluster<'static, DefaultProducerContext>,
        /// What publishes.
        producer: BaseProducer,
        /// How many topics there are.
        topics: u32,
    },
}

impl Inputs {
    /// Starts what is needed.
    pub fn start(kind: Kind) -> Self {
        match kind {
            Kind::Files => Self::Files,
            Kind::JetStream => Self::JetStream { server: Box::new(nats::Server::start()), streams: 0 },
            Kind::Kafka => {
                let cluster = MockCluster::new(1).unwrap();
                let mut config = ClientConfig::new();
                let producer = config.set("bootstrap.servers", cluster.bootstrap_servers()).create().unwrap();
                Self::Kafka { cluster, producer, topics: 0 }
            }
        }
    }

    /// Whether the records have an end.
    pub fn have_end(&self) -> bool {
        matches!(self, Self::Files)
    }

    /// Begins the input of another job, and returns its address. `folder` is that of the job.
    pub fn begin(&mut self, folder: &Path) -> String {
        match self {
            Self::Files => {
                std::fs::create_dir(folder.join("in")).unwrap();
                folder.join("in/*.txt").display().to_string()
            }
            Self::JetStream { server, streams } => {
                *streams += 1;
                let name = format!("IN{streams}");
                server.create(Config { name: name.clone(), subjects: vec![format!("{name}.>")], ..Config::default() });
                let subjects: Vec<String> =
                    (0..PARTITIONS).map(|partition| format!("subject={name}.{partition}")).collect();
                format!("nats://127.0.0.1:{}/{name}?{}", server.port(), subjects.join("&"))
            }
            Self::Kafka { cluster, topics, .. } => {
                *topics += 1;
                cluster.create_topic(&format!("in{topics}"), i32::try_from(PARTITIONS).unwrap(), 1).unwrap();
                format!("kafka://{}/in{topics}", cluster.bootstrap_servers())
            }
        }
    }

    /// Adds records to a partition of the input that began last.
    pub fn publish(&self, folder: &Path, partition: usize, records: &[String]) {
        match self {
            Self::Files => {
                let path = folder.join(format!("in/{partition}.txt"));
                let mut text = std::fs::read_to_string(&path).unwrap_or_default();
                text.extend(records.iter().flat_map(|record| [record, "\n"]));
                std::fs::write(path, text).unwrap();
            }
            Self::JetStream { server, streams } => server.publish(&format!("IN{streams}.{partition}"), records),
            Self::Kafka { producer, topics, .. } => {
                let topic = format!("in{topics}");
                for record in records {
                    let message = BaseRecord::<str, str>::to(&topic).partition(i32::try_from(partition).unwrap());
                    producer.send(message.payload(record.as_str())).map_err(|(error, _)| error).unwrap();
                }
                let give_up = Instant::now() + PATIENCE;
                while producer.in_flight_count() > 0 {
                    assert!(Instant::now() < give_up, "the cluster did not take the messages within {PATIENCE:?}");
                    producer.poll(Duration::from_millis(1));
                }
            }
        }
    }
}
