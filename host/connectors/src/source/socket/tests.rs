//! The suite over sockets of every kind, and what peers do that come and go.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::batch::Batch;
use crate::source::{Place, Polled, Position};
use crate::testing::{SourceFixture, source_suite};

/// Polls return this much after their deadline at most, on a machine that does other things.
const TOLERANCE: Duration = Duration::from_secs(2);

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn open(source: &mut SocketSource) -> Box<dyn Reader> {
    source.open(&Partition::whole()).unwrap()
}

/// Reads so many lines, or fewer if the source ends.
fn read(reader: &mut dyn Reader, count: u32) -> Result<Vec<String>, SourceError> {
    let mut batch = Batch::new(count, usize::MAX);
    let give_up = soon();
    while batch.has_room() && Instant::now() < give_up && reader.poll(&mut batch, give_up)? != Polled::End {}
    Ok(batch.records().map(|record| String::from_utf8(record.bytes().to_vec()).unwrap()).collect())
}

/// What a peer of the suite sends to every connection, from the first record on.
#[derive(Default)]
struct Script {
    records: Mutex<Vec<String>>,
    changed: Condvar,
}

impl Script {
    /// Sends all records and those that are added later, until the other side is gone.
    fn play(&self, mut connection: impl Write, ends: bool) {
        let mut sent = 0;
        let mut records = self.records.lock().unwrap();
        loop {
            let new: String = records[sent..].iter().flat_map(|record| [record, "\n"]).collect();
            sent = records.len();
            drop(records);
            if connection.write_all(new.as_bytes()).is_err() || ends {
                return;
            }
            records = self.records.lock().unwrap();
            if records.len() == sent {
                // Looks now and then whether the other side is still there.
                records = self.changed.wait_timeout(records, Duration::from_secs(5)).unwrap().0;
            }
        }
    }
}

/// Peers that listen on Unix sockets and replay.
struct Replaying {
    directory: TempDir,
    ends: bool,
    scripts: BTreeMap<String, Arc<Script>>,
}

impl SourceFixture for Replaying {
    fn partitions_max(&self) -> usize {
        1
    }
    fn ends(&self) -> bool {
        self.ends
    }
    fn create(&mut self, stream: &str, partitions: &[Vec<String>]) {
        // A connection that stays may always bring more: only a close shows that the position is past the end.
        let ends = self.ends || stream == "a_position_past_the_end_is_an_error";
        let script = Arc::new(Script::default());
        let listener = UnixListener::bind(self.directory.path().join(stream)).unwrap();
        let played = Arc::clone(&script);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (script, connection) = (Arc::clone(&played), connection.unwrap());
                std::thread::spawn(move || script.play(connection, ends));
            }
        });
        self.scripts.insert(stream.to_owned(), script);
        self.append(stream, 0, &partitions[0]);
    }
    fn append(&mut self, stream: &str, _: usize, records: &[String]) {
        let script = &self.scripts[stream];
        script.records.lock().unwrap().extend_from_slice(records);
        script.changed.notify_all();
    }
    fn open(&mut self, stream: &str) -> Box<dyn Source> {
        let after_close = if self.ends { AfterClose::End } else { AfterClose::Reconnect };
        let options = SocketOptions::default().peer(Peer::Replays).after_close(after_close);
        Box::new(SocketSource::connect_unix(self.directory.path().join(stream), options))
    }
}

fn replaying(ends: bool) -> Replaying {
    Replaying { directory: tempfile::tempdir().unwrap(), ends, scripts: BTreeMap::new() }
}

#[test]
fn a_peer_that_replays_and_closes_passes_the_suite() {
    assert_eq!(source_suite(&mut replaying(true)).assert(), 18);
}

#[test]
fn a_peer_that_replays_and_waits_passes_the_suite() {
    assert_eq!(source_suite(&mut replaying(false)).assert(), 18);
}

#[test]
fn records_come_from_one_connection_after_the_other_without_loss() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let mut source = SocketSource::from_url(&format!("tcp://localhost:{port}?retry-for=30s")).unwrap();
    let mut reader = open(&mut source);
    // The name has two addresses, and one of them is refused.
    for (sent, expected) in [("a\nb\r\nc", "a b c"), ("", ""), ("d\n\n", "d "), ("e", "e")] {
        let peer = std::thread::spawn({
            let server = server.try_clone().unwrap();
            move || server.accept().unwrap().0.write_all(sent.as_bytes()).unwrap()
        });
        let expected: Vec<&str> = if sent.is_empty() { Vec::new() } else { expected.split(' ').collect() };
        if sent.is_empty() {
            // An empty connection has no record, and the next one is made at once.
            let polled = reader.poll(&mut Batch::default(), Instant::now() + Duration::from_millis(50)).unwrap();
            assert_eq!(polled, Polled::Nothing);
        }
        assert_eq!(read(&mut *reader, u32::try_from(expected.len()).unwrap()).unwrap(), expected);
        peer.join().unwrap();
    }
    assert_eq!(reader.position(), Position::Offset(6));
}

