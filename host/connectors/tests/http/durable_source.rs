//! The source of Durable Streams: the suite, and what servers and streams do meanwhile.

use std::time::{Duration, Instant};

use alluvium_connectors::source::{
    DurableStreamOptions, DurableStreamSource, Polled, Reader, Source, SourceErrorKind as Kind,
};
use alluvium_connectors::testing::{SourceFixture, source_suite};
use alluvium_connectors::{Batch, HttpEndpoint, Retry};
use alluvium_test_servers::durable_streams::Streams;
use alluvium_test_servers::http::{Server, answer};
use alluvium_test_servers::proxy::Proxy;

use crate::support::{endpoint, numbers, open, read, read_to_error, texts};

const LINES: &str = "text/plain";

fn reader(endpoint: HttpEndpoint) -> Box<dyn Reader> {
    open(DurableStreamSource::new(endpoint, DurableStreamOptions::default()))
}

/// Texts as a stream of JSON has them.
fn json(records: &[String]) -> Vec<String> {
    records.iter().map(|record| format!("\"{record}\"")).collect()
}

struct Lines(Streams);

impl SourceFixture for Lines {
    fn partitions_max(&self) -> usize {
        1
    }
    fn ends(&self) -> bool {
        false
    }
    fn create(&mut self, stream: &str, partitions: &[Vec<String>]) {
        self.0.create(stream, LINES);
        self.append(stream, 0, &partitions[0]);
    }
    fn append(&mut self, stream: &str, _: usize, records: &[String]) {
        // The server takes no empty request.
        if !records.is_empty() {
            self.0.append(stream, LINES, records.join("\n") + "\n");
        }
    }
    fn open(&mut self, stream: &str) -> Box<dyn Source> {
        Box::new(DurableStreamSource::new(endpoint(self.0.port(), stream), DurableStreamOptions::default()))
    }
}

#[test]
fn it_passes_the_suite() {
    let report = source_suite(&mut Lines(Streams::start()));
    assert_eq!(report.assert(), 18, "{report:?}");
}

#[test]
fn a_stream_is_read_from_every_position_in_both_forms() {
    let server = Streams::start();
    for (name, content_type) in [("json", "application/json; charset=utf-8"), ("lines", LINES)] {
        server.create(name, content_type);
        let all = numbers(0, 30);
        let expected = if name == "json" { json(&all) } else { all.clone() };
        for (number, records) in all.chunks(10).enumerate() {
            if name == "json" {
                server.append(name, content_type, serde_json::to_string(records).unwrap());
            } else {
                // Every request but the last ends within a line.
                let text = all.join("\r\n") + "\r\n";
                let third = text.len() / 3;
                let end = if number == 2 { text.len() } else { (number + 1) * third };
                server.append(name, content_type, &text[number * third..end]);
            }
        }
        let mut first = reader(endpoint(server.port(), name));
        for at in 0..=30 {
            let mut again = reader(endpoint(server.port(), name));
            again.seek(&first.position()).unwrap();
            assert_eq!(again.position(), first.position());
            assert_eq!(read(&mut *again, 30 - at).unwrap(), expected[at..], "{name} from {at} on");
            if at < 30 {
                assert_eq!(read(&mut *first, 1).unwrap(), expected[at..=at]);
            }
        }
    }
}

#[test]
fn records_that_are_cut_over_live_answers_are_put_together() {
    let server = Streams::start();
    server.create("s", LINES);
    server.append("s", LINES, "one\ntw");
    let mut follower = reader(endpoint(server.port(), "s"));
    assert_eq!(read(&mut *follower, 1).unwrap(), ["one"]);
    let mut found = Vec::new();
    for (piece, expected) in
        [("o", None), ("\r", None), ("\n", Some("two")), ("\nthr", Some("")), ("ee\n", Some("three"))]
    {
        let nothing = follower.poll(&mut Batch::default(), Instant::now() + Duration::from_millis(30)).unwrap();
        assert_eq!(nothing, Polled::Nothing, "before {piece:?}");
        server.append("s", LINES, piece);
        let Some(expected) = expected else { continue };
        assert_eq!(read(&mut *follower, 1).unwrap(), [expected]);
        found.push((follower.position(), expected));
    }
    // Each of the positions continues in another process.
    for (at, (position, _)) in found.iter().enumerate() {
        let mut again = reader(endpoint(server.port(), "s"));
        again.seek(position).unwrap();
        let rest: Vec<&str> = found[at + 1..].iter().map(|(_, record)| *record).collect();
        assert_eq!(read(&mut *again, rest.len()).unwrap(), rest);
    }
}

