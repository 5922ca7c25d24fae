//! The one error of the engine, under the original's name and with the original's variants.

use std::fmt;

use crate::directory::{DirectoryError, DirectoryErrorKind, Operation};

/// Why an operation on checkpoints failed. Messages name the place: file, offset, what was expected.
///
/// ```
/// use alluvium_core::IncrementalCheckpointError as Error;
///
/// let error = Error::CrcMismatch { place: "segments/0000000000000007.base".into(), offset: 96, expected: 0x1a2b, computed: 0 };
/// assert!(error.is_corruption() && !error.is_transient());
/// assert_eq!(
///     error.to_string(),
///     "segments/0000000000000007.base: checksum at 96: expected 0000000000001a2b, found 0000000000000000"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IncrementalCheckpointError {
    /// The directory failed.
    Io(DirectoryError),
    /// Something could not be written in its format.
    Serialization(String),
    /// Bytes that are whole (their checksum holds) do not mean anything this version understands.
    Deserialization(String),
    /// The log between checkpoints is damaged, or a position in it is out of range.
    Wal(String),
    /// No such checkpoint, state or directory.
    NotFound(String),
    /// Bytes are not what was written.
    Corruption(String),
    /// Recovery found nothing that it may use.
    Recovery(String),
    /// Too much is waiting to be written: backpressure in this epoch. Finish a checkpoint, then retry.
    BufferOverflow(u64),
    /// A setting is out of its range.
    InvalidConfig(String),
    /// A checkpoint with this id exists already.
    AlreadyExists(u64),
    /// An epoch, offset or position would go backwards.
    EpochMismatch {
        /// The least that would have been accepted.
        expected: u64,
        /// What was given.
        found: u64,
    },
    /// A checksum does not hold.
    CrcMismatch {
        /// The file.
        place: String,
        /// Where the checked bytes start, in bytes from the start of the file.
        offset: u64,
        /// The checksum that was recorded.
        expected: u64,
        /// The checksum of the bytes that are there.
        computed: u64,
    },
    /// Another writer owns the directory. This one has changed nothing that counts.
    Fenced(String),
    /// A limit that the caller or the format sets was reached; nothing was changed.
    LimitExceeded(String),
    /// An earlier write failed in a way that leaves it open what is on disk: open the directory anew.
    Poisoned(String),
    /// An argument makes no sense; nothing was changed.
    InvalidInput(String),
}

/// What the caller can do about an error: the small alphabet that every binding speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reaction {
    /// Ask for something else.
    NotFound,
    /// It is there already.
    AlreadyExists,
    /// Restore an older checkpoint, or allow falling back.
    Corruption,
    /// Stop: another writer took over.
    Fenced,
    /// Free space, then reopen.
    NoSpace,
    /// Ask for less, or raise the limit.
    LimitExceeded,
    /// Correct the call.
    InvalidInput,
    /// Finish a checkpoint, then try again.
    Backpressure,
    /// Open the directory anew.
    Reopen,
    /// Try again later.
    Io,
}

impl Reaction {
    /// The reaction's name in lower-case kebab form, the same in every binding.
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
    /// Whether trying again later may succeed without anyone mending anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io(_) | Self::BufferOverflow(_))
    }

    /// Whether stored bytes are damaged.
    pub fn is_corruption(&self) -> bool {
        matches!(self, Self::Corruption(_) | Self::CrcMismatch { .. })
    }

    /// What the caller can do about it.
    pub fn reaction(&self) -> Reaction {
        match self {
            Self::Io(error) => match error.kind() {
                DirectoryErrorKind::NotFound => Reaction::NotFound,
                DirectoryErrorKind::AlreadyExists => Reaction::AlreadyExists,
                DirectoryErrorKind::OutOfRange => Reaction::Corruption,
                DirectoryErrorKind::NoSpace => Reaction::NoSpace,
                DirectoryErrorKind::Fenced => Reaction::Fenced,
                DirectoryErrorKind::Invalid => Reaction::InvalidInput,
                DirectoryErrorKind::Io => Reaction::Io,
            },
            Self::NotFound(_) => Reaction::NotFound,
            Self::AlreadyExists(_) => Reaction::AlreadyExists,
            Self::Deserialization(_)
            | Self::Wal(_)
            | Self::Corruption(_)
            | Self::Recovery(_)
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

    /// Damage in `place`.
    pub(crate) fn corrupt(place: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::Corruption(in_place(&place, &what))
    }

    /// Whole bytes in `place` that this version does not understand.
    pub(crate) fn unknown(place: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::Deserialization(in_place(&place, &what))
    }
}

fn in_place(place: &dyn fmt::Display, what: &dyn fmt::Display) -> String {
    format!("{place}: {what}")
}

impl fmt::Display for IncrementalCheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Serialization(what) => write!(f, "cannot be written: {what}"),
            Self::Deserialization(what) | Self::Corruption(what) | Self::NotFound(what) | Self::InvalidInput(what) => {
                f.write_str(what)
            }
            Self::Wal(what) => write!(f, "log: {what}"),
            Self::Recovery(what) => write!(f, "recovery: {what}"),
            Self::BufferOverflow(epoch) => {
                write!(f, "epoch {epoch}: too much waits to be written; finish a checkpoint, then try again")
            }
            Self::InvalidConfig(what) => write!(f, "invalid configuration: {what}"),
            Self::AlreadyExists(id) => write!(f, "checkpoint {id} exists already"),
            Self::EpochMismatch { expected, found } => {
                write!(f, "would go backwards: at least {expected} expected, found {found}")
            }
            Self::CrcMismatch { place, offset, expected, computed } => {
                write!(f, "{place}: checksum at {offset}: expected {expected:016x}, found {computed:016x}")
            }
            Self::Fenced(what) => write!(f, "fenced: {what}"),
            Self::LimitExceeded(what) => write!(f, "limit exceeded: {what}"),
            Self::Poisoned(what) => write!(f, "closed after a failed write ({what}): open the directory anew"),
        }
    }
}

impl std::error::Error for IncrementalCheckpointError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DirectoryError> for IncrementalCheckpointError {
    fn from(error: DirectoryError) -> Self {
        match error.kind() {
            DirectoryErrorKind::Fenced => Self::Fenced(error.to_string()),
            // A file shorter than its metadata says is damage, not a passing fault.
            DirectoryErrorKind::OutOfRange => Self::Corruption(error.to_string()),
            // A link or a pipe where a file should be will not become one by trying again.
            DirectoryErrorKind::Invalid if error.operation() == Operation::Read => Self::Corruption(error.to_string()),
            _ => Self::Io(error),
        }
    }
}