#[test]
fn a_listener_accepts_one_peer_after_the_other_and_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("in.sock");
    // What a killed process has left is replaced.
    drop(UnixListener::bind(&path).unwrap());
    let mut source = SocketSource::from_url(&format!("unix-listen:{}", path.display())).unwrap();
    let mut reader = open(&mut source);
    assert_eq!(source.open(&Partition::whole()).map(drop).unwrap_err().what(), "is being read already");
    let mut second = UnixStream::connect(&path).unwrap();
    second.write_all(b"1\n2").unwrap();
    drop(second);
    let mut third = UnixStream::connect(&path).unwrap();
    third.write_all(b"3\n").unwrap();
    assert_eq!(read(&mut *reader, 3).unwrap(), ["1", "2", "3"]);
    assert!(path.exists());
    // Another process does not take it over.
    let mut other = SocketSource::listen_unix(&path, SocketOptions::default());
    assert_eq!(other.open(&Partition::whole()).map(drop).unwrap_err().kind(), Kind::Open);
    drop(reader);
    assert!(!path.exists());
    open(&mut source);
    // A file that is no socket is left alone.
    std::fs::write(&path, "precious").unwrap();
    assert_eq!(source.open(&Partition::whole()).map(drop).unwrap_err().kind(), Kind::Open);
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}

#[test]
fn a_listener_may_end_with_its_peer() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut source = SocketSource::from_url(&format!("tcp-listen://127.0.0.1:{port}?after-close=end")).unwrap();
    let mut reader = open(&mut source);
    TcpStream::connect(("127.0.0.1", port)).unwrap().write_all(b"1\n2\n3").unwrap();
    assert_eq!(read(&mut *reader, 9).unwrap(), ["1", "2", "3"]);
    for _ in 0..2 {
        assert_eq!(reader.poll(&mut Batch::default(), soon()).unwrap(), Polled::End);
    }
}

#[test]
fn deadlines_hold_while_there_is_no_connection() {
    // Nothing listens on the port, and nothing answers at an address for documentation.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for address in
        [format!("tcp://127.0.0.1:{port}"), "tcp://192.0.2.1:9".to_owned(), "unix:/nowhere/at/all".to_owned()]
    {
        let mut source = SocketSource::from_url(&address).unwrap();
        let mut reader = open(&mut source);
        for wait in [Duration::ZERO, Duration::from_millis(30), Duration::from_millis(300)] {
            let deadline = Instant::now() + wait;
            assert_eq!(reader.poll(&mut Batch::default(), deadline).unwrap(), Polled::Nothing, "{address}");
            assert!(Instant::now() >= deadline && deadline.elapsed() < TOLERANCE, "{address}");
        }
    }
}

#[test]
fn an_outage_that_is_too_long_is_a_transient_error_and_ends() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("peer.sock");
    let retry = Retry::default().patience(Duration::from_millis(80));
    let mut source = SocketSource::connect_unix(&path, SocketOptions::default().retry(retry));
    let mut reader = open(&mut source);
    for _ in 0..2 {
        let error = read(&mut *reader, 1).unwrap_err();
        assert!(error.is_transient(), "{error}");
        assert!(error.to_string().ends_with("peer.sock: there is no connection: there is no such socket"), "{error}");
    }
    let server = UnixListener::bind(&path).unwrap();
    let peer = std::thread::spawn(move || server.accept().unwrap().0.write_all(b"back\n").unwrap());
    let give_up = soon();
    let mut batch = Batch::default();
    while batch.is_empty() && Instant::now() < give_up {
        let polled = reader.poll(&mut batch, give_up);
        assert!(polled.as_ref().map_or_else(SourceError::is_transient, |_| true), "{polled:?}");
    }
    assert_eq!(batch.count(), 1);
    peer.join().unwrap();
}

