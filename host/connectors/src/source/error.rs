//! What can go wrong with a source, and where.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::Position;

/// An error of a source. Its text names the source and the place.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{source_name}: {}{what}", At(place.as_ref()))]
pub struct SourceError {
    kind: SourceErrorKind,
    source_name: String,
    place: Option<Place>,
    what: String,
    #[source]
    cause: Option<Arc<io::Error>>,
}

/// The kind of error: what a caller can decide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// It cannot be opened.
    Open,
    /// Reading failed.
    Io,
    /// What should say how the records look is missing or wrong.
    Header,
    /// A record is not well formed. [`pass_over`](super::Reader::pass_over) continues after it.
    Record,
    /// A record is longer than any may be.
    TooLong,
    /// The compressed data ends too early.
    CutShort,
    /// The compressed data is not what was compressed.
    Damaged,
    /// The position is none of this kind of source.
    Position,
    /// The source is another one than that of the position, or what is before the position has changed.
    Replaced,
    /// The source ends before the position.
    TooShort {
        /// How many records there are.
        records: u64,
    },
    /// The source has deleted records after the position before they were read.
    Gone {
        /// How many.
        records: u64,
    },
    /// The source cannot do what was asked.
    Unsupported,
}

/// A place in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A line, counted from one.
    Line(u64),
    /// A byte, counted from zero.
    Byte(u64),
    /// A record, counted from one.
    Record(u64),
    /// An offset, counted from zero as its log counts.
    Offset(u64),
    /// A position.
    Position(Position),
}

struct At<'a>(Option<&'a Place>);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some(Place::Line(line)) => write!(f, "line {line}: "),
            Some(Place::Byte(byte)) => write!(f, "byte {byte}: "),
            Some(Place::Record(record)) => write!(f, "record {record}: "),
            Some(Place::Offset(offset)) => write!(f, "offset {offset}: "),
            Some(Place::Position(position)) => write!(f, "position {position}: "),
        }
    }
}

impl SourceError {
    /// Returns the error of this kind in the source with this name.
    pub fn new(kind: SourceErrorKind, source_name: impl Into<String>, what: impl Into<String>) -> Self {
        Self { kind, source_name: source_name.into(), place: None, what: what.into(), cause: None }
    }

    /// Returns the error of an operation of the system.
    pub fn io(kind: SourceErrorKind, source_name: impl Into<String>, error: io::Error) -> Self {
        let what = error.to_string();
        Self { cause: Some(Arc::new(error)), ..Self::new(kind, source_name, what) }
    }

    /// Says it in these words instead of the system's.
    #[must_use]
    pub fn says(self, what: impl Into<String>) -> Self {
        Self { what: what.into(), ..self }
    }

    /// Adds the place.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    /// Returns its kind.
    pub fn kind(&self) -> SourceErrorKind {
        self.kind
    }

    /// Returns the name of the source.
    pub fn source_name(&self) -> &str {
        &self.source_name
    }

    /// Returns where it happened, if that is known.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Returns the text without the source and the place.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Returns the error of the system, if there was one.
    pub fn io_error(&self) -> Option<&io::Error> {
        self.cause.as_deref()
    }

    /// Whether the same call may succeed later, as after a lost connection.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, SourceErrorKind::Io | SourceErrorKind::Open)
            && self.io_error().is_some_and(crate::is_lost_connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opaque::Opaque;

    #[test]
    fn the_text_names_source_and_place() {
        let error = SourceError::new(SourceErrorKind::Record, "a.csv", "2 fields");
        let check = |place, expected: &str| assert_eq!(error.clone().at(place).to_string(), expected);
        assert_eq!(error.to_string(), "a.csv: 2 fields");
        check(Place::Line(7), "a.csv: line 7: 2 fields");
        check(Place::Byte(0), "a.csv: byte 0: 2 fields");
        check(Place::Record(1), "a.csv: record 1: 2 fields");
        check(Place::Offset(0), "a.csv: offset 0: 2 fields");
        let token = Opaque::new(&b"7\x1b"[..]).unwrap();
        check(Place::Position(Position::Opaque(token)), "a.csv: position \"7\\x1b\": 2 fields");
    }

    #[test]
    fn only_a_lost_connection_is_transient() {
        let io = |kind| SourceError::io(SourceErrorKind::Io, "s", kind);
        assert!(io(io::ErrorKind::ConnectionReset.into()).is_transient());
        assert!(!io(io::ErrorKind::PermissionDenied.into()).is_transient());
        let damaged = SourceError::io(SourceErrorKind::Damaged, "s", io::ErrorKind::ConnectionReset.into());
        assert!(!damaged.is_transient() && damaged.io_error().is_some());
    }
}
