//! What can go wrong between the host and its components.

use std::path::{Path, PathBuf};

use alluvium_core::directory::DirectoryError;

use crate::bindings::engine::alluvium::checkpoint::types;
use crate::identity::Identity;
use crate::limits::Limit;

/// What the engine component answers instead of a result.
pub use types::Error as EngineError;

/// A failure of the host, of the engine component or of a plugin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// A file that cannot be used as the component it should be.
    #[error("{}: {why}", .path.display())]
    Component {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// The directory cannot be opened.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The state belongs to another plugin, or to another version of this one. Nothing has changed.
    #[error("the state is that of the plugin {state}; the one given is {plugin}")]
    OtherPlugin {
        /// Whose state it is.
        state: Identity,
        /// The plugin that was to work on it.
        plugin: Identity,
        /// Whether this plugin has a migration.
        migrates: bool,
    },
    /// The engine refused, saying what the caller can do.
    #[error("{}", engine_text(.0))]
    Engine(EngineError),
    /// The plugin refused what it was given, in its own words. It is still alive, and what it did to the
    /// state in that call is undone.
    #[error("the plugin refuses {what}{}: {text}", of_record(*.record))]
    Refused {
        /// What it was given.
        what: &'static str,
        /// The record that is to blame, counted from 0 in its batch, if the plugin names one.
        record: Option<u32>,
        /// Why, in the plugin's words.
        text: String,
    },
    /// A parameter of the plugin is missing, unknown or too long.
    #[error("{0}")]
    Parameter(String),
    /// A component ended in mid-call: by its own fault or at a limit. It is thrown away; what it did
    /// since the last checkpoint is lost, and nothing else.
    #[error("{who} ended in mid-call: {why}")]
    Trap {
        /// Which component.
        who: &'static str,
        /// Why it ended.
        why: String,
    },
    /// A component ran into a limit. As after a trap it is thrown away, and its last checkpoint is
    /// intact; only after [`Limit::CheckpointRate`] it lives.
    #[error("{}", limit_text(.who, *.limit, .why))]
    Limit {
        /// Which component.
        who: &'static str,
        /// Which limit.
        limit: Limit,
        /// What it did.
        why: String,
    },
    /// The plugin was thrown away by an earlier call; [`Plugin::restart`](crate::Plugin::restart)
    /// restarts it from its last checkpoint.
    #[error("the plugin was stopped by an earlier call, and not restarted: {why}")]
    Ended {
        /// Why it was.
        why: String,
    },
    /// The host itself could not do something.
    #[error("{0}")]
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

/// What the engine said, with the kind of its error.
fn engine_text(error: &EngineError) -> String {
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
    if text.contains(kind) { text.clone() } else { format!("{kind}: {text}") }
}

/// The record that a refusal names, as people count.
fn of_record(record: Option<u32>) -> String {
    record.map_or_else(String::new, |record| format!(", record {} of the batch", u64::from(record) + 1))
}

/// What a component ran into; one that only has to wait is still alive.
fn limit_text(who: &str, limit: Limit, why: &str) -> String {
    match limit {
        Limit::CheckpointRate => format!("{who} has to wait: {why}"),
        _ => format!("{who} ended in mid-call at its limit of {limit}: {why}"),
    }
}

impl From<EngineError> for RuntimeError {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}
