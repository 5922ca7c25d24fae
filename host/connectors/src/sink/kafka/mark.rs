//! What shows that records are published: marks on messages, and the last mark in the directory.

use std::fmt;

/// A mark: which sink a message is from, and how many records are published with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) id: String,
    pub(super) number: u64,
}

/// The name of the header that has the mark.
pub(super) const HEADER: &str = "alluvium";

impl Mark {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (id, number) = std::str::from_utf8(bytes).ok()?.split_once(' ')?;
        let mark = Self { id: id.to_owned(), number: number.parse().ok()? };
        // One mark has one form.
        (!id.is_empty() && mark.to_string().as_bytes() == bytes).then_some(mark)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_made() {
        let mark = Mark { id: "0a".to_owned(), number: 7 };
        assert_eq!(Mark::read(mark.to_string().as_bytes()), Some(mark));
        for text in ["", "0a", "0a ", " 7", "0a 07", "0a 7 ", "\u{0}"] {
            assert_eq!(Mark::read(text.as_bytes()), None, "{text:?}");
        }
    }
}
