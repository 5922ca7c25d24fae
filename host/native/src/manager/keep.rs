//! Keeping checkpoints by their ids, beside those that retention keeps by their number.

use std::collections::BTreeSet;

use alluvium_core::directory::block_on;

use super::IncrementalCheckpointManager;
use crate::error::IncrementalCheckpointError as Error;

impl IncrementalCheckpointManager {
    /// Keeps a checkpoint until it is [released](Self::release): retention leaves it, and
    /// [`delete_checkpoint`](Self::delete_checkpoint) refuses it. A checkpoint that does not exist is
    /// [`NotFound`](Error::NotFound).
    ///
    /// For this manager it holds at once. The next checkpoint makes it durable.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path()).with_max_retained(1);
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// let before_the_change = manager.create_checkpoint(0)?.id;
    /// manager.keep(before_the_change)?;
    /// manager.create_checkpoint(0)?;
    /// manager.create_checkpoint(0)?;
    /// let ids: Vec<u64> = manager.list_checkpoints()?.iter().map(|checkpoint| checkpoint.id).collect();
    /// assert_eq!(ids, [3, 1]);
    /// assert!(manager.delete_checkpoint(1).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keep(&mut self, id: u64) -> Result<(), Error> {
        Ok(block_on(self.core.keep(id))?)
    }

    /// Leaves a checkpoint that was [kept](Self::keep) to retention again. The next checkpoint makes it durable. A
    /// checkpoint that is not kept is [`NotFound`](Error::NotFound).
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.create_checkpoint(0)?;
    /// manager.keep(1)?;
    /// manager.release(1)?;
    /// assert!(manager.release(1).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn release(&mut self, id: u64) -> Result<(), Error> {
        Ok(self.core.release(id)?)
    }

    /// Returns the ids of the checkpoints that are [kept](Self::keep).
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.create_checkpoint(0)?;
    /// manager.keep(1)?;
    /// assert_eq!(manager.kept_checkpoints(), [1].into());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kept_checkpoints(&self) -> BTreeSet<u64> {
        self.core.kept_checkpoints()
    }
}
