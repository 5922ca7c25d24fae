//! Reading lines from a connection.

use std::sync::Arc;
use std::time::Instant;

use super::link::{Came, Link};
use super::{AfterClose, Peer, SocketOptions};
use crate::batch::Batch;
use crate::source::line_buffer::Lines;
use crate::source::{Place, Polled, Position, Progress, Reader, Schema, SourceError, SourceErrorKind as Kind};

/// How many bytes are read at a time.
const BUFFER_BYTES: usize = 64 << 10;

pub(super) struct SocketReader {
    name: String,
    link: Link,
    lines: Lines,
    options: SocketOptions,
    schema: Arc<Schema>,
    buffer: Box<[u8]>,
    /// How many records are before the next line of the connection.
    passed: u64,
    /// How many records are before the next one that is handed out.
    position: u64,
    read_bytes: u64,
    state: State,
}

enum State {
    Open,
    End,
    Failed(SourceError),
}

impl SocketReader {
    pub(super) fn new(name: String, link: Link, options: SocketOptions) -> Self {
        Self {
            name,
            link,
            lines: Lines::new(options.line_bytes_max),
            options,
            schema: Arc::new(Schema::Raw),
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            passed: 0,
            position: 0,
            read_bytes: 0,
            state: State::Open,
        }
    }

    fn error(&self, kind: Kind, what: impl Into<String>) -> SourceError {
        SourceError::new(kind, &self.name, what)
    }

    /// Begins with the first record of a peer that replays.
    fn restart(&mut self) {
        self.link.close();
        self.lines.clear();
        self.passed = 0;
    }

    /// Adds the lines that came for as long as there is room, and passes over those before the position.
    fn add_lines(&mut self, batch: &mut Batch) -> Result<(), SourceError> {
        while batch.has_room() {
            match self.lines.next() {
                Ok(Some(line)) => {
                    if self.passed == self.position {
                        batch.push([line]);
                        self.position += 1;
                    }
                    self.passed += 1;
                }
                Ok(None) => break,
                Err(_) => {
                    let what = format!("it is a line of more than {} bytes", self.options.line_bytes_max);
                    return Err(self.error(Kind::Record, what).at(Place::Record(self.passed + 1)));
                }
            }
        }
        Ok(())
    }

    /// The peer closed the connection.
    fn closed(&mut self) -> Result<(), SourceError> {
        let ends = self.options.after_close == AfterClose::End;
        if self.options.peer == Peer::Replays {
            let complete = self.passed + u64::from(ends && !self.lines.unfinished().is_empty());
            if complete < self.position {
                let what =
                    format!("the peer closed after {complete} records, but the position is after {}", self.position);
                return Err(self.error(Kind::TooShort { records: complete }, what));
            }
            if !ends {
                // An unfinished line comes again, and whole.
                self.restart();
            }
        }
        self.lines.end();
        if ends {
            self.state = State::End;
        }
        Ok(())
    }

    /// The connection broke, and the rest of a line with it.
    fn broken(&mut self, error: std::io::Error) -> Result<(), SourceError> {
        let dropped = self.lines.unfinished().len();
        self.lines.clear();
        if self.options.peer == Peer::Replays {
            self.restart();
            return Ok(());
        }
        let what = match dropped {
            0 => format!("the connection broke: {error}; what the peer sent since may be lost"),
            _ => format!("the connection broke within a line, of which {dropped} bytes were dropped: {error}"),
        };
        Err(SourceError::io(Kind::Io, &self.name, error).says(what))
    }

    /// Reads once, and returns whether it is worth while to read again.
    fn read(&mut self, deadline: Instant) -> Result<bool, SourceError> {
        match self.link.read(&mut self.buffer, deadline) {
            Came::Bytes(count) => {
                self.lines.add(&self.buffer[..count]);
                self.read_bytes += count as u64;
                Ok(true)
            }
            Came::Nothing => Ok(false),
            Came::Close => self.closed().map(|()| true),
            Came::Break(error) => self.broken(error).map(|()| true),
            Came::NoConnection(error) => {
                let what = format!("there is no connection: {error}");
                Err(SourceError::io(Kind::Open, &self.name, error).says(what))
            }
        }
    }

    /// Adds lines until there is no room, no time, or nothing more at hand.
    fn add(&mut self, batch: &mut Batch, deadline: Instant) -> Result<(), SourceError> {
        let before = batch.count();
        loop {
            self.add_lines(batch)?;
            if !batch.has_room() || matches!(self.state, State::End) {
                return Ok(());
            }
            let now = Instant::now();
            let waits_until = if batch.count() > before { now } else { deadline };
            if !self.read(waits_until)? {
                return Ok(());
            }
            if now >= deadline {
                return self.add_lines(batch);
            }
        }
    }
}

impl Reader for SocketReader {
    fn schema(&self) -> Option<&Arc<Schema>> {
        Some(&self.schema)
    }

    fn position(&self) -> Position {
        Position::Offset(self.position)
    }

    fn seek(&mut self, position: &Position) -> Result<(), SourceError> {
        let refused = |reader: &Self, kind, what| Err(reader.error(kind, what).at(Place::Position(position.clone())));
        let Position::Offset(target) = *position else {
            return refused(self, Kind::Position, "is no position in a socket");
        };
        if self.options.peer == Peer::Replays {
            self.restart();
        } else if target < self.position {
            return refused(self, Kind::Unsupported, "is behind: a socket cannot go back");
        }
        self.position = target;
        self.state = State::Open;
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch, deadline: Instant) -> Result<Polled, SourceError> {
        if let State::Failed(error) = &self.state {
            let error = error.clone();
            if error.is_transient() {
                self.state = State::Open;
            }
            return Err(error);
        }
        if !batch.has_room() {
            return Ok(Polled::Nothing);
        }
        let before = batch.count();
        let added = self.add(batch, deadline);
        if let Err(error) = &added {
            // The records before it come first.
            if !error.is_transient() || batch.count() > before {
                self.state = State::Failed(error.clone());
            }
        }
        match (added, &self.state) {
            _ if batch.count() > before => Ok(Polled::Records),
            (Err(error), _) => Err(error),
            (Ok(()), State::End) => Ok(Polled::End),
            (Ok(()), _) => Ok(Polled::Nothing),
        }
    }

    fn is_seekable(&self) -> bool {
        // A live peer does not begin again.
        self.options.peer == Peer::Replays
    }

    fn pass_over(&mut self) -> Option<Vec<u8>> {
        match &self.state {
            State::Failed(error) if error.kind() == Kind::Record => {}
            _ => return None,
        }
        self.state = State::Open;
        (self.passed, self.position) = (self.passed + 1, self.position + 1);
        Some(self.lines.pass_over())
    }

    fn place(&mut self) -> Option<Place> {
        Some(Place::Record(self.position))
    }

    fn progress(&self) -> Progress {
        Progress { read_bytes: self.read_bytes, is_cut_off: self.link.is_cut_off(), ..Progress::default() }
    }
}
