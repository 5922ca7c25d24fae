//! The options of recovery and its result.

use std::ops::RangeInclusive;

use crate::changelog::Changelog;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::wal::WalPosition;
use crate::ledger::live_segment::LiveSegment;
use crate::model::hash_range::HashRange;
use crate::model::key_groups::KEY_GROUPS;
use crate::model::namespace::{DEFAULT_NAMESPACE, Namespace};
use crate::model::position::StreamPosition;
use crate::model::record::Record;
use crate::namespaces::{Space, Spaces};
use crate::seeded_defects::{self, Defect};
use crate::state::State;

/// Which checkpoint to recover, and how.
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
    pub(crate) hashes: HashRange,
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
            hashes: HashRange::ALL,
            replay_wal: true,
            repair_wal: true,
            max_wal_entries: 0,
        }
    }
}

impl RecoverOptions {
    /// Returns options that recover the newest checkpoint, with all key groups and without falling back to
    /// an older one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the checkpoint to recover. `None`, the default, means the newest.
    #[must_use]
    pub fn checkpoint(self, checkpoint: Option<u64>) -> Self {
        Self { checkpoint, ..self }
    }

    /// Sets whether an older checkpoint may be recovered if the newest is damaged. The default is false.
    #[must_use]
    pub fn allow_fallback(self, allow_fallback: bool) -> Self {
        Self { allow_fallback, ..self }
    }

    /// Sets whether the WAL files after the newest checkpoint are replayed. The default is true. Nothing is
    /// replayed on top of a checkpoint that was asked for by its id.
    #[must_use]
    pub fn replay_wal(self, replay_wal: bool) -> Self {
        Self { replay_wal, ..self }
    }

    /// Sets whether a torn tail of the WAL is cut off (true, the default) or is an error.
    #[must_use]
    pub fn repair_wal(self, repair_wal: bool) -> Self {
        Self { repair_wal, ..self }
    }

    /// Sets after how many mutations replay stops. It finishes the WAL file in which the number is reached.
    /// The default, 0, means no limit.
    #[must_use]
    pub fn max_wal_entries(self, max_wal_entries: u64) -> Self {
        Self { max_wal_entries, ..self }
    }

    /// Tells whether replay stops after this many mutations.
    pub(crate) fn has_enough(&self, entries: u64) -> bool {
        self.max_wal_entries > 0 && entries >= self.max_wal_entries
    }

    /// Sets the key groups whose records are recovered, from the checkpoint and from the WAL files after
    /// it. This is for an instance that owns only some of the groups. The default is all of them. Each part
    /// of a file that is read is checked; the digest of the state is checked only if all groups are
    /// recovered.
    #[must_use]
    pub fn groups(self, groups: RangeInclusive<u16>) -> Self {
        Self { groups, ..self }
    }

    /// Sets the range of hashes whose records are recovered, from the checkpoint and from the WAL files after
    /// it. It may cut a key group. The default is all hashes. The digest of the state is checked only if all
    /// of them are recovered.
    #[must_use]
    pub fn hashes(self, hashes: HashRange) -> Self {
        Self { hashes, ..self }
    }
}

/// A damaged checkpoint that recovery skipped.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SkippedCheckpoint {
    /// The checkpoint's id.
    pub id: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// Where the replay of the WAL ended early, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SkippedWal {
    /// The path of the first WAL file that was not replayed.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A recovered checkpoint: its metadata, its state and what the WAL added.
#[derive(Debug)]
pub struct RecoveredCheckpoint {
    /// The checkpoint's metadata: epoch, offsets, watermark and position.
    pub metadata: IncrementalCheckpointMetadata,
    /// The keyed state of the default namespace. It is empty if LaminarDB wrote the checkpoint, whose state is opaque and in
    /// `state.bin`.
    pub state: State,
    /// The keyed data of the declared namespaces.
    pub(crate) spaces: Spaces,
    /// The newer checkpoints that were skipped because they are damaged, newest first.
    pub skipped: Vec<SkippedCheckpoint>,
    /// How many bytes of segments and WAL files were read.
    pub bytes_read: u64,
    /// What the WAL files after the checkpoint added.
    pub wal: ReplayedWal,
    /// The segments of the checkpoint, in the order in which they were applied.
    pub(crate) segments: Vec<LiveSegment>,
}

impl RecoveredCheckpoint {
    /// Returns where in the stream the state is: after the last WAL file that was replayed, or at the
    /// checkpoint if none was.
    pub fn position(&self) -> StreamPosition {
        let of_wal = self.wal.end.as_ref().filter(|_| !seeded_defects::is(Defect::MixEpochs));
        of_wal.map_or_else(|| self.metadata.position(), |end| end.position.clone())
    }

    /// Returns the declared namespaces with their entries, in order of their ids. Entries are as they are stored: a
    /// timer's key [begins with its time](crate::model::timer), and the value of an entry that expires
    /// [with its expiry time](crate::model::expiry).
    pub fn namespaces(&self) -> impl Iterator<Item = (&Namespace, &State)> {
        self.spaces.iter().map(|space| (space.declaration(), space.state()))
    }

    /// Returns the entries of a declared namespace, as [`namespaces`](Self::namespaces) does.
    pub fn namespace(&self, id: u32) -> Option<&State> {
        self.spaces.find(id).map(Space::state)
    }
}

/// What the WAL files after a checkpoint added to it.
#[derive(Debug, Default)]
pub struct ReplayedWal {
    /// How many WAL files were replayed.
    pub files: u64,
    /// How many mutations they hold, in all key groups.
    pub entries: u64,
    /// Where in the stream the last WAL file ends.
    pub(crate) end: Option<WalPosition>,
    /// The first WAL file that was not replayed, and why: a torn tail, or damage that the caller allowed
    /// to be skipped. The WAL files after it are not replayed either.
    pub cut: Option<SkippedWal>,
    /// The replayed mutations, for the next checkpoint.
    pub(crate) mutations: Changelog,
}

impl ReplayedWal {
    /// Returns every mutation of the default namespace that was replayed, oldest first: the key, and its value, or
    /// `None` for a delete.
    pub fn mutations(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let of_default = self.records().filter(|record| record.namespace == DEFAULT_NAMESPACE);
        of_default.map(|record| (record.key, record.value))
    }

    /// Returns every mutation that was replayed, of all namespaces, oldest first.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.mutations.records()
    }
}
