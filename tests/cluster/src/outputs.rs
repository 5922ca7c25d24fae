//! Where jobs write to: a file, a stream of JetStream, a topic of Kafka.

use std::path::Path;
use std::time::{Duration, Instant};

use alluvium_connectors::Batch;
use alluvium_connectors::source::{Partition, Polled, from_url};
use async_nats::jetstream::stream::Config;

use crate::inputs::Inputs;

/// The output of one job.
pub enum Output {
    /// The path of a file.
    File(String),
    /// A stream with one subject.
    JetStream {
        /// What the processes are told.
        address: String,
        /// The name of the stream.
        stream: String,
    },
    /// A topic with one partition.
    Kafka {
        /// What the processes are told. It is the address as a source has it, too.
        topic: String,
    },
}

impl Output {
    /// Begins a file in the folder of a job.
    pub fn file(folder: &Path) -> Self {
        Self::File(folder.join("counts.txt").display().to_string())
    }

    /// Begins an output where the input is.
    pub fn beside(inputs: &Inputs, folder: &Path) -> Self {
        match inputs {
            Inputs::Files => Self::file(folder),
            Inputs::JetStream { server, streams } => {
                let stream = format!("OUT{streams}");
                let subjects = vec![format!("{stream}.counts")];
                server.create(Config { name: stream.clone(), subjects, ..Config::default() });
                let at = format!("nats://127.0.0.1:{}/{stream}", server.port());
                Self::JetStream { address: format!("{at}?subject={stream}.counts"), stream }
            }
            Inputs::Kafka { cluster, topics, .. } => {
                cluster.create_topic(&format!("out{topics}"), 1, 1).unwrap();
                let topic = format!("kafka://{}/out{topics}", cluster.bootstrap_servers());
                Self::Kafka { topic }
            }
        }
    }

    /// Returns what the processes are told.
    pub fn address(&self) -> &str {
        match self {
            Self::File(address) | Self::JetStream { address, .. } | Self::Kafka { topic: address } => address,
        }
    }

    /// Returns what is there, in order. `expected` says how many records are waited for.
    pub fn content(&self, inputs: &Inputs, expected: usize) -> Vec<String> {
        match (self, inputs) {
            (Self::File(path), _) => {
                std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
            }
            (Self::JetStream { stream, .. }, Inputs::JetStream { server, .. }) => {
                server.content(stream, &format!("{stream}.counts"))
            }
            (Self::Kafka { topic }, _) => of_topic(topic, expected),
            (Self::JetStream { .. }, _) => unreachable!("such an output is beside such an input"),
        }
    }
}

/// Reads a topic: what is expected, and what comes within a moment after that.
fn of_topic(topic: &str, expected: usize) -> Vec<String> {
    let mut reader = from_url(topic).unwrap().open(&Partition::new("0").unwrap()).unwrap();
    let mut found = Vec::new();
    loop {
        let mut batch = Batch::default();
        let patience = Duration::from_secs(if found.len() < expected { 30 } else { 1 });
        if reader.poll(&mut batch, Instant::now() + patience).unwrap() != Polled::Records {
            return found;
        }
        found.extend(batch.records().map(|record| String::from_utf8_lossy(record.bytes()).into_owned()));
    }
}
