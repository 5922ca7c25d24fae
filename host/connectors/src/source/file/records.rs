//! Records decoded from a text, one after the other.

use std::io::{self, BufRead, Cursor};
use std::time::Instant;

use super::decoder::{Decoded, Decoder};
use super::options::Options;
use super::raw::Raw;
use super::text::Text;
use crate::context::Context;
use crate::source::{SourceError, SourceErrorKind as Kind};

/// A text and its decoder.
pub(super) struct Records {
    name: String,
    pub(super) options: Options,
    pub(super) text: Text,
    /// Text that is decoded again before what comes next.
    pub(super) again: Cursor<Vec<u8>>,
    pub(super) decoder: Decoder,
    /// The text up to the last record that was passed.
    pub(super) passed: Context,
    /// The text of the record that is decoded, with its line end and empty lines before it.
    pub(super) current: Vec<u8>,
    /// Whether the record ended with the text, and not with a line.
    is_unfinished: bool,
    /// Whether the record has a quote that stays open.
    pub(super) is_open_quote: bool,
    /// Whether the text may grow: what is at hand is not its end.
    grows: bool,
    /// How many lines are before where the decoder began, if that is known.
    pub(super) lines_before: Option<u64>,
}

/// Why there is no record now.
pub(super) enum Stop {
    Later,
    /// The text may grow, and has not grown yet.
    CaughtUp,
    /// What is before the text that was just read is not what was read of it: the file was cut short and written again.
    Changed,
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
    pub(super) fn new(name: String, raw: Raw, options: Options) -> Self {
        Self {
            name,
            options,
            text: Text::new(raw, options.encoding),
            again: Cursor::default(),
            decoder: Decoder::at_start(options.format),
            passed: Context::default(),
            current: Vec::new(),
            is_unfinished: false,
            is_open_quote: false,
            grows: false,
            lines_before: Some(0),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn raw(&mut self) -> Option<&mut Raw> {
        self.text.raw()
    }

    /// Returns how many bytes of the text were decoded, with those of a record that is not complete.
    pub(super) fn read_bytes(&self) -> u64 {
        self.passed.byte() + self.current.len() as u64
    }

    /// Finds out whether records can be read from a byte on. A text without a header was not read from yet.
    pub(super) fn finds_plain_file(&mut self) -> Result<bool, Stop> {
        self.text.recognise().map_err(|error| self.stop(error))?;
        Ok(self.is_plain_file())
    }

    /// Whether records can be read from a byte on. It is known once the text was read from.
    pub(super) fn is_plain_file(&self) -> bool {
        self.text.is_plain_file()
    }

    /// Until when [`next`](Self::next) may wait.
    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        self.text.set_deadline(deadline);
    }

    /// Whether more text may come at the end of what is there.
    pub(super) fn set_grows(&mut self, grows: bool) {
        self.grows = grows;
    }

    pub(super) fn width(&self) -> usize {
        self.decoder.width()
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        self.decoder.fields()
    }

    /// Whether the record that was decoded last ended with the text, and not with a line.
    pub(super) fn is_unfinished(&self) -> bool {
        self.is_unfinished
    }

    /// The text up to the last record that was passed.
    pub(super) fn passed(&self) -> &Context {
        &self.passed
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

    /// Decodes the next record. The header is one. The record before must have been passed.
    pub(super) fn next(&mut self) -> Result<(), Stop> {
        loop {
            let is_again = self.is_again();
            if self.grows && !is_again {
                self.refill()?;
            }
            let filled = if is_again { self.again.fill_buf() } else { self.text.fill() };
            let text = match filled {
                Ok(text) => text,
                Err(error) => return Err(self.stop(error)),
            };
            let is_end = text.is_empty();
            if is_end && self.grows {
                return Err(Stop::CaughtUp);
            }
            let (decoded, used) = self.decoder.decode(text);
            self.current.extend_from_slice(&text[..used]);
            self.consume(is_again, used);
            match decoded {
                Decoded::Incomplete | Decoded::Record if self.is_too_long() => {
                    return Err(Stop::Failed(self.too_long(decoded)));
                }
                Decoded::Incomplete => {}
                Decoded::End => return Err(Stop::End),
                Decoded::OpenQuote => {
                    return Err(Stop::Failed(self.open_quote("a quote that opens here is never closed")));
                }
                Decoded::Record => {
                    self.is_unfinished = is_end;
                    break;
                }
            }
        }
        // A position in a file is behind the whole line end. Elsewhere nothing waits for the rest of it.
        if self.decoder.is_after_cr() && !self.is_again() && self.text.is_plain_file() {
            let used = match self.text.fill() {
                Ok(text) => {
                    let used = self.decoder.end_line(text);
                    self.current.extend_from_slice(&text[..used]);
                    used
                }
                Err(error) => return Err(self.stop(error)),
            };
            self.consume(false, used);
        }
        Ok(())
    }

    /// Reads on in a text that grows. Another program may cut the file short and write it again meanwhile: if what is
    /// before the place of reading is still there afterwards, it was there when more was read.
    fn refill(&mut self) -> Result<(), Stop> {
        let read_bytes = |records: &mut Self| records.text.raw().map(|raw| raw.read_bytes());
        let before = read_bytes(self);
        if let Err(error) = self.text.fill().map(|_| ()) {
            return Err(self.stop(error));
        }
        let byte = self.passed.byte();
        if byte == 0 || read_bytes(self) == before || !self.text.is_plain_file() {
            return Ok(());
        }
        let Some(raw) = self.text.raw() else { return Ok(()) };
        match raw.context(byte) {
            Ok(Some(found)) if found.fingerprint() == self.passed.fingerprint() => Ok(()),
            Ok(_) => Err(Stop::Changed),
            Err(error) => Err(self.stop(error)),
        }
    }

    /// Whether there is text that is decoded again.
    fn is_again(&self) -> bool {
        self.again.position() < self.again.get_ref().len() as u64
    }

    fn consume(&mut self, is_again: bool, used: usize) {
        if is_again {
            self.again.consume(used);
        } else {
            self.text.consume(used);
        }
    }

    /// Takes note that the record is before the position now.
    pub(super) fn pass(&mut self) {
        self.passed.take(&self.current);
        self.current.clear();
        self.is_unfinished = false;
    }

    /// Goes back to the beginning of a regular file.
    pub(super) fn restart(&mut self) -> Result<(), SourceError> {
        self.text.rewind().map_err(|error| SourceError::io(Kind::Io, &self.name, error))?;
        self.begin(Decoder::at_start(self.options.format), Context::default(), Some(0));
        Ok(())
    }

    /// Reads another file from its beginning.
    pub(super) fn replace(&mut self, raw: Raw) {
        self.text = Text::new(raw, self.options.encoding);
        self.begin(Decoder::at_start(self.options.format), Context::default(), Some(0));
    }

    fn begin(&mut self, decoder: Decoder, passed: Context, lines_before: Option<u64>) {
        (self.decoder, self.passed, self.lines_before) = (decoder, passed, lines_before);
        self.current.clear();
        self.again = Cursor::default();
        (self.is_unfinished, self.is_open_quote) = (false, false);
    }

    /// Continues at a byte of a plain file, if a line begins there.
    pub(super) fn jump(&mut self, byte: u64) -> Result<Landing, Stop> {
        let read = |records: &mut Self| -> io::Result<Option<(Context, bool)>> {
            let Some(raw) = records.text.raw() else { return Ok(None) };
            let Some(context) = raw.context(byte)? else { return Ok(None) };
            let before = raw.read_at(byte.saturating_sub(1), 1)?;
            let after = raw.read_at(byte, 1)?;
            // At its end a file need not have a line end.
            let is_line = [before, after.clone()].concat().iter().any(|byte| matches!(byte, b'\n' | b'\r'));
            records.text.jump(byte)?;
            Ok(Some((context, is_line || after.is_empty())))
        };
        let landing = read(self).map_err(|error| self.stop(error))?;
        let Some((context, is_line)) = landing else { return Ok(Landing::PastEnd) };
        if !is_line {
            return Ok(Landing::WithinLine);
        }
        self.begin(Decoder::after_a_line(self.options.format), context, None);
        Ok(Landing::Line)
    }
}
