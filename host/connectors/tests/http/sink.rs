//! The sink of requests with keys: the suite, and what its target and other processes do meanwhile.

use std::path::Path;
use std::time::Duration;

use alluvium_connectors::sink::{
    Guarantee, HttpMethod, HttpSink, HttpSinkOptions, Publication, Sink, SinkErrorKind as Kind,
};
use alluvium_connectors::testing::{SinkFixture, sink_suite};
use alluvium_connectors::{Opaque, Retry};
use alluvium_test_servers::target::{Fault, Target};
use tempfile::TempDir;

use crate::in_job::sink_suite_in_job;
use crate::support::{batch, endpoint, epoch, numbers};

fn options() -> HttpSinkOptions {
    HttpSinkOptions::default().honours_key(true)
}

fn sink(target: &Target, directory: &Path) -> HttpSink {
    HttpSink::new(endpoint(target.port(), "out"), directory, options())
}

/// A sink that does not try again.
fn impatient(target: &Target, directory: &Path) -> HttpSink {
    let endpoint = endpoint(target.port(), "out").retry(Retry::default().patience(Duration::ZERO));
    HttpSink::new(endpoint, directory, options())
}

struct Paths {
    target: Target,
    directory: TempDir,
    honours_keys: bool,
}

impl Paths {
    fn new(honours_keys: bool) -> Self {
        Self { target: Target::start(honours_keys), directory: tempfile::tempdir().unwrap(), honours_keys }
    }
}

impl SinkFixture for Paths {
    fn open(&mut self, target: &str) -> Box<dyn Sink> {
        let options = HttpSinkOptions::default().honours_key(self.honours_keys);
        Box::new(HttpSink::new(endpoint(self.target.port(), target), self.directory.path().join(target), options))
    }
    fn visible(&mut self, target: &str) -> Vec<String> {
        self.target.lines(target)
    }
}

#[test]
fn it_passes_the_suite() {
    let report = sink_suite(&mut Paths::new(true));
    assert_eq!(report.assert(), 23, "{report:?}");
    // Without keys it promises less, and no more is looked at.
    let report = sink_suite(&mut Paths::new(false));
    assert_eq!(report.assert(), 11, "{report:?}");
}

#[test]
fn it_passes_the_suite_where_records_wait_in_a_job() {
    sink_suite_in_job(Paths::new(true), true, |fixture, target| {
        format!("{}?key=honoured", endpoint(fixture.target.port(), target))
    });
}

#[test]
fn an_epoch_is_one_request_with_a_key_that_says_how_far_it_goes() {
    let target = Target::start(true);
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(&target, directory.path());
    sink.recover(&[]).unwrap();
    for round in 0..3 {
        let token = epoch(&mut sink, &numbers(round * 10, (round + 1) * 10));
        sink.publish(&token).unwrap();
    }
    let requests = target.requests();
    let keys: Vec<&str> = requests.iter().map(|request| &*request.headers["idempotency-key"]).collect();
    let id = keys[0].split('-').next().unwrap();
    assert_eq!(keys, [10, 20, 30].map(|end| format!("{id}-{end}")));
    assert_eq!((&*requests[0].method, &*requests[0].headers["content-type"]), ("POST", "application/x-ndjson"));
    assert_eq!(requests[0].body, numbers(0, 10).join("\n") + "\n");

    let options = options().method(HttpMethod::Put).content_type("text/plain");
    let endpoint = endpoint(target.port(), "out?a=b").token("secret");
    let directory = tempfile::tempdir().unwrap();
    let mut sink = HttpSink::new(endpoint, directory.path(), options);
    assert_eq!(sink.name(), format!("http://127.0.0.1:{}/out", target.port()));
    sink.recover(&[]).unwrap();
    let token = epoch(&mut sink, &numbers(0, 1));
    sink.publish(&token).unwrap();
    let request = target.requests().pop().unwrap();
    assert_eq!((&*request.method, &*request.path), ("PUT", "/out?a=b"));
    assert_eq!(request.headers["content-type"], "text/plain");
    assert_eq!(request.headers["authorization"], "Bearer secret");
    assert!(!request.headers["idempotency-key"].starts_with(id), "a new stream of records has another id");
}

