//! What WASI says, as what the caller can do about it.

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};
use wasip2::filesystem::types::ErrorCode;

/// The directory's error for a failed call of `operation` on `name`.
pub(super) fn directory_error(code: ErrorCode, operation: Operation, name: &str) -> DirectoryError {
    DirectoryError::new(kind(code, operation), operation, name).because(code.name())
}

/// The error of what is refused before WASI is asked.
pub(super) fn refused(operation: Operation, name: &str, why: &str) -> DirectoryError {
    DirectoryError::new(DirectoryErrorKind::Invalid, operation, name).because(why)
}

fn kind(code: ErrorCode, operation: Operation) -> DirectoryErrorKind {
    match code {
        ErrorCode::InsufficientSpace | ErrorCode::Quota => DirectoryErrorKind::NoSpace,
        ErrorCode::Exist => DirectoryErrorKind::AlreadyExists,
        // No file can have such a name, or be below one that is a file.
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
