//! A Kafka cluster of one broker, in memory, to try things with. It prints its address.
//!
//! `cargo run --features kafka --example kafka_cluster`
//!
//! It takes commands, one a line, and answers `ok` or what is wrong: `topic NAME PARTITIONS` creates a topic, `down`
//! closes all connections and refuses others, `up` takes them again, `cut produce 3` closes the connection instead of
//! an answer to each of the next three requests of that kind, and `fence produce 1` answers the next one as if another
//! producer had taken the transactional id. The other kinds are `begin`, `join` and `commit`. It ends with its input.

use std::io::{BufRead, Write};

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

type Error = Box<dyn std::error::Error>;
type Cluster = MockCluster<'static, DefaultProducerContext>;

/// Every broker.
const ALL: i32 = -1;

fn main() -> Result<(), Error> {
    let cluster = MockCluster::new(1)?;
    println!("{}", cluster.bootstrap_servers());
    for line in std::io::stdin().lock().lines() {
        let words = line?;
        let words: Vec<&str> = words.split_whitespace().collect();
        match command(&cluster, &words) {
            Ok(()) => println!("ok"),
            Err(error) => println!("{error}"),
        }
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn command(cluster: &Cluster, words: &[&str]) -> Result<(), Error> {
    match words {
        ["topic", name, partitions] => cluster.create_topic(name, partitions.parse()?, 1)?,
        ["down"] => cluster.broker_down(ALL)?,
        ["up"] => cluster.broker_up(ALL)?,
        ["cut", kind, count] => {
            let errors = vec![RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT; count.parse()?];
            cluster.request_errors(kind_of(kind)?, &errors);
        }
        ["fence", kind, count] => {
            let kind = kind_of(kind)?;
            let error = match kind {
                RDKafkaApiKey::Produce => RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
                _ => RDKafkaRespErr::RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
            };
            cluster.request_errors(kind, &vec![error; count.parse()?]);
        }
        _ => return Err("there are topic NAME PARTITIONS, down, up, cut KIND COUNT and fence KIND COUNT".into()),
    }
    Ok(())
}

fn kind_of(name: &str) -> Result<RDKafkaApiKey, Error> {
    Ok(match name {
        "produce" => RDKafkaApiKey::Produce,
        "begin" => RDKafkaApiKey::InitProducerId,
        "join" => RDKafkaApiKey::AddPartitionsToTxn,
        "commit" => RDKafkaApiKey::EndTxn,
        _ => return Err("there are the kinds produce, begin, join and commit".into()),
    })
}
