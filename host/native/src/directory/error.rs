//! What the kernel says, as what the caller can do about it.

use std::io;

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};
use rustix::io::Errno;

/// The directory's error for a failed system call of `operation` on `name`.
pub(super) fn directory_error(source: impl Into<io::Error>, operation: Operation, name: &str) -> DirectoryError {
    let source = source.into();
    DirectoryError::new(kind(&source, operation), operation, name).because(source)
}

fn kind(source: &io::Error, operation: Operation) -> DirectoryErrorKind {
    match Errno::from_io_error(source) {
        Some(Errno::NOSPC | Errno::DQUOT) => DirectoryErrorKind::NoSpace,
        Some(Errno::EXIST) => DirectoryErrorKind::AlreadyExists,
        // No file can have such a name, or be below one that is a file.
        Some(Errno::NOTDIR | Errno::NAMETOOLONG) if operation == Operation::Read => DirectoryErrorKind::NotFound,
        Some(Errno::NOENT) => DirectoryErrorKind::NotFound,
        // A symbolic link on the way; a way out of the directory; a socket; a directory where a file
        // should be, or the reverse; a name that no file can have.
        Some(Errno::LOOP | Errno::XDEV | Errno::NXIO | Errno::ISDIR | Errno::NOTDIR | Errno::INVAL) => {
            DirectoryErrorKind::Invalid
        }
        _ => DirectoryErrorKind::Io,
    }
}

/// What a [`Watch`] wants a call to fail with.
pub(super) fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