#[test]
fn a_server_that_is_killed_and_started_again_loses_and_doubles_nothing() {
    let mut server = Streams::start();
    server.create("s", "application/json");
    server.append_json("s", &numbers(0, 3_000));
    let mut follower = reader(endpoint(server.port(), "s"));
    let mut found = read(&mut *follower, 1_000).unwrap();
    server.kill();
    // What came before is handed out, and then polls wait until their deadlines.
    let deadline = Instant::now() + Duration::from_millis(200);
    let mut batch = Batch::default();
    while follower.poll(&mut batch, deadline).unwrap() == Polled::Records {}
    assert!(Instant::now() >= deadline);
    found.extend(texts(&batch));
    server.restart();
    server.append_json("s", &numbers(3_000, 5_000));
    let rest = 5_000 - found.len();
    found.extend(read(&mut *follower, rest).unwrap());
    assert_eq!(found, json(&numbers(0, 5_000)));
    let position = follower.position();
    // Another process continues where this one was.
    server.kill();
    server.restart();
    server.append_json("s", &numbers(5_000, 5_001));
    let mut again = reader(endpoint(server.port(), "s"));
    again.seek(&position).unwrap();
    assert_eq!(read(&mut *again, 1).unwrap(), json(&numbers(5_000, 5_001)));
}

#[test]
fn a_connection_that_is_cut_anywhere_loses_and_doubles_nothing() {
    let server = Streams::start();
    server.create("s", "application/json");
    server.append_json("s", &numbers(0, 20));
    // From the status line to the last byte, and within the long poll.
    for bytes in (0..1_800).step_by(67) {
        let proxy = Proxy::start(server.port());
        proxy.cut_answers_after(bytes);
        let mut follower = reader(endpoint(proxy.port(), "s"));
        assert_eq!(read(&mut *follower, 20).unwrap(), json(&numbers(0, 20)), "cut after {bytes} bytes");
    }
    let proxy = Proxy::start(server.port());
    let mut follower = reader(endpoint(proxy.port(), "s"));
    for round in 1..20 {
        assert_eq!(read(&mut *follower, 20).unwrap(), json(&numbers((round - 1) * 20, round * 20)));
        proxy.cut();
        server.append_json("s", &numbers(round * 20, (round + 1) * 20));
    }
}

