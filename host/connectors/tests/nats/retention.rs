//! Sources over streams that delete messages.

use std::time::Duration;

use alluvium_connectors::Batch;
use alluvium_connectors::source::{Gaps, JetStreamOptions, Polled, Reader, SourceErrorKind as Kind};
use alluvium_test_servers::nats::Server;
use async_nats::jetstream::stream::{Config, RetentionPolicy};
use futures_util::StreamExt;

use crate::source::{numbers, open, read, soon, stream};

#[test]
fn messages_that_retention_took_are_counted_and_may_be_passed_over() {
    let server = Server::start();
    server.create(Config { max_messages: 100, ..stream("S") });
    server.publish("S.a", &numbers(0, 10));
    let mut reader = open(&server, "S", JetStreamOptions::default());
    read(&mut *reader, 10).unwrap();
    let position = reader.position();
    drop(reader);
    // 120 more: the first twenty of them are gone.
    server.publish("S.a", &numbers(10, 130));
    let mut reader = open(&server, "S", JetStreamOptions::default());
    reader.seek(&position).unwrap();
    for _ in 0..2 {
        let error = read(&mut *reader, 1).unwrap_err();
        assert_eq!(error.kind(), Kind::Gone { records: 20 }, "{error}");
        assert_eq!(error.what(), "20 messages are lost: the stream deleted 11 to 30 before they were read");
    }
    let mut reader = open(&server, "S", JetStreamOptions::default().gaps(Gaps::Skip));
    reader.seek(&position).unwrap();
    assert_eq!(read(&mut *reader, 100).unwrap(), numbers(30, 130));
    // A fresh reader begins with what is there, and one that was told where to begin does not.
    let mut reader = open(&server, "S", JetStreamOptions::default());
    assert_eq!(read(&mut *reader, 100).unwrap(), numbers(30, 130));
    let mut reader = open(&server, "S", JetStreamOptions::default().start_sequence(29));
    assert_eq!(read(&mut *reader, 1).unwrap_err().kind(), Kind::Gone { records: 2 });
    let mut reader = open(&server, "S", JetStreamOptions::default().start_sequence(41));
    assert_eq!(read(&mut *reader, 90).unwrap(), numbers(40, 130));
}

