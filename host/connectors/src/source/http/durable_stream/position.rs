//! Positions in a Durable Stream.

use crate::opaque::{self, Opaque};
use crate::source::Position;

/// The place after a record: so far into what follows an offset of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At {
    /// How many records are before it in all.
    pub(super) records: u64,
    pub(super) since: Since,
    /// The offset at which the answer of the last record began.
    pub(super) offset: String,
}

/// What was handed out of that which follows an offset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Since {
    pub(super) records: u64,
    /// How many bytes of lines. It is zero in a stream of JSON, whose servers may write the same array otherwise.
    pub(super) bytes: u64,
    pub(super) checksum: u64,
}

/// What the protocol calls the beginning of every stream.
pub(super) const BEGINNING: &str = "-1";

/// The most bytes of an offset that a position has room for. The protocol asks servers to stay below 256.
pub(super) const OFFSET_BYTES_MAX: usize = 512;

impl At {
    /// The position before the first record. It holds for every stream.
    pub(super) fn start() -> Self {
        Self { records: 0, since: Since::default(), offset: BEGINNING.to_owned() }
    }

    pub(super) fn read(position: &Position) -> Option<Self> {
        let Position::Opaque(token) = position else { return None };
        let mut words = opaque::as_text(token)?.splitn(5, ' ');
        let mut number = || words.next()?.parse().ok();
        let (records, since_records, bytes) = (number()?, number()?, number()?);
        let checksum = u64::from_str_radix(words.next()?, 16).ok()?;
        let since = Since { records: since_records, bytes, checksum };
        let at = Self { records, since, offset: words.next()?.to_owned() };
        let is_possible = since.records <= records && (since.records > 0 || at == Self::start());
        // One position has one form.
        (is_possible && !at.offset.is_empty() && Position::from(at.clone()) == *position).then_some(at)
    }
}

impl From<At> for Position {
    fn from(at: At) -> Self {
        let since = at.since;
        let text = format!("{} {} {} {:016x} {}", at.records, since.records, since.bytes, since.checksum, at.offset);
        // Offsets are checked when they come.
        Self::Opaque(Opaque::new(text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_form_is_read() {
        let since = Since { records: 2, bytes: 9, checksum: 0xab };
        let at = At { records: 7, since, offset: "0_1 ".to_owned() };
        assert_eq!(At::read(&Position::from(at.clone())), Some(at));
        assert_eq!(At::read(&Position::from(At::start())), Some(At::start()));
        assert_eq!(At::read(&Position::Offset(7)), None);
        for text in [
            "",
            "7 2 9 00000000000000ab",
            "7 2 9 00000000000000ab ",
            "7 2 9 ab 0_1",
            "7 8 9 00000000000000ab 0_1",
            "7 0 0 0000000000000000 0_1",
            "+7 2 9 00000000000000ab 0_1",
        ] {
            assert_eq!(At::read(&Position::Opaque(Opaque::new(text).unwrap())), None, "{text:?}");
        }
    }
}
