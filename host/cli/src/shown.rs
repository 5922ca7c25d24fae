//! What may stand on a terminal: the last thing that everything printed goes through.

use std::io::{self, Write};

use alluvium_host::text::{printable, printable_lines};

/// Prints a line to the standard error. What is lost there, as on a full disk or into a closed pipe, ends nothing.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{}", printable(line));
}

/// A writer for people's eyes. Whatever a name or a value holds, no control character but a line end comes out of it,
/// and nothing that is not seen. JSON that goes through it means the same as before.
pub(crate) struct Shown<W: Write> {
    out: W,
    /// The beginning of a line, whose end has not been written yet.
    line: Vec<u8>,
}

impl<W: Write> Shown<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }

    fn write_line(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        self.out.write_all(printable_lines(&String::from_utf8_lossy(&line)).as_bytes())
    }
}

impl<W: Write> Write for Shown<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Only what is new is searched: a long line may come in many small pieces.
        let ended = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if ended > 0 {
            self.line.extend_from_slice(&bytes[..ended]);
            self.write_line()?;
        }
        self.line.extend_from_slice(&bytes[ended..]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_line()?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_told_apart_however_they_are_cut() {
        let text = "Zürich\u{9b}2J \u{202e}\nnext\u{2028} 🦀\n\x1b[m";
        for step in 1..9 {
            let mut shown = Shown::new(Vec::new());
            for part in text.as_bytes().chunks(step) {
                shown.write_all(part).expect("memory");
            }
            shown.flush().expect("memory");
            let expected = "Zürich\\u009b2J \\u202e\nnext\\u2028 🦀\n\\u001b[m";
            assert_eq!(String::from_utf8(shown.out).expect("text"), expected, "in steps of {step}");
        }
    }
}
