//! The errors of a writer that is not alone.

use std::fmt;

use crate::directory::{DirectoryError, DirectoryErrorKind};
use crate::error::IncrementalCheckpointError as Error;

/// The error of a writer that finds `what` somebody else left.
pub(crate) fn fenced(what: impl fmt::Display) -> Error {
    Error::Fenced(format!("{what}: another writer owns the directory; stop, or open it anew and take it over"))
}

/// What a failed creation says: a name that is taken is another writer's.
pub(crate) fn creation_failed(error: DirectoryError) -> Error {
    match error.kind() {
        DirectoryErrorKind::AlreadyExists => fenced(format!("{} exists already", error.name())),
        _ => Error::from(error),
    }
}
