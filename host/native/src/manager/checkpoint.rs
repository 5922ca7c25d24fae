//! What makes state durable, and what brings an older one back.

use std::collections::HashMap;

use alluvium_core::directory::block_on;

use super::IncrementalCheckpointManager;
use crate::error::IncrementalCheckpointError as Error;
use crate::metadata::IncrementalCheckpointMetadata;

impl IncrementalCheckpointManager {
    /// Takes a checkpoint. When it returns, state, offsets, watermark, epoch and position are durable
    /// together.
    ///
    /// `wal_position` is a position in a log of the caller's own; it may not go backwards. Pass 0
    /// without one.
    ///
    /// Then old checkpoints are deleted and files compacted. An error there does not undo the
    /// checkpoint: [`last_maintenance`](Self::last_maintenance) reports it, and it is tried again.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.put(b"key", b"value")?;
    /// let checkpoint = manager.create_checkpoint(0)?;
    /// assert_eq!((checkpoint.id, checkpoint.key_count), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_checkpoint(&mut self, wal_position: u64) -> Result<IncrementalCheckpointMetadata, Error> {
        self.settle()?;
        let created = block_on(self.core.create_checkpoint(wal_position))?;
        self.last_maintenance = self.core.last_maintenance().cloned();
        Ok(created.into())
    }

    /// Takes a checkpoint that also holds an opaque state of the caller's own. The offsets and the
    /// watermark given become the manager's.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// let offsets = [("input".to_owned(), 7)].into();
    /// let checkpoint = manager.create_checkpoint_with_state(0, offsets, Some(5_000), b"my own bytes")?;
    /// assert_eq!(manager.load_checkpoint_state(checkpoint.id)?, b"my own bytes");
    /// assert_eq!(manager.source_offsets()["input"], 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_checkpoint_with_state(
        &mut self,
        wal_position: u64,
        source_offsets: HashMap<String, u64>,
        watermark: Option<i64>,
        state: &[u8],
    ) -> Result<IncrementalCheckpointMetadata, Error> {
        self.settle()?;
        let offsets = source_offsets.into_iter().collect();
        let created = block_on(self.core.create_checkpoint_with_state(wal_position, offsets, watermark, state));
        // After a failed write too, the manager reports what core reports.
        self.copy_source_offsets();
        let created = created?;
        self.last_maintenance = self.core.last_maintenance().cloned();
        Ok(created.into())
    }

    /// Makes everything so far durable with one small file instead of a checkpoint. Recovery replays
    /// it on top of the newest checkpoint. Without a checkpoint, the first is taken.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// let mut manager = alluvium::IncrementalCheckpointManager::new(config.clone())?;
    /// manager.create_checkpoint(0)?;
    /// manager.put(b"key", b"value")?;
    /// manager.sync(0)?;
    /// drop(manager);
    /// let manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// assert_eq!(manager.get(b"key"), Some(&b"value"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sync(&mut self, wal_position: u64) -> Result<(), Error> {
        self.settle()?;
        Ok(block_on(self.core.sync(wal_position))?)
    }

    /// Makes a kept checkpoint the newest: its state, offsets, watermark, epoch and position become
    /// the manager's, in a new checkpoint that shares its files. Changes that no checkpoint has are
    /// lost.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.put(b"key", b"old")?;
    /// let old = manager.create_checkpoint(0)?;
    /// manager.put(b"key", b"new")?;
    /// manager.create_checkpoint(0)?;
    /// let restored = manager.restore_checkpoint(old.id)?;
    /// assert_eq!(restored.id, 3);
    /// assert_eq!(manager.get(b"key"), Some(&b"old"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn restore_checkpoint(&mut self, id: u64) -> Result<IncrementalCheckpointMetadata, Error> {
        self.settle()?;
        let restored = block_on(self.core.restore_checkpoint(id))?;
        self.copy_source_offsets();
        self.last_maintenance = self.core.last_maintenance().cloned();
        Ok(restored.into())
    }
}
