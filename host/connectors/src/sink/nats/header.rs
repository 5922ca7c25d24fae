//! What is known of a stream when an epoch begins.

use std::fmt;

use crate::sink::outbox;

/// The first line of a file of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// What the messages of this sink are marked with. It is drawn when a new stream of records begins.
    pub(super) id: String,
    /// When the stream of NATS was created, in nanoseconds since 1970.
    pub(super) created: u64,
    /// The sequence of the last message of the subject, or zero.
    pub(super) base: u64,
    /// How many records are before the first of the file.
    pub(super) first: u64,
}

const MAGIC: &str = "alluvium-nats-1";

impl outbox::Header for Header {
    fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let line = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut words = line.split(' ');
        if words.next() != Some(MAGIC) {
            return None;
        }
        let id = words.next()?.to_owned();
        let mut number = || words.next()?.parse().ok();
        let header = Self { id, created: number()?, base: number()?, first: number()? };
        Some((header, end + 1))
    }

    fn first(&self) -> u64 {
        self.first
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{MAGIC} {} {} {} {}", self.id, self.created, self.base, self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::outbox::Header as _;

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let header = Header { id: "0a1b".to_owned(), created: 1, base: 2, first: 3 };
        let text = format!("{header}frames");
        assert_eq!(Header::read(text.as_bytes()), Some((header, text.len() - 6)));
        for text in ["", "alluvium-nats-1 0a 1 2 3", "alluvium-nats-2 0a 1 2 3\n", "alluvium-nats-1 0a 1 2\n"] {
            assert_eq!(Header::read(text.as_bytes()), None, "{text:?}");
        }
    }
}
