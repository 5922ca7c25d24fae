//! Peers of sockets, which send lines: those that wait for the command, and those that it waits for.

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fastrand::Rng;
use rustix::net::sockopt::set_socket_linger;

use super::Input;
use crate::Outcome;
use crate::cells::Change;
use crate::life::{Life, PATIENCE};
use crate::records::Record;
use crate::tape::{Player, Tape};

/// A connection.
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
        })
    }

    /// Ends it in an orderly way, for all that have it.
    #[allow(clippy::needless_pass_by_value, reason = "it is over")]
    fn close(stream: Self) {
        stream.cut(false);
    }

    /// Ends it in an orderly way, or breaks it. Returns whether it was there.
    fn cut(&self, breaks: bool) -> bool {
        match self {
            Self::Tcp(stream) if breaks => {
                // It is reset when its last descriptor is closed.
                let is_set = set_socket_linger(stream, Some(Duration::ZERO)).is_ok();
                stream.shutdown(Shutdown::Read).is_ok() && is_set
            }
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both).is_ok(),
            Self::Unix(stream) => stream.shutdown(Shutdown::Both).is_ok(),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Returns the next connection, if one waits.
    fn accept(&self) -> io::Result<Stream> {
        let stream = match self {
            Self::Tcp(listener) => Stream::Tcp(listener.accept()?.0),
            Self::Unix(listener) => Stream::Unix(listener.accept()?.0),
        };
        match &stream {
            Stream::Tcp(stream) => stream.set_nonblocking(false)?,
            Stream::Unix(stream) => stream.set_nonblocking(false)?,
        }
        Ok(stream)
    }
}

/// What the thread that accepts connections shares with the test.
struct Shared {
    tape: Tape,
    replays: bool,
    /// With which record a live peer continues.
    from: usize,
    connection: Option<(Player, Stream)>,
}

impl Shared {
    /// Sends through a new connection.
    fn connected(&mut self, stream: Stream) -> io::Result<()> {
        if let Some((player, _)) = self.connection.take() {
            drop(player);
        }
        let from = if self.replays { 0 } else { self.from };
        self.connection = Some((self.tape.play("", from, stream.try_clone()?, Stream::close), stream));
        Ok(())
    }

    /// Cuts the connection. Returns whether there was one.
    fn cut(&mut self, breaks: bool) -> bool {
        let Some((player, stream)) = self.connection.take() else { return false };
        let is_on = player.is_on();
        let was_there = stream.cut(breaks);
        drop(stream);
        self.from = player.stop();
        is_on && was_there
    }
}

/// A peer.
pub(super) struct Peer {
    /// Without one it is TCP, on this port.
    path: Option<PathBuf>,
    port: u16,
    shared: Arc<Mutex<Shared>>,
    replays: bool,
    /// It waits for the command.
    listens: bool,
    /// The thread that accepts connections, and what ends it.
    accepting: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
    interruptions: u64,
}

/// Ports that no client of this machine is given.
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);

