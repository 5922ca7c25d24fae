//! The one error of every [`Directory`](crate::directory::Directory). It says what went wrong, in which
//! operation and on which name. Its kinds follow what the caller can do about it, not what the storage
//! happened to report.

use std::fmt;

/// Why a directory operation failed. Each kind asks for its own reaction of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DirectoryErrorKind {
    /// The file does not exist. Ask for another one.
    NotFound,
    /// A file of that name exists already, so another writer was first. No existing file has changed.
    AlreadyExists,
    /// The requested range reaches past the end of the file: the file is shorter than it should be.
    OutOfRange,
    /// The storage is full or a quota is used up. Free space, then reopen the directory.
    NoSpace,
    /// Another writer owns the directory. Stop, or reopen the directory to take it over.
    Fenced,
    /// The name is not one that Alluvium writes, or it does not name a regular file.
    Invalid,
    /// The storage cannot keep a promise of the contract. Use another storage, or accept the weaker promise where the
    /// implementation has an option for that.
    Unsupported,
    /// The storage reported some other error. Reopen the directory and try again.
    Io,
}

impl fmt::Display for DirectoryErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "not found",
            Self::AlreadyExists => "exists already",
            Self::OutOfRange => "out of range",
            Self::NoSpace => "no space left",
            Self::Fenced => "fenced by another writer",
            Self::Invalid => "invalid name or file type",
            Self::Unsupported => "not supported by this storage",
            Self::Io => "input/output error",
        })
    }
}

/// The operation of a directory that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Opening the directory itself.
    Open,
    /// [`Directory::list`](crate::directory::Directory::list).
    List,
    /// [`Directory::read`](crate::directory::Directory::read) or `read_range`.
    Read,
    /// [`Directory::create`](crate::directory::Directory::create).
    Create,
    /// [`Directory::delete`](crate::directory::Directory::delete).
    Delete,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::List => "list",
            Self::Read => "read",
            Self::Create => "create",
            Self::Delete => "delete",
        })
    }
}

/// The error of a directory operation. It holds the kind, the operation, the name of the file, and what
/// the storage reported.
///
/// ```
/// use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};
///
/// let error = DirectoryError::new(DirectoryErrorKind::NoSpace, Operation::Create, "segments/0000000000000007.delta")
///     .because("quota of 64 MiB used up");
/// assert_eq!(error.kind(), DirectoryErrorKind::NoSpace);
/// assert_eq!(error.to_string(), "create segments/0000000000000007.delta: no space left: quota of 64 MiB used up");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} {}: {}", if name.is_empty() { "the directory" } else { name }, self.reason())]
pub struct DirectoryError {
    kind: DirectoryErrorKind,
    operation: Operation,
    name: String,
    cause: Option<String>,
}

impl DirectoryError {
    /// Returns an error of `kind` in `operation` on the file `name`. The name is empty for the directory
    /// itself.
    pub fn new(kind: DirectoryErrorKind, operation: Operation, name: impl Into<String>) -> Self {
        Self { kind, operation, name: name.into(), cause: None }
    }

    /// Adds what the storage itself reported.
    #[must_use]
    pub fn because(mut self, source: impl fmt::Display) -> Self {
        self.cause = Some(source.to_string());
        self
    }

    /// Returns the kind, which says what the caller can do about the error.
    pub fn kind(&self) -> DirectoryErrorKind {
        self.kind
    }

    /// Returns the operation that failed.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// Returns the name of the file that the operation failed on. It is empty for the directory itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what went wrong, without the operation and the file.
    pub(crate) fn reason(&self) -> String {
        let kind = self.kind;
        self.cause.as_ref().map_or_else(|| kind.to_string(), |cause| format!("{kind}: {cause}"))
    }
}
