//! The error of this crate: LaminarDB's variants, and the few that it lacks.

use std::fmt;
use std::io;
use std::ops::Deref;

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};
use alluvium_core::{IncrementalCheckpointError as CoreError, Reaction};

/// Why an operation on checkpoints failed.
///
/// The variants of LaminarDB have LaminarDB's shapes. [`Damage`] stands where LaminarDB has a
/// `String`, and reads like one.
///
/// ```
/// use alluvium::{Damage, IncrementalCheckpointError as Error};
///
/// let error = Error::Corruption(Damage::at("segments/0000000000000007.base", 96, "checksum: expected 1a2b, found 0"));
/// assert!(error.is_corruption() && !error.is_transient());
/// assert_eq!(error.place(), Some("segments/0000000000000007.base"));
/// assert_eq!(error.offset(), Some(96));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IncrementalCheckpointError {
    /// The file system failed.
    #[error("I/O error: {0}")]
    Io(#[from] io::Error),
    /// A value cannot be written in its format.
    #[error("cannot be written: {0}")]
    Serialization(String),
    /// The bytes are intact, but this version does not understand them.
    #[error("cannot be read: {0}")]
    Deserialization(Damage),
    /// The WAL is damaged, or a position in it is out of range.
    #[error("WAL: {0}")]
    Wal(Damage),
    /// The checkpoint, its state or the directory does not exist.
    #[error("not found: {0}")]
    NotFound(String),
    /// Stored bytes are not the bytes that were written.
    #[error("corruption: {0}")]
    Corruption(Damage),
    /// Recovery found no checkpoint that it may use, or files of checkpoints and no checkpoint.
    #[error("recovery failed: {0}")]
    Recovery(String),
    /// Too many checkpoints are being written. Finish one, then try again.
    #[error("epoch {epoch}: too many checkpoints are being written; finish one, then try again")]
    BufferOverflow {
        /// The epoch of the refused checkpoint.
        epoch: u64,
    },
    /// A setting is out of its range.
    #[error("invalid configuration: {0}")]
    InvalidConfig(String),
    /// A checkpoint with this id exists already.
    #[error("checkpoint {0} exists already")]
    AlreadyExists(u64),
    /// An epoch, offset or position would go backwards.
    #[error("would go backwards: at least {expected} expected, found {found}")]
    EpochMismatch {
        /// The lowest value that is accepted.
        expected: u64,
        /// The value that was given.
        found: u64,
    },
    /// A 32-bit checksum of LaminarDB does not match.
    ///
    /// Alluvium never returns this variant; it exists so that the match arms of code written for
    /// LaminarDB compile. Alluvium's checksums have 64 bits. A mismatch is
    /// [`Corruption`](Self::Corruption), which names the file too.
    #[error("checksum at {offset}: expected {expected:08x}, found {computed:08x}")]
    CrcMismatch {
        /// The offset of the checked bytes.
        offset: u64,
        /// The recorded checksum.
        expected: u32,
        /// The checksum of the bytes that were read.
        computed: u32,
    },
    /// Another writer owns the directory. This writer has changed nothing that counts.
    #[error("fenced: {0}")]
    Fenced(String),
    /// A limit of the caller or of the format was reached. Nothing was changed.
    #[error("limit exceeded: {0}")]
    LimitExceeded(String),
    /// An earlier write failed. Open the directory again: whether the checkpoint exists is then known.
    #[error("closed after a failed write ({0}): open the directory again")]
    Poisoned(String),
    /// An argument makes no sense. Nothing was changed.
    #[error("{0}")]
    InvalidInput(String),
}

