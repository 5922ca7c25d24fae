//! What the sink refuses: other writers, streams that are not what they were, and what the server does not take.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use alluvium_connectors::Retry;
use alluvium_connectors::sink::{Publication, Sink, SinkErrorKind as Kind};
use alluvium_test_servers::nats::Server;
use async_nats::jetstream::stream::{Config, DiscardPolicy};

use crate::address;
use crate::sink::{batch, config, epoch, server_with_stream, sink};
use crate::source::numbers;

struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn another_writer_of_the_subject_is_refused_and_of_another_subject_is_not() {
    let server = server_with_stream();
    // Messages from before are left alone.
    server.publish("out.x", &numbers(900, 903));
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(address(&server), directory.path());
    sink.recover(&[]).unwrap();
    let mut committed = epoch(&mut sink, &numbers(0, 2_000));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _stop = StopAtEnd(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                server.publish("out.y", &numbers(0, 20));
            }
        });
        sink.publish(&committed).unwrap();
        committed = epoch(&mut sink, &numbers(2_000, 4_000));
        sink.publish(&committed).unwrap();
    });
    let expected = [numbers(900, 903), numbers(0, 4_000)].concat();
    assert_eq!(server.content("OUT", "out.x"), expected);

    // Between two epochs, and also for the process that comes after.
    let token = epoch(&mut sink, &numbers(4_000, 4_005));
    server.publish("out.x", &numbers(950, 951));
    let error = sink.publish(&token).unwrap_err();
    assert_eq!(error.kind(), Kind::Fenced, "{error}");
    assert!(error.what().ends_with("of the subject is from another program: this sink must be its only writer"));
    let error = sink.recover(std::slice::from_ref(&token)).unwrap_err();
    assert_eq!(error.kind(), Kind::Fenced, "{error}");
    assert_eq!(server.content("OUT", "out.x"), [expected, numbers(950, 951)].concat());
}

#[test]
fn two_runs_on_one_subject_or_directory_do_not_mix() {
    let server = server_with_stream();
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut first = sink(address(&server), one.path());
    first.recover(&[]).unwrap();
    let error = sink(address(&server), one.path()).recover(&[]).unwrap_err();
    assert_eq!(error.what(), format!("{} is used by another process", one.path().display()));
    let mut second = sink(address(&server), two.path());
    second.recover(&[]).unwrap();
    let (token, other) = (epoch(&mut first, &numbers(0, 5)), epoch(&mut second, &numbers(0, 5)));
    first.publish(&token).unwrap();
    let error = second.publish(&other).unwrap_err();
    assert_eq!(error.kind(), Kind::Fenced, "{error}");
    assert!(error.what().contains("is from another run"), "{error}");
    assert_eq!(server.content("OUT", "out.x"), numbers(0, 5));
}

#[test]
fn what_the_server_has_lost_is_named() {
    let mut server = server_with_stream();
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(address(&server), directory.path());
    sink.recover(&[]).unwrap();
    let first = epoch(&mut sink, &numbers(0, 10));
    sink.publish(&first).unwrap();
    server.kill();
    let copy = server.copy();
    server.restart();
    let second = epoch(&mut sink, &numbers(10, 20));
    sink.publish(&second).unwrap();
    let third = epoch(&mut sink, &numbers(20, 30));
    server.kill();
    server.put_back(&copy);
    server.restart();
    let error = sink.publish(&third).unwrap_err();
    assert_eq!((error.kind(), error.what()), (Kind::Missing, "10 records that the server had acknowledged are gone"));
    for token in [second, third] {
        let error = sink.recover(std::slice::from_ref(&token)).unwrap_err();
        assert_eq!(error.kind(), Kind::Missing, "{error}");
        assert!(error.what().starts_with("10 of the "), "{error}");
    }
}

