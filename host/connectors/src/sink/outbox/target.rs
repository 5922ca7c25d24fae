//! What an outbox asks of the server that its records go to.

use std::fmt::Display;
use std::io;
use std::ops::Range;

use crate::sink::token::records_in;
use crate::sink::waiting::Waiting;
use crate::sink::{Guarantee, SinkErrorKind as Kind};
#[cfg(any(feature = "http", feature = "nats"))]
use crate::trouble::Trouble;

/// Where the records of an outbox go.
pub(in crate::sink) trait Target: Send {
    /// What it knows when an epoch begins.
    type Header: Header;

    /// What it promises about a crash.
    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    /// Returns what is wrong with a record, if it cannot have it.
    fn check(&self, record: &[u8]) -> Result<(), String>;

    /// Begins a new stream of records, behind what is there. `id` is drawn for it.
    fn begin(&mut self, id: String) -> Result<(), Refusal>;

    /// Finds out how many records are published, after a crash at any moment. The checkpoint stands for `end` records,
    /// and the place holds an epoch with this header, if it holds one.
    fn recover(&mut self, end: u64, held: Option<&Self::Header>, waiting: &mut Waiting) -> Result<(), Refusal>;

    /// Returns the header of an epoch that begins behind so many records.
    fn header(&self, first: u64) -> Self::Header;

    /// How many records are published.
    fn published(&self) -> u64;

    /// Whether that is known. Otherwise records may be on their way.
    fn is_sure(&self) -> bool;

    /// Publishes records that come behind `first` others. Some of them may be published already.
    fn publish(&mut self, waiting: &mut Waiting, first: u64, records: Records) -> Result<(), Refusal>;
}

/// The first line of what waits.
pub(in crate::sink) trait Header: Display + Sized {
    /// Reads the header at the beginning of what waits, and returns its length as well.
    fn read(bytes: &[u8]) -> Option<(Self, usize)>;

    /// How many records are before the first one that waits.
    fn first(&self) -> u64;
}

/// Records that are published together.
#[derive(Debug)]
pub(in crate::sink) struct Records {
    /// The records, each behind its length.
    pub(in crate::sink) frames: Vec<u8>,
    /// Where each record is in the frames.
    pub(in crate::sink) places: Vec<Range<usize>>,
}

impl Records {
    /// Returns the records of frames, if there are exactly so many.
    pub(super) fn of(frames: Vec<u8>, count: u64) -> Option<Self> {
        let (places, bytes) = records_in(&frames, count)?;
        (bytes == frames.len()).then_some(Self { frames, places })
    }

    /// Returns the bytes of each record.
    #[cfg(any(feature = "http", feature = "kafka"))]
    pub(in crate::sink) fn slices(&self) -> Vec<&[u8]> {
        self.places.iter().map(|place| &self.frames[place.clone()]).collect()
    }
}

/// Why a server was not asked to the end: trouble with it, which may pass, or an error of this kind, which another
/// attempt does not change.
#[cfg(any(feature = "kafka", feature = "nats"))]
#[derive(Debug)]
pub(in crate::sink) enum Failure<T> {
    Trouble(T),
    Refused((Kind, String)),
}

#[cfg(any(feature = "kafka", feature = "nats"))]
impl<T> From<T> for Failure<T> {
    fn from(trouble: T) -> Self {
        Self::Trouble(trouble)
    }
}

/// Why a target did not do something.
#[derive(Debug)]
#[cfg_attr(not(feature = "http"), allow(dead_code, reason = "not every server refuses for each of these reasons"))]
pub(in crate::sink) enum Refusal {
    /// The server failed. Another attempt may succeed if the system has an error for it.
    Failed(Option<io::Error>, String),
    /// It is an error of this kind, which another attempt does not change.
    Final(Kind, String),
    /// The place in which records wait failed.
    Place(io::Error),
    /// The place does not hold all of what is not published.
    Missing,
}

impl Refusal {
    /// Returns a refusal that another attempt does not change.
    pub(in crate::sink) fn of(kind: Kind, what: impl Into<String>) -> Self {
        Self::Final(kind, what.into())
    }
}

impl From<(Kind, String)> for Refusal {
    fn from((kind, what): (Kind, String)) -> Self {
        Self::Final(kind, what)
    }
}

#[cfg(any(feature = "http", feature = "nats"))]
impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        let cause = trouble.as_io();
        let (Trouble::Lost(what) | Trouble::Refused(what)) = trouble;
        Self::Failed(cause, what)
    }
}
