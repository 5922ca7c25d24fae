//! The sink: the suite, and what servers and other writers do meanwhile.

use std::path::Path;
use std::time::{Duration, Instant};

use alluvium_connectors::sink::{JetStreamSink, Publication, Sink, SinkErrorKind as Kind};
use alluvium_connectors::testing::{SinkFixture, sink_suite};
use alluvium_connectors::{Batch, NatsServer, Opaque, Retry};
use alluvium_test_servers::nats::Server;
use alluvium_test_servers::proxy::Proxy;
use async_nats::jetstream::stream::Config;
use tempfile::TempDir;

use crate::address;
use crate::in_job::sink_suite_in_job;
use crate::source::numbers;

pub(crate) fn server_with_stream() -> Server {
    let server = Server::start();
    server.create(config());
    server
}

pub(crate) fn config() -> Config {
    Config { name: "OUT".to_owned(), subjects: vec!["out.>".to_owned()], ..Config::default() }
}

pub(crate) fn sink(server: NatsServer, directory: &Path) -> JetStreamSink {
    JetStreamSink::new(server, "OUT", "out.x", directory).unwrap()
}

pub(crate) fn batch(records: &[String]) -> Batch {
    Batch::of_raw(records.iter().map(String::as_bytes))
}

pub(crate) fn epoch(sink: &mut JetStreamSink, records: &[String]) -> Opaque {
    sink.write(&batch(records)).unwrap();
    sink.prepare().unwrap()
}

struct Subjects {
    server: Server,
    directory: TempDir,
}

impl SinkFixture for Subjects {
    fn open(&mut self, target: &str) -> Box<dyn Sink> {
        let (subject, directory) = (format!("out.{target}"), self.directory.path().join(target));
        Box::new(JetStreamSink::new(address(&self.server), "OUT", &subject, directory).unwrap())
    }
    fn visible(&mut self, target: &str) -> Vec<String> {
        self.server.content("OUT", &format!("out.{target}"))
    }
}

#[test]
fn it_passes_the_suite() {
    let report = sink_suite(&mut Subjects { server: server_with_stream(), directory: tempfile::tempdir().unwrap() });
    assert_eq!(report.assert(), 23, "{report:?}");
}

#[test]
fn it_passes_the_suite_where_records_wait_in_a_job() {
    let fixture = Subjects { server: server_with_stream(), directory: tempfile::tempdir().unwrap() };
    sink_suite_in_job(fixture, true, |fixture, target| {
        format!("nats://127.0.0.1:{}/OUT?subject=out.{target}", fixture.server.port())
    });
}

#[test]
fn a_server_that_is_killed_while_it_is_published_to_gets_each_record_once() {
    let mut server = server_with_stream();
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(address(&server), directory.path());
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
        // It is killed when about so many are there.
        server.wait_for("OUT", from as u64 - 5_000 + round * 800);
        server.kill();
        server.restart();
        let (returned, published) = publishing.join().unwrap();
        published.unwrap();
        sink = returned;
    }
    assert_eq!(server.content("OUT", "out.x"), numbers(0, from));
}

#[test]
fn a_process_that_dies_within_a_publication_is_completed_by_the_next() {
    let server = server_with_stream();
    let directory = tempfile::tempdir().unwrap();
    let mut committed: Vec<Opaque> = Vec::new();
    for round in 0..12 {
        // The way to the server is cut after some bytes, and the process does not get over it.
        let proxy = Proxy::start(server.port());
        let address = NatsServer::new("127.0.0.1", proxy.port());
        let mut sink = sink(address.retry(Retry::default().patience(Duration::ZERO)), directory.path());
        sink.recover(&committed).unwrap();
        let token = epoch(&mut sink, &numbers(round * 300, (round + 1) * 300));
        proxy.cut_after(round * 5_000);
        let published = sink.publish(&token);
        assert!(published.as_ref().is_err_and(alluvium_connectors::sink::SinkError::is_transient), "{published:?}");
        drop(sink);
        committed = vec![token];
    }
    let mut sink = sink(address(&server), directory.path());
    assert_eq!(sink.recover(&committed).unwrap(), [Publication::Now]);
    assert_eq!(sink.recover(&committed).unwrap(), [Publication::Before]);
    assert_eq!(server.content("OUT", "out.x"), numbers(0, 3_600));
}

