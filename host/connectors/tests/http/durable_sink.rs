//! The sink of Durable Streams: the suite, and what servers and other processes do meanwhile.

use std::path::Path;
use std::time::Duration;

use alluvium_connectors::sink::{DurableStreamSink, Publication, Sink, SinkErrorKind as Kind};
use alluvium_connectors::testing::{SinkFixture, sink_suite};
use alluvium_connectors::{HttpEndpoint, Opaque, Retry};
use alluvium_test_servers::durable_streams::Streams;
use alluvium_test_servers::proxy::Proxy;
use tempfile::TempDir;

use crate::in_job::sink_suite_in_job;
use crate::support::{batch, endpoint, epoch, numbers};

fn lines(server: &Streams, name: &str) -> Vec<String> {
    server.content(name).lines().map(str::to_owned).collect()
}

fn impatient(endpoint: HttpEndpoint, directory: &Path) -> DurableStreamSink {
    DurableStreamSink::new(endpoint.retry(Retry::default().patience(Duration::ZERO)), directory)
}

struct Appended {
    server: Streams,
    directory: TempDir,
}

impl SinkFixture for Appended {
    fn open(&mut self, target: &str) -> Box<dyn Sink> {
        // It is there already if the name was used before.
        self.server.create(target, "text/plain");
        Box::new(DurableStreamSink::new(endpoint(self.server.port(), target), self.directory.path().join(target)))
    }
    fn visible(&mut self, target: &str) -> Vec<String> {
        lines(&self.server, target)
    }
}

#[test]
fn it_passes_the_suite() {
    let report = sink_suite(&mut Appended { server: Streams::start(), directory: tempfile::tempdir().unwrap() });
    assert_eq!(report.assert(), 23, "{report:?}");
}

#[test]
fn it_passes_the_suite_where_records_wait_in_a_job() {
    let fixture = Appended { server: Streams::start(), directory: tempfile::tempdir().unwrap() };
    sink_suite_in_job(fixture, true, |fixture, target| {
        format!("durable-stream+{}", endpoint(fixture.server.port(), target))
    });
}

#[test]
fn a_stream_of_json_gets_each_record_as_a_message() {
    let server = Streams::start();
    server.create("s", "application/json");
    let directory = tempfile::tempdir().unwrap();
    let mut sink = DurableStreamSink::new(endpoint(server.port(), "s"), directory.path());
    sink.recover(&[]).unwrap();
    for records in [&["{\"a\":1}", "[1,2]"][..], &["3"]] {
        let token = epoch(&mut sink, &records.iter().map(|record| (*record).to_owned()).collect::<Vec<_>>());
        sink.publish(&token).unwrap();
    }
    assert_eq!(server.content("s"), "[{\"a\":1},[1,2],3]");
    let error = sink.write(&batch(&["no json".to_owned()])).unwrap_err();
    assert!(error.what().starts_with("a record is no JSON, and the stream takes nothing else: "), "{error}");
}

#[test]
fn a_process_that_dies_within_a_publication_is_completed_by_the_next() {
    let server = Streams::start();
    server.create("s", "text/plain");
    let directory = tempfile::tempdir().unwrap();
    let mut committed: Vec<Opaque> = Vec::new();
    for round in 0..12 {
        // The way to the server is cut after some bytes in either direction, and the process does not get over it.
        let proxy = Proxy::start(server.port());
        let mut sink = impatient(endpoint(proxy.port(), "s"), directory.path());
        sink.recover(&committed).unwrap();
        let token = epoch(&mut sink, &numbers(round * 300, (round + 1) * 300));
        match round % 3 {
            0 => proxy.cut_after(round * 300),
            1 => proxy.cut_answers_after(round * 10),
            _ => server.fail("s", "\"status\":503,\"method\":\"POST\""),
        }
        let published = sink.publish(&token);
        assert!(published.as_ref().is_err_and(alluvium_connectors::sink::SinkError::is_transient), "{published:?}");
        drop(sink);
        committed = vec![token];
        let mut sink = impatient(endpoint(server.port(), "s"), directory.path());
        assert_eq!(sink.recover(&committed).unwrap(), [Publication::Now]);
        assert_eq!(lines(&server, "s"), numbers(0, (round + 1) * 300), "round {round}");
    }
}

