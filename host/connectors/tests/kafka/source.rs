//! The source: the suite, and what the cluster does meanwhile.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use alluvium_connectors::source::{
    KafkaOptions, KafkaSource, Partition, Place, Polled, Position, Reader, Source, SourceError, SourceErrorKind as Kind,
};
use alluvium_connectors::testing::{SourceFixture, source_suite};
use alluvium_connectors::{Batch, Opaque, Retry};

use crate::cluster::{Cluster, PATIENCE};

pub(crate) fn soon() -> Instant {
    Instant::now() + PATIENCE
}

pub(crate) fn numbers(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|number| format!("record {number}")).collect()
}

pub(crate) fn open(cluster: &Cluster, topic: &str, options: KafkaOptions) -> Box<dyn Reader> {
    let mut source = KafkaSource::new(cluster.server(), topic, options).unwrap();
    source.open(&Partition::new("0").unwrap()).unwrap()
}

/// Reads so many records, and no more.
pub(crate) fn read(reader: &mut dyn Reader, count: usize) -> Result<Vec<String>, SourceError> {
    let mut batch = Batch::new(u32::try_from(count).unwrap(), usize::MAX);
    let give_up = soon();
    while batch.has_room() && Instant::now() < give_up {
        reader.poll(&mut batch, give_up)?;
    }
    Ok(batch.records().map(|record| String::from_utf8(record.bytes().to_vec()).unwrap()).collect())
}

struct Topics {
    cluster: Cluster,
    /// How many partitions each topic has.
    partitions: BTreeMap<String, usize>,
}

impl SourceFixture for Topics {
    fn partitions_max(&self) -> usize {
        3
    }
    fn ends(&self) -> bool {
        false
    }
    fn create(&mut self, name: &str, partitions: &[Vec<String>]) {
        self.cluster.create(name, partitions.len());
        self.partitions.insert(name.to_owned(), partitions.len());
        for (partition, records) in partitions.iter().enumerate() {
            self.append(name, partition, records);
        }
    }
    fn append(&mut self, name: &str, partition: usize, records: &[String]) {
        self.cluster.publish(name, partition, records);
    }
    fn open(&mut self, name: &str) -> Box<dyn Source> {
        Box::new(KafkaSource::new(self.cluster.server(), name, KafkaOptions::default()).unwrap())
    }
}

#[test]
fn it_passes_the_suite() {
    let report = source_suite(&mut Topics { cluster: Cluster::start(), partitions: BTreeMap::new() });
    assert_eq!(report.assert(), 19, "{report:?}");
}

#[test]
fn a_cluster_that_is_cut_off_and_comes_back_loses_and_doubles_nothing() {
    let mut cluster = Cluster::with_topics(&["t"]);
    cluster.publish("t", 0, &numbers(0, 3_000));
    let mut reader = open(&cluster, "t", KafkaOptions::default());
    let mut found = read(&mut *reader, 1_000).unwrap();
    for round in 0..3 {
        cluster.down();
        // What came before is handed out, and then polls wait until their deadlines.
        let deadline = Instant::now() + Duration::from_millis(200);
        let mut batch = Batch::default();
        while reader.poll(&mut batch, deadline).unwrap() == Polled::Records {}
        assert!(Instant::now() >= deadline);
        found.extend(batch.records().map(|record| String::from_utf8(record.bytes().to_vec()).unwrap()));
        cluster.up();
        let end = 4_000 + round * 1_000;
        cluster.publish("t", 0, &numbers(end - 1_000, end));
        found.extend(read(&mut *reader, end - 500 - found.len()).unwrap());
    }
    found.extend(read(&mut *reader, 500).unwrap());
    assert_eq!(found, numbers(0, 6_000));
}