impl IncrementalCheckpointError {
    /// Says whether the same call may succeed later without any repair.
    ///
    /// ```
    /// use alluvium::IncrementalCheckpointError as Error;
    /// use std::io;
    ///
    /// assert!(Error::from(io::Error::from(io::ErrorKind::TimedOut)).is_transient());
    /// // A full disk stays full until somebody frees space.
    /// assert!(!Error::from(io::Error::from(io::ErrorKind::StorageFull)).is_transient());
    /// ```
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Io(error) => self.reaction() == Reaction::Io && error.kind() != io::ErrorKind::PermissionDenied,
            Self::BufferOverflow { .. } => true,
            _ => false,
        }
    }

    /// Says whether stored bytes are damaged.
    ///
    /// ```
    /// assert!(alluvium::IncrementalCheckpointError::Corruption("half a file".into()).is_corruption());
    /// ```
    #[must_use]
    pub fn is_corruption(&self) -> bool {
        matches!(self, Self::Corruption(_) | Self::CrcMismatch { .. })
    }

    /// Returns the file that the error is about, relative to the checkpoint directory.
    ///
    /// ```
    /// use alluvium::{Damage, IncrementalCheckpointError as Error};
    ///
    /// assert_eq!(Error::Wal(Damage::at("wal/1-1", 0, "torn")).place(), Some("wal/1-1"));
    /// assert_eq!(Error::AlreadyExists(7).place(), None);
    /// ```
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        match self {
            Self::Deserialization(damage) | Self::Wal(damage) | Self::Corruption(damage) => damage.place(),
            Self::Io(error) => {
                let source = error.get_ref().and_then(|source| source.downcast_ref::<DirectoryError>());
                source.map(DirectoryError::name).filter(|name| !name.is_empty())
            }
            _ => None,
        }
    }

    /// Returns the offset in that file, in bytes.
    ///
    /// ```
    /// use alluvium::{Damage, IncrementalCheckpointError as Error};
    ///
    /// assert_eq!(Error::Corruption(Damage::at("state.bin", 128, "cut short")).offset(), Some(128));
    /// ```
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Deserialization(damage) | Self::Wal(damage) | Self::Corruption(damage) => damage.offset(),
            Self::CrcMismatch { offset, .. } => Some(*offset),
            _ => None,
        }
    }

    /// Returns what the caller can do about the error.
    ///
    /// ```
    /// use alluvium::{IncrementalCheckpointError, Reaction};
    ///
    /// assert_eq!(IncrementalCheckpointError::BufferOverflow { epoch: 3 }.reaction(), Reaction::Backpressure);
    /// ```
    #[must_use]
    pub fn reaction(&self) -> Reaction {
        match self {
            Self::Io(error) => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Reaction::NoSpace,
                io::ErrorKind::NotFound => Reaction::NotFound,
                io::ErrorKind::AlreadyExists => Reaction::AlreadyExists,
                io::ErrorKind::InvalidInput => Reaction::InvalidInput,
                _ => Reaction::Io,
            },
            Self::NotFound(_) => Reaction::NotFound,
            Self::AlreadyExists(_) => Reaction::AlreadyExists,
            Self::Deserialization(_)
            | Self::Wal(_)
            | Self::Corruption(_)
            | Self::Recovery(_)
            | Self::CrcMismatch { .. } => Reaction::Corruption,
            Self::BufferOverflow { .. } => Reaction::Backpressure,
            Self::Serialization(_) | Self::InvalidConfig(_) | Self::EpochMismatch { .. } | Self::InvalidInput(_) => {
                Reaction::InvalidInput
            }
            Self::Fenced(_) => Reaction::Fenced,
            Self::LimitExceeded(_) => Reaction::LimitExceeded,
            Self::Poisoned(_) => Reaction::Reopen,
        }
    }
}

/// What is wrong with stored bytes, and where they are. It reads like the `String` that LaminarDB has.
///
/// ```
/// let damage = alluvium::Damage::at("checkpoint_0000000000000001/metadata.json", 12, "not JSON");
/// assert_eq!(damage.to_string(), "checkpoint_0000000000000001/metadata.json at 12: not JSON");
/// assert!(damage.contains("JSON"));
/// let text: &String = &damage;
/// assert_eq!(text.len(), 57);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    text: String,
    place: Option<String>,
    offset: Option<u64>,
}

