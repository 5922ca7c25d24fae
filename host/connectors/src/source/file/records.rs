//! Records decoded from a text, one after the other.

use std::io;
use std::time::Instant;

use super::csv::{CsvDecoder, Decoded};
use super::raw::Raw;
use super::text::Text;
use crate::source::{Place, SourceError, SourceErrorKind as Kind};

/// A text and its decoder.
pub(super) struct Records {
    name: String,
    text: Text,
    csv: CsvDecoder,
    /// Where the record begins that was decoded last.
    begin_byte: u64,
    /// Where it ends, with its line end.
    end_byte: u64,
    /// Bytes of the text that were decoded.
    byte: u64,
    /// Whether lines are counted from the beginning of the text.
    counts_lines: bool,
}

/// Why there is no record now.
pub(super) enum Stop {
    Later,
    End,
    Failed(SourceError),
}

/// What is at a byte of a plain file.
pub(super) enum Landing {
    /// The beginning of a line, or the end of the file.
    Line,
    /// The middle of a line.
    WithinLine,
    /// Nothing: the file is shorter.
    PastEnd,
}

impl Records {
    pub(super) fn new(name: String, raw: Raw) -> Self {
        let text = Text::new(raw);
        let csv = CsvDecoder::at_start();
        Self { name, text, csv, begin_byte: 0, end_byte: 0, byte: 0, counts_lines: true }
    }

    pub(super) fn raw(&self) -> Option<&Raw> {
        self.text.raw()
    }

    /// Whether it is a regular file, compressed or not.
    pub(super) fn is_file(&self) -> bool {
        self.text.is_file()
    }

    /// Whether records can be read from a byte on. It is known once the text was read from.
    pub(super) fn is_plain_file(&self) -> bool {
        self.text.is_plain_file()
    }

    /// Until when [`next`](Self::next) may wait.
    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        self.text.set_deadline(deadline);
    }

    pub(super) fn width(&self) -> usize {
        self.csv.width()
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        self.csv.fields()
    }

    /// Where the record that was decoded last ends in the text.
    pub(super) fn end_byte(&self) -> u64 {
        self.end_byte
    }

    /// Where the record that was decoded last begins.
    pub(super) fn place(&self) -> Place {
        if self.counts_lines { Place::Line(self.csv.line()) } else { Place::Byte(self.begin_byte) }
    }

    pub(super) fn error(&self, kind: Kind, what: impl Into<String>) -> SourceError {
        SourceError::new(kind, &self.name, what)
    }

    fn stop(&self, error: io::Error) -> Stop {
        match error.kind() {
            io::ErrorKind::WouldBlock => Stop::Later,
            _ => Stop::Failed(self.text.error(&self.name, error)),
        }
    }

    /// Decodes the next record. The header is one.
    pub(super) fn next(&mut self) -> Result<(), Stop> {
        loop {
            let text = match self.text.fill() {
                Ok(text) => text,
                Err(error) => return Err(self.stop(error)),
            };
            let (decoded, used) = self.csv.decode(text);
            self.take(used);
            match decoded {
                Decoded::Incomplete => {}
                Decoded::End => return Err(Stop::End),
                Decoded::TooLong => {
                    self.begin_byte = self.end_byte;
                    let error =
                        self.error(Kind::Record, "the record that begins here is too long: is a quote missing?");
                    return Err(Stop::Failed(error.at(self.place())));
                }
                Decoded::Record => break,
            }
        }
        // A position in a file is behind the whole line end. Elsewhere nothing waits for the rest of it.
        if self.csv.is_after_cr() && self.text.is_plain_file() {
            let used = match self.text.fill() {
                Ok(text) => self.csv.end_line(text),
                Err(error) => return Err(self.stop(error)),
            };
            self.take(used);
        }
        (self.begin_byte, self.end_byte) = (self.end_byte, self.byte);
        Ok(())
    }

    fn take(&mut self, used: usize) {
        self.text.consume(used);
        self.byte += used as u64;
    }

    /// Goes back to the beginning of a regular file.
    pub(super) fn restart(&mut self) -> Result<(), SourceError> {
        self.text.rewind().map_err(|error| SourceError::io(Kind::Io, &self.name, error))?;
        self.csv = CsvDecoder::at_start();
        (self.begin_byte, self.end_byte, self.byte, self.counts_lines) = (0, 0, 0, true);
        Ok(())
    }

    /// Continues at a byte of a plain file, if a line begins there.
    pub(super) fn jump(&mut self, byte: u64) -> Result<Landing, Stop> {
        let before = match self.text.jump(byte) {
            Ok(Some(before)) => before,
            Ok(None) => return Ok(Landing::PastEnd),
            Err(error) => return Err(self.stop(error)),
        };
        // At its end a file need not have a line end.
        let is_end = match self.text.fill() {
            Ok(rest) => rest.is_empty(),
            Err(error) => return Err(self.stop(error)),
        };
        if !is_end && !matches!(before, b'\n' | b'\r') {
            return Ok(Landing::WithinLine);
        }
        self.csv = CsvDecoder::after_a_line();
        (self.begin_byte, self.end_byte, self.byte, self.counts_lines) = (byte, byte, byte, false);
        Ok(Landing::Line)
    }
}