#[test]
fn readers_have_offsets_of_their_own_and_store_none_in_the_cluster() {
    let cluster = Cluster::with_topics(&["t"]);
    cluster.publish("t", 0, &numbers(0, 100));
    let mut first = open(&cluster, "t", KafkaOptions::default());
    let mut second = open(&cluster, "t", KafkaOptions::default());
    assert_eq!(read(&mut *first, 70).unwrap(), numbers(0, 70));
    assert_eq!(read(&mut *second, 20).unwrap(), numbers(0, 20));
    let position = first.position();
    drop(first);
    // A reader without a position begins with the oldest message, whatever others have read.
    assert_eq!(read(&mut *open(&cluster, "t", KafkaOptions::default()), 1).unwrap(), numbers(0, 1));
    let mut third = open(&cluster, "t", KafkaOptions::default());
    third.seek(&position).unwrap();
    assert_eq!(read(&mut *third, 30).unwrap(), numbers(70, 100));
    assert_eq!(third.place(), Some(Place::Offset(99)));
    assert_eq!(read(&mut *second, 80).unwrap(), numbers(20, 100));
}

#[test]
fn values_are_records_and_a_message_without_one_is_an_empty_record() {
    let cluster = Cluster::with_topics(&["t"]);
    let messages = [(Some("a"), Some("1")), (Some("a"), None), (None, Some("")), (None, Some("2"))];
    cluster.publish_messages("t", 0, &messages);
    let mut reader = open(&cluster, "t", KafkaOptions::default());
    assert_eq!(read(&mut *reader, 4).unwrap(), ["1", "", "", "2"]);
}

#[test]
fn another_cluster_and_another_message_at_the_offset_are_refused() {
    let (one, other) = (Cluster::with_topics(&["t"]), Cluster::with_topics(&["t"]));
    for cluster in [&one, &other] {
        cluster.publish("t", 0, &numbers(0, 5));
    }
    let mut reader = open(&one, "t", KafkaOptions::default());
    read(&mut *reader, 3).unwrap();
    let position = reader.position();
    let mut elsewhere = open(&other, "t", KafkaOptions::default());
    elsewhere.seek(&position).unwrap();
    for _ in 0..2 {
        let error = read(&mut *elsewhere, 1).unwrap_err();
        assert_eq!(error.kind(), Kind::Position, "{error}");
        assert!(error.what().starts_with("partition 0 was read in the cluster mockCluster"), "{error}");
    }
    // As if the topic had been deleted and created again.
    let Position::Opaque(token) = &position else { panic!("{position:?}") };
    let text = std::str::from_utf8(token.as_bytes()).unwrap();
    let (rest, checksum) = text.rsplit_once(' ').unwrap();
    let changed = u64::from_str_radix(checksum, 16).unwrap() ^ 1;
    let changed = Position::Opaque(Opaque::new(format!("{rest} {changed:016x}")).unwrap());
    reader.seek(&changed).unwrap();
    for _ in 0..2 {
        let error = read(&mut *reader, 1).unwrap_err();
        assert_eq!(error.kind(), Kind::Position, "{error}");
        assert!(
            error.what().starts_with("the message at offset 2 of partition 0 is not the one that was read"),
            "{error}"
        );
    }
    reader.seek(&position).unwrap();
    assert_eq!(read(&mut *reader, 2).unwrap(), numbers(3, 5));
}

#[test]
fn a_position_behind_the_end_names_the_partition_and_both_offsets() {
    let mut cluster = Cluster::with_topics(&["long"]);
    cluster.create("short", 2);
    cluster.publish("long", 0, &numbers(0, 9));
    cluster.publish("short", 1, &numbers(0, 4));
    let mut reader = open(&cluster, "long", KafkaOptions::default());
    read(&mut *reader, 9).unwrap();
    let mut source = KafkaSource::new(cluster.server(), "short", KafkaOptions::default()).unwrap();
    let mut short = source.open(&Partition::new("1").unwrap()).unwrap();
    short.seek(&reader.position()).unwrap();
    let error = read(&mut *short, 1).unwrap_err();
    assert_eq!(error.kind(), Kind::TooShort { records: 4 }, "{error}");
    assert!(error.to_string().starts_with("short/1: position "), "{error}");
    let expected = "partition 1 ends at offset 4, before the offset 9 of the position: ";
    assert!(error.what().starts_with(expected), "{error}");
}

