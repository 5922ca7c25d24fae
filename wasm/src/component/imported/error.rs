//! Converts the errors of the interface `directory` to [`DirectoryError`].

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind as Kind, Operation};

use crate::component::bindings::alluvium::checkpoint::directory::Error;

/// Returns the error of a call of `operation` on `name`.
pub(super) fn directory_error(error: Error, operation: Operation, name: &str) -> DirectoryError {
    let (kind, text) = match error {
        // Only the other side knows which name of a batch is taken.
        Error::AlreadyExists(path) => return DirectoryError::new(Kind::AlreadyExists, operation, path),
        Error::NotFound(text) => (Kind::NotFound, text),
        Error::NoSpace(text) => (Kind::NoSpace, text),
        Error::Fenced(text) => (Kind::Fenced, text),
        Error::Invalid(text) => (Kind::Invalid, text),
        Error::Unsupported(text) => (Kind::Unsupported, text),
        Error::Io(text) | Error::Other(text) => (Kind::Io, text),
    };
    DirectoryError::new(kind, operation, name).because(text)
}
