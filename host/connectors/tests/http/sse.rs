//! The source of server-sent events: the suite, and what its server is asked.

use std::time::{Duration, Instant};

use alluvium_connectors::Batch;
use alluvium_connectors::source::{Polled, Source, SseOptions, SseSource, WithoutId};
use alluvium_connectors::testing::{SourceFixture, source_suite};
use alluvium_test_servers::events::Events;
use alluvium_test_servers::http::{Server, answer, begin_events, end, send, wait_for_close};

use crate::support::{endpoint, numbers, open, read, read_to_error};

pub(crate) fn source(port: u16, options: SseOptions) -> SseSource {
    SseSource::new(endpoint(port, "events"), options)
}

struct Fixture(Events);

impl SourceFixture for Fixture {
    fn partitions_max(&self) -> usize {
        1
    }
    fn ends(&self) -> bool {
        false
    }
    fn create(&mut self, stream: &str, partitions: &[Vec<String>]) {
        self.0.append(stream, &partitions[0]);
    }
    fn append(&mut self, stream: &str, _: usize, records: &[String]) {
        self.0.append(stream, records);
    }
    fn open(&mut self, stream: &str) -> Box<dyn Source> {
        Box::new(SseSource::new(endpoint(self.0.port(), stream), SseOptions::default()))
    }
}

#[test]
fn it_passes_the_suite() {
    let report = source_suite(&mut Fixture(Events::start()));
    assert_eq!(report.assert(), 18, "{report:?}");
}

#[test]
fn events_are_read_by_the_rules() {
    let text = "\u{feff}: hello\r\nevent: other\nid: a\ndata: one\ndata:  two\n\nid\ndata:three\rdata\r\rdata: cut";
    let server = Server::start(move |number, _, stream| {
        if number > 0 {
            return answer(stream, "204 No Content", &[], "");
        }
        begin_events(stream);
        // Byte by byte.
        let _ = text.char_indices().all(|(at, character)| send(stream, &text[at..at + character.len_utf8()]));
        end(stream);
    });
    let mut reader = open(source(server.port(), SseOptions::default().without_id(WithoutId::Repeated)));
    // What is not complete is no event, and 204 says that no more will come.
    assert_eq!(read(&mut *reader, 9).unwrap(), ["one\n two", "three\n"]);
    assert_eq!(reader.poll(&mut Batch::default(), Instant::now()).unwrap(), Polled::End);
    let requests = server.requests();
    assert_eq!(requests[0].headers["accept"], "text/event-stream");
    assert!(!requests[0].headers.contains_key("last-event-id"));
    assert_eq!(requests[1].headers["last-event-id"], "a");
}

#[test]
fn only_the_chosen_events_are_handed_out_and_all_ids_count() {
    let server = Server::start(|_, _, stream| {
        begin_events(stream);
        send(
            stream,
            "id: 1\nevent: a\ndata: 1\n\nid: 2\ndata: 2\n\nid: 3\nevent: b\ndata: 3\n\nid: 4\nevent: a\ndata: 4\n\n",
        );
        wait_for_close(stream);
    });
    for (events, expected) in
        [(&["a"][..], &["1", "4"][..]), (&["b", "message"], &["2", "3"]), (&[], &["1", "2", "3", "4"])]
    {
        let options = events.iter().fold(SseOptions::default(), |options, event| options.event(*event));
        assert_eq!(read(&mut *open(source(server.port(), options)), expected.len()).unwrap(), expected);
    }
}

/// Events of which two have no id. The server begins behind the id that it is asked for.
fn some_without_ids(cuts: bool) -> Server {
    Server::start(move |number, request, stream| {
        begin_events(stream);
        let all = ["id: 1\ndata: 1\n\n", "data: 2\n\n", "data: 3\n\n", "id: 4\ndata: 4\n\n"];
        let first = usize::from(request.headers.contains_key("last-event-id"));
        for (at, event) in all.iter().enumerate().skip(first) {
            // The first connection ends behind the second event.
            if cuts && number == 0 && at == 2 {
                return;
            }
            send(stream, event);
        }
        wait_for_close(stream);
    })
}