/// Sends, and then breaks the connection instead of closing it.
fn send_and_break(connection: TcpStream, bytes: &[u8], taken: &Mutex<bool>, changed: &Condvar) {
    let mut connection = connection;
    connection.write_all(bytes).unwrap();
    let mut taken = taken.lock().unwrap();
    while !*taken {
        taken = changed.wait(taken).unwrap();
    }
    // With a linger of zero a socket is reset.
    rustix::net::sockopt::set_socket_linger(&connection, Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_break_within_a_line_is_named_once_and_a_live_peer_is_found_again() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", server.local_addr().unwrap());
    let mut reader = open(&mut SocketSource::from_url(&address).unwrap());
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let peer = std::thread::spawn({
        let gate = Arc::clone(&gate);
        move || {
            send_and_break(server.accept().unwrap().0, b"one\nhalf a li", &gate.0, &gate.1);
            server.accept().unwrap().0.write_all(b"two\n").unwrap();
        }
    });
    assert_eq!(read(&mut *reader, 1).unwrap(), ["one"]);
    // The half line is read before the connection breaks.
    let give_up = soon();
    while reader.progress().read_bytes < 13 && Instant::now() < give_up {
        let polled = reader.poll(&mut Batch::default(), Instant::now() + Duration::from_millis(10)).unwrap();
        assert_eq!(polled, Polled::Nothing);
    }
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    let error = read(&mut *reader, 1).unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(error.what().starts_with("the connection broke within a line, of which 9 bytes were dropped"), "{error}");
    assert_eq!(read(&mut *reader, 1).unwrap(), ["two"]);
    assert_eq!(reader.position(), Position::Offset(2));
    peer.join().unwrap();
}

#[test]
fn a_peer_that_replays_is_read_on_after_every_loss() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}?peer=replays", server.local_addr().unwrap());
    let mut reader = open(&mut SocketSource::from_url(&address).unwrap());
    let lines: Vec<String> = (0..200).map(|number| format!("line {number}")).collect();
    let text = lines.iter().flat_map(|line| [line, "\n"]).collect::<String>();
    let peer = std::thread::spawn(move || {
        // Each connection ends a little later, mostly within a line, and only the last has all of it.
        for end in (1..=10).map(|tenth| text.len() * tenth / 10) {
            server.accept().unwrap().0.write_all(&text.as_bytes()[..end]).unwrap();
        }
    });
    assert_eq!(read(&mut *reader, 200).unwrap(), lines);
    peer.join().unwrap();
}

#[test]
fn a_line_that_is_too_long_is_named_by_its_number_and_stays_an_error() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}?line-bytes=5", server.local_addr().unwrap());
    let mut reader = open(&mut SocketSource::from_url(&address).unwrap());
    let peer = std::thread::spawn(move || server.accept().unwrap().0.write_all(b"12345\n123456\n1\n").unwrap());
    assert_eq!(read(&mut *reader, 1).unwrap(), ["12345"]);
    for _ in 0..2 {
        let error = read(&mut *reader, 1).unwrap_err();
        assert_eq!((error.kind(), error.place()), (Kind::Record, Some(&Place::Record(2))));
        assert_eq!(error.what(), "it is a line of more than 5 bytes");
    }
    assert_eq!(reader.position(), Position::Offset(1));
    // It may be passed over.
    assert_eq!(reader.pass_over(), Some(b"123456".to_vec()));
    assert_eq!(read(&mut *reader, 1).unwrap(), ["1"]);
    assert_eq!((reader.position(), reader.pass_over()), (Position::Offset(3), None));
    peer.join().unwrap();
}

#[test]
fn a_live_peer_cannot_go_back() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut reader = open(&mut SocketSource::from_url(&format!("tcp://{}", server.local_addr().unwrap())).unwrap());
    let peer = std::thread::spawn(move || server.accept().unwrap().0.write_all(b"0\n1\n2\n3\n").unwrap());
    reader.seek(&Position::Offset(2)).unwrap();
    assert_eq!(reader.position(), Position::Offset(2));
    assert_eq!(read(&mut *reader, 1).unwrap(), ["2"]);
    assert_eq!(reader.seek(&Position::Offset(1)).unwrap_err().kind(), Kind::Unsupported);
    assert_eq!(read(&mut *reader, 1).unwrap(), ["3"]);
    peer.join().unwrap();
}

#[test]
fn addresses_say_what_is_wrong_with_them() {
    for (address, part) in [
        ("tcp://host", "port"),
        ("tcp://:9", "host"),
        ("tcp://host:9/path", "path"),
        ("tcp://user@host:9", "user"),
        ("tcp://host:99999", "port"),
        ("unix://host/path", "path"),
        ("unix:", "path"),
        ("tcp://host:9?peer=dead", "peer"),
        ("tcp://host:9?after-close=", "after-close"),
        ("tcp://host:9?retry-for=soon", "retry-for"),
        ("tcp://host:9?line-bytes=-1", "line-bytes"),
        ("tcp://host:9?colour=red", "colour"),
    ] {
        let error = SocketSource::from_url(address).map(drop).unwrap_err();
        assert_eq!(error.part(), part, "{error}");
    }
    let shown = |address: &str| SocketSource::from_url(address).unwrap().identity().name().to_owned();
    assert_eq!(shown("tcp-listen://[::1]:9?line-bytes=9"), "tcp-listen://[::1]:9");
    assert_eq!(shown("unix-listen:/run/a%20b"), "unix-listen:/run/a b");
}
