//! Positions among server-sent events.

use crate::opaque::{self, Opaque};
use crate::source::Position;

/// The place after an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct At {
    /// How many records are before it in all.
    pub(super) records: u64,
    /// How many events without an id come between the last one with an id and the place.
    pub(super) without_id: u64,
    /// The id of the last event that had one.
    pub(super) id: String,
}

/// The most bytes of an id that a position has room for.
pub(super) const ID_BYTES_MAX: usize = 900;

impl At {
    pub(super) fn read(position: &Position) -> Option<Self> {
        let Position::Opaque(token) = position else { return None };
        let mut words = opaque::as_text(token)?.splitn(3, ' ');
        let mut number = || words.next()?.parse().ok();
        let at = Self { records: number()?, without_id: number()?, id: words.next()?.to_owned() };
        // One position has one form.
        (Position::from(at.clone()) == *position).then_some(at)
    }
}

impl From<At> for Position {
    fn from(at: At) -> Self {
        // Ids are checked when they come.
        Self::Opaque(Opaque::new(format!("{} {} {}", at.records, at.without_id, at.id)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_form_is_read() {
        for id in ["", "7", "a b ", "ä"] {
            let at = At { records: 7, without_id: 2, id: id.to_owned() };
            assert_eq!(At::read(&Position::from(at.clone())), Some(at));
        }
        assert_eq!(At::read(&Position::Offset(7)), None);
        for text in ["", "7", "7 2", "07 2 a", "7 x a", "+7 2 a"] {
            assert_eq!(At::read(&Position::Opaque(Opaque::new(text).unwrap())), None, "{text:?}");
        }
    }
}
