//! Positions in a file.

use crate::opaque::{self, Opaque};
use crate::source::Position;

/// A position in the text of a file or a pipe.
///
/// ```
/// use alluvium_connectors::source::{FilePosition, Position};
///
/// let position = FilePosition { records: 3, end_byte: Some(70), fingerprint: Some(0xfeed) };
/// assert_eq!(FilePosition::read(&position.into()), Some(position));
/// // Earlier versions knew less.
/// let earlier = FilePosition { records: 3, end_byte: None, fingerprint: None };
/// assert_eq!(FilePosition::read(&Position::Offset(3)), Some(earlier));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilePosition {
    /// The records before it.
    pub records: u64,
    /// At which byte of the text the last of them ends, with its line end. Compressed data counts
    /// decompressed.
    pub end_byte: Option<u64>,
    /// What tells this text at this byte from others: a checksum of its first bytes, and of those before
    /// the position.
    pub fingerprint: Option<u64>,
}

impl FilePosition {
    /// Returns what a position says, if it is one of a file.
    pub fn read(position: &Position) -> Option<Self> {
        let token = match position {
            Position::Offset(records) => return Some(Self { records: *records, end_byte: None, fingerprint: None }),
            Position::Opaque(token) => opaque::as_text(token)?,
        };
        let mut parts = token.split(' ');
        let (records, end_byte) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let fingerprint = parts.next().map(|part| u64::from_str_radix(part, 16)).transpose().ok()?;
        let position = Self { records, end_byte: Some(end_byte), fingerprint };
        // One position has one form.
        (Position::from(position) == Position::Opaque(Opaque::new(token).ok()?)).then_some(position)
    }

    /// Whether a reader of a followed file left it for the next one, when it added so many records between two
    /// positions. The position before is the end of the file that it left.
    ///
    /// ```
    /// use alluvium_connectors::source::FilePosition;
    ///
    /// let at = |records| FilePosition { records, end_byte: None, fingerprint: None }.into();
    /// assert!(!FilePosition::has_left(&at(3), &at(5), 2));
    /// assert!(FilePosition::has_left(&at(3), &at(2), 2));
    /// ```
    pub fn has_left(before: &Position, after: &Position, added: u32) -> bool {
        // A position counts the records of one file.
        let records = |position: &Position| Self::read(position).map(|position| position.records);
        records(before).zip(records(after)).is_some_and(|(had, has)| has != had + u64::from(added))
    }
}

impl From<FilePosition> for Position {
    fn from(position: FilePosition) -> Self {
        let FilePosition { records, end_byte, fingerprint } = position;
        match (end_byte, fingerprint) {
            (None, _) => Self::Offset(records),
            (Some(byte), None) => Self::Opaque(opaque::of_numbers(format!("{records} {byte}"))),
            (Some(byte), Some(print)) => Self::Opaque(opaque::of_numbers(format!("{records} {byte} {print:016x}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_position_is_not_read() {
        for text in [
            "",
            "1",
            "1 ",
            " 1",
            "1 2 3",
            "1 2 000000000000000A",
            "1 2 000000000000000a 1",
            "+1 2",
            "01 2",
            "1  2",
            "a b",
            "18446744073709551616 1",
            "\u{ff}",
        ] {
            let position = Position::Opaque(Opaque::new(text).unwrap());
            assert_eq!(FilePosition::read(&position), None, "{text:?}");
        }
        let binary = Position::Opaque(Opaque::new(&b"1 2\xff"[..]).unwrap());
        assert_eq!(FilePosition::read(&binary), None);
        let read = FilePosition::read(&Position::Opaque(Opaque::new("1 2").unwrap()));
        assert_eq!(read, Some(FilePosition { records: 1, end_byte: Some(2), fingerprint: None }));
    }
}
