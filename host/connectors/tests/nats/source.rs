//! The source: the suite, and what servers and streams do meanwhile.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use alluvium_connectors::source::{
    JetStreamOptions, JetStreamSource, Partition, Polled, Reader, Source, SourceError, SourceErrorKind as Kind,
};
use alluvium_connectors::testing::{SourceFixture, source_suite};
use alluvium_connectors::{Batch, Retry};
use alluvium_test_servers::nats::Server;
use async_nats::jetstream::stream::Config;

use crate::address;

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

pub(crate) fn numbers(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|number| format!("record {number}")).collect()
}

pub(crate) fn stream(name: &str) -> Config {
    Config { name: name.to_owned(), subjects: vec![format!("{name}.>")], ..Config::default() }
}

pub(crate) fn open(server: &Server, name: &str, options: JetStreamOptions) -> Box<dyn Reader> {
    let mut source = JetStreamSource::new(address(server), name, options).unwrap();
    let partition = source.partitions().unwrap().remove(0);
    source.open(&partition).unwrap()
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

struct Streams {
    server: Server,
    /// How many partitions each stream has.
    partitions: BTreeMap<String, usize>,
}

impl SourceFixture for Streams {
    fn partitions_max(&self) -> usize {
        3
    }
    fn ends(&self) -> bool {
        false
    }
    fn create(&mut self, name: &str, partitions: &[Vec<String>]) {
        self.server.create(stream(name));
        self.partitions.insert(name.to_owned(), partitions.len());
        for (partition, records) in partitions.iter().enumerate() {
            self.append(name, partition, records);
        }
    }
    fn append(&mut self, name: &str, partition: usize, records: &[String]) {
        self.server.publish(&format!("{name}.{partition}.x"), records);
    }
    fn open(&mut self, name: &str) -> Box<dyn Source> {
        let mut options = JetStreamOptions::default();
        if self.partitions[name] > 1 {
            for partition in 0..self.partitions[name] {
                options = options.subject(format!("{name}.{partition}.*"));
            }
        }
        Box::new(JetStreamSource::new(address(&self.server), name, options).unwrap())
    }
}

#[test]
fn it_passes_the_suite() {
    let report = source_suite(&mut Streams { server: Server::start(), partitions: BTreeMap::new() });
    assert_eq!(report.assert(), 19, "{report:?}");
}

#[test]
fn a_server_that_is_killed_and_started_again_loses_and_doubles_nothing() {
    let mut server = Server::start();
    server.create(stream("S"));
    server.publish("S.a", &numbers(0, 3_000));
    let mut reader = open(&server, "S", JetStreamOptions::default());
    let mut found = read(&mut *reader, 1_000).unwrap();
    server.kill();
    // What came before is handed out, and then polls wait until their deadlines.
    let deadline = Instant::now() + Duration::from_millis(200);
    let mut batch = Batch::default();
    while reader.poll(&mut batch, deadline).unwrap() == Polled::Records {}
    assert!(Instant::now() >= deadline);
    found.extend(batch.records().map(|record| String::from_utf8(record.bytes().to_vec()).unwrap()));
    server.restart();
    server.publish("S.b", &numbers(3_000, 5_000));
    let rest = 5_000 - found.len();
    found.extend(read(&mut *reader, rest).unwrap());
    assert_eq!(found, numbers(0, 5_000));
    let position = reader.position();
    // Another process continues where this one was.
    server.kill();
    server.restart();
    server.publish("S.b", &numbers(5_000, 5_001));
    let mut reader = open(&server, "S", JetStreamOptions::default());
    reader.seek(&position).unwrap();
    assert_eq!(read(&mut *reader, 1).unwrap(), numbers(5_000, 5_001));
}

#[test]
fn a_connection_that_is_lost_on_the_way_loses_and_doubles_nothing() {
    let server = Server::start();
    server.create(stream("S"));
    server.publish("S.a", &numbers(0, 20_000));
    let proxy = alluvium_test_servers::proxy::Proxy::start(server.port());
    let mut source = JetStreamSource::from_url(&format!("nats://127.0.0.1:{}/S?subject=S.a", proxy.port())).unwrap();
    let mut reader = source.open(&Partition::new("S.a").unwrap()).unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    let mut found = Vec::new();
    while found.len() < 20_000 {
        let count = random.usize(1..700).min(20_000 - found.len());
        let more = read(&mut *reader, count).unwrap();
        assert_eq!(more.len(), count, "after {}", found.len());
        found.extend(more);
        assert_eq!(found.last(), numbers(found.len() - 1, found.len()).last(), "after {}", found.len());
        // Messages are on their way, and half a message too.
        proxy.cut();
    }
    assert_eq!(found, numbers(0, 20_000));
}

#[test]
fn the_last_messages_come_again_although_nothing_follows_them() {
    let server = Server::start();
    server.create(stream("S"));
    server.publish("S.a", &numbers(0, 10));
    // The connection is cut at every place of what the server says, from its greeting to the last message.
    for bytes in (0..6_000).step_by(150) {
        let proxy = alluvium_test_servers::proxy::Proxy::start(server.port());
        proxy.cut_answers_after(bytes);
        let mut source = JetStreamSource::from_url(&format!("nats://127.0.0.1:{}/S", proxy.port())).unwrap();
        let mut reader = source.open(&Partition::whole()).unwrap();
        assert_eq!(read(&mut *reader, 10).unwrap(), numbers(0, 10), "cut after {bytes} bytes");
    }
}

#[test]
fn a_stream_that_was_created_again_is_refused() {
    let server = Server::start();
    server.create(stream("S"));
    server.publish("S.a", &numbers(0, 5));
    let mut reader = open(&server, "S", JetStreamOptions::default());
    read(&mut *reader, 3).unwrap();
    let position = reader.position();
    read(&mut *reader, 2).unwrap();
    server.with(async |context| assert!(context.delete_stream("S").await.unwrap().success));
    server.create(stream("S"));
    server.publish("S.a", &numbers(100, 110));
    // In the process that was reading, and in another one.
    let mut again = open(&server, "S", JetStreamOptions::default());
    again.seek(&position).unwrap();
    for reader in [&mut reader, &mut again] {
        for _ in 0..2 {
            let error = read(&mut **reader, 1).unwrap_err();
            assert_eq!(error.kind(), Kind::Position, "{error}");
            assert!(error.what().starts_with("the stream was created at "), "{error}");
        }
    }
    // Its beginning may be sought.
    let mut fresh = open(&server, "S", JetStreamOptions::default());
    let start = fresh.position();
    again.seek(&start).unwrap();
    assert_eq!(read(&mut *again, 10).unwrap(), numbers(100, 110));
    assert_eq!(read(&mut *fresh, 10).unwrap(), numbers(100, 110));
}

#[test]
fn a_server_that_went_back_to_a_copy_is_refused() {
    let mut server = Server::start();
    server.create(stream("S"));
    server.publish("S.a", &numbers(0, 5));
    server.kill();
    let copy = server.copy();
    server.restart();
    server.publish("S.a", &numbers(5, 9));
    let mut reader = open(&server, "S", JetStreamOptions::default());
    read(&mut *reader, 8).unwrap();
    let position = reader.position();
    drop(reader);
    server.kill();
    server.put_back(&copy);
    server.restart();
    let refused = |kind| {
        let mut reader = open(&server, "S", JetStreamOptions::default());
        reader.seek(&position).unwrap();
        let error = read(&mut *reader, 1).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("its server has lost messages"), "{error}");
    };
    refused(Kind::TooShort { records: 5 });
    // The same number of messages as before, and others.
    server.publish("S.a", &numbers(50, 60));
    refused(Kind::Position);
}

