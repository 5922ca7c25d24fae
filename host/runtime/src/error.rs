//! What can go wrong between the host and its components.

use std::fmt;
use std::path::{Path, PathBuf};

use alluvium_core::directory::DirectoryError;

use crate::bindings::engine::alluvium::checkpoint::types;
use crate::identity::Identity;
use crate::limits::Limit;

/// What the engine component answers instead of a result.
pub use types::Error as EngineError;

/// A failure of the host, of the engine component or of a plugin.
#[derive(Debug)]
#[non_exhaustive]
pub enum RuntimeError {
    /// A file that cannot be used as the component it should be.
    Component {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// The directory cannot be opened.
    Directory(DirectoryError),
    /// The state belongs to another plugin, or to another version of this one. Nothing has changed.
    OtherPlugin {
        /// Whose state it is.
        state: Identity,
        /// The plugin that was to work on it.
        plugin: Identity,
        /// Whether this plugin has a migration.
        migrates: bool,
    },
    /// The engine refused, saying what the caller can do.
    Engine(EngineError),
    /// The plugin refused its input, in its own words. It is still alive.
    Plugin(String),
    /// A component ended in mid-call: by its own fault or at a limit. It is thrown away; what it did
    /// since the last checkpoint is lost, and nothing else.
    Trap {
        /// Which component.
        who: &'static str,
        /// Why it ended.
        why: String,
    },
    /// A component ran into a limit. As after a trap it is thrown away, and its last checkpoint is
    /// intact; only after [`Limit::CheckpointRate`] it lives.
    Limit {
        /// Which component.
        who: &'static str,
        /// Which limit.
        limit: Limit,
        /// What it did.
        why: String,
    },
    /// The plugin was thrown away by an earlier call; [`Plugin::restart`](crate::Plugin::restart)
    /// starts it anew from its last checkpoint.
    Ended {
        /// Why it was.
        why: String,
    },
    /// The host itself could not do something.
    Host(String),
}

impl RuntimeError {
    pub(crate) fn component(path: &Path, why: impl Into<String>) -> Self {
        Self::Component { path: path.to_owned(), why: why.into() }
    }

    /// Whether the component that it is about is gone with everything that it did since its last
    /// checkpoint.
    pub fn is_end(&self) -> bool {
        match self {
            Self::Trap { .. } => true,
            Self::Limit { limit, .. } => *limit != Limit::CheckpointRate,
            _ => false,
        }
    }

    /// Whether the storage is full: free space, then run again.
    pub fn is_no_space(&self) -> bool {
        matches!(self, Self::Engine(EngineError::NoSpace(_)))
    }
}

impl fmt::Display for RuntimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component { path, why } => write!(f, "{}: {why}", path.display()),
            Self::Directory(error) => error.fmt(f),
            Self::OtherPlugin { state, plugin, .. } => {
                write!(f, "the state is that of the plugin {state}; the one given is {plugin}")
            }
            Self::Engine(error) => write_engine_error(error, f),
            Self::Plugin(why) => write!(f, "the plugin refuses its input: {why}"),
            Self::Trap { who, why } => write!(f, "{who} ended in mid-call: {why}"),
            Self::Limit { who, limit: Limit::CheckpointRate, why } => write!(f, "{who} has to wait: {why}"),
            Self::Limit { who, limit, why } => write!(f, "{who} ended in mid-call at its limit of {limit}: {why}"),
            Self::Ended { why } => write!(f, "the plugin was stopped by an earlier call, and not restarted: {why}"),
            Self::Host(why) => f.write_str(why),
        }
    }
}

fn write_engine_error(error: &EngineError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use EngineError as E;
    let (kind, text) = match error {
        E::NotFound(text) => ("not found", text),
        E::AlreadyExists(text) => ("exists already", text),
        E::Corruption(text) => ("damaged", text),
        E::Fenced(text) => ("fenced by another writer", text),
        E::NoSpace(text) => ("no space left", text),
        E::LimitExceeded(text) => ("a limit is exceeded", text),
        E::InvalidInput(text) => ("invalid input", text),
        E::Backpressure(text) => ("too many checkpoints in flight", text),
        E::Reopen(text) => ("must be opened again", text),
        E::Unsupported(text) => ("not supported here", text),
        E::Io(text) => ("input/output error", text),
        E::Other(text) => ("error", text),
    };
    // Core's texts often begin with the kind themselves.
    if text.contains(kind) { f.write_str(text) } else { write!(f, "{kind}: {text}") }
}

impl std::error::Error for RuntimeError {}

impl From<DirectoryError> for RuntimeError {
    fn from(error: DirectoryError) -> Self {
        Self::Directory(error)
    }
}

impl From<EngineError> for RuntimeError {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}