#[test]
fn an_acknowledgement_that_is_lost_doubles_nothing() {
    let server = server_with_stream();
    let directory = tempfile::tempdir().unwrap();
    // The connection is cut at every place of what the server says, from its greeting to the last answer.
    for bytes in (0..6_000).step_by(150) {
        let proxy = Proxy::start(server.port());
        proxy.cut_answers_after(bytes);
        let (subject, directory) = (format!("out.{bytes}"), directory.path().join(bytes.to_string()));
        let address = NatsServer::new("127.0.0.1", proxy.port());
        let mut sink = JetStreamSink::new(address, "OUT", &subject, directory).unwrap();
        sink.recover(&[]).unwrap();
        for round in 0..3 {
            let token = epoch(&mut sink, &numbers(round * 15, (round + 1) * 15));
            sink.publish(&token).unwrap();
        }
        assert_eq!(server.content("OUT", &subject), numbers(0, 45), "cut after {bytes} bytes");
    }
}

#[test]
fn a_long_outage_is_transient_and_the_same_publication_succeeds_later() {
    let mut server = server_with_stream();
    let directory = tempfile::tempdir().unwrap();
    let retry = Retry::default().patience(Duration::from_millis(100));
    let mut sink = sink(address(&server).retry(retry), directory.path());
    sink.recover(&[]).unwrap();
    let first = epoch(&mut sink, &numbers(0, 10));
    server.kill();
    let error = sink.publish(&first).unwrap_err();
    assert!(error.is_transient(), "{error}");
    let expected = format!("OUT/out.x: nats://127.0.0.1:{}: ", server.port());
    assert!(error.to_string().starts_with(&expected), "{error}");
    // A checkpoint needs no server.
    let second = epoch(&mut sink, &numbers(10, 20));
    assert_eq!(sink.abort().unwrap_err().kind(), Kind::Ahead);
    sink.recover(std::slice::from_ref(&first)).unwrap_err();
    server.restart();
    sink.recover(std::slice::from_ref(&first)).unwrap();
    assert_eq!(server.content("OUT", "out.x"), numbers(0, 10));
    // What the recovered checkpoint does not stand for is forgotten.
    assert_eq!(sink.publish(&second).unwrap_err().kind(), Kind::Token);
}

#[test]
fn an_outage_that_ends_is_waited_for() {
    let mut server = server_with_stream();
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(address(&server), directory.path());
    sink.recover(&[]).unwrap();
    let token = epoch(&mut sink, &numbers(0, 10));
    server.kill();
    let publishing = std::thread::spawn(move || sink.publish(&token));
    server.restart();
    publishing.join().unwrap().unwrap();
    assert_eq!(server.content("OUT", "out.x"), numbers(0, 10));
}

#[test]
fn many_records_are_published_quickly() {
    let server = server_with_stream();
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(address(&server), directory.path());
    sink.recover(&[]).unwrap();
    let token = epoch(&mut sink, &numbers(0, 30_000));
    let begun = Instant::now();
    sink.publish(&token).unwrap();
    println!("30,000 records in {:?}", begun.elapsed());
    server.wait_for("OUT", 30_000);
}

#[test]
fn addresses_say_what_is_wrong_with_them() {
    for (address, part) in [
        ("nats://h?subject=a&waiting=d", "path"),
        ("nats://h/S?waiting=d", "subject"),
        ("nats://h/S?subject=a.*&waiting=d", "subject"),
        ("nats://h/S?subject=a", "waiting"),
        ("nats://h/S?subject=a&waiting=", "waiting"),
        ("nats://h/S?subject=a&waiting=d&start=1", "start"),
        ("nats://h/S?subject=a&subject=b&waiting=d", "subject"),
    ] {
        let error = JetStreamSink::from_url(address).map(drop).unwrap_err();
        assert_eq!(error.part(), part, "{error}");
    }
    let sink = JetStreamSink::from_url("nats://h/S?subject=a.b&waiting=some%20where").unwrap();
    assert_eq!((sink.name(), sink.directory()), ("S/a.b", Some(Path::new("some where"))));
}
