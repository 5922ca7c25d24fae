//! Keeps checkpoints by their ids, beside those that retention keeps by their number.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::ledger::Ledger;
use crate::ledger::listing::Listing;
use crate::manager::types::IncrementalCheckpointManager;

/// A checkpoint that is kept before it is known whether it exists. If nothing comes of it, it is not kept.
struct Promise {
    ledger: Arc<Ledger>,
    id: u64,
    is_open: bool,
}

impl Drop for Promise {
    fn drop(&mut self) {
        if self.is_open {
            self.ledger.lock().standing.kept.remove(&self.id);
        }
    }
}

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Keeps a checkpoint until it is [released](Self::release): neither retention nor
    /// [`cleanup_old_checkpoints`](Self::cleanup_old_checkpoints) nor [`migrate`](Self::migrate) deletes it, and
    /// [`delete_checkpoint`](Self::delete_checkpoint) refuses it. WAL files after it are not kept. A checkpoint that
    /// is kept already stays kept.
    ///
    /// For this manager it holds at once. The next checkpoint makes it durable: if there is none, a manager that
    /// opens the directory later does not know of it. Going back to an older checkpoint does not change it.
    ///
    /// A checkpoint that does not exist is [`NotFound`](Error::NotFound).
    ///
    /// ```
    /// # use alluvium_core::directory::{block_on, MemoryDirectory};
    /// # use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
    /// # use std::sync::Arc;
    /// # let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true);
    /// # let config = CheckpointConfig::new().with_max_retained(1);
    /// # let directory = Arc::new(MemoryDirectory::new());
    /// let mut manager = block_on(IncrementalCheckpointManager::open(directory, config, options))?;
    /// block_on(manager.create_checkpoint(1))?;
    /// block_on(manager.keep(1))?;
    /// block_on(manager.create_checkpoint(2))?;
    /// block_on(manager.create_checkpoint(3))?;
    /// let ids: Vec<u64> = block_on(manager.list_checkpoints())?.iter().map(|checkpoint| checkpoint.id).collect();
    /// assert_eq!(ids, [3, 1]);
    /// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
    /// ```
    pub async fn keep(&mut self, id: u64) -> Result<(), Error> {
        let mut promise = Promise { ledger: self.ledger.clone(), id, is_open: false };
        {
            let mut pages = self.ledger.lock();
            if pages.going.contains(&id) {
                return Err(Error::NotFound(format!("checkpoint {id} is being deleted, so it cannot be kept")));
            }
            // Maintenance may run meanwhile. From now on it leaves the checkpoint.
            promise.is_open = pages.standing.kept.insert(id);
        }
        let listing = self.ledger.owned(Listing::take(&*self.directory).await, self.last_id())?;
        if !listing.checkpoints.contains(&id) {
            return Err(Error::NotFound(format!("checkpoint {id} does not exist, so it cannot be kept")));
        }
        promise.is_open = false;
        Ok(())
    }

    /// Leaves a checkpoint that was [kept](Self::keep) to retention again. As for `keep`, the next checkpoint makes
    /// it durable.
    ///
    /// A checkpoint that is not kept is [`NotFound`](Error::NotFound).
    pub fn release(&mut self, id: u64) -> Result<(), Error> {
        self.ledger.check()?;
        if self.ledger.lock().standing.kept.remove(&id) {
            return Ok(());
        }
        Err(Error::NotFound(format!("checkpoint {id} is not kept, so it cannot be released")))
    }

    /// Returns the ids of the checkpoints that are [kept](Self::keep).
    pub fn kept_checkpoints(&self) -> BTreeSet<u64> {
        self.ledger.lock().standing.kept.clone()
    }
}
