//! Positions and tokens as connectors write them: short texts.

use std::fmt;

pub use alluvium_core::model::opaque::{OPAQUE_BYTES_MAX, Opaque};

/// The bytes as text, if they are text.
pub(crate) fn as_text(opaque: &Opaque) -> Option<&str> {
    std::str::from_utf8(opaque.as_bytes()).ok()
}

/// Whether there are no bytes.
pub(crate) fn is_empty(opaque: &Opaque) -> bool {
    opaque.as_bytes().is_empty()
}

/// A few numbers in a text, which is far shorter than the limit.
pub(crate) fn of_numbers(text: String) -> Opaque {
    Opaque::new(text).expect("a few numbers are short")
}

/// The bytes as people can read them.
pub(crate) struct Shown<'a>(pub(crate) &'a Opaque);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.as_bytes().escape_ascii())
    }
}
