//! What was sent last, and whether it arrived.

use std::fmt;

/// A note that is made durable before records are sent, and again when the target has them. So it is known after
/// a crash which records may be there already, and under which name they are sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    /// What the requests of this sink are marked with. It is drawn when a new stream of records begins.
    pub(super) id: String,
    /// How many processes have sent records before this one.
    pub(super) session: u64,
    /// How many requests of the session are before it.
    pub(super) number: u64,
    /// How many records are before its first one.
    pub(super) first: u64,
    /// How many records there are with it.
    pub(super) end: u64,
    pub(super) is_done: bool,
}

const MAGIC: &str = "alluvium-http-1";

impl Delivery {
    /// Returns the one that stands for nothing, before the first of a new stream of records.
    pub(super) fn none(id: String) -> Self {
        Self { id, session: 0, number: 0, first: 0, end: 0, is_done: true }
    }

    /// Reads a note.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut words = text.strip_suffix('\n')?.split(' ');
        if words.next() != Some(MAGIC) {
            return None;
        }
        let id = words.next()?.to_owned();
        let is_done = match words.next()? {
            "sent" => true,
            "sending" => false,
            _ => return None,
        };
        let mut number = || words.next()?.parse().ok();
        let read = Self { id, session: number()?, number: number()?, first: number()?, end: number()?, is_done };
        // One note has one form.
        (read.first <= read.end && read.to_string() == text).then_some(read)
    }

    /// Returns the next one of this session, up to `end`.
    pub(super) fn next(&self, session: u64, end: u64) -> Self {
        let number = if session == self.session && self.end > 0 { self.number + 1 } else { 0 };
        Self { id: self.id.clone(), session, number, first: self.end, end, is_done: false }
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, session, number, first, end, is_done } = self;
        let state = if *is_done { "sent" } else { "sending" };
        writeln!(f, "{MAGIC} {id} {state} {session} {number} {first} {end}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let mut delivery = Delivery { id: "0a".to_owned(), session: 1, number: 2, first: 3, end: 4, is_done: false };
        for _ in 0..2 {
            assert_eq!(Delivery::read(&delivery.to_string()), Some(delivery.clone()));
            delivery.is_done = true;
        }
        for text in [
            "",
            "alluvium-http-1 0a sent 1 2 3 4",
            "alluvium-http-2 0a sent 1 2 3 4\n",
            "alluvium-http-1 0a sent 1 2 3\n",
            "alluvium-http-1 0a gone 1 2 3 4\n",
            "alluvium-http-1 0a sent 1 2 5 4\n",
            "alluvium-http-1 0a sent 1 2 3 04\n",
        ] {
            assert_eq!(Delivery::read(text), None, "{text:?}");
        }
    }

    #[test]
    fn requests_are_numbered_within_a_session() {
        let mut last = Delivery::none("0a".to_owned());
        let mut found = Vec::new();
        for (session, end) in [(0, 5), (0, 7), (1, 9), (1, 10), (3, 11)] {
            last = last.next(session, end);
            found.push((last.session, last.number, last.first, last.end));
        }
        assert_eq!(found, [(0, 0, 0, 5), (0, 1, 5, 7), (1, 0, 7, 9), (1, 1, 9, 10), (3, 0, 10, 11)]);
    }
}
