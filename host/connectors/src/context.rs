//! The text near a position, by which another text is recognised.

use alluvium_core::model::hash::checksum;

/// How much of the beginning, and of the text before a position, is looked at.
pub(crate) const NEAR_BYTES: usize = 1 << 10;

/// After how many bytes the text before the position is cut again.
const KEPT_BYTES_MAX: usize = 16 * NEAR_BYTES;

/// The beginning of a text, and what is just before a position in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Context {
    head: Vec<u8>,
    recent: Vec<u8>,
    byte: u64,
}

impl Context {
    /// Returns the text around a byte of a file, read from there: its first bytes, and those before the byte.
    pub(crate) fn at(byte: u64, head: Vec<u8>, recent: Vec<u8>) -> Self {
        Self { head, recent, byte }
    }

    /// Takes what comes next of the text.
    pub(crate) fn take(&mut self, text: &[u8]) {
        self.byte += text.len() as u64;
        let room = NEAR_BYTES.saturating_sub(self.head.len());
        self.head.extend_from_slice(&text[..room.min(text.len())]);
        self.recent.extend_from_slice(&text[text.len().saturating_sub(NEAR_BYTES)..]);
        if self.recent.len() > KEPT_BYTES_MAX {
            self.recent.drain(..self.recent.len() - NEAR_BYTES);
        }
    }

    /// Returns the position: how many bytes are before it.
    pub(crate) fn byte(&self) -> u64 {
        self.byte
    }

    /// Returns what tells this text at this position from others.
    pub(crate) fn fingerprint(&self) -> u64 {
        let recent = &self.recent[self.recent.len().saturating_sub(NEAR_BYTES)..];
        checksum(&self.head, checksum(recent, self.byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_depends_on_the_text_and_not_on_its_pieces() {
        let text: Vec<u8> = (0..100_000_u32).map(|at| (at * 7 % 251) as u8).collect();
        for end in [0, 1, 1_000, 1_024, 1_025, 5_000, 100_000] {
            let taken = |size: usize| {
                let mut context = Context::default();
                text[..end].chunks(size).for_each(|piece| context.take(piece));
                (context.byte(), context.fingerprint())
            };
            let near = end.min(NEAR_BYTES);
            let read = Context::at(end as u64, text[..near].to_vec(), text[end - near..end].to_vec());
            for size in [1, 60, 1_023, 50_000] {
                assert_eq!(taken(size), (end as u64, read.fingerprint()), "{end} in pieces of {size}");
            }
        }
    }

    #[test]
    fn another_text_has_another_fingerprint() {
        let of = |text: &[u8]| {
            let mut context = Context::default();
            context.take(text);
            context.fingerprint()
        };
        assert_ne!(of(b"a,b\n1,2\n"), of(b"a,b\n1,3\n"));
        assert_ne!(of(b"a,b\n1,2\n"), of(b"b,a\n1,2\n"));
        assert_ne!(of(b"a"), of(b"aa"));
    }
}
