//! The source of server-sent events over servers and connections that fail.

use std::io::Write;
use std::time::{Duration, Instant};

use alluvium_connectors::source::{Polled, SourceErrorKind as Kind, SseOptions};
use alluvium_connectors::{Batch, Retry};
use alluvium_test_servers::events::Events;
use alluvium_test_servers::http::{Server, answer, begin_events, end, send, wait_for_close};
use alluvium_test_servers::proxy::Proxy;

use crate::sse::source;
use crate::support::{endpoint, numbers, open, read, read_to_error};

#[test]
fn a_connection_that_is_cut_anywhere_loses_and_doubles_nothing() {
    let events = Events::start();
    events.append("events", &numbers(0, 10));
    // From its status line to the last event.
    for bytes in (0..600).step_by(23) {
        let proxy = Proxy::start(events.port());
        proxy.cut_answers_after(bytes);
        let mut reader = open(source(proxy.port(), SseOptions::default()));
        assert_eq!(read(&mut *reader, 10).unwrap(), numbers(0, 10), "cut after {bytes} bytes");
    }
}

#[test]
fn a_connection_that_is_cut_again_and_again_loses_and_doubles_nothing() {
    let events = Events::start();
    events.append("events", &numbers(0, 5_000));
    let proxy = Proxy::start(events.port());
    let mut reader = open(source(proxy.port(), SseOptions::default()));
    let mut random = fastrand::Rng::with_seed(1);
    let mut found = Vec::new();
    while found.len() < 5_000 {
        let count = random.usize(1..700).min(5_000 - found.len());
        found.extend(read(&mut *reader, count).unwrap());
        proxy.cut();
    }
    assert_eq!(found, numbers(0, 5_000));
}

