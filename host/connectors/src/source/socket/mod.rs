//! Lines that come through a TCP or Unix socket.

mod dialer;
mod endpoint;
mod link;
mod listener;
mod reader;

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use self::endpoint::Endpoint;
use self::link::Link;
use self::listener::Listener;
use self::reader::SocketReader;
use super::{Identity, Partition, Reader, Source, SourceError, SourceErrorKind as Kind};
use crate::address::{Address, AddressError};
use crate::retry::Retry;

/// A source of the lines that come through a socket. Each line is a raw record, without its line end (`\n` or
/// `\r\n`).
///
/// It connects to a peer, or it listens and accepts one connection after the other. A lost connection is
/// made again, with growing pauses.
///
/// A socket cannot go back. What a peer sends is gone once it was read, so the source is exact only as far as
/// its peer is: see [`SocketOptions::peer`]. A last line without a line end is a record if the peer closes the
/// connection; if the connection breaks instead, an error says how many bytes of a line were dropped.
///
/// ```
/// use std::io::Write;
/// use std::time::{Duration, Instant};
///
/// use alluvium_connectors::Batch;
/// use alluvium_connectors::source::{Partition, Polled, SocketOptions, SocketSource, Source};
///
/// let server = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let mut source = SocketSource::connect_tcp("127.0.0.1", server.local_addr()?.port(), SocketOptions::default());
/// let mut reader = source.open(&Partition::whole())?;
/// let soon = Instant::now() + Duration::from_secs(10);
///
/// let peer = std::thread::spawn(move || server.accept()?.0.write_all(b"first\nsecond\n"));
/// let mut batch = Batch::new(2, 1 << 20);
/// while batch.has_room() && Instant::now() < soon {
///     reader.poll(&mut batch, soon)?;
/// }
/// let lines: Vec<&[u8]> = batch.records().map(|record| record.bytes()).collect();
/// assert_eq!(lines, [&b"first"[..], b"second"]);
/// # peer.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SocketSource {
    identity: Identity,
    endpoint: Endpoint,
    options: SocketOptions,
    /// The listening socket that a reader has, while the reader is there.
    listener: Weak<Listener>,
}

/// How a socket is read.
///
/// ```
/// use alluvium_connectors::source::{AfterClose, SocketOptions};
///
/// let options = SocketOptions::default().line_bytes_max(64 << 10).after_close(AfterClose::End);
/// assert_ne!(options, SocketOptions::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketOptions {
    line_bytes_max: usize,
    peer: Peer,
    after_close: AfterClose,
    retry: Retry,
}

/// What a peer sends at the beginning of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// It sends what is new. A reader cannot go back, and what was sent while nothing read it is lost. To
    /// seek forward passes over the records that come next.
    Live,
    /// It sends the whole stream again. After a seek or a lost connection, the reader passes over the records
    /// before its position, so that each record is handed out once.
    Replays,
}

/// What follows when a peer closes the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterClose {
    /// The next connection is made, or waited for.
    Reconnect,
    /// The source ends.
    End,
}

impl Default for SocketOptions {
    /// Returns lines of at most 1 MiB, a live peer, reconnection after a close, and the default of [`Retry`].
    fn default() -> Self {
        Self { line_bytes_max: 1 << 20, peer: Peer::Live, after_close: AfterClose::Reconnect, retry: Retry::default() }
    }
}

impl SocketOptions {
    /// Sets how many bytes a line may have. A longer one is an error that says which record it is.
    #[must_use]
    pub fn line_bytes_max(self, line_bytes_max: usize) -> Self {
        Self { line_bytes_max, ..self }
    }

    /// Sets what the peer sends at the beginning of a connection.
    #[must_use]
    pub fn peer(self, peer: Peer) -> Self {
        Self { peer, ..self }
    }

    /// Sets what follows when the peer closes the connection.
    #[must_use]
    pub fn after_close(self, after_close: AfterClose) -> Self {
        Self { after_close, ..self }
    }

    /// Sets how a lost connection is tried again. Waiting for a peer to connect is no outage.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    fn take_from(address: &mut Address) -> Result<Self, AddressError> {
        let mut options = Self::default();
        if let Some(bytes) = address.take_parsed("line-bytes", "a number of bytes")? {
            options.line_bytes_max = bytes;
        }
        let peers = [("live", Peer::Live), ("replays", Peer::Replays)];
        options.peer = address.take_word("peer", &peers)?.unwrap_or(options.peer);
        let words = [("reconnect", AfterClose::Reconnect), ("end", AfterClose::End)];
        options.after_close = address.take_word("after-close", &words)?.unwrap_or(options.after_close);
        options.retry = Retry::take_from(address)?;
        Ok(options)
    }
}

impl SocketSource {
    /// Returns the source that connects to this host and port.
    pub fn connect_tcp(host: impl Into<String>, port: u16, options: SocketOptions) -> Self {
        Self::new(Endpoint::ConnectTcp { host: host.into(), port }, options)
    }

    /// Returns the source that listens on an address of this machine. The host `::` or `0.0.0.0` is every
    /// address.
    pub fn listen_tcp(host: impl Into<String>, port: u16, options: SocketOptions) -> Self {
        Self::new(Endpoint::ListenTcp { host: host.into(), port }, options)
    }

    /// Returns the source that connects to a Unix socket.
    pub fn connect_unix(path: impl Into<PathBuf>, options: SocketOptions) -> Self {
        Self::new(Endpoint::ConnectUnix { path: path.into() }, options)
    }

    /// Returns the source that listens on a Unix socket. The socket is removed with its reader, and one that
    /// a killed process left is replaced.
    pub fn listen_unix(path: impl Into<PathBuf>, options: SocketOptions) -> Self {
        Self::new(Endpoint::ListenUnix { path: path.into() }, options)
    }

    fn new(endpoint: Endpoint, options: SocketOptions) -> Self {
        Self { identity: Identity::new("socket", endpoint.to_string()), endpoint, options, listener: Weak::new() }
    }

    /// Returns the source that an address stands for: `tcp://HOST:PORT`, `tcp-listen://HOST:PORT`,
    /// `unix:PATH` or `unix-listen:PATH`, with the options `line-bytes`, `peer`, `after-close` and
    /// `retry-for`.
    pub fn from_url(address: &str) -> Result<Self, AddressError> {
        let mut address = Address::parse(address)?;
        let endpoint = Endpoint::of(&address)?;
        let options = SocketOptions::take_from(&mut address)?;
        address.finish()?;
        Ok(Self::new(endpoint, options))
    }
}

impl Source for SocketSource {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn partitions(&mut self) -> Result<Vec<Partition>, SourceError> {
        Ok(vec![Partition::whole()])
    }

    fn open(&mut self, partition: &Partition) -> Result<Box<dyn Reader>, SourceError> {
        let name = self.identity.name();
        let refused = |what: String| Err(SourceError::new(Kind::Open, name, what));
        if !partition.is_whole() {
            return refused(format!("has no partition {:?}", partition.name()));
        }
        let link = if self.endpoint.listens() {
            if self.listener.strong_count() > 0 {
                return refused("is being read already".to_owned());
            }
            let listener = Listener::bind(&self.endpoint).map_err(|error| SourceError::io(Kind::Open, name, error))?;
            let listener = Arc::new(listener);
            self.listener = Arc::downgrade(&listener);
            Link::accepting(listener)
        } else {
            Link::connecting(self.endpoint.clone(), self.options.retry)
        };
        Ok(Box::new(SocketReader::new(name.to_owned(), link, self.options)))
    }
}

#[cfg(test)]
mod tests;