#[test]
fn the_lag_is_known() {
    let cluster = Cluster::with_topics(&["t"]);
    cluster.publish("t", 0, &numbers(0, 300));
    let mut reader = open(&cluster, "t", KafkaOptions::default());
    assert_eq!(reader.progress().lag_records, None);
    for left in [299, 298] {
        read(&mut *reader, 1).unwrap();
        assert_eq!(reader.progress().lag_records, Some(left));
    }
    // It grows with the partition, also while nothing is read.
    cluster.publish("t", 0, &numbers(0, 50));
    let give_up = soon();
    while reader.progress().lag_records != Some(348) {
        assert!(Instant::now() < give_up, "{:?}", reader.progress());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn deadlines_hold_without_a_cluster_and_a_long_outage_is_transient() {
    let mut cluster = Cluster::with_topics(&["t"]);
    cluster.publish("t", 0, &numbers(0, 1));
    cluster.down();
    let server = cluster.server().retry(Retry::default().patience(Duration::from_millis(300)));
    let mut source = KafkaSource::new(server, "t", KafkaOptions::default()).unwrap();
    let error = source.partitions().unwrap_err();
    assert!(error.is_transient(), "{error}");
    let mut reader = source.open(&Partition::new("0").unwrap()).unwrap();
    for wait in [Duration::ZERO, Duration::from_millis(50)] {
        let deadline = Instant::now() + wait;
        assert_eq!(reader.poll(&mut Batch::default(), deadline).unwrap(), Polled::Nothing);
        assert!(Instant::now() >= deadline && deadline.elapsed() < Duration::from_secs(2));
    }
    let error = read(&mut *reader, 1).unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(error.to_string().starts_with(&format!("t/0: kafka://{}: ", cluster.address())), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(reader.progress().is_cut_off);
    cluster.up();
    let give_up = soon();
    let mut batch = Batch::default();
    while batch.is_empty() && Instant::now() < give_up {
        if let Err(error) = reader.poll(&mut batch, give_up) {
            assert!(error.is_transient(), "{error}");
        }
    }
    assert_eq!(batch.count(), 1);
    assert!(!reader.progress().is_cut_off);
}

#[test]
fn topics_and_partitions_that_are_missing_are_refused() {
    let mut cluster = Cluster::start();
    cluster.create("t", 2);
    let mut source = KafkaSource::new(cluster.server(), "u", KafkaOptions::default()).unwrap();
    let error = source.partitions().unwrap_err();
    assert_eq!(error.to_string(), format!("u: kafka://{}: there is no topic u", cluster.address()));
    let error = read(&mut *source.open(&Partition::new("0").unwrap()).unwrap(), 1).unwrap_err();
    assert!(error.to_string().ends_with("there is no topic u") && !error.is_transient(), "{error}");
    let mut source = KafkaSource::new(cluster.server(), "t", KafkaOptions::default()).unwrap();
    let names: Vec<String> = source.partitions().unwrap().iter().map(|found| found.name().to_owned()).collect();
    assert_eq!(names, ["0", "1"]);
    let error = read(&mut *source.open(&Partition::new("2").unwrap()).unwrap(), 1).unwrap_err();
    assert!(error.to_string().ends_with("the topic has 2 partitions, and no partition 2"), "{error}");
    for name in ["", "-1", "01", "x"] {
        let refused = source.open(&Partition::new(name).unwrap()).map(drop).unwrap_err();
        assert_eq!(refused.to_string(), format!("t: has no partition {name:?}"));
    }
}

#[test]
fn addresses_say_what_is_wrong_with_them() {
    for (address, part) in [
        ("kafka://h", "path"),
        ("kafka://h/", "path"),
        ("kafka://h/a/b", "path"),
        ("kafka://h/a%20b", "path"),
        ("kafka:///t", "host"),
        ("kafka://me:secret@h/t", "user"),
        ("kafka://h/t?gaps=ignore", "gaps"),
        ("kafka://h/t?start=1", "start"),
    ] {
        let error = KafkaSource::from_url(address).map(drop).unwrap_err();
        assert_eq!(error.part(), part, "{error}");
    }
    let source = KafkaSource::from_url("kafka://h,i:7/orders?gaps=skip&retry-for=5m").unwrap();
    assert_eq!(source.identity().to_string(), "kafka orders");
    let error = KafkaSource::new(alluvium_connectors::KafkaServer::new("h", 1), "..", KafkaOptions::default());
    assert_eq!(error.map(drop).unwrap_err().to_string(), "..: \"..\" is no name of a topic");
}
