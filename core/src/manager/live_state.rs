//! The parts of the manager: what the stream works on, and the positions of checkpoints and WAL.

use crate::changelog::Changelog;
use crate::commit::statistics::CheckpointStatistics;
use crate::format::wal::WalPosition;
use crate::maintenance::MaintenanceReport;
use crate::manager::summary::RecoverySummary;
use crate::manager::undo::Undo;
use crate::model::hash_range::HashRange;
use crate::model::position::StreamPosition;
use crate::namespaces::Spaces;
use crate::state::State;

/// What the stream works on. A restore replaces all of it at once.
#[derive(Debug, Default)]
pub(super) struct LiveState {
    /// The default namespace.
    pub(super) state: State,
    /// The declared namespaces.
    pub(super) spaces: Spaces,
    /// The mutations since the last checkpoint was prepared.
    pub(super) changes: Changelog,
    pub(super) position: StreamPosition,
    /// What is needed to undo the open batch, if there is one.
    pub(super) undo: Undo,
    /// The hashes of the keys that the directory owns.
    pub(super) owned: HashRange,
}

/// How checkpoints follow one another.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lineage {
    /// The id of the next checkpoint. `None` means that ids are used up.
    pub(super) next_id: Option<u64>,
    /// The checkpoint whose state the working state continues.
    pub(super) parent: Option<u64>,
    /// The newest checkpoint that is known to exist.
    pub(super) latest: Option<u64>,
}

/// The position in the WAL.
#[derive(Debug, Clone, Default)]
pub(super) struct WalCursor {
    /// The checkpoint that the next WAL file follows. It is `None` as long as there is none that it can follow.
    pub(super) base: Option<u64>,
    /// No WAL file may follow a checkpoint before this one, because these do not declare all namespaces as they are
    /// declared now.
    pub(super) from: u64,
    /// Bytes of the WAL files after the newest checkpoint.
    pub(super) bytes: u64,
    /// Where in the stream the last WAL file ended.
    pub(super) synced: Option<WalPosition>,
}

impl WalCursor {
    /// Returns the checkpoint that a WAL file may follow now.
    pub(super) fn base(&self) -> Option<u64> {
        self.base.filter(|base| *base >= self.from)
    }
}

/// What the manager reports to its caller.
#[derive(Debug, Default)]
pub(super) struct Observed {
    pub(super) recovered: Option<RecoverySummary>,
    pub(super) statistics: Option<CheckpointStatistics>,
    pub(super) maintenance: Option<MaintenanceReport>,
    /// When the last checkpoint was prepared, in microseconds of the monotonic clock. `None` means longer ago
    /// than the interval.
    pub(super) last_checkpoint_us: Option<u64>,
}
