//! What stands between the stored bytes and the text.

use std::io::{self, BufReader, Read};

use super::super::raw::Raw;

/// A step from stored bytes to text. A read that is `WouldBlock` is tried again later.
pub(super) trait Stage: Read + Send {
    /// Returns the stored bytes.
    fn raw(&mut self) -> &mut Raw;

    /// Returns them without the step, to read them otherwise.
    fn into_raw(self: Box<Self>) -> Raw;

    /// Returns what the bytes are, if they are damaged or cut short.
    fn form(&self) -> Option<&'static str> {
        None
    }
}

/// Stored bytes that are the text.
impl Stage for BufReader<Raw> {
    fn raw(&mut self) -> &mut Raw {
        self.get_mut()
    }

    fn into_raw(self: Box<Self>) -> Raw {
        self.into_inner()
    }
}

/// Zstandard, with one frame or several.
pub(super) struct Zstd(zstd::stream::read::Decoder<'static, BufReader<Raw>>);

impl Zstd {
    pub(super) fn new(stored: BufReader<Raw>) -> io::Result<Self> {
        zstd::stream::read::Decoder::with_buffer(stored).map(Self)
    }
}

impl Read for Zstd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            // This is how the library says that the bytes are none of its format.
            io::ErrorKind::Other => io::Error::new(io::ErrorKind::InvalidData, error),
            _ => error,
        })
    }
}

impl Stage for Zstd {
    fn raw(&mut self) -> &mut Raw {
        self.0.get_mut().get_mut()
    }

    fn into_raw(self: Box<Self>) -> Raw {
        self.0.finish().into_inner()
    }

    fn form(&self) -> Option<&'static str> {
        Some("zstd")
    }
}