#[test]
fn faults_of_the_server_are_got_over() {
    let server = Streams::start();
    server.create("s", "application/json");
    server.append_json("s", &numbers(0, 20));
    for fault in [
        "\"status\":500",
        "\"status\":429,\"retryAfter\":1",
        "\"status\":503,\"count\":3",
        "\"dropConnection\":true,\"count\":2",
        "\"truncateBodyBytes\":100",
    ] {
        server.fail("s", fault);
        let begun = Instant::now();
        assert_eq!(read(&mut *reader(endpoint(server.port(), "s")), 20).unwrap(), json(&numbers(0, 20)), "{fault}");
        assert!(!fault.contains("retryAfter") || begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    }
}

#[test]
fn a_stream_that_was_made_again_is_refused() {
    let server = Streams::start();
    for (name, content_type) in [("json", "application/json"), ("lines", LINES)] {
        let append = |records: &[String]| match name {
            "json" => server.append_json(name, records),
            _ => server.append(name, content_type, records.join("\n") + "\n"),
        };
        server.create(name, content_type);
        append(&numbers(0, 5));
        let mut follower = reader(endpoint(server.port(), name));
        read(&mut *follower, 3).unwrap();
        let position = follower.position();
        read(&mut *follower, 2).unwrap();
        server.delete(name);
        let refused = |reader: &mut dyn Reader, kind| {
            for _ in 0..2 {
                let error = read(reader, 1).unwrap_err();
                assert_eq!(error.kind(), kind, "{error}");
            }
        };
        let again = || {
            let mut again = reader(endpoint(server.port(), name));
            again.seek(&position).unwrap();
            again
        };
        // It is not there.
        refused(&mut *follower, Kind::Open);
        refused(&mut *again(), Kind::Open);
        // It has fewer records, and then as many others.
        server.create(name, content_type);
        append(&numbers(0, 1));
        refused(&mut *again(), Kind::TooShort { records: 1 });
        append(&numbers(10, 20));
        refused(&mut *again(), Kind::Replaced);
        // Its beginning may be sought.
        let mut fresh = reader(endpoint(server.port(), name));
        let start = fresh.position();
        let mut again = again();
        again.seek(&start).unwrap();
        assert_eq!(read(&mut *again, 11).unwrap(), read(&mut *fresh, 11).unwrap());
    }
}

#[test]
fn a_closed_stream_ends_and_an_unfinished_line_is_apart() {
    let server = Streams::start();
    server.create("s", LINES);
    server.append("s", LINES, "one\ntwo\nthr");
    let mut follower = reader(endpoint(server.port(), "s"));
    assert_eq!(read(&mut *follower, 2).unwrap(), ["one", "two"]);
    server.close("s");
    let mut batch = Batch::default();
    let mut again = reader(endpoint(server.port(), "s"));
    again.seek(&follower.position()).unwrap();
    for reader in [&mut follower, &mut again] {
        assert_eq!(read(&mut **reader, 1).unwrap(), [""; 0]);
        assert_eq!(reader.poll(&mut batch, Instant::now()).unwrap(), Polled::End);
        assert!(reader.unfinished(&mut batch).unwrap());
    }
    assert_eq!(texts(&batch), ["thr", "thr"]);
}

#[test]
fn what_the_server_says_is_held_to_the_protocol() {
    const NEXT: &str = "stream-next-offset: 7";
    for (status, headers, body, expected) in [
        (
            "200 OK",
            &["content-type: application/json"][..],
            "[]",
            "its answer has no Stream-Next-Offset: it is no durable stream",
        ),
        ("200 OK", &[NEXT, "content-type: application/json"], "[1,}", "record 2: the server sends broken JSON: "),
        ("401 Unauthorized", &[], "no", "the server answers 401 Unauthorized: \"no\""),
        ("404 Not Found", &[], "", "there is no such stream (404 Not Found)"),
        ("410 Gone", &[], "", "position \"0 0 0 0000000000000000 -1\": the stream is deleted, or does not keep"),
        ("200 OK", &[NEXT, "content-type: text/plain"], "a\n12345678901\n", "record 2: it has more than 10 bytes"),
        (
            "200 OK",
            &[NEXT, "content-type: application/json"],
            "[1,\"12345678901\"]",
            "record 2: it has more than 10 bytes",
        ),
    ] {
        let server = Server::start(move |_, _, stream| answer(stream, status, headers, body));
        let options = DurableStreamOptions::default().record_bytes_max(10);
        let mut follower = open(DurableStreamSource::new(endpoint(server.port(), "s"), options));
        let (found, error) = read_to_error(&mut *follower);
        assert_eq!(found.len(), usize::from(expected.starts_with("record 2")), "{found:?}");
        assert!(error.to_string().starts_with(&format!("http://127.0.0.1:{}/s: {expected}", server.port())), "{error}");
        assert_eq!(follower.poll(&mut Batch::default(), Instant::now()).unwrap_err().to_string(), error.to_string());
    }
}

#[test]
fn an_end_that_goes_back_is_looked_at_again() {
    // It shows more later, or it has lost what it had shown.
    for (later, expected) in [("one\ntwo\n", Ok(vec!["two".to_owned()])), ("", Err(Kind::TooShort { records: 0 }))] {
        let server = Server::start(move |number, _, stream| {
            let head = ["content-type: text/plain", "stream-up-to-date: true"];
            let (next, body) = match number {
                0 => ("stream-next-offset: 7", "one\n"),
                1 => ("stream-next-offset: 5", ""),
                _ => ("stream-next-offset: 9", later),
            };
            answer(stream, "200 OK", &[&head[..], &[next]].concat(), body);
        });
        let mut follower = reader(endpoint(server.port(), "s"));
        assert_eq!(read(&mut *follower, 1).unwrap(), ["one"]);
        assert_eq!(read(&mut *follower, 1).map_err(|error| error.kind()), expected);
    }
}

#[test]
fn an_answer_may_be_a_part_and_the_cursor_is_repeated() {
    let server = Server::start(|number, _, stream| {
        let (next, rest, body) = match number {
            0 => ("stream-next-offset: a", "x: y", "one\ntw"),
            1 => ("stream-next-offset: b", "stream-up-to-date: true", "o\n"),
            2 => ("stream-next-offset: c d", "stream-cursor: 17", "three\n"),
            _ => return answer(stream, "204 No Content", &["stream-next-offset: c d", "stream-closed: true"], ""),
        };
        answer(stream, "200 OK", &["content-type: text/plain", next, rest], body);
    });
    let mut follower = reader(endpoint(server.port(), "s?key=value"));
    assert_eq!(read(&mut *follower, 9).unwrap(), ["one", "two", "three"]);
    let paths: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    let expected = [
        "/s?key=value&offset=-1",
        "/s?key=value&offset=a",
        "/s?key=value&offset=b&live=long-poll",
        "/s?key=value&offset=c+d",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn deadlines_hold_without_a_server_and_a_long_outage_is_transient() {
    let mut server = Streams::start();
    server.create("s", "application/json");
    server.append_json("s", &numbers(0, 1));
    server.kill();
    let retry = Retry::default().patience(Duration::from_millis(300));
    let mut follower = reader(endpoint(server.port(), "s").retry(retry));
    for wait in [Duration::ZERO, Duration::from_millis(50)] {
        let deadline = Instant::now() + wait;
        assert_eq!(follower.poll(&mut Batch::default(), deadline).unwrap(), Polled::Nothing);
        assert!(Instant::now() >= deadline && deadline.elapsed() < Duration::from_secs(2));
    }
    let error = read(&mut *follower, 1).unwrap_err();
    assert!(error.is_transient(), "{error}");
    server.restart();
    let give_up = crate::support::soon();
    let mut batch = Batch::default();
    while batch.is_empty() && Instant::now() < give_up {
        if let Err(error) = follower.poll(&mut batch, give_up) {
            assert!(error.is_transient(), "{error}");
        }
    }
    assert_eq!(batch.count(), 1);
}

#[test]
fn a_caller_within_a_runtime_may_use_it() {
    let server = Streams::start();
    server.create("s", "application/json");
    server.append_json("s", &numbers(0, 10));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut follower = reader(endpoint(server.port(), "s"));
        assert_eq!(read(&mut *follower, 10).unwrap(), json(&numbers(0, 10)));
        drop(follower);
    });
}

#[test]
fn addresses_say_what_is_wrong_with_them() {
    for (address, part) in [
        ("durable-stream+http:///a", "host"),
        ("durable-stream+ws://h/a", "scheme"),
        ("durable-stream+http://h/a?record-bytes=x", "record-bytes"),
        ("durable-stream+https://h/a?offset=7", "offset"),
    ] {
        let error = DurableStreamSource::from_url(address).map(drop).unwrap_err();
        assert_eq!(error.part(), part, "{error}");
    }
    let source = DurableStreamSource::from_url("durable-stream+https://secret@h/a?query=key%3Dsecret").unwrap();
    assert_eq!(source.identity().to_string(), "durable-stream https://h/a");
    assert!(!format!("{source:?}").contains("secret"));
}
