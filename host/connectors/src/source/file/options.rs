//! How a file is read.

use encoding_rs::Encoding;

use super::format::Format;

/// The most bytes of a record, unless said otherwise: no input can make one that fills the memory.
const RECORD_BYTES_MAX: usize = 16 << 20;

/// How a file is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    pub(super) format: Format,
    /// The encoding, if it is not UTF-8.
    pub(super) encoding: Option<&'static Encoding>,
    pub(super) record_bytes_max: usize,
    /// A last record without a line end is whole.
    pub(super) is_final: bool,
    /// At its end it is waited for more.
    pub(super) follows: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            format: Format::default(),
            encoding: None,
            record_bytes_max: RECORD_BYTES_MAX,
            is_final: false,
            follows: false,
        }
    }
}
