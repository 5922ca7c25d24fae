//! A limit for the bytes of one event.

/// Counts the bytes of an event before the parser keeps them. Comments are not counted: they are not kept.
#[derive(Debug)]
pub(super) struct Limit {
    event_bytes_max: usize,
    event_bytes: usize,
    line: Line,
    /// Whether the last byte was a carriage return, to which a line feed may belong.
    is_after_return: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Empty,
    Comment,
    Field,
}

/// An event has more bytes than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is too long")]
pub(super) struct TooLong;

/// How many bytes come with one byte of data, if each line of it is empty.
const BYTES_OF_A_LINE: usize = 8;

/// How many bytes the other fields of an event may have.
const OTHER_BYTES_MAX: usize = 4 << 10;

impl Limit {
    /// Returns the limit for events with so much data. It is a bound of memory; what the parser returns is compared
    /// exactly.
    pub(super) fn new(data_bytes_max: usize) -> Self {
        let event_bytes_max = data_bytes_max.saturating_mul(BYTES_OF_A_LINE).saturating_add(OTHER_BYTES_MAX);
        Self { event_bytes_max, event_bytes: 0, line: Line::Empty, is_after_return: false }
    }

    /// Counts bytes that came.
    pub(super) fn count(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            if std::mem::take(&mut self.is_after_return) && *first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = memchr::memchr2(b'\n', b'\r', rest);
            let text = &rest[..end.unwrap_or(rest.len())];
            if self.line == Line::Empty && !text.is_empty() {
                self.line = if *first == b':' { Line::Comment } else { Line::Field };
            }
            if self.line == Line::Field {
                self.event_bytes += text.len();
            }
            if self.event_bytes > self.event_bytes_max {
                return Err(TooLong);
            }
            let Some(end) = end else { break };
            if self.line == Line::Empty {
                self.event_bytes = 0;
            }
            self.line = Line::Empty;
            self.is_after_return = rest[end] == b'\r';
            rest = &rest[end + 1..];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a text passes the limit of 4,096 and 80 bytes.
    fn passes(text: &str, size: usize) -> bool {
        let mut limit = Limit::new(10);
        text.as_bytes().chunks(size).all(|piece| limit.count(piece).is_ok())
    }

    #[test]
    fn only_one_event_is_counted_at_a_time() {
        let line = format!("data: {}", "x".repeat(2_000));
        for end in ["\n", "\r", "\r\n"] {
            for size in [1, 2, 7, 1_000, 10_000] {
                let two = format!("{line}{end}{line}{end}");
                assert!(passes(&two, size));
                assert!(!passes(&format!("{two}{line}"), size), "three lines of an event");
                assert!(passes(&format!("{two}{end}{two}{end}{two}{end}"), size), "in pieces of {size} with {end:?}");
                let comments = format!(":{}{end}", "x".repeat(900)).repeat(20);
                assert!(passes(&format!("{comments}{two}{comments}"), size));
                assert!(!passes(&"x".repeat(4_177), size));
            }
        }
    }
}
