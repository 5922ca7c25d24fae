//! What the sink refuses: other writers with its id, topics that are not what they were, and what is too large.

use alluvium_connectors::sink::{KafkaSink, Publication, Sink, SinkErrorKind as Kind};

use crate::cluster::Cluster;
use crate::sink::{batch, epoch, sink};
use crate::source::numbers;

#[test]
fn a_process_that_was_replaced_is_refused_wherever_it_is_told_so() {
    let mut cluster = Cluster::with_topics(&["out"]);
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(&cluster, directory.path());
    sink.recover(&[]).unwrap();
    let mut published = 0;
    for kind in ["join", "produce", "commit"] {
        let token = epoch(&mut sink, &numbers(published, published + 5));
        cluster.fence(kind, 1);
        let error = sink.publish(&token).unwrap_err();
        assert_eq!(error.kind(), Kind::Fenced, "{kind}: {error}");
        let expected = "another process has taken the transactional id \"alluvium-out-0\": ";
        assert!(error.what().starts_with(expected), "{kind}: {error}");
        // It does not take the id back by itself.
        assert_eq!(sink.publish(&token).unwrap_err().what(), "it must be recovered first");
        sink.recover(std::slice::from_ref(&token)).unwrap();
        published += 5;
        assert_eq!(cluster.content("out"), numbers(0, published), "{kind}");
    }
}

#[test]
fn work_is_completed_from_a_copy_of_the_directory_and_a_zombie_finds_that() {
    let cluster = Cluster::with_topics(&["out"]);
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut first = sink(&cluster, one.path());
    first.recover(&[]).unwrap();
    let committed = epoch(&mut first, &numbers(0, 5));
    // Another machine has a copy of the directory, and the checkpoint of the token.
    std::fs::copy(one.path().join("records"), two.path().join("records")).unwrap();
    let mut second = sink(&cluster, two.path());
    assert_eq!(second.recover(std::slice::from_ref(&committed)).unwrap(), [Publication::Now]);
    let token = epoch(&mut second, &numbers(5, 9));
    second.publish(&token).unwrap();
    let error = first.recover(std::slice::from_ref(&committed)).unwrap_err();
    assert_eq!((error.kind(), error.what()), (Kind::Ahead, "9 records are published, and the checkpoint stands for 5"));
    assert_eq!(cluster.content("out"), numbers(0, 9));
}

#[test]
fn other_writers_of_the_partition_are_left_alone() {
    let cluster = Cluster::with_topics(&["out"]);
    cluster.publish("out", 0, &numbers(900, 903));
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut first = sink(&cluster, one.path());
    let mut second = sink(&cluster, two.path()).transactional_id("another");
    first.recover(&[]).unwrap();
    second.recover(&[]).unwrap();
    let mut expected = numbers(900, 903);
    for round in 0..3 {
        let records = numbers(round * 5, round * 5 + 5);
        let (token, other) = (epoch(&mut first, &records), epoch(&mut second, &records));
        first.publish(&token).unwrap();
        cluster.publish("out", 0, &numbers(910, 911));
        second.publish(&other).unwrap();
        expected.extend([records.clone(), numbers(910, 911), records].concat());
    }
    let committed = epoch(&mut first, &numbers(15, 20));
    drop(first);
    let mut first = sink(&cluster, one.path());
    assert_eq!(first.recover(std::slice::from_ref(&committed)).unwrap(), [Publication::Now]);
    assert_eq!(cluster.content("out"), [expected, numbers(15, 20)].concat());
}

#[test]
fn the_directory_is_needed_and_has_one_user() {
    let cluster = Cluster::with_topics(&["out"]);
    let directory = tempfile::tempdir().unwrap();
    let mut first = sink(&cluster, directory.path());
    first.recover(&[]).unwrap();
    let error = sink(&cluster, directory.path()).recover(&[]).unwrap_err();
    assert_eq!(error.what(), format!("{} is used by another process", directory.path().display()));
    let token = epoch(&mut first, &numbers(0, 5));
    let empty = tempfile::tempdir().unwrap();
    let error = sink(&cluster, empty.path()).recover(std::slice::from_ref(&token)).unwrap_err();
    assert_eq!(error.kind(), Kind::Missing, "{error}");
    let why = "it is not the place that belongs to the checkpoint; give the option waiting as before";
    assert!(error.what().ends_with(why), "{error}");
    assert!(cluster.content("out").is_empty());
}

#[test]
fn another_cluster_is_refused() {
    let (one, other) = (Cluster::with_topics(&["out"]), Cluster::with_topics(&["out"]));
    let directory = tempfile::tempdir().unwrap();
    let mut first = sink(&one, directory.path());
    first.recover(&[]).unwrap();
    let token = epoch(&mut first, &numbers(0, 5));
    drop(first);
    let error = sink(&other, directory.path()).recover(std::slice::from_ref(&token)).unwrap_err();
    assert_eq!(error.kind(), Kind::Missing, "{error}");
    assert!(error.what().starts_with("records were published to the cluster mockCluster"), "{error}");
    assert!(other.content("out").is_empty());
}

#[test]
fn what_the_cluster_does_not_take_is_refused_before_the_commit_or_named() {
    let mut cluster = Cluster::start();
    cluster.create("out", 2);
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(&cluster, directory.path());
    sink.recover(&[]).unwrap();
    let error = sink.write(&batch(&["x".repeat(1_000_000)])).unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert_eq!(error.what(), "a record has 1000000 bytes, and a message has at most 999488");
    sink.recover(&[]).unwrap();
    let longest = vec!["x".repeat(999_488)];
    let token = epoch(&mut sink, &longest);
    sink.publish(&token).unwrap();
    assert_eq!(cluster.content("out"), longest);
    let missing = |topic: &str, partition| {
        let directory = tempfile::tempdir().unwrap();
        let sink = KafkaSink::new(cluster.server(), topic, directory.path()).unwrap();
        sink.partition(partition).recover(&[]).unwrap_err().to_string()
    };
    assert_eq!(missing("t", 0), format!("t/0: kafka://{}: there is no topic t", cluster.address()));
    assert!(missing("out", 2).ends_with("the topic has 2 partitions, and no partition 2"));
}
