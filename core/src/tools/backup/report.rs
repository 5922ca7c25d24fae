//! What a backup did, and how it fails.

use crate::error::IncrementalCheckpointError as Error;
use crate::tools::verify::{Finding, Severity, VerifyReport};

/// Why a backup failed, and in which of the two directories.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// The directory that is backed up.
    #[error("{0}")]
    Source(Error),
    /// The directory that holds the backup.
    #[error("{0}")]
    Destination(Error),
    /// The destination holds a file that the source has lost. Nothing is changed, because the next checkpoint of the
    /// source makes it unnecessary, or somebody wants it back.
    #[error("the backup holds {path}, and the source does not: the source has lost it, or is an older copy")]
    Lost {
        /// The file in the destination.
        path: String,
    },
}

/// What a backup did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BackupReport {
    /// The id of the directory, to which all files are bound.
    pub store_id: [u8; 16],
    /// The newest checkpoint of the backup.
    pub newest: u64,
    /// How many checkpoints the backup holds. All of them were recovered from it.
    pub checkpoints: u64,
    /// How many WAL files after the newest checkpoint it holds. All of them were replayed from it.
    pub wal_files: u64,
    /// How many files it holds.
    pub files: u64,
    /// The total length of these files, in bytes.
    pub bytes: u64,
    /// How many files were copied. The others were there already.
    pub copied_files: u64,
    /// The total length of the files that were copied, in bytes.
    pub copied_bytes: u64,
    /// How many files were deleted from the backup.
    pub deleted_files: u64,
    /// The total length of these files, in bytes.
    pub deleted_bytes: u64,
    /// The files of the source that are not in the backup: what is damaged, orphaned, or not Alluvium's.
    pub findings: Vec<Finding>,
}

impl BackupReport {
    /// Tells whether something of the source is damaged, so that it is not in the backup.
    pub fn is_damaged(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Damage)
    }
}

/// What the verification of a backup found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BackupCheck {
    /// The id of the directory that it is a backup of.
    pub store_id: [u8; 16],
    /// The newest checkpoint of the backup, or `None` if it has none.
    pub newest: Option<u64>,
    /// What [`verify`](crate::tools::verify::verify) found, and where the backup and the source disagree.
    pub report: VerifyReport,
    /// The checkpoints of the source that are newer than the backup.
    pub newer: Vec<u64>,
    /// How many WAL files after the newest checkpoint of the source are not in the backup.
    pub newer_wal_files: u64,
}

impl BackupCheck {
    /// Tells whether the backup is whole: it holds a checkpoint, and nothing is damaged.
    pub fn is_whole(&self) -> bool {
        self.newest.is_some() && !self.report.is_damaged()
    }
}
