//! Positions in a file.

use crate::opaque::{self, Opaque};
use crate::source::Position;

/// A position in a CSV file: how many records are before it, and, in a plain file, at which byte the
/// last of them ends with its line end.
///
/// ```
/// use alluvium_connectors::source::{FilePosition, Position};
///
/// let position = Position::from(FilePosition { records: 3, end_byte: Some(70) });
/// assert_eq!(FilePosition::read(&position), Some(FilePosition { records: 3, end_byte: Some(70) }));
/// assert_eq!(FilePosition::read(&Position::Offset(3)), Some(FilePosition { records: 3, end_byte: None }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilePosition {
    /// The records before it.
    pub records: u64,
    /// Where the last of them ends, in a file that can be read from there.
    pub end_byte: Option<u64>,
}

impl FilePosition {
    /// Returns what a position says, if it is one of a file.
    pub fn read(position: &Position) -> Option<Self> {
        let token = match position {
            Position::Offset(records) => return Some(Self { records: *records, end_byte: None }),
            Position::Opaque(token) => opaque::as_text(token)?,
        };
        let (records, end_byte) = token.split_once(' ')?;
        let (records, end_byte) = (records.parse().ok()?, end_byte.parse().ok()?);
        let position = Self { records, end_byte: Some(end_byte) };
        // One position has one form.
        (Position::from(position) == Position::Opaque(Opaque::new(token).ok()?)).then_some(position)
    }
}

impl From<FilePosition> for Position {
    fn from(position: FilePosition) -> Self {
        match position.end_byte {
            None => Self::Offset(position.records),
            Some(end_byte) => Self::Opaque(opaque::of_numbers(format!("{} {end_byte}", position.records))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_position_is_not_read() {
        for text in ["", "1", "1 ", " 1", "1 2 3", "+1 2", "01 2", "1  2", "a b", "18446744073709551616 1", "\u{ff}"] {
            let position = Position::Opaque(Opaque::new(text).unwrap());
            assert_eq!(FilePosition::read(&position), None, "{text:?}");
        }
        let binary = Position::Opaque(Opaque::new(&b"1 2\xff"[..]).unwrap());
        assert_eq!(FilePosition::read(&binary), None);
    }
}