#[test]
fn a_server_that_is_away_or_busy_is_waited_for() {
    let mut server = Streams::start();
    server.create("s", "text/plain");
    let directory = tempfile::tempdir().unwrap();
    let mut sink = DurableStreamSink::new(endpoint(server.port(), "s"), directory.path());
    sink.recover(&[]).unwrap();
    let first = epoch(&mut sink, &numbers(0, 10));
    server.fail("s", "\"dropConnection\":true,\"count\":2");
    sink.publish(&first).unwrap();
    server.kill();
    // A checkpoint needs no server.
    let second = epoch(&mut sink, &numbers(10, 20));
    let publishing = std::thread::spawn(move || sink.publish(&second));
    server.restart();
    publishing.join().unwrap().unwrap();
    assert_eq!(lines(&server, "s"), numbers(0, 20));
}

#[test]
fn an_earlier_process_is_fenced_and_other_producers_are_not() {
    let server = Streams::start();
    server.create("s", "text/plain");
    let directory = tempfile::tempdir().unwrap();
    let mut first = impatient(endpoint(server.port(), "s"), directory.path());
    first.recover(&[]).unwrap();
    let token = epoch(&mut first, &numbers(0, 10));
    first.publish(&token).unwrap();
    // As if the process had been moved elsewhere, with its directory.
    let elsewhere = tempfile::tempdir().unwrap();
    for file in ["records", "delivery"] {
        std::fs::copy(directory.path().join(file), elsewhere.path().join(file)).unwrap();
    }
    let mut second = impatient(endpoint(server.port(), "s"), elsewhere.path());
    assert_eq!(second.recover(&[token]).unwrap(), [Publication::Before]);
    server.append("s", "text/plain", "another producer\n");
    let token = epoch(&mut second, &numbers(10, 20));
    second.publish(&token).unwrap();
    let token = epoch(&mut first, &numbers(10, 15));
    let error = first.publish(&token).unwrap_err();
    assert_eq!(error.kind(), Kind::Fenced, "{error}");
    let expected = [numbers(0, 10), vec!["another producer".to_owned()], numbers(10, 20)].concat();
    assert_eq!(lines(&server, "s"), expected);
}

#[test]
fn a_stream_that_does_not_take_records_is_refused() {
    let server = Streams::start();
    let directory = tempfile::tempdir().unwrap();
    let mut sink = impatient(endpoint(server.port(), "s"), directory.path());
    let error = sink.recover(&[]).unwrap_err();
    let expected = format!("http://127.0.0.1:{}/s: there is no such stream (404 Not Found)", server.port());
    assert_eq!((error.kind(), error.to_string()), (Kind::Open, expected));
    // Made again while it is written to.
    server.create("s", "text/plain");
    sink.recover(&[]).unwrap();
    let token = epoch(&mut sink, &numbers(0, 10));
    sink.publish(&token).unwrap();
    server.delete("s");
    server.create("s", "text/plain");
    let token = epoch(&mut sink, &numbers(10, 20));
    assert_eq!(sink.publish(&token).unwrap_err().kind(), Kind::Missing);
    server.close("s");
    assert!(sink.recover(&[]).unwrap_err().what().starts_with("the stream is closed"));
}

#[test]
fn addresses_say_what_is_wrong_with_them() {
    for (address, part) in [
        ("durable-stream+http://h/a", "waiting"),
        ("durable-stream+ws://h/a?waiting=d", "scheme"),
        ("durable-stream+http://h/a?waiting=d&key=honoured", "key"),
    ] {
        let error = DurableStreamSink::from_url(address).map(drop).unwrap_err();
        assert_eq!(error.part(), part, "{error}");
    }
    let sink = DurableStreamSink::from_url("durable-stream+https://me:secret@h/a?waiting=some%20where").unwrap();
    assert_eq!((sink.name(), sink.directory()), ("https://h/a", Some(Path::new("some where"))));
}
