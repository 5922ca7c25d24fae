//! How a command fails: the place, what happened there, and what to do about it.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use alluvium_connectors::sink::SinkError;
use alluvium_connectors::source::{SourceError, SourceErrorKind};
use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};
use alluvium_core::{IncrementalCheckpointError, Reaction};
use alluvium_host::{EngineError, Limit, RuntimeError};
use serde_json::json;

use crate::log::{Level, log};
use crate::shown::tell;

/// An error as people read it.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Failure {
    what: String,
    to_do: Option<String>,
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::source(&error)
    }
}

impl Failure {
    /// Something happened at a place.
    pub(crate) fn at(place: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self { what: format!("{place}: {what}"), to_do: None }
    }

    /// Something happened at no place in particular.
    pub(crate) fn plain(what: impl Into<String>) -> Self {
        Self { what: what.into(), to_do: None }
    }

    /// The arguments cannot be understood.
    pub(crate) fn usage(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        let (what, rest) = text.split_once('\n').unwrap_or((text, ""));
        let failure = Self::plain(what);
        if rest.trim().is_empty() {
            failure
        } else {
            failure.hint(rest.split_whitespace().collect::<Vec<_>>().join(" "))
        }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(self, to_do: impl Into<String>) -> Self {
        Self { to_do: Some(to_do.into()), ..self }
    }

    /// A failure of an ordinary file.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        Self::at(path.display(), error).hint_of(error)
    }

    /// A thread that the system refuses to start.
    pub(crate) fn thread(what: &str, error: &io::Error) -> Self {
        Self::at(format!("{what} cannot be started"), error)
            .hint("raise the limit of processes and threads (`ulimit -u`, or TasksMax of a service), or free memory")
    }

    /// A failure of an input.
    pub(crate) fn source(error: &SourceError) -> Self {
        let failure = Self::plain(error.to_string());
        match (error.kind(), error.io_error()) {
            (SourceErrorKind::Open, Some(io)) if io.kind() == io::ErrorKind::IsADirectory => {
                failure.hint("name a CSV file")
            }
            (SourceErrorKind::Open | SourceErrorKind::Io, Some(io)) => failure.hint_of(io),
            (SourceErrorKind::Header, _) => failure.hint("the first line must name the columns of a CSV file"),
            (SourceErrorKind::Record, _) => {
                failure.hint("correct it, or leave such records out with --on-error; the records before are safe")
            }
            (SourceErrorKind::TooLong, _) => failure.hint("correct it, or raise --max-record-bytes"),
            (SourceErrorKind::CutShort | SourceErrorKind::Damaged, _) => {
                failure.hint("fetch it again; the records before are safe")
            }
            (SourceErrorKind::Position, _) => failure.hint("give the input that the run began with, or another --dir"),
            (SourceErrorKind::Replaced, _) => failure.hint(
                "give the input that the run began with, another --dir, or --resume next to read this one from its \
                 beginning after it",
            ),
            _ => failure,
        }
    }

    /// A failure of an output.
    pub(crate) fn sink(error: &SinkError) -> Self {
        let failure = Self::plain(error.to_string());
        match error.io_error() {
            Some(io) => failure.hint_of(io),
            None => failure,
        }
    }

    /// Adds what to do about an error of the system.
    fn hint_of(self, error: &io::Error) -> Self {
        let failure = self;
        match error.kind() {
            io::ErrorKind::NotFound => {
                failure.hint("check the path: the file, or the directory it is to be in, is not there")
            }
            io::ErrorKind::PermissionDenied => failure.hint("check that this user may read or write it"),
            io::ErrorKind::StorageFull => failure.hint(NO_SPACE),
            _ => failure,
        }
    }

    /// A failure of the directory at `path`.
    pub(crate) fn directory(path: &Path, error: &DirectoryError) -> Self {
        let failure = match error.operation() {
            // The error's own name is the path then.
            Operation::Open if error.name() == path.display().to_string() => Self::plain(error.to_string()),
            _ => Self::at(path.display(), error),
        };
        match error.kind() {
            DirectoryErrorKind::NotFound if error.operation() == Operation::Open => {
                failure.hint("check the path; `alluvium run` and `alluvium import` create directories")
            }
            DirectoryErrorKind::Invalid if error.operation() == Operation::Open => failure.hint("name a directory"),
            DirectoryErrorKind::NoSpace => failure.hint(NO_SPACE),
            DirectoryErrorKind::Unsupported => failure.hint(WEAKER),
            DirectoryErrorKind::Io => failure.hint("check that the directory can be read and written by this user"),
            _ => failure,
        }
    }

