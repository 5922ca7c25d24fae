//! A way to a server that can be cut, now or after some bytes, and closed for a while.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Passes bytes on between clients and a server.
pub struct Proxy {
    port: u16,
    way: Arc<Way>,
}

/// What the threads of a proxy share.
#[derive(Default)]
struct Way {
    connections: Mutex<Vec<[TcpStream; 2]>>,
    /// How many bytes may still come from clients.
    rest: AtomicUsize,
    /// How many bytes may still come from the server, until the connection is cut.
    answers: AtomicUsize,
    /// New connections are closed at once.
    is_closed: AtomicBool,
    /// Nothing is passed on, and neither side is told.
    is_silent: AtomicBool,
    /// How many connections were made, and how many of them were cut.
    made: AtomicU64,
    cut: AtomicU64,
}

impl Proxy {
    /// Starts to pass on to a port of this machine.
    pub fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (rest, answers) = (AtomicUsize::new(usize::MAX), AtomicUsize::new(usize::MAX));
        let way = Arc::new(Way { rest, answers, ..Way::default() });
        let shared = Arc::clone(&way);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                shared.accept(client.unwrap(), server);
            }
        });
        Self { port, way }
    }

    /// Returns the port that clients connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts the connection after so many more bytes from clients, and every later one at once.
    pub fn cut_after(&self, bytes: usize) {
        self.way.rest.store(bytes, Ordering::SeqCst);
    }

    /// Cuts the connection once, after so many more bytes from the server.
    pub fn cut_answers_after(&self, bytes: usize) {
        self.way.answers.store(bytes, Ordering::SeqCst);
    }

    /// Cuts all connections that there are. What is on the way is lost.
    pub fn cut(&self) {
        for connection in self.way.connections.lock().unwrap().drain(..) {
            // One that has ended cannot be ended again.
            let was_there = connection.map(|end| end.shutdown(Shutdown::Both).is_ok());
            if was_there.contains(&true) {
                self.way.cut.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// Cuts all connections, and lets none through until it is opened again.
    pub fn close(&self) {
        self.way.is_closed.store(true, Ordering::SeqCst);
        self.cut();
    }

    /// Lets connections through again.
    pub fn open(&self) {
        self.way.is_closed.store(false, Ordering::SeqCst);
    }

    /// Passes nothing on any more, in neither direction, and keeps all connections open.
    pub fn fall_silent(&self) {
        self.way.is_silent.store(true, Ordering::SeqCst);
    }

    /// Returns how many connections were made.
    pub fn made(&self) -> u64 {
        self.way.made.load(Ordering::SeqCst)
    }

    /// Returns how often a connection was cut that was there.
    pub fn cuts(&self) -> u64 {
        self.way.cut.load(Ordering::SeqCst)
    }
}

impl Way {
    fn accept(self: &Arc<Self>, client: TcpStream, server: u16) {
        if self.is_closed.load(Ordering::SeqCst) {
            return;
        }
        // The client is closed with the server.
        let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { return };
        self.connections.lock().unwrap().push([client.try_clone().unwrap(), server.try_clone().unwrap()]);
        self.made.fetch_add(1, Ordering::SeqCst);
        Arc::clone(self).pass(client.try_clone().unwrap(), server.try_clone().unwrap(), false);
        Arc::clone(self).pass(server, client, true);
    }

    /// Passes bytes on for as long as some are left. Answers are cut once.
    fn pass(self: Arc<Self>, mut from: TcpStream, mut to: TcpStream, are_answers: bool) {
        std::thread::spawn(move || {
            let left = if are_answers { &self.answers } else { &self.rest };
            let mut buffer = [0; 4096];
            while let Ok(count) = from.read(&mut buffer) {
                // What was read is lost, as on a network that drops what it gets.
                if self.is_silent.load(Ordering::SeqCst) && count > 0 {
                    continue;
                }
                let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| match left {
                    usize::MAX => Some(usize::MAX),
                    _ => Some(left.saturating_sub(count)),
                });
                let passed = count.min(before.unwrap_or(0));
                if count == 0 || to.write_all(&buffer[..passed]).is_err() {
                    break;
                }
                if passed < count {
                    if are_answers {
                        left.store(usize::MAX, Ordering::SeqCst);
                    }
                    self.cut.fetch_add(1, Ordering::SeqCst);
                    break;
                }
            }
            let _ = (to.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both));
        });
    }
}
