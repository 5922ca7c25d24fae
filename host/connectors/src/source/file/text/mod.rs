//! The text of a file: decompressed, if it is compressed, and in UTF-8.

mod gzip;
mod stage;
mod transcoded;

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::time::Instant;

use encoding_rs::Encoding;

use self::gzip::Gzip;
use self::stage::{Stage, Zstd};
use self::transcoded::Transcoded;
use super::raw::Raw;
use crate::source::{SourceError, SourceErrorKind as Kind};

/// How much is read at a time.
const BUFFER_BYTES: usize = 1 << 16;

/// The first bytes of gzip.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// The first bytes of Zstandard.
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// A text that is read piece by piece.
pub(super) struct Text {
    form: Form,
    /// The encoding, if it is not UTF-8.
    encoding: Option<&'static Encoding>,
}

enum Form {
    /// These first bytes are not enough to tell.
    Unknown(Vec<u8>, Raw),
    Plain(BufReader<Raw>),
    Staged(BufReader<Box<dyn Stage>>),
    /// Only while one form becomes another.
    Changing,
}

impl Text {
    pub(super) fn new(raw: Raw, encoding: Option<&'static Encoding>) -> Self {
        Self { form: Form::Unknown(Vec::new(), raw), encoding }
    }

    /// Until when [`fill`](Self::fill) may wait.
    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        if let Some(raw) = self.raw() {
            raw.set_deadline(deadline);
        }
    }

    pub(super) fn raw(&mut self) -> Option<&mut Raw> {
        match &mut self.form {
            Form::Unknown(_, raw) => Some(raw),
            Form::Plain(text) => Some(text.get_mut()),
            Form::Staged(text) => Some(text.get_mut().raw()),
            Form::Changing => None,
        }
    }

    /// Whether a byte of the text is a byte of a regular file. It is known once the text was
    /// [recognised](Self::recognise).
    pub(super) fn is_plain_file(&self) -> bool {
        matches!(&self.form, Form::Plain(text) if text.get_ref().is_file())
    }

    /// Returns what is at hand, or waits for more until the deadline. Nothing is the end.
    pub(super) fn fill(&mut self) -> io::Result<&[u8]> {
        self.recognise()?;
        match &mut self.form {
            Form::Plain(text) => text.fill_buf(),
            Form::Staged(text) => text.fill_buf(),
            Form::Unknown(..) | Form::Changing => Ok(&[]),
        }
    }

    pub(super) fn consume(&mut self, count: usize) {
        match &mut self.form {
            Form::Plain(text) => text.consume(count),
            Form::Staged(text) => text.consume(count),
            Form::Unknown(..) | Form::Changing => {}
        }
    }

    /// Goes back to the beginning of a regular file.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        let mut raw = match std::mem::replace(&mut self.form, Form::Changing) {
            Form::Unknown(_, raw) => raw,
            Form::Plain(text) => text.into_inner(),
            Form::Staged(text) => text.into_inner().into_raw(),
            Form::Changing => return Ok(()),
        };
        let rewound = raw.rewind();
        self.form = Form::Unknown(Vec::new(), raw);
        rewound
    }

    /// Continues at a byte of a plain file.
    pub(super) fn jump(&mut self, byte: u64) -> io::Result<()> {
        let Form::Plain(text) = &mut self.form else { return Err(io::ErrorKind::NotSeekable.into()) };
        text.seek(SeekFrom::Start(byte)).map(drop)
    }

    /// Finds out what the text is, by its first bytes. A pipe may hand over one byte alone.
    pub(super) fn recognise(&mut self) -> io::Result<()> {
        let Form::Unknown(start, raw) = &mut self.form else { return Ok(()) };
        while [GZIP, ZSTD].iter().any(|magic| magic.len() > start.len() && magic.starts_with(start)) {
            let mut byte = [0];
            if raw.read(&mut byte)? == 0 {
                break;
            }
            start.extend_from_slice(&byte);
        }
        if let Form::Unknown(start, mut raw) = std::mem::replace(&mut self.form, Form::Changing) {
            raw.unread(&start);
            self.form = form(&start, BufReader::with_capacity(BUFFER_BYTES, raw), self.encoding)?;
        }
        Ok(())
    }

    /// Tells a file cut short from a damaged one.
    pub(super) fn error(&self, name: &str, error: io::Error) -> SourceError {
        use io::ErrorKind as Error;
        let form = match &self.form {
            Form::Staged(text) => text.get_ref().form(),
            _ => None,
        };
        match (error.kind(), form) {
            (Error::UnexpectedEof, Some(_)) => SourceError::io(Kind::CutShort, name, error)
                .says("the compressed data ends too early: the file is only half there"),
            (Error::InvalidInput | Error::InvalidData, Some(form)) => {
                let what =
                    format!("the compressed data ({form}) is damaged, or {error}; the records before were taken");
                SourceError::io(Kind::Damaged, name, error).says(what)
            }
            _ => SourceError::io(Kind::Io, name, error),
        }
    }
}

/// Returns how a text is read that begins with these bytes.
fn form(start: &[u8], stored: BufReader<Raw>, encoding: Option<&'static Encoding>) -> io::Result<Form> {
    let stage: Box<dyn Stage> = if start == GZIP {
        Box::new(Gzip::new(stored))
    } else if start == ZSTD {
        Box::new(Zstd::new(stored)?)
    } else if encoding.is_none() {
        return Ok(Form::Plain(stored));
    } else {
        Box::new(stored)
    };
    let stage = match encoding {
        Some(encoding) => Box::new(Transcoded::new(stage, encoding)),
        None => stage,
    };
    Ok(Form::Staged(BufReader::with_capacity(BUFFER_BYTES, stage)))
}
