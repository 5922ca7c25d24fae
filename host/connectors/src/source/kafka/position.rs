//! Positions in a partition.

use std::sync::Arc;

use alluvium_core::model::hash::checksum;

use crate::opaque;
use crate::source::Position;

/// The place behind the message that was handed out last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At {
    /// The offset behind the message, or zero before the first message.
    pub(super) next: u64,
    /// What the cluster calls itself.
    pub(super) cluster: Arc<str>,
    /// The time of the message, in milliseconds since 1970.
    pub(super) stored: i64,
    /// What tells the message from others.
    pub(super) checksum: u64,
}

impl At {
    /// Returns the place before the first message. It holds for every topic.
    pub(super) fn start() -> Self {
        Self { next: 0, cluster: "-".into(), stored: 0, checksum: 0 }
    }

    /// Returns the place behind a message.
    pub(super) fn behind(offset: u64, cluster: &Arc<str>, stored: i64, key: &[u8], payload: &[u8]) -> Self {
        let checksum = checksum(payload, checksum(key, offset));
        Self { next: offset + 1, cluster: Arc::clone(cluster), stored, checksum }
    }

    pub(super) fn read(position: &Position) -> Option<Self> {
        let Position::Opaque(token) = position else { return None };
        let mut words = opaque::as_text(token)?.split(' ');
        let (next, cluster, stored) = (words.next()?.parse().ok()?, words.next()?.into(), words.next()?.parse().ok()?);
        let checksum = u64::from_str_radix(words.next()?, 16).ok()?;
        let at = Self { next, cluster, stored, checksum };
        // One position has one form.
        (Position::from(&at) == *position && (at.next > 0 || at == Self::start())).then_some(at)
    }
}

impl From<&At> for Position {
    fn from(at: &At) -> Self {
        Self::Opaque(opaque::of_numbers(format!("{} {} {} {:016x}", at.next, at.cluster, at.stored, at.checksum)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opaque::Opaque;

    #[test]
    fn only_its_own_form_is_read() {
        let at = At::behind(6, &"cluster".into(), -1, b"key", b"payload");
        assert_eq!(At::read(&Position::from(&at)), Some(at));
        assert_eq!(At::read(&Position::from(&At::start())), Some(At::start()));
        assert_eq!(At::read(&Position::Offset(7)), None);
        for text in ["", "7", "7 c 8 1", "7 c 8 000000000000000g", "07 c 8 0000000000000000", "0 c 8 0000000000000000"]
        {
            assert_eq!(At::read(&Position::Opaque(Opaque::new(text).unwrap())), None, "{text:?}");
        }
    }

    #[test]
    fn messages_are_told_apart() {
        let of = |offset, key: &[u8], payload: &[u8]| At::behind(offset, &"c".into(), 0, key, payload).checksum;
        assert_ne!(of(1, b"", b"a"), of(1, b"a", b""));
        assert_ne!(of(1, b"", b"a"), of(2, b"", b"a"));
    }
}
