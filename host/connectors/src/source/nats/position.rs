//! Positions in a stream.

use crate::opaque;
use crate::source::Position;

/// The message that was handed out last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct At {
    /// Its sequence, or zero before the first message.
    pub(super) sequence: u64,
    /// When the stream was created, in nanoseconds since 1970.
    pub(super) created: u64,
    /// When the server stored the message.
    pub(super) stored: u64,
}

/// A message that came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) at: At,
    /// How many messages were behind it when it came.
    pub(super) pending: u64,
}

/// The position before the first message. It holds for every stream.
pub(super) const START: At = At { sequence: 0, created: 0, stored: 0 };

impl At {
    pub(super) fn read(position: &Position) -> Option<Self> {
        let Position::Opaque(token) = position else { return None };
        let mut numbers = opaque::as_text(token)?.split(' ');
        let mut next = || numbers.next()?.parse().ok();
        let at = Self { sequence: next()?, created: next()?, stored: next()? };
        // One position has one form.
        (Position::from(at) == *position && (at.sequence > 0 || at == START)).then_some(at)
    }
}

impl From<At> for Position {
    fn from(at: At) -> Self {
        Self::Opaque(opaque::of_numbers(format!("{} {} {}", at.sequence, at.created, at.stored)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opaque::Opaque;

    #[test]
    fn only_its_own_form_is_read() {
        let at = At { sequence: 7, created: 8, stored: 9 };
        assert_eq!(At::read(&Position::from(at)), Some(at));
        assert_eq!(At::read(&Position::from(START)), Some(START));
        assert_eq!(At::read(&Position::Offset(7)), None);
        for text in ["", "7", "7 8", "7 8 9 ", "07 8 9", "7 8 9 1", "0 8 9", "+7 8 9", "7 8 18446744073709551616"] {
            assert_eq!(At::read(&Position::Opaque(Opaque::new(text).unwrap())), None, "{text:?}");
        }
    }
}
