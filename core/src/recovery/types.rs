//! What recovery is asked for, and what it gives.

use std::ops::RangeInclusive;

use crate::changelog::Changelog;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::wal::WalPosition;
use crate::ledger::segment_reader::LiveSegment;
use crate::model::key_groups::KEY_GROUPS;
use crate::model::position::StreamPosition;
use crate::seeded_defects::{self, Defect};
use crate::state::State;

/// What to recover.
///
/// ```
/// use alluvium_core::recovery::{RecoverOptions, recover};
/// use alluvium_core::directory::{block_on, MemoryDirectory};
///
/// let nothing = block_on(recover(&MemoryDirectory::new(), &RecoverOptions::new()))?;
/// assert!(nothing.is_none());
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RecoverOptions {
    pub(crate) checkpoint: Option<u64>,
    pub(crate) allow_fallback: bool,
    pub(crate) groups: RangeInclusive<u16>,
    pub(crate) replay_wal: bool,
    pub(crate) repair_wal: bool,
    pub(crate) max_wal_entries: u64,
}

impl Default for RecoverOptions {
    fn default() -> Self {
        Self {
            checkpoint: None,
            allow_fallback: false,
            groups: 0..=KEY_GROUPS - 1,
            replay_wal: true,
            repair_wal: true,
            max_wal_entries: 0,
        }
    }
}

impl RecoverOptions {
    /// The newest checkpoint, all of it, without falling back.
    pub fn new() -> Self {
        Self::default()
    }

    /// One kept checkpoint instead of the newest.
    #[must_use]
    pub fn checkpoint(self, checkpoint: Option<u64>) -> Self {
        Self { checkpoint, ..self }
    }

    /// Whether a damaged newest checkpoint may be passed over for an older one.
    #[must_use]
    pub fn allow_fallback(self, allow_fallback: bool) -> Self {
        Self { allow_fallback, ..self }
    }

    /// Whether logs after the newest checkpoint are replayed. Default true; a checkpoint that was
    /// asked for by its id is never replayed upon.
    #[must_use]
    pub fn replay_wal(self, replay_wal: bool) -> Self {
        Self { replay_wal, ..self }
    }

    /// Whether a torn tail of the log is cut (true, the default) or an error.
    #[must_use]
    pub fn repair_wal(self, repair_wal: bool) -> Self {
        Self { repair_wal, ..self }
    }

    /// Stops replaying after the log in which this many mutations are reached; 0 is no limit.
    #[must_use]
    pub fn max_wal_entries(self, max_wal_entries: u64) -> Self {
        Self { max_wal_entries, ..self }
    }

    pub(crate) fn has_enough(&self, entries: u64) -> bool {
        self.max_wal_entries > 0 && entries >= self.max_wal_entries
    }

    /// Only the records of these key groups, of the checkpoint and of the logs after it: for an instance
    /// that owns some of them. Each part of a file that is read is checked; the digest of the whole state
    /// can be held only to all groups.
    #[must_use]
    pub fn groups(self, groups: RangeInclusive<u16>) -> Self {
        Self { groups, ..self }
    }
}

/// A checkpoint that recovery passed over, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SkippedCheckpoint {
    /// Its id.
    pub id: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// Where replaying the log ended early, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SkippedWal {
    /// The first log that was not replayed.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A recovered checkpoint.
#[derive(Debug)]
pub struct RecoveredCheckpoint {
    /// Its metadata: epoch, offsets, watermark, position.
    pub metadata: IncrementalCheckpointMetadata,
    /// Its state. Empty when the original wrote it: its state is opaque, in `state.bin`.
    pub state: State,
    /// Newer checkpoints that were passed over because they are damaged; newest first.
    pub skipped: Vec<SkippedCheckpoint>,
    /// Bytes of segments and logs that were read.
    pub bytes_read: u64,
    /// What the logs after the checkpoint added.
    pub wal: ReplayedWal,
    pub(crate) segments: Vec<LiveSegment>,
}

impl RecoveredCheckpoint {
    /// Returns where in the stream the state is: after the last WAL file, or at the checkpoint.
    pub fn position(&self) -> StreamPosition {
        let of_wal = self.wal.end.as_ref().filter(|_| !seeded_defects::is(Defect::MixEpochs));
        of_wal.map_or_else(|| self.metadata.position(), |end| end.position.clone())
    }
}

/// What the logs after a checkpoint added to it.
#[derive(Debug, Default)]
pub struct ReplayedWal {
    /// Logs that were replayed.
    pub files: u64,
    /// Mutations in them, of all key groups.
    pub entries: u64,
    /// Where in the stream the last one ends.
    pub(crate) end: Option<WalPosition>,
    /// The logs that were not replayed, and why: a torn tail, or damage that the caller allowed to
    /// be passed over. Everything after it is gone with it.
    pub cut: Option<SkippedWal>,
    /// The mutations, for the next checkpoint.
    pub(crate) mutations: Changelog,
}

impl ReplayedWal {
    /// Every mutation that was replayed, oldest first: key, and value or `None` for a delete.
    pub fn mutations(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.mutations.records().map(|record| (record.key, record.value))
    }
}
