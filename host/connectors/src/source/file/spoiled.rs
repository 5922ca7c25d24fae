//! Where records are, and what becomes of those that cannot be read.

use std::io::{BufRead, Cursor};

use super::csv::start_of_last_field;
use super::decoder::{Decoded, Decoder};
use super::format::Format;
use super::records::Records;
use crate::source::{Place, SourceError, SourceErrorKind as Kind};

impl Records {
    /// Where the record that was decoded last begins.
    pub(super) fn place(&mut self) -> Place {
        let empty = memchr::memchr_iter(b'\n', &self.current[..self.empty_bytes()]).count() as u64;
        let within = match self.options.format {
            Format::Csv(_) => self.decoder.line() + empty,
            Format::Lines => self.decoder.line(),
        };
        if let Some(before) = self.lines_before {
            return Place::Line(before + within);
        }
        // Reading began in the middle of the file.
        let byte = self.passed.byte();
        let before = self.text.raw().and_then(|raw| raw.lines_before(byte).ok());
        before.map_or(Place::Byte(byte), |before| Place::Line(before + empty + 1))
    }

    /// Where the last line of the record is that was passed last.
    pub(super) fn place_of_passed(&mut self) -> Place {
        if let Some(before) = self.lines_before {
            return Place::Line(before + self.decoder.line());
        }
        let byte = self.passed.byte();
        let lines = self.text.raw().and_then(|raw| raw.lines_before(byte).ok());
        lines.map_or(Place::Byte(byte), Place::Line)
    }

    /// How many bytes of empty lines are before the record.
    fn empty_bytes(&self) -> usize {
        self.current.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count()
    }

    /// Whether the record, or what has come of it, is longer than it may be without its line end. Where the pieces of
    /// the text end makes no difference. The empty lines before it are held to the same limit, because they are kept.
    pub(super) fn is_too_long(&self) -> bool {
        let max = self.options.record_bytes_max;
        if self.current.len() <= max {
            return false;
        }
        let (empty, record) = self.current.split_at(self.empty_bytes());
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        empty.len() > max || record.strip_suffix(b"\r").unwrap_or(record).len() > max
    }

    /// The error of a record that is too long. If more of it is to come, an open quote may be the cause.
    pub(super) fn too_long(&mut self, decoded: Decoded) -> SourceError {
        let max = self.options.record_bytes_max;
        if decoded == Decoded::Incomplete && self.decoder.decode(&[]).0 == Decoded::OpenQuote {
            return self
                .open_quote(&format!("the record is longer than {max} bytes, because of a quote that opens here"));
        }
        let place = self.place();
        self.error(Kind::TooLong, format!("the record is longer than {max} bytes")).at(place)
    }

    pub(super) fn open_quote(&mut self, what: &str) -> SourceError {
        self.is_open_quote = true;
        let place = match self.place() {
            Place::Line(line) => Place::Line(line + self.lines_of_open_quote() as u64 - 1),
            place => place,
        };
        self.error(Kind::Record, what).at(place)
    }

    /// How many lines of the record there are up to the quote that stays open, with its line.
    fn lines_of_open_quote(&self) -> usize {
        let Format::Csv(form) = self.options.format else { return 1 };
        let record = &self.current[self.empty_bytes()..];
        memchr::memchr_iter(b'\n', &record[..start_of_last_field(record, form)]).count() + 1
    }

    /// Passes over a record that cannot be read, and returns its text. A quote that stays open spoils its
    /// line, and the lines after it are decoded again.
    pub(super) fn pass_over(&mut self) -> Vec<u8> {
        if std::mem::take(&mut self.is_open_quote) {
            let (empty, lines) = (self.empty_bytes(), self.lines_of_open_quote());
            let end = memchr::memchr_iter(b'\n', &self.current[empty..]).nth(lines - 1);
            let end = end.map_or(self.current.len(), |end| empty + end + 1);
            let first = self.place();
            let rest = self.current.split_off(end);
            self.again = Cursor::new([&rest[..], self.again.fill_buf().unwrap_or_default()].concat());
            self.decoder = Decoder::after_a_line(self.options.format);
            self.lines_before = match first {
                Place::Line(line) => Some(line - 1 + lines as u64),
                _ => None,
            };
        }
        let text = self.current.trim_ascii().to_vec();
        self.pass();
        text
    }
}
