//! The errors of a writer that finds another writer in its directory.

use std::fmt;

use crate::directory::{DirectoryError, DirectoryErrorKind};
use crate::error::IncrementalCheckpointError as Error;

/// Returns the error of a writer that finds what another writer left. `what` describes it.
pub(crate) fn fenced(what: impl fmt::Display) -> Error {
    Error::Fenced(format!("{what}: another writer owns the directory; stop, or reopen it to take it over"))
}

/// Turns the error of a failed creation into the engine's. A name that is taken was taken by another
/// writer.
pub(crate) fn creation_failed(error: DirectoryError) -> Error {
    match error.kind() {
        DirectoryErrorKind::AlreadyExists => fenced(format!("{} exists already", error.name())),
        _ => Error::from(error),
    }
}
