//! A connection that is made again when it is lost.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use super::dialer::{Attempt, Step};
use super::endpoint::Endpoint;
use super::listener::Listener;
use crate::retry::{Outage, Retry};

/// A way to a peer.
#[derive(Debug)]
pub(super) struct Link {
    way: Way,
    state: State,
}

#[derive(Debug)]
enum Way {
    Connect { endpoint: Endpoint, outage: Outage },
    Accept(Arc<Listener>),
}

#[derive(Debug)]
enum State {
    /// The next attempt begins at this time.
    Down(Instant),
    Connecting(Attempt),
    Up(OwnedFd),
}

/// What came until the deadline.
#[derive(Debug)]
pub(super) enum Came {
    /// So many bytes.
    Bytes(usize),
    /// Nothing.
    Nothing,
    /// The peer closed the connection.
    Close,
    /// The connection broke.
    Break(io::Error),
    /// There is no connection, and there has been none for longer than the patience.
    NoConnection(io::Error),
}

impl Link {
    pub(super) fn connecting(endpoint: Endpoint, retry: Retry) -> Self {
        let way = Way::Connect { endpoint, outage: Outage::new(retry) };
        Self { way, state: State::Down(Instant::now()) }
    }

    pub(super) fn accepting(listener: Arc<Listener>) -> Self {
        Self { way: Way::Accept(listener), state: State::Down(Instant::now()) }
    }

    /// Gives the connection up.
    pub(super) fn close(&mut self) {
        self.state = State::Down(Instant::now());
    }

    /// Whether the connection is lost, and it tries to connect again. To wait for a peer to connect is no outage.
    pub(super) fn is_cut_off(&self) -> bool {
        matches!(&self.way, Way::Connect { outage, .. } if outage.is_on())
    }

    /// Reads what came into `buffer`, or waits for it until the deadline.
    pub(super) fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Came {
        loop {
            match std::mem::replace(&mut self.state, State::Down(Instant::now())) {
                State::Up(socket) => return self.read_from(socket, buffer, deadline),
                State::Down(begin) => {
                    if begin > Instant::now() {
                        self.state = State::Down(begin);
                        sleep_until(begin.min(deadline));
                        if begin > Instant::now() {
                            return Came::Nothing;
                        }
                    }
                    match self.begin(deadline) {
                        Ok(Some(state)) => self.state = state,
                        Ok(None) => return Came::Nothing,
                        // A listening socket fails only with the process, as when it has no descriptor left.
                        Err(error) => return Came::NoConnection(error),
                    }
                }
                State::Connecting(attempt) => {
                    let Way::Connect { endpoint, outage } = &mut self.way else { return Came::Nothing };
                    match attempt.run(endpoint, deadline) {
                        Ok(Step::Connected(socket)) => {
                            outage.is_over();
                            self.state = State::Up(socket);
                        }
                        Ok(Step::Later(attempt)) => {
                            self.state = State::Connecting(attempt);
                            return Came::Nothing;
                        }
                        Err(error) => {
                            let now = Instant::now();
                            self.state = State::Down(now + outage.failed(now));
                            if outage.is_too_long(now) {
                                return Came::NoConnection(error);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Begins to connect, or waits for a peer that connects.
    fn begin(&self, deadline: Instant) -> io::Result<Option<State>> {
        match &self.way {
            Way::Connect { endpoint, .. } => Ok(Some(State::Connecting(Attempt::begin(endpoint)))),
            Way::Accept(listener) => loop {
                match listener.accept() {
                    Ok(socket) => return Ok(Some(State::Up(socket))),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        if !wait_for(&**listener, PollFlags::IN, deadline)? {
                            return Ok(None);
                        }
                    }
                    // The peer was gone before it was accepted.
                    Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted) => {}
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            },
        }
    }

    /// Reads from a connection, which stays unless it ends.
    fn read_from(&mut self, socket: OwnedFd, buffer: &mut [u8], deadline: Instant) -> Came {
        let came = loop {
            match rustix::io::read(&socket, &mut *buffer) {
                Ok(0) => return Came::Close,
                Ok(count) => break Came::Bytes(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => match wait_for(&socket, PollFlags::IN, deadline) {
                    Ok(true) => {}
                    Ok(false) => break Came::Nothing,
                    Err(error) => return Came::Break(error),
                },
                Err(error) => return Came::Break(error.into()),
            }
        };
        self.state = State::Up(socket);
        came
    }
}

fn sleep_until(time: Instant) {
    std::thread::sleep(time.saturating_duration_since(Instant::now()));
}

/// Waits until a socket is ready, and returns whether it is.
pub(super) fn wait_for(socket: &impl AsFd, flags: PollFlags, deadline: Instant) -> io::Result<bool> {
    loop {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now())).map_err(io::Error::other)?;
        match rustix::event::poll(&mut [PollFd::new(socket, flags)], Some(&left)) {
            Ok(count) => return Ok(count > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
