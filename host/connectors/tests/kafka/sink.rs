//! The sink: the suite, and what the cluster does meanwhile.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use alluvium_connectors::sink::{KafkaSink, Publication, Sink, SinkError, SinkErrorKind as Kind};
use alluvium_connectors::testing::{SinkFixture, sink_suite};
use alluvium_connectors::{Batch, Opaque, Retry};
use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::in_job::sink_suite_in_job;
use crate::source::numbers;

pub(crate) fn sink(cluster: &Cluster, directory: &Path) -> KafkaSink {
    KafkaSink::new(cluster.server(), "out", directory).unwrap()
}

pub(crate) fn batch(records: &[String]) -> Batch {
    Batch::of_raw(records.iter().map(String::as_bytes))
}

pub(crate) fn epoch(sink: &mut KafkaSink, records: &[String]) -> Opaque {
    sink.write(&batch(records)).unwrap();
    sink.prepare().unwrap()
}

/// Each target has a cluster of its own. A cluster in memory draws the numbers of its producers by chance out of
/// 900,000. Two of the many hundred producers of the suite would often have the same, and the cluster would refuse the
/// second for good.
struct Topics {
    clusters: BTreeMap<String, Cluster>,
    directory: TempDir,
}

impl Topics {
    fn new() -> Self {
        Self { clusters: BTreeMap::new(), directory: tempfile::tempdir().unwrap() }
    }

    fn cluster_of(&mut self, target: &str) -> &Cluster {
        self.clusters.entry(target.to_owned()).or_insert_with(|| Cluster::with_topics(&[target]))
    }
}

impl SinkFixture for Topics {
    fn open(&mut self, target: &str) -> Box<dyn Sink> {
        let server = self.cluster_of(target).server();
        Box::new(KafkaSink::new(server, target, self.directory.path().join(target)).unwrap())
    }
    fn visible(&mut self, target: &str) -> Vec<String> {
        self.cluster_of(target).content(target)
    }
}

#[test]
fn it_passes_the_suite() {
    let report = sink_suite(&mut Topics::new());
    assert_eq!(report.assert(), 23, "{report:?}");
}

#[test]
fn it_passes_the_suite_where_records_wait_in_a_job() {
    // The cluster in memory takes what a process sends whose id was taken.
    sink_suite_in_job(Topics::new(), false, |fixture, target| {
        format!("kafka://{}/{target}", fixture.clusters[target].address())
    });
}

#[test]
fn a_cluster_that_is_cut_off_while_it_is_published_to_gets_each_record_once() {
    let mut cluster = Cluster::with_topics(&["out"]);
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(&cluster, directory.path());
    sink.recover(&[]).unwrap();
    let mut from = 0;
    for round in 1..=4 {
        let records = numbers(from, from + 5_000);
        from += records.len();
        let token = epoch(&mut sink, &records);
        let publishing = std::thread::spawn(move || {
            let published = sink.publish(&token);
            (sink, published)
        });
        // It is cut off when about so many are there.
        cluster.wait_for("out", from - 5_000 + round * 800);
        cluster.down();
        cluster.up();
        let (returned, published) = publishing.join().unwrap();
        published.unwrap();
        sink = returned;
    }
    assert_eq!(cluster.content("out"), numbers(0, from));
}

#[test]
fn answers_that_do_not_come_double_nothing() {
    let mut cluster = Cluster::with_topics(&["out"]);
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(&cluster, directory.path());
    let mut from = 0;
    for kind in ["begin", "produce", "commit"] {
        for count in 1..=3 {
            cluster.cut(kind, count);
            if from == 0 {
                sink.recover(&[]).unwrap();
            }
            let token = epoch(&mut sink, &numbers(from, from + 20));
            from += 20;
            sink.publish(&token).unwrap();
            assert_eq!(cluster.content("out"), numbers(0, from), "{kind} {count}");
        }
    }
}

