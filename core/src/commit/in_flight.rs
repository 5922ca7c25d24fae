//! What is on its way between the manager and the directory, shared by both ends. A checkpoint or a WAL file that
//! is dropped before its write begins gives back here what it holds, and the manager takes it from here. Its lock is
//! held only to move a few words.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::changelog::Changelog;
use crate::commit::queue::Queue;
use crate::commit::statistics::CheckpointStatistics;
use crate::format::wal::WalPosition;

/// What is on its way. See the module.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    queues: Mutex<Queues>,
    /// Whether a checkpoint was dropped since the manager took back what such checkpoints held. It is changed under the
    /// lock, which orders everything else.
    has_returned: AtomicBool,
}

#[derive(Debug, Default)]
pub(super) struct Queues {
    pub(super) checkpoints: Queue<Taken>,
    /// Checkpoints that are prepared or written, and not finished.
    pub(super) unfinished: usize,
    /// Checkpoints that were written and dropped before they were finished.
    pub(super) durable: Vec<CheckpointStatistics>,
    /// The checkpoint that the WAL files follow.
    pub(super) wal_base: Option<u64>,
    pub(super) wal: Queue<Changelog>,
    pub(super) deleted: Deleted,
}

/// The checkpoints whose deletion was begun. They may be gone, and no WAL file may follow them any more.
#[derive(Debug, Default)]
pub(super) struct Deleted {
    pub(super) ids: BTreeSet<u64>,
    /// The newest checkpoint beside them, when the last deletion was begun.
    left: Option<u64>,
}

/// What the preparation of a checkpoint took out of the manager, and what was there before.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The changes that it took out of the manager.
    pub(crate) changes: Changelog,
    /// Its id, which is free again.
    pub(crate) id: u64,
    /// The checkpoint whose state the working state continued before.
    pub(crate) parent: Option<u64>,
    /// The checkpoint that the next WAL file followed before.
    pub(crate) wal_base: Option<u64>,
    /// Where the last WAL file ended before.
    pub(crate) synced: Option<WalPosition>,
    /// When the checkpoint before it was prepared.
    pub(crate) last_checkpoint_us: Option<u64>,
}

impl InFlight {
    pub(super) fn lock(&self) -> MutexGuard<'_, Queues> {
        // Nothing that may panic runs under the lock while the queues are half changed.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many checkpoints are prepared or written, and not finished.
    pub(crate) fn unfinished(&self) -> usize {
        self.lock().unfinished
    }

    /// Notes that the manager may take something back.
    pub(super) fn note_return(&self) {
        self.has_returned.store(true, Ordering::Relaxed);
    }

    /// Whether there may be something that the manager takes back. It costs next to nothing to ask.
    #[inline]
    pub(crate) fn has_returned(&self) -> bool {
        self.has_returned.load(Ordering::Relaxed)
    }

    /// Returns what the manager takes back from checkpoints that were dropped, the newest first.
    pub(crate) fn take_back(&self) -> Vec<Taken> {
        let mut queues = self.lock();
        self.has_returned.store(false, Ordering::Relaxed);
        std::iter::from_fn(|| queues.checkpoints.take_last()).collect()
    }

    /// Returns the checkpoints that became durable without the manager being told.
    pub(crate) fn take_durable(&self) -> Vec<CheckpointStatistics> {
        std::mem::take(&mut self.lock().durable)
    }

    /// From now on, WAL files follow this checkpoint. What older ones held is in it.
    pub(crate) fn follow(&self, checkpoint: u64) {
        let mut queues = self.lock();
        (queues.wal_base, queues.wal) = (Some(checkpoint), Queue::default());
    }

    /// Begins the deletion of a listed checkpoint. Returns whether it may be deleted: not while a WAL file after it is
    /// prepared and not written.
    pub(crate) fn begin_deletion(&self, id: u64, listed: &BTreeSet<u64>) -> bool {
        let mut queues = self.lock();
        if queues.wal_base == Some(id) && queues.wal.waiting() > 0 {
            return false;
        }
        let Deleted { ids, left } = &mut queues.deleted;
        // Ids are never given again, so those that are gone need not be remembered.
        ids.retain(|other| listed.contains(other));
        ids.insert(id);
        *left = listed.iter().rfind(|other| !ids.contains(other)).copied();
        true
    }

    /// Returns the newest checkpoint that exists: `newest`, or another one if the deletion of that one was begun.
    pub(crate) fn without_deleted(&self, newest: Option<u64>) -> Option<u64> {
        let queues = self.lock();
        let is_deleted = newest.is_some_and(|id| queues.deleted.ids.contains(&id));
        if is_deleted { queues.deleted.left } else { newest }
    }

    /// Tells whether WAL files may still follow a checkpoint, because its deletion was not begun.
    pub(crate) fn may_be_followed(&self, checkpoint: u64) -> bool {
        !self.lock().deleted.ids.contains(&checkpoint)
    }
}