#[test]
fn a_lost_answer_a_lost_request_and_a_busy_target_are_got_over_with_the_same_key() {
    let target = Target::start(true);
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(&target, directory.path());
    sink.recover(&[]).unwrap();
    let token = epoch(&mut sink, &numbers(0, 10));
    let statuses = ["503 Service Unavailable", "409 Conflict", "429 Too Many Requests"].map(Fault::Status);
    target.fail(&[&statuses[..], &[Fault::RequestLost, Fault::AnswerLost]].concat());
    sink.publish(&token).unwrap();
    assert_eq!(target.lines("out"), numbers(0, 10));
    let requests = target.requests();
    assert!(requests.len() >= 6, "{requests:?}");
    assert!(
        requests.iter().all(|request| request.headers["idempotency-key"] == requests[0].headers["idempotency-key"])
    );
}

#[test]
fn a_process_that_dies_within_a_publication_is_completed_by_the_next() {
    let target = Target::start(true);
    let directory = tempfile::tempdir().unwrap();
    let mut committed: Vec<Opaque> = Vec::new();
    for round in 0..8 {
        let mut sink = impatient(&target, directory.path());
        sink.recover(&committed).unwrap();
        let first = epoch(&mut sink, &numbers(round * 30, round * 30 + 10));
        let second = epoch(&mut sink, &numbers(round * 30 + 10, (round + 1) * 30));
        target.fail(&[if round % 2 == 0 { Fault::AnswerLost } else { Fault::RequestLost }]);
        let error = sink.publish(if round % 4 < 2 { &first } else { &second }).unwrap_err();
        assert!(error.is_transient(), "{error}");
        assert_eq!(sink.abort().unwrap_err().kind(), Kind::Ahead);
        drop(sink);
        let mut sink = impatient(&target, directory.path());
        committed = vec![second];
        // What was being sent comes again as it was, and what is behind it in another request.
        assert_eq!(sink.recover(&committed).unwrap(), [Publication::Now]);
        assert_eq!(target.lines("out"), numbers(0, (round + 1) * 30), "round {round}");
        assert_eq!(sink.recover(&committed).unwrap(), [Publication::Before]);
    }
}

#[test]
fn what_may_have_been_sent_is_ahead_of_an_older_checkpoint() {
    let target = Target::start(true);
    let directory = tempfile::tempdir().unwrap();
    let mut sink = impatient(&target, directory.path());
    sink.recover(&[]).unwrap();
    let first = epoch(&mut sink, &numbers(0, 10));
    sink.publish(&first).unwrap();
    let second = epoch(&mut sink, &numbers(10, 20));
    target.fail(&[Fault::RequestLost]);
    sink.publish(&second).unwrap_err();
    drop(sink);
    let error = impatient(&target, directory.path()).recover(std::slice::from_ref(&first)).unwrap_err();
    assert_eq!(error.kind(), Kind::Ahead, "{error}");
    assert_eq!(error.what(), "20 records are sent, and the checkpoint stands for 10");
}