/// Returns a port on which nothing listens. It stays the same from one process to the next.
fn free_port() -> u16 {
    let first = (std::process::id() % 10_000) as u16;
    loop {
        let port = 20_000 + (first + NEXT_PORT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Peer {
    fn new(path: Option<PathBuf>, replays: bool, listens: bool) -> Self {
        let shared = Shared { tape: Tape::default(), replays, from: 0, connection: None };
        let (shared, port) = (Arc::new(Mutex::new(shared)), free_port());
        Self { path, port, shared, replays, listens, accepting: None, interruptions: 0 }
    }

    /// Returns a peer to which the command connects.
    pub(super) fn listening(path: Option<PathBuf>, replays: bool) -> Outcome<Self> {
        let mut peer = Self::new(path, replays, true);
        peer.listen()?;
        Ok(peer)
    }

    /// Returns a peer that connects to the command.
    pub(super) fn connecting(path: Option<PathBuf>, replays: bool) -> Self {
        Self::new(path, replays, false)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&mut self) -> Outcome {
        let listener = match &self.path {
            Some(path) => {
                let _ = std::fs::remove_file(path);
                UnixListener::bind(path)
                    .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
                    .map(Listener::Unix)
            }
            None => TcpListener::bind(("127.0.0.1", self.port))
                .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
                .map(Listener::Tcp),
        };
        let listener = listener.map_err(|error| format!("the peer cannot listen: {error}"))?;
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, shared) = (Arc::clone(&is_over), Arc::clone(&self.shared));
        let accepting = std::thread::spawn(move || {
            while !over.load(Ordering::SeqCst) {
                match listener.accept() {
                    Ok(stream) => {
                        // A client that is gone already needs nothing.
                        let _ = shared.lock().unwrap_or_else(PoisonError::into_inner).connected(stream);
                    }
                    Err(_) => std::thread::sleep(Duration::from_millis(2)),
                }
            }
        });
        self.accepting = Some((is_over, accepting));
        Ok(())
    }

    /// Closes the socket that listens.
    fn close(&mut self) {
        if let Some((is_over, accepting)) = self.accepting.take() {
            is_over.store(true, Ordering::SeqCst);
            let _ = accepting.join();
        }
    }

    /// Connects to the command as soon as it listens, unless it ends before.
    fn connect(&mut self, life: &mut Life) -> Outcome {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let stream = match &self.path {
                Some(path) => UnixStream::connect(path).map(Stream::Unix),
                None => TcpStream::connect(("127.0.0.1", self.port)).map(Stream::Tcp),
            };
            match stream {
                Ok(stream) => return self.shared().connected(stream).map_err(|error| error.to_string()),
                Err(_) if !life.listen(Duration::from_millis(2)) => return Ok(()),
                Err(error) if Instant::now() > give_up => return Err(format!("the command does not listen: {error}")),
                Err(_) => {}
            }
        }
    }
}

impl Input for Peer {
    fn arguments(&self, consumed: Option<u64>) -> Vec<OsString> {
        let address = match (&self.path, self.listens) {
            (Some(path), true) => format!("unix:{}", path.display()),
            (Some(path), false) => format!("unix-listen:{}", path.display()),
            (None, true) => format!("tcp://127.0.0.1:{}", self.port),
            (None, false) => format!("tcp-listen://127.0.0.1:{}", self.port),
        };
        let peer = if self.replays { "replays" } else { "live" };
        let mut arguments = vec!["--input".into(), format!("{address}?peer={peer}").into()];
        if consumed.is_some() && !self.replays {
            arguments.extend(["--resume".into(), "continue".into()]);
        }
        arguments
    }

    fn add(&mut self, records: &[Record]) -> Outcome {
        self.shared().tape.add(records.iter().map(|record| record.json() + "\n"));
        Ok(())
    }

    fn will_start(&mut self, consumed: Option<u64>) -> Outcome {
        self.shared().from = consumed.unwrap_or(0) as usize;
        Ok(())
    }

    fn started(&mut self, life: &mut Life) -> Outcome {
        if self.listens { Ok(()) } else { self.connect(life) }
    }

    fn ended(&mut self) {
        self.shared().cut(false);
    }

    fn change(&mut self, change: Change, life: Option<&mut Life>, random: &mut Rng) -> Outcome {
        match (change, life) {
            (Change::Replaced, None) => {
                // It ends before the records that it is to continue behind.
                let tape = Tape::default();
                tape.end();
                self.shared().tape = tape;
                self.interruptions += 1;
            }
            (Change::ServerRestarted, life) => {
                let is_running = life.is_some();
                self.close();
                let was_there = self.shared().cut(random.bool());
                self.interruptions += u64::from(was_there || !is_running);
                self.listen()?;
            }
            (Change::ConnectionLost, Some(life)) => {
                let was_there = self.shared().cut(random.bool());
                self.interruptions += u64::from(was_there);
                if !self.listens {
                    self.connect(life)?;
                }
            }
            _ => return Err(format!("a socket knows no {change:?}")),
        }
        Ok(())
    }

    fn interruptions(&self) -> u64 {
        self.interruptions
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.close();
        self.shared().cut(false);
    }
}