#[test]
fn the_lag_is_known() {
    let server = Server::start();
    server.create(stream("S"));
    server.publish("S.a", &numbers(0, 300));
    server.publish("S.b", &numbers(0, 7));
    let mut reader = open(&server, "S", JetStreamOptions::default().subject("S.a"));
    assert_eq!(reader.progress().lag_records, None);
    for left in [299, 298] {
        read(&mut *reader, 1).unwrap();
        assert_eq!(reader.progress().lag_records, Some(left));
    }
    let position = reader.position();
    reader.seek(&position).unwrap();
    read(&mut *reader, 1).unwrap();
    assert_eq!(reader.progress().lag_records, Some(297));
}

#[test]
fn deadlines_hold_without_a_server_and_a_long_outage_is_transient() {
    let mut server = Server::start();
    server.create(stream("S"));
    server.publish("S.a", &numbers(0, 1));
    server.kill();
    let retry = Retry::default().patience(Duration::from_millis(300));
    let mut source = JetStreamSource::new(address(&server).retry(retry), "S", JetStreamOptions::default()).unwrap();
    let mut reader = source.open(&Partition::whole()).unwrap();
    for wait in [Duration::ZERO, Duration::from_millis(50)] {
        let deadline = Instant::now() + wait;
        assert_eq!(reader.poll(&mut Batch::default(), deadline).unwrap(), Polled::Nothing);
        assert!(Instant::now() >= deadline && deadline.elapsed() < Duration::from_secs(2));
    }
    let error = read(&mut *reader, 1).unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(error.to_string().starts_with(&format!("S: nats://127.0.0.1:{}: ", server.port())), "{error}");
    server.restart();
    let give_up = soon();
    let mut batch = Batch::default();
    while batch.is_empty() && Instant::now() < give_up {
        if let Err(error) = reader.poll(&mut batch, give_up) {
            assert!(error.is_transient(), "{error}");
        }
    }
    assert_eq!(batch.count(), 1);
}