#[test]
fn what_an_event_without_an_id_means_is_asked_for() {
    let server = some_without_ids(false);
    let mut reader = open(source(server.port(), SseOptions::default()));
    let (found, error) = read_to_error(&mut *reader);
    assert_eq!(found, ["1"]);
    assert!(error.to_string().contains("events: record 2: it has no id"), "{error}");
    assert_eq!(reader.poll(&mut Batch::default(), Instant::now()).unwrap_err().to_string(), error.to_string());

    // They come again, and are passed over.
    let server = some_without_ids(true);
    let options = SseOptions::default().without_id(WithoutId::Repeated);
    let mut reader = open(source(server.port(), options.clone()));
    assert_eq!(read(&mut *reader, 4).unwrap(), ["1", "2", "3", "4"]);
    let mut reader = open(source(server.port(), options.clone()));
    assert_eq!(read(&mut *reader, 3).unwrap(), ["1", "2", "3"]);
    let position = reader.position();
    let mut again = open(source(server.port(), options));
    again.seek(&position).unwrap();
    assert_eq!(read(&mut *again, 1).unwrap(), ["4"]);

    // They come once, and here they do come again.
    let server = some_without_ids(true);
    let mut reader = open(source(server.port(), SseOptions::default().without_id(WithoutId::Live)));
    assert_eq!(read(&mut *reader, 5).unwrap(), ["1", "2", "2", "3", "4"]);
}

#[test]
fn a_server_that_does_not_repeat_them_is_refused() {
    let server = Server::start(|number, _, stream| {
        begin_events(stream);
        send(stream, if number == 0 { "id: 1\ndata: 1\n\ndata: 2\n\n" } else { "id: 3\ndata: 3\n\n" });
        end(stream);
    });
    let mut reader = open(source(server.port(), SseOptions::default().without_id(WithoutId::Repeated)));
    let (found, error) = read_to_error(&mut *reader);
    assert_eq!(found, ["1", "2"]);
    assert!(error.what().starts_with("the server has not repeated 1 of the 1 events"), "{error}");
}

#[test]
fn a_position_is_the_last_id_and_does_not_depend_on_the_process() {
    let events = Events::start();
    events.append("events", &numbers(0, 100));
    let mut reader = open(source(events.port(), SseOptions::default()));
    assert_eq!(read(&mut *reader, 40).unwrap(), numbers(0, 40));
    assert_eq!(reader.position().to_string(), "\"40 0 39\"");
    let mut again = open(source(events.port(), SseOptions::default()));
    again.seek(&reader.position()).unwrap();
    assert_eq!(read(&mut *again, 60).unwrap(), numbers(40, 100));
    // The deadline holds while nothing comes.
    let deadline = Instant::now() + Duration::from_millis(50);
    assert_eq!(again.poll(&mut Batch::default(), deadline).unwrap(), Polled::Nothing);
    assert!(Instant::now() >= deadline && deadline.elapsed() < Duration::from_secs(2));
}

#[test]
fn addresses_say_what_is_wrong_with_them() {
    for (address, part) in [
        ("sse+http:///a", "host"),
        ("sse+ftp://h/a", "scheme"),
        ("sse+http://h/a?without-id=ignore", "without-id"),
        ("sse+http://h/a?record-bytes=x", "record-bytes"),
        ("sse+https://h/a?events=a", "events"),
        ("sse+https://h/a?retry-for=a", "retry-for"),
    ] {
        let error = SseSource::from_url(address).map(drop).unwrap_err();
        assert_eq!(error.part(), part, "{error}");
    }
    let source = SseSource::from_url("sse+https://t:p@h:81/a/b?event=x&without-id=live&query=key%3Dsecret").unwrap();
    assert_eq!(source.identity().to_string(), "sse https://h:81/a/b");
    assert!(!format!("{source:?}").contains("secret"));
}
