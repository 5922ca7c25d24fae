//! The token of a sink whose records wait in a directory.

use alluvium_core::model::hash::checksum;

use crate::opaque::{self, Opaque};

/// What a token stands for: so many records behind so many others. Some of them may be published already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// How many records are before them.
    pub(super) first: u64,
    pub(super) count: u64,
    checksum: u64,
}

impl Token {
    /// Returns the token of records whose frames these are.
    pub(super) fn of(first: u64, count: u64, frames: &[u8]) -> Self {
        Self { first, count, checksum: checksum(frames, first) }
    }

    pub(super) fn opaque(self) -> Opaque {
        opaque::of_numbers(format!("{} {} {:016x}", self.first, self.count, self.checksum))
    }

    pub(super) fn read(token: &Opaque) -> Option<Self> {
        let mut parts = opaque::as_text(token)?.split(' ');
        let (first, count) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let checksum = u64::from_str_radix(parts.next()?, 16).ok()?;
        let read = Self { first, count, checksum };
        // One token has one form.
        (first.checked_add(count).is_some() && read.opaque() == *token).then_some(read)
    }

    /// Returns the frames that it stands for, if others begin with them.
    pub(super) fn frames_in(self, frames: &[u8]) -> Option<&[u8]> {
        let (_, bytes) = records_in(frames, self.count)?;
        let frames = frames.get(..bytes)?;
        (Self::of(self.first, self.count, frames) == self).then_some(frames)
    }

    /// How many records there are with them.
    pub(super) fn end(self) -> u64 {
        self.first + self.count
    }
}

/// Where each of `count` records is in frames, and how many bytes they take. `None` if they are not all there.
pub(super) fn records_in(frames: &[u8], count: u64) -> Option<(Vec<std::ops::Range<usize>>, usize)> {
    let mut records = Vec::new();
    let mut at = 0;
    for _ in 0..count {
        let start = at + size_of::<u32>();
        let length = u32::from_le_bytes(frames.get(at..start)?.try_into().ok()?);
        at = start.checked_add(usize::try_from(length).ok()?)?;
        frames.get(start..at)?;
        records.push(start..at);
    }
    Some((records, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_form_is_read() {
        let token = Token::of(12, 3, b"frames");
        assert_eq!(Token::read(&token.opaque()), Some(token));
        for text in
            ["", "1 2", "1 2 x", "1 2 3 4", "18446744073709551615 1 0000000000000000", "1 2 3", "+1 2 0000000000000000"]
        {
            assert_eq!(Token::read(&Opaque::new(text).unwrap()), None, "{text:?}");
        }
    }

    #[test]
    fn only_its_own_frames_are_found() {
        let frames = b"\x03\0\0\0one\x03\0\0\0two\x05\0\0\0three";
        let token = Token::of(7, 2, &frames[..14]);
        assert_eq!(token.frames_in(frames), Some(&frames[..14]));
        assert_eq!(token.frames_in(&frames[..13]), None);
        assert_eq!(token.frames_in(&frames[7..]), None);
        assert_eq!(Token::of(7, 3, frames).frames_in(&frames[..14]), None);
    }

    #[test]
    fn it_depends_on_the_records_and_their_place() {
        assert_ne!(Token::of(1, 2, b"frames"), Token::of(1, 2, b"framed"));
        assert_ne!(Token::of(1, 2, b"").opaque(), Token::of(2, 2, b"").opaque());
    }
}