#[test]
fn a_caller_within_a_runtime_may_use_it() {
    let server = Server::start();
    server.create(stream("S"));
    server.publish("S.a", &numbers(0, 10));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut reader = open(&server, "S", JetStreamOptions::default());
        assert_eq!(read(&mut *reader, 10).unwrap(), numbers(0, 10));
        drop(reader);
    });
}

#[test]
fn a_wrong_login_is_refused_and_its_password_is_not_shown() {
    let server = Server::start_with(&["--user", "me", "--pass", "right"]);
    let url = |login: &str| format!("nats://{login}127.0.0.1:{}/S", server.port());
    for login in ["", "me:wrong@", "me:swordfish@"] {
        let mut source = JetStreamSource::from_url(&url(login)).unwrap();
        let error = read(&mut *source.open(&Partition::whole()).unwrap(), 1).unwrap_err();
        assert!(!error.is_transient() && !error.to_string().contains("wrong"), "{error}");
        assert!(!format!("{error:?}{source:?}").contains("swordfish"), "{error:?}");
    }
    let mut source = JetStreamSource::from_url(&url("me:right@")).unwrap();
    let error = read(&mut *source.open(&Partition::whole()).unwrap(), 1).unwrap_err();
    assert!(error.to_string().ends_with("there is no stream S"), "{error}");
}

#[test]
fn addresses_say_what_is_wrong_with_them() {
    for (address, part) in [
        ("nats://h", "path"),
        ("nats://h/", "path"),
        ("nats://h/a/b", "path"),
        ("nats://h/a.b", "path"),
        ("nats:///S", "host"),
        ("nats://h/S?subject=a..b", "subject"),
        ("nats://h/S?subject=a.*&subject=*.b", "subject"),
        ("nats://h/S?start=first", "start"),
        ("nats://h/S?gaps=ignore", "gaps"),
        ("nats://h/S?subjects=a", "subjects"),
    ] {
        let error = JetStreamSource::from_url(address).map(drop).unwrap_err();
        assert_eq!(error.part(), part, "{error}");
    }
    let options = JetStreamOptions::default().subject("a.*").subject("a.b");
    let error = JetStreamSource::new(alluvium_connectors::NatsServer::new("h", 1), "S", options).unwrap_err();
    assert_eq!(error.to_string(), "S: \"a.*\" and \"a.b\" let the same messages through");
}
