//! Topics that delete messages. The mock cluster keeps the newest 5 MiB of each partition.

use std::time::Duration;

use alluvium_connectors::Batch;
use alluvium_connectors::sink::{Publication, Sink, SinkErrorKind};
use alluvium_connectors::source::{Gaps, KafkaOptions, Polled, SourceErrorKind as Kind};

use crate::cluster::Cluster;
use crate::sink::{epoch, sink};
use crate::source::{numbers, open, read, soon};

/// Publishes so many messages of 100 KB.
fn flood(cluster: &Cluster, topic: &str, count: usize) {
    let padding = "x".repeat(100_000);
    let records: Vec<String> = (0..count).map(|number| format!("{number} {padding}")).collect();
    cluster.publish(topic, 0, &records);
}

#[test]
fn messages_that_retention_took_are_counted_and_may_be_passed_over() {
    let cluster = Cluster::with_topics(&["t"]);
    cluster.publish("t", 0, &numbers(0, 10));
    let mut reader = open(&cluster, "t", KafkaOptions::default());
    read(&mut *reader, 7).unwrap();
    let position = reader.position();
    drop(reader);
    flood(&cluster, "t", 80);
    let mut reader = open(&cluster, "t", KafkaOptions::default());
    reader.seek(&position).unwrap();
    let mut lost = 0;
    for _ in 0..2 {
        let error = read(&mut *reader, 1).unwrap_err();
        let Kind::Gone { records } = error.kind() else { panic!("{error}") };
        lost = records;
        let expected = format!(
            "up to {records} messages of partition 0 are lost: the topic deleted the offsets 7 to {} before they were \
             read; gaps=skip continues with the oldest that is there",
            6 + records
        );
        assert_eq!(error.what(), expected);
    }
    assert!((13..83).contains(&lost), "{lost}");
    let mut reader = open(&cluster, "t", KafkaOptions::default().gaps(Gaps::Skip));
    reader.seek(&position).unwrap();
    let next = read(&mut *reader, 1).unwrap().remove(0);
    // Three records before the flood are lost as well.
    assert_eq!(next.split(' ').next(), Some((lost - 3).to_string().as_str()));
    // A fresh reader begins with what is there.
    let mut fresh = open(&cluster, "t", KafkaOptions::default());
    assert_eq!(read(&mut *fresh, 1).unwrap(), [next]);
}

#[test]
fn retention_that_overtakes_a_reader_is_an_error_before_the_next_record() {
    let cluster = Cluster::with_topics(&["t"]);
    cluster.publish("t", 0, &numbers(0, 10));
    let mut reader = open(&cluster, "t", KafkaOptions::default());
    read(&mut *reader, 10).unwrap();
    // More than what waits in the reader and in its client, and than what the topic keeps.
    flood(&cluster, "t", 400);
    let mut found = 0;
    let error = loop {
        let mut batch = Batch::new(1, usize::MAX);
        match reader.poll(&mut batch, soon()) {
            Ok(polled) => assert_eq!(polled, Polled::Records, "no error after {found} records"),
            Err(error) => break error,
        }
        let record = batch.records().next().unwrap().bytes().to_vec();
        assert!(record.starts_with(format!("{found} ").as_bytes()), "no record behind the gap");
        found += 1;
        std::thread::sleep(Duration::from_millis(1));
    };
    let Kind::Gone { records } = error.kind() else { panic!("{error}") };
    assert!(found + usize::try_from(records).unwrap() < 400, "{error}");
    assert!(error.what().contains(&format!("deleted the offsets {} to ", found + 10)), "{error}");
}

#[test]
fn retention_that_deletes_what_was_published_is_no_loss_while_the_note_is_there() {
    let cluster = Cluster::with_topics(&["out"]);
    let directory = tempfile::tempdir().unwrap();
    let mut first = sink(&cluster, directory.path());
    first.recover(&[]).unwrap();
    let token = epoch(&mut first, &numbers(0, 10));
    first.publish(&token).unwrap();
    flood(&cluster, "out", 80);
    drop(first);
    let mut second = sink(&cluster, directory.path());
    assert_eq!(second.recover(std::slice::from_ref(&token)).unwrap(), [Publication::Before]);
    // And while the process is there.
    let token = epoch(&mut second, &numbers(10, 20));
    flood(&cluster, "out", 80);
    second.publish(&token).unwrap();
    flood(&cluster, "out", 80);
    drop(second);
    // As if the process had died between the commit and the note.
    std::fs::remove_file(directory.path().join("delivery")).unwrap();
    let error = sink(&cluster, directory.path()).recover(std::slice::from_ref(&token)).unwrap_err();
    assert_eq!(error.kind(), SinkErrorKind::Missing, "{error}");
    assert!(error.what().ends_with("so it is not known which records were published"), "{error}");
}