#[test]
fn a_server_that_is_busy_is_asked_again_when_it_says() {
    let server = Server::start(|number, _, stream| match number {
        0 => answer(stream, "503 Service Unavailable", &["retry-after: 1"], "starting"),
        1 => answer(stream, "429 Too Many Requests", &[], ""),
        _ => {
            begin_events(stream);
            send(stream, "id: 1\ndata: 1\n\n");
            wait_for_close(stream);
        }
    });
    let mut reader = open(source(server.port(), SseOptions::default()));
    let begun = Instant::now();
    let deadline = begun + Duration::from_millis(100);
    assert_eq!(reader.poll(&mut Batch::default(), deadline).unwrap(), Polled::Nothing);
    assert!(deadline.elapsed() < Duration::from_secs(2), "the poll returns at its deadline");
    assert_eq!(read(&mut *reader, 1).unwrap(), ["1"]);
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[test]
fn an_answer_that_does_not_pass_is_an_error_at_once() {
    for (status, headers, body, expected) in [
        ("401 Unauthorized", "x: y", "who\u{1b}?", "the server answers 401 Unauthorized: \"who\\x1b?\""),
        ("404 Not Found", "x: y", "", "the server answers 404 Not Found"),
        ("501 Not Implemented", "x: y", "", "the server answers 501 Not Implemented"),
        ("200 OK", "content-type: text/html", "<p>", "the answer is \"text/html\", and not text/event-stream"),
        ("302 Found", "location: /events", "", "it points from one place to another more than 5 times"),
        ("302 Found", "location: https://127.0.0.1/", "", "it points to an address with https: use that address"),
    ] {
        let server = Server::start(move |_, _, stream| answer(stream, status, &[headers], body));
        let mut reader = open(source(server.port(), SseOptions::default()));
        let (_, error) = read_to_error(&mut *reader);
        assert_eq!(error.kind(), Kind::Open, "{error}");
        assert!(error.to_string().starts_with(&format!("http://127.0.0.1:{}/events: ", server.port())), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_few_redirects_are_followed() {
    let server = Server::start(|_, request, stream| {
        if request.path == "/events" {
            return answer(stream, "307 Temporary Redirect", &["location: /elsewhere?a=b"], "");
        }
        begin_events(stream);
        send(stream, "id: 1\ndata: 1\n\n");
        wait_for_close(stream);
    });
    assert_eq!(read(&mut *open(source(server.port(), SseOptions::default())), 1).unwrap(), ["1"]);
    assert_eq!(server.requests()[1].path, "/elsewhere?a=b");
}

#[test]
fn headers_without_end_are_an_error_and_no_memory() {
    let server = Server::start(|_, _, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"name: value value value value value value value value\r\n").is_ok() {}
    });
    let retry = Retry::default().longest_pause(Duration::from_millis(20)).patience(Duration::from_millis(100));
    let endpoint = endpoint(server.port(), "events").retry(retry);
    let mut reader = open(alluvium_connectors::source::SseSource::new(endpoint, SseOptions::default()));
    let (_, error) = read_to_error(&mut *reader);
    assert!(error.is_transient(), "{error}");
}

#[test]
fn a_record_over_the_limit_is_an_error_behind_those_before_it() {
    for rest in [format!("{}\n\n", "x".repeat(100)), "x".repeat(100_000), "x\ndata: ".repeat(10_000)] {
        let server = Server::start(move |_, _, stream| {
            begin_events(stream);
            send(stream, "id: 1\ndata: 1\n\n");
            send(stream, &format!("id: 2\ndata: {rest}"));
            wait_for_close(stream);
        });
        let mut reader = open(source(server.port(), SseOptions::default().record_bytes_max(99)));
        let (found, error) = read_to_error(&mut *reader);
        assert_eq!((found, error.kind()), (vec!["1".to_owned()], Kind::TooLong), "{error}");
        assert!(error.to_string().contains("events: record 2: it has more than 99 bytes"), "{error}");
    }
    // Comments have no limit, and no part in an event.
    let server = Server::start(|_, _, stream| {
        begin_events(stream);
        send(stream, &format!(":{}", "x".repeat(100_000)));
        send(stream, "\nid: 1\ndata: 1\n\n");
        wait_for_close(stream);
    });
    let mut reader = open(source(server.port(), SseOptions::default().record_bytes_max(1)));
    assert_eq!(read(&mut *reader, 1).unwrap(), ["1"]);
}

#[test]
fn polls_return_at_their_deadlines_while_an_event_drips() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let receiver = std::sync::Mutex::new(receiver);
    let server = Server::start(move |_, _, stream| {
        begin_events(stream);
        for character in "id: 1\ndata: drip\n\n".chars() {
            send(stream, &character.to_string());
            receiver.lock().unwrap().recv().unwrap();
        }
        wait_for_close(stream);
    });
    let mut reader = open(source(server.port(), SseOptions::default()));
    for _ in 0..17 {
        let deadline = Instant::now() + Duration::from_millis(10);
        assert_eq!(reader.poll(&mut Batch::default(), deadline).unwrap(), Polled::Nothing);
        assert!(Instant::now() >= deadline && deadline.elapsed() < Duration::from_secs(2));
        sender.send(()).unwrap();
    }
    assert_eq!(read(&mut *reader, 1).unwrap(), ["drip"]);
}

#[test]
fn the_pause_that_a_server_asks_for_is_heard_within_limits() {
    // The longest pause of the endpoint is 200 ms.
    for (asked, at_least) in [("150", 150), ("3600000", 200)] {
        let server = Server::start(move |number, _, stream| {
            begin_events(stream);
            send(stream, &format!("retry: {asked}\n\nid: {number}\ndata: {number}\n\n"));
            end(stream);
        });
        let mut reader = open(source(server.port(), SseOptions::default()));
        let begun = Instant::now();
        assert_eq!(read(&mut *reader, 4).unwrap(), ["0", "1", "2", "3"]);
        let elapsed = begun.elapsed();
        assert!(elapsed >= Duration::from_millis(3 * at_least), "{elapsed:?}");
        assert!(elapsed < Duration::from_secs(30), "{elapsed:?}");
    }
}

#[test]
fn a_server_that_is_away_is_waited_for_and_then_a_transient_error() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let endpoint = endpoint(port, "events").retry(Retry::default().patience(Duration::from_millis(200)));
    let mut reader = open(alluvium_connectors::source::SseSource::new(endpoint, SseOptions::default()));
    let deadline = Instant::now() + Duration::from_millis(20);
    assert_eq!(reader.poll(&mut Batch::default(), deadline).unwrap(), Polled::Nothing);
    let (_, error) = read_to_error(&mut *reader);
    assert!(error.is_transient(), "{error}");
}
