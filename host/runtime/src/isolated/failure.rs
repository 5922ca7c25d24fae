//! Errors on their way from a worker.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{EngineError, RuntimeError};
use crate::limits::Limit;
use crate::text::{cut_again as cut, printable};

/// An error of a worker. Its texts are cut where they arrive.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum SentError {
    Engine(EngineError),
    Refused { record: Option<u32>, text: String },
    Trap { who: Who, why: String },
    Limit { who: Who, limit: Limit, why: String },
    Ended { why: String },
    Component { file: PathBuf, why: String },
    Host(String),
}

/// Which component an error is about.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum Who {
    Plugin,
    Engine,
}

impl Who {
    fn of(who: &str) -> Self {
        if who == Self::Engine.name() { Self::Engine } else { Self::Plugin }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Plugin => "the plugin",
            Self::Engine => "the engine",
        }
    }
}

impl From<RuntimeError> for SentError {
    fn from(error: RuntimeError) -> Self {
        match error {
            RuntimeError::Engine(error) => Self::Engine(error),
            RuntimeError::Refused { record, text, .. } => Self::Refused { record, text },
            RuntimeError::Trap { who, why } => Self::Trap { who: Who::of(who), why },
            RuntimeError::Limit { who, limit, why } => Self::Limit { who: Who::of(who), limit, why },
            RuntimeError::Ended { why } => Self::Ended { why },
            RuntimeError::Component { path, why } => Self::Component { file: path, why },
            error => Self::Host(error.to_string()),
        }
    }
}

impl SentError {
    /// The error as the host returns it; `what` is what the plugin was given.
    pub(super) fn into_error(self, what: &'static str) -> RuntimeError {
        match self {
            Self::Engine(error) => RuntimeError::Engine(cut_engine_text(error)),
            Self::Refused { record, text } => {
                RuntimeError::Refused { what, record, text: printable(&cut(text)).into_owned() }
            }
            Self::Trap { who, why } => RuntimeError::Trap { who: who.name(), why: cut(why) },
            Self::Limit { who, limit, why } => RuntimeError::Limit { who: who.name(), limit, why: cut(why) },
            Self::Ended { why } => RuntimeError::Ended { why: cut(why) },
            Self::Component { file, why } => {
                // The host named the file, and the worker says it again.
                let path = cut(file.to_string_lossy().into_owned());
                RuntimeError::Component { path: path.into(), why: cut(why) }
            }
            Self::Host(why) => RuntimeError::Host(cut(why)),
        }
    }
}

fn cut_engine_text(error: EngineError) -> EngineError {
    use EngineError as E;
    match error {
        E::NotFound(text) => E::NotFound(cut(text)),
        E::AlreadyExists(text) => E::AlreadyExists(cut(text)),
        E::Corruption(text) => E::Corruption(cut(text)),
        E::Fenced(text) => E::Fenced(cut(text)),
        E::NoSpace(text) => E::NoSpace(cut(text)),
        E::LimitExceeded(text) => E::LimitExceeded(cut(text)),
        E::InvalidInput(text) => E::InvalidInput(cut(text)),
        E::Backpressure(text) => E::Backpressure(cut(text)),
        E::Reopen(text) => E::Reopen(cut(text)),
        E::Unsupported(text) => E::Unsupported(cut(text)),
        E::Io(text) => E::Io(cut(text)),
        E::Other(text) => E::Other(cut(text)),
    }
}
