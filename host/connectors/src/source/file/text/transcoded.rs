//! Text in another encoding than UTF-8.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::super::raw::Raw;
use super::stage::Stage;

/// How many bytes are transcoded at a time.
const PIECE_BYTES: usize = 1 << 13;

/// Transcodes to UTF-8.
pub(super) struct Transcoded {
    encoded: Box<dyn Stage>,
    decoder: Decoder,
    /// Encoded bytes that were read and not transcoded.
    waiting: Vec<u8>,
    is_end: bool,
}

impl Transcoded {
    pub(super) fn new(encoded: Box<dyn Stage>, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_without_bom_handling();
        Self { encoded, decoder, waiting: Vec::new(), is_end: false }
    }
}

impl Read for Transcoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.waiting.is_empty() && !self.is_end {
                let mut piece = [0; PIECE_BYTES];
                let count = self.encoded.read(&mut piece)?;
                self.waiting.extend_from_slice(&piece[..count]);
                self.is_end = count == 0;
            }
            let decoded = self.decoder.decode_to_utf8_without_replacement(&self.waiting, buffer, self.is_end);
            let (result, read, written) = decoded;
            self.waiting.drain(..read);
            match result {
                DecoderResult::Malformed(..) => {
                    let what = format!("a byte is no {}", self.decoder.encoding().name());
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
                _ if written > 0 || self.is_end => return Ok(written),
                _ => {}
            }
        }
    }
}

impl Stage for Transcoded {
    fn raw(&mut self) -> &mut Raw {
        self.encoded.raw()
    }

    fn into_raw(self: Box<Self>) -> Raw {
        self.encoded.into_raw()
    }

    fn form(&self) -> Option<&'static str> {
        self.encoded.form()
    }
}
