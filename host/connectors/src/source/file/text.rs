//! The text of a file: decompressed, if it is compressed.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::time::Instant;

use flate2::bufread::MultiGzDecoder;

use super::raw::Raw;
use crate::source::{SourceError, SourceErrorKind as Kind};

/// How much is read at a time.
const BUFFER_BYTES: usize = 1 << 16;

/// The first bytes of gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A text that is read piece by piece.
pub(super) struct Text(Form);

enum Form {
    /// These first bytes are not enough to tell.
    Unknown(Vec<u8>, Raw),
    Plain(BufReader<Raw>),
    Gzip(BufReader<MultiGzDecoder<BufReader<Raw>>>),
    /// Only while one form becomes another.
    Changing,
}

impl Text {
    pub(super) fn new(raw: Raw) -> Self {
        Self(Form::Unknown(Vec::new(), raw))
    }

    /// Until when [`fill`](Self::fill) may wait.
    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        match &mut self.0 {
            Form::Unknown(_, raw) => raw.set_deadline(deadline),
            Form::Plain(text) => text.get_mut().set_deadline(deadline),
            Form::Gzip(text) => text.get_mut().get_mut().get_mut().set_deadline(deadline),
            Form::Changing => {}
        }
    }

    pub(super) fn raw(&self) -> Option<&Raw> {
        match &self.0 {
            Form::Unknown(_, raw) => Some(raw),
            Form::Plain(text) => Some(text.get_ref()),
            Form::Gzip(text) => Some(text.get_ref().get_ref().get_ref()),
            Form::Changing => None,
        }
    }

    /// Whether it is a regular file, compressed or not.
    pub(super) fn is_file(&self) -> bool {
        self.raw().is_some_and(Raw::is_file)
    }

    /// Whether a byte of the text is a byte of a regular file. It is known once the text was read from.
    pub(super) fn is_plain_file(&self) -> bool {
        matches!(&self.0, Form::Plain(text) if text.get_ref().is_file())
    }

    /// Returns what is at hand, or waits for more until the deadline. Nothing is the end.
    pub(super) fn fill(&mut self) -> io::Result<&[u8]> {
        self.recognise()?;
        match &mut self.0 {
            Form::Plain(text) => text.fill_buf(),
            Form::Gzip(text) => text.fill_buf(),
            Form::Unknown(..) | Form::Changing => Ok(&[]),
        }
    }

    pub(super) fn consume(&mut self, count: usize) {
        match &mut self.0 {
            Form::Plain(text) => text.consume(count),
            Form::Gzip(text) => text.consume(count),
            Form::Unknown(..) | Form::Changing => {}
        }
    }

    /// Goes back to the beginning of a regular file.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        let mut raw = match std::mem::replace(&mut self.0, Form::Changing) {
            Form::Unknown(_, raw) => raw,
            Form::Plain(text) => text.into_inner(),
            Form::Gzip(text) => text.into_inner().into_inner().into_inner(),
            Form::Changing => return Ok(()),
        };
        let rewound = raw.rewind();
        self.0 = Form::Unknown(Vec::new(), raw);
        rewound
    }

    /// Continues at a byte of a plain file. Returns the byte before it, or `None` if there is none.
    pub(super) fn jump(&mut self, byte: u64) -> io::Result<Option<u8>> {
        let Form::Plain(text) = &mut self.0 else { return Err(io::ErrorKind::NotSeekable.into()) };
        let Some(before) = byte.checked_sub(1) else { return Ok(None) };
        text.seek(SeekFrom::Start(before))?;
        let mut last = [0];
        let count = text.read(&mut last)?;
        Ok((count == 1).then_some(last[0]))
    }

    /// Finds out what the text is, by its first two bytes. A pipe may hand over one byte alone.
    fn recognise(&mut self) -> io::Result<()> {
        let Form::Unknown(start, raw) = &mut self.0 else { return Ok(()) };
        while start.len() < GZIP.len() && GZIP.starts_with(start) {
            let mut byte = [0];
            if raw.read(&mut byte)? == 0 {
                break;
            }
            start.extend_from_slice(&byte);
        }
        if let Form::Unknown(start, mut raw) = std::mem::replace(&mut self.0, Form::Changing) {
            raw.unread(&start);
            let stored = BufReader::with_capacity(BUFFER_BYTES, raw);
            self.0 = if start == GZIP {
                Form::Gzip(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(stored)))
            } else {
                Form::Plain(stored)
            };
        }
        Ok(())
    }

    /// Tells a file cut short from a damaged one.
    pub(super) fn error(&self, name: &str, error: io::Error) -> SourceError {
        use io::ErrorKind as Error;
        let is_gzip = matches!(self.0, Form::Gzip(_));
        match error.kind() {
            Error::UnexpectedEof if is_gzip => SourceError::io(Kind::CutShort, name, error)
                .says("the compressed data ends too early: the file is only half there"),
            Error::InvalidInput | Error::InvalidData if is_gzip => {
                let what = format!("the compressed data is damaged: {error}");
                SourceError::io(Kind::Damaged, name, error).says(what)
            }
            _ => SourceError::io(Kind::Io, name, error),
        }
    }
}