#[test]
fn retention_that_overtakes_a_reader_is_an_error_before_the_next_record() {
    let server = Server::start();
    server.create(Config { max_messages: 20_000, ..stream("S") });
    server.publish("S.a", &numbers(0, 20_000));
    let mut reader = open(&server, "S", JetStreamOptions::default().subject("S.a"));
    let mut found = read(&mut *reader, 10).unwrap();
    // The queue of the reader is full by then or later, and the rest is on the server.
    server.publish("S.a", &numbers(20_000, 45_000));
    let mut batch = Batch::new(250, usize::MAX);
    let error = loop {
        match reader.poll(&mut batch, soon()) {
            Ok(polled) => assert_eq!(polled, Polled::Records, "no error after {} records", found.len()),
            Err(error) => break error,
        }
        found.extend(batch.records().map(|record| String::from_utf8(record.bytes().to_vec()).unwrap()));
        batch = Batch::new(250, usize::MAX);
        // So slow a reader has messages from both sides of the gap at the same time.
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(found, numbers(0, found.len()), "no record behind the gap");
    let Kind::Gone { records } = error.kind() else { panic!("{error}") };
    let first = found.len() as u64 + 1;
    assert_eq!(
        error.what(),
        format!(
            "{records} messages, at most, of \"S.a\" are lost: the stream deleted {first} to {} before they were read",
            first + records - 1
        )
    );
    assert!(first + records <= 25_001, "{error}");
}

/// Reads until an error. Whatever came before it must be the first of the records, and the error says that others are
/// lost; or all of them have come.
fn expect_no_gap(reader: &mut dyn Reader, mut found: Vec<String>, all: usize) {
    let error = loop {
        let mut batch = Batch::default();
        match reader.poll(&mut batch, soon()) {
            Ok(_) => found.extend(batch.records().map(|record| String::from_utf8(record.bytes().to_vec()).unwrap())),
            Err(error) => break Some(error),
        }
        assert_eq!(found, numbers(0, found.len()), "no record behind a gap");
        if found.len() == all {
            break None;
        }
    };
    assert!(error.as_ref().is_none_or(|error| matches!(error.kind(), Kind::Gone { .. })), "{error:?}");
}

#[test]
fn a_burst_that_retention_cuts_right_after_all_was_read_is_an_error() {
    for _ in 0..3 {
        let server = Server::start();
        server.create(Config { max_messages: 5, ..stream("S") });
        server.publish("S.a", &numbers(0, 5));
        let mut reader = open(&server, "S", JetStreamOptions::default());
        let found = read(&mut *reader, 5).unwrap();
        server.publish("S.a", &numbers(5, 3_005));
        expect_no_gap(&mut *reader, found, 3_005);
    }
}

#[test]
fn messages_that_are_purged_unread_are_missed_although_the_stream_is_at_rest() {
    let server = Server::start();
    server.create(stream("S"));
    server.publish("S.a", &numbers(0, 1));
    let mut reader = open(&server, "S", JetStreamOptions::default());
    let found = read(&mut *reader, 1).unwrap();
    // The reader asks twice whether it has everything, and then something follows.
    let questions = server.with(async |context| {
        server.publish_in(&context, "S.a", &numbers(1, 3_000)).await;
        context.get_stream("S").await.unwrap().purge().await.unwrap();
        let questions = context.client().subscribe("$JS.API.CONSUMER.INFO.S.*").await.unwrap();
        let patience = Duration::from_secs(20);
        tokio::time::timeout(patience, questions.take(2).count()).await.unwrap_or(0)
    });
    // A reader that has found out is done.
    assert!(questions == 2 || questions == 0);
    server.publish("S.a", &numbers(3_000, 3_001));
    expect_no_gap(&mut *reader, found, 3_001);
}

#[test]
fn a_subject_at_rest_loses_nothing_when_the_stream_deletes_messages_of_others() {
    let server = Server::start();
    server.create(Config { max_messages: 100, ..stream("S") });
    server.publish("S.a", &numbers(0, 1));
    let mut reader = open(&server, "S", JetStreamOptions::default().subject("S.a"));
    read(&mut *reader, 1).unwrap();
    // While nothing comes, the reader asks the server whether it has everything. The second question comes
    // after the first answer.
    let questions = server.with(async |context| {
        server.publish_in(&context, "S.b", &numbers(0, 150)).await;
        let questions = context.client().subscribe("$JS.API.CONSUMER.INFO.S.*").await.unwrap();
        questions.take(2).count().await
    });
    assert_eq!(questions, 2);
    server.publish("S.b", &numbers(150, 200));
    server.publish("S.a", &numbers(1, 2));
    assert_eq!(read(&mut *reader, 1).unwrap(), numbers(1, 2));
}

#[test]
fn deleted_messages_between_others_are_no_gap() {
    let server = Server::start();
    server.create(stream("S"));
    server.publish("S.a", &numbers(0, 50));
    server.with(async |context| {
        let stream = context.get_stream("S").await.unwrap();
        for sequence in [2, 3, 10, 11, 12, 40] {
            stream.delete_message(sequence).await.unwrap();
        }
    });
    let mut reader = open(&server, "S", JetStreamOptions::default());
    let expected: Vec<String> = numbers(0, 50)
        .into_iter()
        .enumerate()
        .filter(|(at, _)| ![1, 2, 9, 10, 11, 39].contains(at))
        .map(|(_, r)| r)
        .collect();
    assert_eq!(read(&mut *reader, 44).unwrap(), expected);
    assert_eq!(reader.progress().lag_records, Some(0));
}

#[test]
fn the_newest_of_each_subject_may_be_read() {
    let server = Server::start();
    server.create(Config { max_messages_per_subject: 1, ..stream("S") });
    server.publish("S.a", &numbers(0, 10));
    server.publish("S.b", &numbers(10, 20));
    let mut reader = open(&server, "S", JetStreamOptions::default());
    assert_eq!(read(&mut *reader, 2).unwrap(), ["record 9", "record 19"]);
    let position = reader.position();
    server.publish("S.a", &numbers(20, 30));
    server.publish("S.b", &numbers(30, 40));
    reader.seek(&position).unwrap();
    assert_eq!(read(&mut *reader, 2).unwrap(), ["record 29", "record 39"]);
}

#[test]
fn streams_that_delete_what_was_read_and_streams_that_are_missing_are_refused() {
    let server = Server::start();
    for (name, retention) in [("W", RetentionPolicy::WorkQueue), ("I", RetentionPolicy::Interest)] {
        server.create(Config { retention, ..stream(name) });
        let error = read(&mut *open(&server, name, JetStreamOptions::default()), 1).unwrap_err();
        assert_eq!(error.kind(), Kind::Unsupported, "{error}");
    }
    let error = read(&mut *open(&server, "M", JetStreamOptions::default()), 1).unwrap_err();
    assert_eq!(error.to_string(), format!("M: nats://127.0.0.1:{}: there is no stream M", server.port()));
    assert!(!error.is_transient());
}