    /// A failure of core over the directory at `path`.
    pub(crate) fn core(path: &Path, error: &IncrementalCheckpointError) -> Self {
        if let IncrementalCheckpointError::Io(error) = error {
            return Self::directory(path, error);
        }
        if let IncrementalCheckpointError::CheckpointsLost { .. } = error {
            return Self::at(path.display(), error).hint(OF_LOSS);
        }
        Self::at(path.display(), error).hint(match error.reaction() {
            Reaction::NotFound => format!("`alluvium list {}` shows what there is", path.display()),
            Reaction::Corruption => of_damage(path),
            Reaction::Fenced => "only one writer at a time: wait for the other one".to_owned(),
            Reaction::NoSpace => NO_SPACE.to_owned(),
            Reaction::Reopen | Reaction::Io => "run the command again".to_owned(),
            _ => return Self::at(path.display(), error),
        })
    }

    /// A failure of the runtime, working on the directory at `path`.
    pub(crate) fn runtime(path: &Path, error: &RuntimeError) -> Self {
        match error {
            RuntimeError::Directory(error) => Self::directory(path, error),
            RuntimeError::Refused { .. } => Self::plain(error.to_string()).hint("correct the input or the plugin"),
            RuntimeError::OtherPlugin { state, plugin, migrates } => {
                Self::at(path.display(), error).hint(if state.name != plugin.name {
                    format!("give the plugin {:?}, or another directory with --dir", state.name)
                } else if *migrates {
                    "this plugin can take it over: --migrate --dry-run shows what would change, --migrate does it"
                        .to_owned()
                } else {
                    format!(
                        "give the version of the plugin that keeps schema version {}, or one that exports the interface \
                         migration",
                        state.schema_version
                    )
                })
            }
            RuntimeError::Limit { limit: Limit::DiskBytes | Limit::DiskFiles, .. } => Self::at(path.display(), error)
                .hint("the last checkpoint is intact; raise the limit, or keep fewer checkpoints with --max-retained"),
            RuntimeError::Trap { .. } | RuntimeError::Limit { .. } => Self::at(path.display(), error)
                .hint("nothing after the last checkpoint was kept; the same command continues from it"),
            RuntimeError::Engine(refused) => Self::at(path.display(), error).hint(match refused {
                EngineError::NoSpace(_) => NO_SPACE.to_owned(),
                EngineError::Corruption(_) => of_damage(path),
                EngineError::Fenced(_) => "only one writer at a time: wait for the other one".to_owned(),
                EngineError::Unsupported(why) if why.contains("strict") => WEAKER.to_owned(),
                EngineError::Io(_) => "check that the directory can be read and written by this user".to_owned(),
                _ => return Self::at(path.display(), error),
            }),
            // A component's error names its file and what to do.
            _ => Self::plain(error.to_string()),
        }
    }

    /// Prints it, for an exit code of 2; as an event of a log, if that is asked for.
    pub(crate) fn report(&self, is_json: bool) -> ExitCode {
        if is_json {
            log(Level::Error, json!({"event": "failed", "error": self.what, "to_do": self.to_do}));
            return ExitCode::from(2);
        }
        // The text may be lost, as into a closed pipe; the exit code says it too.
        tell(&format!("error: {self}"));
        if let Some(to_do) = &self.to_do {
            tell(&format!("what to do: {to_do}"));
        }
        ExitCode::from(2)
    }
}

const OF_LOSS: &str = "copy the missing files, or name another directory; `alluvium run --create` begins beside these \
                       files, which stay";

const WEAKER: &str =
    "name a directory on another file system, or accept that promise as it is with --durability weaker";

const NO_SPACE: &str = "free some space, then run the command again; the checkpoints before it are intact";

fn of_damage(path: &Path) -> String {
    let path = path.display();
    format!("`alluvium verify {path}` names what is damaged, `alluvium list {path}` shows what is whole")
}
