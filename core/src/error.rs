//! The one error of the engine, under LaminarDB's name and with LaminarDB's variants.

use std::fmt;

use crate::directory::{DirectoryError, DirectoryErrorKind, Operation};

/// Why an operation on checkpoints failed. Messages name the file, the offset and what was expected. The
/// variants have LaminarDB's names, and three of them carry their parts.
///
/// ```
/// use alluvium_core::IncrementalCheckpointError as Error;
///
/// let error = Error::CrcMismatch { place: "segments/0000000000000007.base".into(), offset: 96, expected: 0x1a2b, computed: 0 };
/// assert!(error.is_corruption() && !error.is_transient());
/// assert_eq!((error.place(), error.offset()), (Some("segments/0000000000000007.base"), Some(96)));
/// assert_eq!(
///     error.to_string(),
///     "segments/0000000000000007.base: checksum at 96: expected 0000000000001a2b, found 0000000000000000"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IncrementalCheckpointError {
    /// The directory failed.
    #[error(transparent)]
    Io(DirectoryError),
    /// A value cannot be written in its format.
    #[error("cannot be written: {0}")]
    Serialization(String),
    /// The bytes are whole (their checksum is right), but this version does not understand them.
    #[error("{place}: {what}")]
    Deserialization {
        /// The file, or the part of it.
        place: String,
        /// What is not understood.
        what: String,
    },
    /// The WAL between checkpoints is damaged, or a position in it is out of range.
    #[error("WAL: {0}")]
    Wal(String),
    /// There is no such checkpoint, state or directory.
    #[error("{0}")]
    NotFound(String),
    /// Stored bytes are not what was written.
    #[error("{path}: {what}")]
    Corruption {
        /// The file, or the part of it.
        path: String,
        /// Where in the file, in bytes from its start, if that is known.
        offset: Option<u64>,
        /// What is wrong.
        what: String,
    },
    /// Recovery found no checkpoint that it may use.
    #[error("recovery: {0}")]
    Recovery(String),
    /// The directory holds files of checkpoints and no checkpoint. It is half of a copy, or its metadata was lost.
    /// Nothing was changed.
    #[error(
        "no checkpoint, but files of checkpoints: {segments} segments, {wal_files} WAL files, {partial_checkpoints} \
         partial checkpoints, the first is {first}; the metadata was lost, or this is half of a copy"
    )]
    CheckpointsLost {
        /// How many segments there are.
        segments: u64,
        /// How many WAL files there are.
        wal_files: u64,
        /// How many checkpoints have an opaque state and no metadata.
        partial_checkpoints: u64,
        /// The path of the first of these files.
        first: String,
    },
    /// Too many changes wait to be written, so this epoch gets backpressure. Finish a checkpoint, then try
    /// again.
    #[error("epoch {0}: too many changes wait to be written; finish a checkpoint, then try again")]
    BufferOverflow(u64),
    /// A setting is out of its range.
    #[error("invalid configuration: {0}")]
    InvalidConfig(String),
    /// A checkpoint with this id exists already.
    #[error("checkpoint {0} exists already")]
    AlreadyExists(u64),
    /// An epoch, offset or position would go backwards.
    #[error("would go backwards: at least {expected} expected, found {found}")]
    EpochMismatch {
        /// The smallest value that would have been accepted.
        expected: u64,
        /// The value that was given.
        found: u64,
    },
    /// A checksum does not match.
    #[error("{place}: checksum at {offset}: expected {expected:016x}, found {computed:016x}")]
    CrcMismatch {
        /// The file.
        place: String,
        /// Where the checked bytes start, in bytes from the start of the file.
        offset: u64,
        /// The checksum that was recorded.
        expected: u64,
        /// The checksum of the bytes that were read.
        computed: u64,
    },
    /// Another writer owns the directory. This writer has changed nothing that counts.
    #[error("fenced: {0}")]
    Fenced(String),
    /// A limit of the caller or of the format was reached. Nothing was changed.
    #[error("limit exceeded: {0}")]
    LimitExceeded(String),
    /// An earlier write failed, and it is unknown what it left in the directory. Reopen the directory.
    #[error("closed after a failed write ({0}): open the directory again")]
    Poisoned(String),
    /// An argument is invalid. Nothing was changed.
    #[error("{0}")]
    InvalidInput(String),
}

/// What the caller can do about an error. Every binding has these same reactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reaction {
    /// Ask for something else.
    NotFound,
    /// Use the one that exists already, or choose another name.
    AlreadyExists,
    /// Restore an older checkpoint, or allow recovery to fall back to one.
    Corruption,
    /// Stop, because another writer took over.
    Fenced,
    /// Free space, then reopen the directory.
    NoSpace,
    /// Ask for less, or raise the limit.
    LimitExceeded,
    /// Correct the call.
    InvalidInput,
    /// Finish a checkpoint, then try again.
    Backpressure,
    /// Reopen the directory.
    Reopen,
    /// Try again later.
    Io,
}