impl Damage {
    /// Describes damage at an offset of a file.
    ///
    /// ```
    /// assert_eq!(alluvium::Damage::at("state.bin", 0, "empty").place(), Some("state.bin"));
    /// ```
    pub fn at(place: impl Into<String>, offset: u64, what: impl fmt::Display) -> Self {
        let place = place.into();
        Self { text: format!("{place} at {offset}: {what}"), place: Some(place), offset: Some(offset) }
    }

    /// Describes damage of a whole file.
    ///
    /// ```
    /// assert_eq!(alluvium::Damage::of("state.bin", "missing").to_string(), "state.bin: missing");
    /// ```
    pub fn of(place: impl Into<String>, what: impl fmt::Display) -> Self {
        let place = place.into();
        Self { text: format!("{place}: {what}"), place: Some(place), offset: None }
    }

    /// Returns the file, relative to the checkpoint directory.
    ///
    /// ```
    /// assert_eq!(alluvium::Damage::from("unknown").place(), None);
    /// ```
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// Returns the offset in the file, in bytes.
    ///
    /// ```
    /// assert_eq!(alluvium::Damage::of("state.bin", "missing").offset(), None);
    /// ```
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }
}

impl Deref for Damage {
    type Target = String;

    fn deref(&self) -> &String {
        &self.text
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<String> for Damage {
    fn from(text: String) -> Self {
        Self { text, place: None, offset: None }
    }
}

impl From<&str> for Damage {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Damage> for String {
    fn from(damage: Damage) -> Self {
        damage.text
    }
}

impl From<DirectoryError> for IncrementalCheckpointError {
    fn from(error: DirectoryError) -> Self {
        CoreError::from(error).into()
    }
}

/// The error of a directory as one of the standard library; it keeps the error as its source.
fn io_error(error: DirectoryError) -> io::Error {
    let kind = match error.kind() {
        DirectoryErrorKind::NotFound => io::ErrorKind::NotFound,
        DirectoryErrorKind::AlreadyExists => io::ErrorKind::AlreadyExists,
        DirectoryErrorKind::NoSpace => io::ErrorKind::StorageFull,
        DirectoryErrorKind::Invalid => io::ErrorKind::InvalidInput,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

impl From<CoreError> for IncrementalCheckpointError {
    fn from(error: CoreError) -> Self {
        // Core's texts name the place already.
        let text = error.to_string();
        let damage = |place, offset| Damage { text, place: Some(place), offset };
        match error {
            CoreError::CheckpointsLost { .. } => Self::Recovery(error.to_string()),
            CoreError::Io(error) if is_missing_directory(&error) => Self::NotFound(error.to_string()),
            CoreError::Io(error) => Self::Io(io_error(error)),
            CoreError::Serialization(what) => Self::Serialization(what),
            CoreError::Deserialization { place, .. } => Self::Deserialization(damage(place, None)),
            CoreError::Wal(what) => Self::Wal(what.into()),
            CoreError::NotFound(what) => Self::NotFound(what),
            CoreError::Corruption { path, offset, .. } => Self::Corruption(damage(path, offset)),
            CoreError::Recovery(what) => Self::Recovery(what),
            CoreError::BufferOverflow(epoch) => Self::BufferOverflow { epoch },
            CoreError::InvalidConfig(what) => Self::InvalidConfig(what),
            CoreError::AlreadyExists(id) => Self::AlreadyExists(id),
            CoreError::EpochMismatch { expected, found } => Self::EpochMismatch { expected, found },
            CoreError::CrcMismatch { place, offset, .. } => Self::Corruption(damage(place, Some(offset))),
            CoreError::Fenced(what) => Self::Fenced(what),
            CoreError::LimitExceeded(what) => Self::LimitExceeded(what),
            CoreError::Poisoned(what) => Self::Poisoned(what),
            CoreError::InvalidInput(what) => Self::InvalidInput(what),
            // A variant that a newer core has.
            other => Self::Io(io::Error::other(other)),
        }
    }
}

/// Whether the checkpoint directory itself does not exist.
fn is_missing_directory(error: &DirectoryError) -> bool {
    (error.kind(), error.operation()) == (DirectoryErrorKind::NotFound, Operation::Open)
}