#[test]
fn a_process_that_dies_within_a_publication_is_completed_by_the_next() {
    let mut cluster = Cluster::with_topics(&["out"]);
    let directory = tempfile::tempdir().unwrap();
    let mut committed: Vec<Opaque> = Vec::new();
    let patience = Retry::default().patience(Duration::ZERO);
    for round in 0..4 {
        let mut sink = KafkaSink::new(cluster.server().retry(patience), "out", directory.path()).unwrap();
        sink.recover(&committed).unwrap();
        let token = epoch(&mut sink, &numbers(round * 3_000, (round + 1) * 3_000));
        committed = vec![token.clone()];
        let publishing = std::thread::spawn(move || sink.publish(&token));
        // It is cut off when about so many are there, and the process does not get over it.
        cluster.wait_for("out", round * 3_700);
        cluster.down();
        let published = publishing.join().unwrap();
        assert!(published.as_ref().map_or_else(SinkError::is_transient, |()| true), "{published:?}");
        cluster.up();
    }
    let mut sink = sink(&cluster, directory.path());
    sink.recover(&committed).unwrap();
    assert_eq!(sink.recover(&committed).unwrap(), [Publication::Before]);
    assert_eq!(cluster.content("out"), numbers(0, 12_000));
}

#[test]
fn a_long_outage_is_transient_and_the_same_publication_succeeds_later() {
    let mut cluster = Cluster::with_topics(&["out"]);
    let directory = tempfile::tempdir().unwrap();
    let server = cluster.server().retry(Retry::default().patience(Duration::from_millis(100)));
    let mut sink = KafkaSink::new(server, "out", directory.path()).unwrap();
    sink.recover(&[]).unwrap();
    let first = epoch(&mut sink, &numbers(0, 10));
    cluster.down();
    let error = sink.publish(&first).unwrap_err();
    assert!(error.is_transient(), "{error}");
    let expected = format!("out/0: kafka://{}: ", cluster.address());
    assert!(error.to_string().starts_with(&expected), "{error}");
    // A checkpoint needs no cluster.
    let second = epoch(&mut sink, &numbers(10, 20));
    assert_eq!(sink.abort().unwrap_err().kind(), Kind::Ahead);
    sink.recover(std::slice::from_ref(&first)).unwrap_err();
    cluster.up();
    let give_up = Instant::now() + crate::cluster::PATIENCE;
    while let Err(error) = sink.recover(std::slice::from_ref(&first)) {
        assert!(error.is_transient() && Instant::now() < give_up, "{error}");
    }
    assert_eq!(cluster.content("out"), numbers(0, 10));
    // What the recovered checkpoint does not stand for is forgotten.
    assert_eq!(sink.publish(&second).unwrap_err().kind(), Kind::Token);
}

#[test]
fn an_outage_that_ends_is_waited_for() {
    let mut cluster = Cluster::with_topics(&["out"]);
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(&cluster, directory.path());
    sink.recover(&[]).unwrap();
    let token = epoch(&mut sink, &numbers(0, 10));
    cluster.down();
    let publishing = std::thread::spawn(move || sink.publish(&token));
    cluster.up();
    publishing.join().unwrap().unwrap();
    assert_eq!(cluster.content("out"), numbers(0, 10));
}

#[test]
fn many_records_are_published_quickly() {
    let cluster = Cluster::with_topics(&["out"]);
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(&cluster, directory.path());
    sink.recover(&[]).unwrap();
    let token = epoch(&mut sink, &numbers(0, 30_000));
    let begun = Instant::now();
    sink.publish(&token).unwrap();
    println!("30,000 records in {:?}", begun.elapsed());
    cluster.wait_for("out", 30_000);
}

#[test]
fn addresses_say_what_is_wrong_with_them() {
    for (address, part) in [
        ("kafka://h?waiting=d", "path"),
        ("kafka://h/t", "waiting"),
        ("kafka://h/t?waiting=", "waiting"),
        ("kafka://h/t?waiting=d&partition=-1", "partition"),
        ("kafka://h/t?waiting=d&partition=x", "partition"),
        ("kafka://h/t?waiting=d&transactional-id=", "transactional-id"),
        ("kafka://h/t?waiting=d&gaps=skip", "gaps"),
        ("kafka://me:secret@h/t?waiting=d", "user"),
    ] {
        let error = KafkaSink::from_url(address).map(drop).unwrap_err();
        assert_eq!(error.part(), part, "{error}");
    }
    let sink = KafkaSink::from_url("kafka://h/t?waiting=some%20where&partition=3").unwrap();
    assert_eq!((sink.name(), sink.directory()), ("t/3", Some(Path::new("some where"))));
}
