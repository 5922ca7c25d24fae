//! Bytes that become lines.

/// Bytes that came, and no more of an unfinished line than a line may have.
#[derive(Debug)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    /// Where the first line begins.
    start: usize,
    /// Until where there is no line end.
    searched: usize,
    line_bytes_max: usize,
    /// Whether what comes belongs to a line that is passed over.
    is_passing: bool,
}

/// A line is longer than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

impl Lines {
    pub(super) fn new(line_bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, searched: 0, line_bytes_max, is_passing: false }
    }

    /// Adds bytes that came.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        let rest = match memchr::memchr(b'\n', bytes) {
            _ if !self.is_passing => bytes,
            None => return,
            Some(end) => &bytes[end + 1..],
        };
        self.is_passing = false;
        self.bytes.extend_from_slice(rest);
    }

    /// Passes over the line that is too long, and returns what of it has come.
    pub(super) fn pass_over(&mut self) -> Vec<u8> {
        let unfinished = &self.bytes[self.start..];
        let (line, used) = match memchr::memchr(b'\n', unfinished) {
            Some(end) => (without_return(&unfinished[..end]).to_vec(), end + 1),
            None => (unfinished.to_vec(), unfinished.len()),
        };
        self.is_passing = used == line.len();
        self.start += used;
        self.searched = self.start;
        line
    }

    /// Returns the next line without its line end, if all of it came.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let Some(length) = memchr::memchr(b'\n', &self.bytes[self.searched..]) else {
            self.searched = self.bytes.len();
            // Behind the last byte that a line may have, a carriage return may still belong to its end.
            let unfinished = &self.bytes[self.start..];
            let is_long = without_return(unfinished).len() > self.line_bytes_max;
            return if is_long { Err(TooLong) } else { Ok(None) };
        };
        let end = self.searched + length;
        let line = self.start..self.start + without_return(&self.bytes[self.start..end]).len();
        if line.len() > self.line_bytes_max {
            return Err(TooLong);
        }
        (self.start, self.searched) = (end + 1, end + 1);
        Ok(Some(&self.bytes[line]))
    }

    /// Returns the bytes behind the last line end.
    pub(super) fn unfinished(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Ends the unfinished line, because nothing more will come.
    pub(super) fn end(&mut self) {
        self.is_passing = false;
        if !self.unfinished().is_empty() {
            self.bytes.push(b'\n');
        }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        (self.start, self.searched, self.is_passing) = (0, 0, false);
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(lines: &mut Lines) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| lines.next().unwrap().map(<[u8]>::to_vec)).collect()
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_come() {
        let text = b"one\r\n\ntw\ro\n\r\nthree\nlast";
        let expected: [&[u8]; 5] = [b"one", b"", b"tw\ro", b"", b"three"];
        for size in 1..=text.len() {
            let mut lines = Lines::new(5);
            let mut found = Vec::new();
            for piece in text.chunks(size) {
                lines.add(piece);
                found.extend(all(&mut lines));
            }
            assert_eq!(found, expected, "in pieces of {size}");
            assert_eq!(lines.unfinished(), b"last");
            lines.end();
            assert_eq!(all(&mut lines), [b"last"]);
            lines.end();
            assert!(all(&mut lines).is_empty(), "an end after a line end adds no line");
        }
    }

    #[test]
    fn a_long_line_is_passed_over_however_much_of_it_has_come() {
        let text = b"1234567\r\n8\n9";
        for size in 1..=text.len() {
            let (mut lines, mut found, mut passed) = (Lines::new(5), Vec::new(), 0);
            for piece in text.chunks(size) {
                lines.add(piece);
                while let Ok(Some(line)) | Err(Some(line)) = match lines.next() {
                    Ok(line) => Ok(line.map(<[u8]>::to_vec)),
                    Err(TooLong) => Err(Some(lines.pass_over())),
                } {
                    if line.starts_with(b"12345") { passed += 1 } else { found.push(line) }
                }
            }
            assert_eq!((passed, found), (1, vec![b"8".to_vec()]), "in pieces of {size}");
            assert_eq!(lines.unfinished(), b"9");
        }
        // It ends with its connection.
        let mut lines = Lines::new(5);
        lines.add(b"1234567");
        assert_eq!(lines.pass_over(), b"1234567");
        lines.end();
        lines.add(b"8\n");
        assert_eq!(lines.next(), Ok(Some(&b"8"[..])));
    }

    #[test]
    fn a_line_has_no_more_bytes_than_it_may() {
        for (text, is_long) in [
            (&b"12345\n"[..], false),
            (b"12345\r\n", false),
            (b"12345\r", false),
            (b"12345", false),
            (b"123456", true),
            (b"123456\n", true),
            (b"12345\rx", true),
        ] {
            let mut lines = Lines::new(5);
            lines.add(text);
            assert_eq!(lines.next().is_err(), is_long, "{text:?}");
            // And it stays so.
            assert_eq!(Lines::next(&mut lines).is_err(), is_long, "{text:?}");
        }
    }
}
