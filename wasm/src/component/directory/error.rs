//! Converts WASI's error codes to [`DirectoryError`].

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};
use wasip2::filesystem::types::ErrorCode;

/// Returns the directory's error for a failed call of `operation` on `name`.
pub(super) fn directory_error(code: ErrorCode, operation: Operation, name: &str) -> DirectoryError {
    DirectoryError::new(kind(code, operation), operation, name).because(code.name())
}

/// Returns the error for a call that is refused before WASI is called.
pub(super) fn refused(operation: Operation, name: &str, why: &str) -> DirectoryError {
    DirectoryError::new(DirectoryErrorKind::Invalid, operation, name).because(why)
}

fn kind(code: ErrorCode, operation: Operation) -> DirectoryErrorKind {
    match code {
        ErrorCode::InsufficientSpace | ErrorCode::Quota => DirectoryErrorKind::NoSpace,
        ErrorCode::Exist => DirectoryErrorKind::AlreadyExists,
        // A file cannot have such a name, and it cannot be below another file.
        ErrorCode::NotDirectory | ErrorCode::NameTooLong if operation == Operation::Read => {
            DirectoryErrorKind::NotFound
        }
        ErrorCode::NoEntry => DirectoryErrorKind::NotFound,
        ErrorCode::Loop
        | ErrorCode::IsDirectory
        | ErrorCode::NotDirectory
        | ErrorCode::Invalid
        | ErrorCode::NotEmpty
        | ErrorCode::IllegalByteSequence => DirectoryErrorKind::Invalid,
        _ => DirectoryErrorKind::Io,
    }
}
