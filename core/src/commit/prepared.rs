//! The first step: a checkpoint that is frozen in memory.

use std::fmt;
use std::sync::Arc;

use crate::changelog::Changelog;
use crate::clock::SharedClock;
use crate::commit::held::Held;
use crate::directory::Stores;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::ledger::Ledger;
use crate::ledger::ticket::Foundation;
use crate::maintenance::compaction::plan::CompactionInput;
use crate::model::namespace::Namespaces;
use crate::model::position::StreamPosition;
use crate::namespaces::Totals;

/// A checkpoint that is frozen and not yet written. It owns what it needs, its directory included, so
/// puts may go on meanwhile.
///
/// Checkpoints are written in the order in which they were prepared. If one is dropped instead, its changes
/// belong to the next checkpoint, whether that one is prepared already or not.
#[must_use = "a prepared checkpoint must be written: it holds the changes since the one before"]
pub struct PreparedCheckpoint<D> {
    pub(crate) directory: Arc<D>,
    pub(crate) stores: Stores<D>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) clock: SharedClock,
    /// The changes that it took out of the manager, to be given back if it is dropped.
    pub(crate) held: Held,
    /// What is written in place of these changes, if it is something else: the whole state, or what a restore brings.
    pub(crate) instead: Option<Changelog>,
    /// Whether the whole state is written, not only what changed.
    pub(crate) full: bool,
    /// What a restored checkpoint is built on, in place of the newest one.
    pub(crate) foundation: Option<Foundation>,
    pub(crate) id: u64,
    pub(crate) position: StreamPosition,
    pub(crate) namespaces: Namespaces,
    pub(crate) totals: Totals,
    pub(crate) timestamp_ms: u64,
    pub(crate) state_file: Option<Vec<u8>>,
    pub(crate) compaction_input: CompactionInput,
    pub(crate) max_retained: usize,
    pub(crate) freeze_us: u64,
}

impl<D> PreparedCheckpoint<D> {
    /// Returns the id that the checkpoint will have.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Returns what is written.
    pub(crate) fn frozen(&self) -> &Changelog {
        self.instead.as_ref().unwrap_or_else(|| self.held.changes())
    }

    /// Returns the metadata without the fields that are known only after encoding.
    pub(crate) fn metadata(&self) -> IncrementalCheckpointMetadata {
        IncrementalCheckpointMetadata {
            timestamp: self.timestamp_ms / 1_000,
            wal_position: self.position.wal_position,
            source_offsets: self.position.source_offsets.clone(),
            watermark: self.position.watermark,
            key_count: self.totals.keys,
            parent_id: self.foundation.as_ref().map_or_else(|| self.held.parent(), |foundation| foundation.source),
            ..IncrementalCheckpointMetadata::new(self.id, self.position.epoch)
        }
    }
}

impl<D> fmt::Debug for PreparedCheckpoint<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedCheckpoint").field("id", &self.id).finish_non_exhaustive()
    }
}
