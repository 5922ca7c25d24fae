//! What is known of a stream of records when an epoch begins.

use std::fmt;

use crate::sink::outbox;

/// The first line of a file of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// What the requests of this sink are marked with.
    pub(super) id: String,
    /// How many records are before the first of the file.
    pub(super) first: u64,
}

const MAGIC: &str = "alluvium-http-records-1";

impl outbox::Header for Header {
    fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let mut words = std::str::from_utf8(&bytes[..end]).ok()?.split(' ');
        if words.next() != Some(MAGIC) {
            return None;
        }
        let header = Self { id: words.next()?.to_owned(), first: words.next()?.parse().ok()? };
        Some((header, end + 1))
    }

    fn first(&self) -> u64 {
        self.first
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{MAGIC} {} {}", self.id, self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::outbox::Header as _;

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let header = Header { id: "0a1b".to_owned(), first: 3 };
        let text = format!("{header}frames");
        assert_eq!(Header::read(text.as_bytes()), Some((header, text.len() - 6)));
        for text in ["", "alluvium-http-records-1 0a 1", "alluvium-nats-1 0a 1\n", "alluvium-http-records-1 0a\n"] {
            assert_eq!(Header::read(text.as_bytes()), None, "{text:?}");
        }
    }
}
