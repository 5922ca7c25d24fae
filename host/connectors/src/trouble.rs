//! What can go wrong with a server.

use std::error::Error;
use std::io;

/// Why something could not be done.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The server cannot be reached, or cannot do it now. Another attempt may succeed.
    Lost(String),
    /// The server refuses it, and another attempt changes nothing.
    Refused(String),
}

impl Trouble {
    /// Returns the trouble of an error that another attempt may get around.
    pub(crate) fn lost(error: &dyn Error) -> Self {
        Self::Lost(in_full(error))
    }

    /// Returns the error of the system that stands for it, if it is one that passes.
    pub(crate) fn as_io(&self) -> Option<io::Error> {
        match self {
            Self::Lost(what) => Some(io::Error::new(io::ErrorKind::NotConnected, what.clone())),
            Self::Refused(_) => None,
        }
    }
}

/// An error with its causes.
pub(crate) fn in_full(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
