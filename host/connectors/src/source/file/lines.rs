//! Lines decoded piece by piece: a piece may end anywhere in a line.

use super::decoder::{BYTE_ORDER_MARK, Decoded};

/// A decoder between two pieces of text.
pub(super) struct LineDecoder {
    line: Vec<u8>,
    /// The line that is decoded next is a new one.
    is_done: bool,
    /// Whether the text may begin with a byte order mark.
    is_start: bool,
    /// The number of the line, counted from one.
    number: u64,
}

impl LineDecoder {
    /// Returns a decoder for a text from its beginning.
    pub(super) fn at_start() -> Self {
        Self { is_start: true, ..Self::after_a_line() }
    }

    /// Returns a decoder for the rest of a text, from the beginning of a line.
    pub(super) fn after_a_line() -> Self {
        Self { line: Vec::new(), is_done: false, is_start: false, number: 1 }
    }

    /// Decodes a piece of text; an empty one is the end. Returns how many of its bytes are used up.
    pub(super) fn decode(&mut self, text: &[u8]) -> (Decoded, usize) {
        if std::mem::take(&mut self.is_done) {
            self.line.clear();
            self.number += 1;
        }
        let end = memchr::memchr(b'\n', text);
        let used = end.map_or(text.len(), |end| end + 1);
        self.line.extend_from_slice(&text[..used]);
        if end.is_none() && !text.is_empty() {
            return (Decoded::Incomplete, used);
        }
        let is_first = std::mem::take(&mut self.is_start);
        let has_end = self.line.ends_with(b"\n");
        if has_end {
            self.line.pop();
            if self.line.ends_with(b"\r") {
                self.line.pop();
            }
        }
        if is_first && self.line.starts_with(BYTE_ORDER_MARK) {
            self.line.drain(..BYTE_ORDER_MARK.len());
        }
        if !self.line.is_empty() {
            self.is_done = true;
            return (Decoded::Record, used);
        }
        if !has_end {
            return (Decoded::End, used);
        }
        self.number += 1;
        (Decoded::Incomplete, used)
    }

    /// Returns the line without its end.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.line
    }

    /// Returns the number of the line, counted from where the decoder began.
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], size: usize) -> Vec<(String, u64)> {
        let (mut decoder, mut found, mut at) = (LineDecoder::at_start(), Vec::new(), 0);
        loop {
            let (step, used) = decoder.decode(&text[at..text.len().min(at + size)]);
            at += used;
            match step {
                Decoded::Incomplete => {}
                Decoded::Record => {
                    found.push((String::from_utf8(decoder.bytes().to_vec()).unwrap(), decoder.number()));
                }
                Decoded::End | Decoded::OpenQuote => return found,
            }
        }
    }

    #[test]
    fn pieces_of_any_size_give_the_same_lines() {
        for (text, expected) in [
            ("a\nb\n", &[("a", 1), ("b", 2)][..]),
            ("a\r\n\r\n\nb", &[("a", 1), ("b", 4)]),
            ("\u{feff}a\n\u{feff}b\n", &[("a", 1), ("\u{feff}b", 2)]),
            ("\u{feff}", &[]),
            ("a\rb\n", &[("a\rb", 1)]),
            ("", &[]),
            ("\n\n", &[]),
        ] {
            for size in 1..=text.len() + 1 {
                let found = lines(text.as_bytes(), size);
                let found: Vec<_> = found.iter().map(|(line, number)| (line.as_str(), *number)).collect();
                assert_eq!(found, expected, "{text:?} in pieces of {size}");
            }
        }
    }
}