#[test]
fn an_answer_that_does_not_pass_is_an_error_that_names_it() {
    for (status, expected) in [
        ("401 Unauthorized", "the server answers 401 Unauthorized: \"no\""),
        ("413 Payload Too Large", "the server answers 413 Payload Too Large: \"no\""),
        (
            "308 Permanent Redirect",
            "the server answers 308 Permanent Redirect and points to \"/elsewhere\": use that address",
        ),
    ] {
        let target = Target::start(true);
        let directory = tempfile::tempdir().unwrap();
        let mut sink = sink(&target, directory.path());
        sink.recover(&[]).unwrap();
        let token = epoch(&mut sink, &numbers(0, 10));
        target.fail(&[Fault::Status(status)]);
        let error = sink.publish(&token).unwrap_err();
        assert!(!error.is_transient(), "{error}");
        assert_eq!(error.to_string(), format!("http://127.0.0.1:{}/out: {expected}", target.port()));
        // Recovery finds out where it is, and sends it again.
        assert_eq!(sink.recover(&[token]).unwrap(), [Publication::Now]);
        assert_eq!(target.lines("out"), numbers(0, 10));
    }
}

#[test]
fn a_directory_has_one_sink_and_a_checkpoint_needs_its_directory() {
    let target = Target::start(true);
    let directory = tempfile::tempdir().unwrap();
    let mut first = sink(&target, directory.path());
    first.recover(&[]).unwrap();
    let error = sink(&target, directory.path()).recover(&[]).unwrap_err();
    assert_eq!(error.kind(), Kind::Open);
    assert!(error.what().ends_with("is used by another process"), "{error}");
    let token = epoch(&mut first, &numbers(0, 3));
    first.publish(&token).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let error = sink(&target, elsewhere.path()).recover(std::slice::from_ref(&token)).unwrap_err();
    assert_eq!(error.kind(), Kind::Missing, "{error}");
    drop(first);
    std::fs::write(directory.path().join("delivery"), "something else").unwrap();
    let error = sink(&target, directory.path()).recover(&[token]).unwrap_err();
    assert_eq!(error.kind(), Kind::Replaced, "{error}");
}

#[test]
fn another_run_in_the_same_directory_is_told_apart() {
    let target = Target::start(true);
    let directory = tempfile::tempdir().unwrap();
    let mut one = sink(&target, directory.path());
    one.recover(&[]).unwrap();
    let token = epoch(&mut one, &numbers(0, 10));
    one.publish(&token).unwrap();
    drop(one);
    // It dies before it sends anything.
    let mut other = sink(&target, directory.path());
    other.recover(&[]).unwrap();
    let token = epoch(&mut other, &numbers(50, 55));
    drop(other);
    assert_eq!(sink(&target, directory.path()).recover(&[token]).unwrap(), [Publication::Now]);
    assert_eq!(target.lines("out"), [numbers(0, 10), numbers(50, 55)].concat());
}

#[test]
fn a_record_with_a_line_end_is_refused_before_the_checkpoint() {
    let target = Target::start(true);
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(&target, directory.path());
    sink.recover(&[]).unwrap();
    let error = sink.write(&batch(&["a\nb".to_owned()])).unwrap_err();
    assert_eq!(error.what(), "a record has a line end at byte 1, and each record is one line");
}

#[test]
fn addresses_say_what_is_wrong_with_them() {
    for (address, part) in [
        ("http://h/a", "waiting"),
        ("http://h/a?waiting=", "waiting"),
        ("ftp://h/a?waiting=d", "scheme"),
        ("http://h/a?waiting=d&method=get", "method"),
        ("http://h/a?waiting=d&key=yes", "key"),
        ("http://h/a?waiting=d&content-type=a%0Ab", "content-type"),
        ("http://h/a?waiting=d&subject=a", "subject"),
    ] {
        let error = HttpSink::from_url(address).map(drop).unwrap_err();
        assert_eq!(error.part(), part, "{error}");
    }
    let sink = HttpSink::from_url("https://me:secret@h/a?waiting=some%20where&key=honoured").unwrap();
    assert_eq!((sink.name(), sink.directory()), ("https://h/a", Some(Path::new("some where"))));
    assert_eq!(sink.guarantee(), Guarantee::ExactlyOnce);
    let sink = HttpSink::from_url("https://h/a?waiting=d").unwrap();
    assert_eq!(sink.guarantee(), Guarantee::AtLeastOnce);
}