impl Reaction {
    /// Returns the reaction's name in lower-case kebab form. It is the same in every binding.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::AlreadyExists => "already-exists",
            Self::Corruption => "corruption",
            Self::Fenced => "fenced",
            Self::NoSpace => "no-space",
            Self::LimitExceeded => "limit-exceeded",
            Self::InvalidInput => "invalid-input",
            Self::Backpressure => "backpressure",
            Self::Reopen => "reopen",
            Self::Io => "io",
        }
    }
}

impl IncrementalCheckpointError {
    /// Returns whether trying again later may succeed without a repair. A full disk is not transient, because
    /// someone has to free space.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Io(error) => error.kind() != DirectoryErrorKind::NoSpace,
            Self::BufferOverflow(_) => true,
            _ => false,
        }
    }

    /// Returns whether stored bytes are damaged.
    pub fn is_corruption(&self) -> bool {
        matches!(self, Self::Corruption { .. } | Self::CrcMismatch { .. })
    }

    /// Returns the file that the error is about, or `None` if it is about none.
    pub fn place(&self) -> Option<&str> {
        match self {
            Self::Io(error) => Some(error.name()).filter(|name| !name.is_empty()),
            Self::Deserialization { place, .. } | Self::CrcMismatch { place, .. } => Some(place),
            Self::Corruption { path, .. } => Some(path),
            Self::CheckpointsLost { first, .. } => Some(first),
            _ => None,
        }
    }

    /// Returns where in the file the damage is, in bytes from its start, or `None` if that is unknown.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::CrcMismatch { offset, .. } => Some(*offset),
            Self::Corruption { offset, .. } => *offset,
            _ => None,
        }
    }

    /// Returns what the caller can do about the error.
    pub fn reaction(&self) -> Reaction {
        match self {
            Self::Io(error) => match error.kind() {
                DirectoryErrorKind::NotFound => Reaction::NotFound,
                DirectoryErrorKind::AlreadyExists => Reaction::AlreadyExists,
                DirectoryErrorKind::OutOfRange => Reaction::Corruption,
                DirectoryErrorKind::NoSpace => Reaction::NoSpace,
                DirectoryErrorKind::Fenced => Reaction::Fenced,
                DirectoryErrorKind::Invalid | DirectoryErrorKind::Unsupported => Reaction::InvalidInput,
                DirectoryErrorKind::Io => Reaction::Io,
            },
            Self::NotFound(_) => Reaction::NotFound,
            Self::AlreadyExists(_) => Reaction::AlreadyExists,
            Self::Deserialization { .. }
            | Self::Wal(_)
            | Self::Corruption { .. }
            | Self::Recovery(_)
            | Self::CheckpointsLost { .. }
            | Self::CrcMismatch { .. } => Reaction::Corruption,
            Self::BufferOverflow(_) => Reaction::Backpressure,
            Self::Serialization(_) | Self::InvalidConfig(_) | Self::EpochMismatch { .. } | Self::InvalidInput(_) => {
                Reaction::InvalidInput
            }
            Self::Fenced(_) => Reaction::Fenced,
            Self::LimitExceeded(_) => Reaction::LimitExceeded,
            Self::Poisoned(_) => Reaction::Reopen,
        }
    }

    /// Returns an error for damage in `path`.
    pub(crate) fn corrupt(path: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::Corruption { path: path.to_string(), offset: None, what: what.to_string() }
    }

    /// Returns an error for damage at `offset` of `path`. The text `what` must name the offset too.
    pub(crate) fn corrupt_at(path: impl fmt::Display, offset: u64, what: impl fmt::Display) -> Self {
        Self::Corruption { path: path.to_string(), offset: Some(offset), what: what.to_string() }
    }

    /// Returns an error for whole bytes in `place` that this version does not understand.
    pub(crate) fn unknown(place: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::Deserialization { place: place.to_string(), what: what.to_string() }
    }
}

impl From<DirectoryError> for IncrementalCheckpointError {
    fn from(error: DirectoryError) -> Self {
        match error.kind() {
            DirectoryErrorKind::Fenced => Self::Fenced(error.to_string()),
            // A file that is shorter than its metadata says is damage, not a passing fault.
            DirectoryErrorKind::OutOfRange => Self::corrupt(error.name(), error.reason()),
            // A link or a pipe in place of a file does not become a file by trying again.
            DirectoryErrorKind::Invalid if error.operation() == Operation::Read => {
                Self::corrupt(error.name(), error.reason())
            }
            _ => Self::Io(error),
        }
    }
}
