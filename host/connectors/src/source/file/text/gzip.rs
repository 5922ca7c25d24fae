//! Gzip with one member or several, and with zeros behind them, as `gzip` itself reads it.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

use super::super::raw::Raw;
use super::stage::Stage;

/// The first byte of a member.
const MEMBER: u8 = 0x1f;

/// The text of all members, one after the other.
pub(super) struct Gzip(State);

enum State {
    Member(GzDecoder<BufReader<Raw>>),
    /// After a member: another one, zeros, or the end.
    Between(BufReader<Raw>),
    /// After zeros: only more of them.
    Padding(BufReader<Raw>),
    /// Only while one state becomes another.
    Changing,
}

impl Gzip {
    pub(super) fn new(stored: BufReader<Raw>) -> Self {
        Self(State::Member(GzDecoder::new(stored)))
    }

    /// Goes to the next member. Returns whether there is one.
    fn next(&mut self) -> io::Result<bool> {
        loop {
            let (stored, is_padding) = match &mut self.0 {
                State::Member(_) => return Ok(true),
                State::Between(stored) => (stored, false),
                State::Padding(stored) => (stored, true),
                State::Changing => return Ok(false),
            };
            let next = stored.fill_buf()?;
            let zeros = next.iter().take_while(|byte| **byte == 0).count();
            match next.first() {
                None => return Ok(false),
                Some(0) => stored.consume(zeros),
                Some(&MEMBER) if !is_padding => {}
                Some(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "other bytes follow it")),
            }
            self.0 = match std::mem::replace(&mut self.0, State::Changing) {
                State::Between(stored) if zeros == 0 => State::Member(GzDecoder::new(stored)),
                State::Between(stored) => State::Padding(stored),
                state => state,
            };
        }
    }
}

impl Read for Gzip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.next()? {
            let State::Member(member) = &mut self.0 else { break };
            match member.read(buffer)? {
                0 if !buffer.is_empty() => {
                    let State::Member(member) = std::mem::replace(&mut self.0, State::Changing) else { break };
                    self.0 = State::Between(member.into_inner());
                }
                count => return Ok(count),
            }
        }
        Ok(0)
    }
}

impl Stage for Gzip {
    fn raw(&mut self) -> &mut Raw {
        match &mut self.0 {
            State::Member(member) => member.get_mut().get_mut(),
            State::Between(stored) | State::Padding(stored) => stored.get_mut(),
            State::Changing => unreachable!("no state is left in the middle of a change"),
        }
    }

    fn into_raw(self: Box<Self>) -> Raw {
        match self.0 {
            State::Member(member) => member.into_inner().into_inner(),
            State::Between(stored) | State::Padding(stored) => stored.into_inner(),
            State::Changing => unreachable!("no state is left in the middle of a change"),
        }
    }

    fn form(&self) -> Option<&'static str> {
        Some("gzip")
    }
}
