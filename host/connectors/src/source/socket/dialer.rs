//! Connections that are made without waiting longer than until a deadline.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};

use super::endpoint::Endpoint;
use super::link::wait_for;

/// How long one address of a host may take to answer.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// An attempt to connect. It lives on from one poll to the next.
#[derive(Debug)]
pub(super) enum Attempt {
    /// The addresses of the host are being looked up, on a thread of its own: the lookup knows no deadline.
    Resolving(mpsc::Receiver<io::Result<Vec<SocketAddr>>>),
    /// The addresses that were not tried yet, from the last to the first.
    Trying {
        addresses: Vec<SocketAddr>,
        error: io::Error,
    },
    Connecting {
        socket: OwnedFd,
        until: Instant,
        addresses: Vec<SocketAddr>,
    },
    Unix,
}

/// What came of a step.
pub(super) enum Step {
    Connected(OwnedFd),
    /// The deadline has come first.
    Later(Attempt),
}

impl Attempt {
    /// Begins to connect.
    pub(super) fn begin(endpoint: &Endpoint) -> Self {
        let Endpoint::ConnectTcp { host, port } = endpoint else { return Self::Unix };
        if let Ok(address) = host.parse::<IpAddr>() {
            return Self::trying(vec![SocketAddr::new(address, *port)]);
        }
        let (sender, receiver) = mpsc::channel();
        let (host, port) = (host.clone(), *port);
        let lookup = move || {
            // What the resolver does not know now, it may know later.
            let later = |error| io::Error::new(io::ErrorKind::NotConnected, error);
            let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect).map_err(later);
            // The reader may be gone.
            let _ = sender.send(found);
        };
        match std::thread::Builder::new().name("alluvium-lookup".to_owned()).spawn(lookup) {
            Ok(_) => Self::Resolving(receiver),
            Err(error) => Self::Trying { addresses: Vec::new(), error },
        }
    }

    fn trying(mut addresses: Vec<SocketAddr>) -> Self {
        addresses.reverse();
        let error = io::Error::new(io::ErrorKind::NotConnected, "the host has no address");
        Self::Trying { addresses, error }
    }

    /// Works until the deadline, or until there is a connection or an error.
    pub(super) fn run(self, endpoint: &Endpoint, deadline: Instant) -> io::Result<Step> {
        let mut attempt = self;
        loop {
            attempt = match attempt {
                Self::Unix => return connect_unix(endpoint).map(Step::Connected),
                Self::Resolving(receiver) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    match receiver.recv_timeout(left) {
                        Ok(addresses) => Self::trying(addresses?),
                        Err(mpsc::RecvTimeoutError::Timeout) => return Ok(Step::Later(Self::Resolving(receiver))),
                        Err(mpsc::RecvTimeoutError::Disconnected) => return Err(io::Error::other("the lookup failed")),
                    }
                }
                Self::Trying { mut addresses, error } => match addresses.pop() {
                    None => return Err(error),
                    Some(address) => match connect_tcp(address) {
                        Ok(socket) => Self::Connecting { socket, until: Instant::now() + CONNECT_TIME_MAX, addresses },
                        Err(error) => Self::Trying { addresses, error },
                    },
                },
                Self::Connecting { socket, until, addresses } => {
                    if wait_for(&socket, PollFlags::OUT, deadline.min(until))? {
                        match sockopt::socket_error(&socket)? {
                            Ok(()) => return keep_alive(&socket).map(|()| Step::Connected(socket)),
                            Err(error) => Self::Trying { addresses, error: error.into() },
                        }
                    } else if Instant::now() >= until {
                        Self::Trying { addresses, error: io::ErrorKind::TimedOut.into() }
                    } else {
                        return Ok(Step::Later(Self::Connecting { socket, until, addresses }));
                    }
                }
            };
        }
    }
}

fn connect_tcp(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

fn connect_unix(endpoint: &Endpoint) -> io::Result<OwnedFd> {
    let Endpoint::ConnectUnix { path } = endpoint else { return Err(io::ErrorKind::Unsupported.into()) };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&socket, &SocketAddrUnix::new(path)?) {
        Ok(()) => Ok(socket),
        // Too many wait for the peer already.
        Err(Errno::AGAIN) => Err(io::Error::new(io::ErrorKind::ConnectionRefused, "too many connections wait")),
        Err(Errno::NOENT) => Err(io::Error::new(io::ErrorKind::NotConnected, "there is no such socket")),
        Err(error) => Err(error.into()),
    }
}

/// Lets the system find out that a peer has vanished without a word.
fn keep_alive(socket: &OwnedFd) -> io::Result<()> {
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, Duration::from_secs(30))?;
    sockopt::set_tcp_keepintvl(socket, Duration::from_secs(10))?;
    sockopt::set_tcp_keepcnt(socket, 3)?;
    Ok(())
}
