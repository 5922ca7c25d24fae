//! What is on its way between the manager and the directory, shared by both ends. A checkpoint or a WAL file that
//! is dropped before its write begins gives back here what it holds, and the manager takes it from here. Its lock is
//! held only to move a few words.

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

    /// Tells whether a WAL file after this checkpoint is prepared and not written.
    pub(crate) fn is_followed_soon(&self, checkpoint: u64) -> bool {
        let queues = self.lock();
        queues.wal_base == Some(checkpoint) && queues.wal.waiting() > 0
    }
}