#[test]
fn a_stream_that_was_created_again_is_refused() {
    let server = server_with_stream();
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(address(&server), directory.path());
    sink.recover(&[]).unwrap();
    let token = epoch(&mut sink, &numbers(0, 10));
    server.with(async |context| assert!(context.delete_stream("OUT").await.unwrap().success));
    server.create(config());
    let error = sink.recover(std::slice::from_ref(&token)).unwrap_err();
    assert_eq!(error.kind(), Kind::Missing, "{error}");
    assert!(server.content("OUT", "out.x").is_empty());
    let error = sink.publish(&token).unwrap_err();
    assert_eq!(error.what(), "it must be recovered first");
}

#[test]
fn retention_that_deletes_what_was_published_is_no_loss() {
    let server = server_with_stream();
    let directory = tempfile::tempdir().unwrap();
    let mut first = sink(address(&server), directory.path());
    first.recover(&[]).unwrap();
    let mut token = epoch(&mut first, &numbers(0, 10));
    first.publish(&token).unwrap();
    let purge = || {
        server.with(async |context| {
            context.get_stream("OUT").await.unwrap().purge().await.unwrap();
        });
    };
    // In the process that has published, and in one that recovers before and after its next checkpoint.
    purge();
    token = epoch(&mut first, &numbers(10, 20));
    first.publish(&token).unwrap();
    assert_eq!(server.content("OUT", "out.x"), numbers(10, 20));
    let token = epoch(&mut first, &numbers(20, 30));
    drop(first);
    purge();
    let mut second = sink(address(&server), directory.path());
    assert_eq!(second.recover(std::slice::from_ref(&token)).unwrap(), [Publication::Now]);
    assert_eq!(server.content("OUT", "out.x"), numbers(20, 30));
    // Here nothing tells whether they had been published.
    purge();
    let mut third = sink(address(&server), directory.path());
    assert_eq!(third.recover(std::slice::from_ref(&token)).unwrap_err().kind(), Kind::Open);
    drop(second);
    let error = third.recover(std::slice::from_ref(&token)).unwrap_err();
    assert_eq!(error.what(), "no message of the subject is left, so it is not known which records were published");
}

#[test]
fn what_the_server_does_not_take_is_refused_before_the_commit_or_named() {
    let server = Server::start();
    server.create(Config { max_messages: 5, discard: DiscardPolicy::New, max_message_size: 2_000, ..config() });
    let directory = tempfile::tempdir().unwrap();
    let retry = Retry::default().patience(Duration::from_millis(100));
    let mut sink = sink(address(&server).retry(retry), directory.path());
    sink.recover(&[]).unwrap();
    let error = sink.write(&batch(&["x".repeat(2_000)])).unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(error.what().starts_with("a record has 2000 bytes, and nats://127.0.0.1:"), "{error}");
    sink.recover(&[]).unwrap();
    let token = epoch(&mut sink, &numbers(0, 9));
    let error = sink.publish(&token).unwrap_err();
    assert!(error.to_string().contains("maximum messages exceeded"), "{error}");
    // There may be room later, and then the same publication succeeds.
    assert!(error.is_transient(), "{error}");
    server.with(async |context| {
        let mut config = context.get_stream("OUT").await.unwrap().cached_info().config.clone();
        config.max_messages = 100;
        context.update_stream(config).await.unwrap();
    });
    sink.publish(&token).unwrap();
    assert_eq!(server.content("OUT", "out.x"), numbers(0, 9));
}

#[test]
fn a_missing_stream_is_named() {
    let server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let error = sink(address(&server), directory.path()).recover(&[]).unwrap_err();
    assert!(error.to_string().ends_with("there is no stream OUT"), "{error}");
    // A directory that cannot be made is named as well.
    let file = directory.path().join("lock");
    let error = sink(address(&server), &file).recover(&[]).unwrap_err();
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

#[test]
fn a_file_of_something_else_in_the_directory_is_refused() {
    let server = server_with_stream();
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(address(&server), directory.path());
    sink.recover(&[]).unwrap();
    let token = epoch(&mut sink, &numbers(0, 3));
    for content in ["", "something else\n"] {
        std::fs::write(directory.path().join("records"), content).unwrap();
        let error = sink.recover(std::slice::from_ref(&token)).unwrap_err();
        assert!(error.to_string().ends_with("the records are not those of this sink"), "{error}");
    }
}
