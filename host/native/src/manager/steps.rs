//! A checkpoint in three steps, of which only the middle one waits for the disk.

use alluvium_core::directory::block_on;
use alluvium_core::{CheckpointStatistics, Maintenance, MaintenanceReport};

use super::IncrementalCheckpointManager;
use crate::NativeDirectory;
use crate::error::IncrementalCheckpointError as Error;
use crate::metadata::IncrementalCheckpointMetadata;

/// A checkpoint that is frozen and not yet written. It can be written on another thread.
///
/// ```
/// use alluvium::{CheckpointConfig, IncrementalCheckpointManager};
///
/// let scratch = tempfile::tempdir()?;
/// let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(scratch.path()))?;
/// manager.put(b"key", b"1")?;
/// let prepared = manager.prepare_checkpoint(0)?;
/// let writing = std::thread::spawn(move || prepared.write());
/// manager.put(b"key", b"2")?;                       // belongs to the next checkpoint
/// let written = writing.join().expect("it does not panic")?;
/// let finished = manager.finish_checkpoint(written)?;
/// assert_eq!(finished.statistics().keys_changed, 1);
/// finished.run_maintenance();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a prepared checkpoint must be written: it holds the changes since the one before"]
pub struct PreparedCheckpoint {
    core: alluvium_core::PreparedCheckpoint<NativeDirectory>,
}

/// A checkpoint that is durable, and that the manager does not know yet.
#[derive(Debug)]
#[must_use = "the manager learns of the checkpoint by finish_checkpoint"]
pub struct WrittenCheckpoint {
    core: alluvium_core::WrittenCheckpoint<NativeDirectory>,
}

/// A finished checkpoint, with the maintenance that may follow it.
#[derive(Debug)]
pub struct FinishedCheckpoint {
    metadata: IncrementalCheckpointMetadata,
    statistics: CheckpointStatistics,
    maintenance: Maintenance<NativeDirectory>,
}

impl IncrementalCheckpointManager {
    /// The first of three steps: freezes what changed, in microseconds. Nothing is written yet.
    ///
    /// Write checkpoints in the order in which they were prepared.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// let prepared = manager.prepare_checkpoint(0)?;
    /// assert_eq!(prepared.id(), 1);
    /// let written = prepared.write()?;
    /// manager.finish_checkpoint(written)?.run_maintenance();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prepare_checkpoint(&mut self, wal_position: u64) -> Result<PreparedCheckpoint, Error> {
        self.settle()?;
        Ok(PreparedCheckpoint { core: self.core.prepare_checkpoint(wal_position)? })
    }

    /// The last of three steps: the manager takes note of a written checkpoint.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// let written = manager.prepare_checkpoint(0)?.write()?;
    /// assert_eq!(manager.latest_checkpoint_id(), None);
    /// let finished = manager.finish_checkpoint(written)?;
    /// assert_eq!(manager.latest_checkpoint_id(), Some(finished.metadata().id));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn finish_checkpoint(&mut self, written: WrittenCheckpoint) -> Result<FinishedCheckpoint, Error> {
        let finished = self.core.finish_checkpoint(written.core)?;
        Ok(FinishedCheckpoint {
            metadata: finished.metadata.into(),
            statistics: finished.statistics,
            maintenance: finished.maintenance,
        })
    }
}

impl PreparedCheckpoint {
    /// Returns the id that the checkpoint will have.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// assert_eq!(manager.prepare_checkpoint(0)?.id(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn id(&self) -> u64 {
        self.core.id()
    }

    /// The second of three steps: writes the checkpoint. When it returns `Ok`, it is durable.
    ///
    /// After an error the checkpoint may or may not exist, so the manager refuses all work until the
    /// directory is opened again. If no file was created yet, the changes belong to the next checkpoint
    /// instead. They do so, too, if a prepared checkpoint is dropped.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// let written = manager.prepare_checkpoint(0)?.write()?;
    /// assert_eq!(written.metadata().id, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write(self) -> Result<WrittenCheckpoint, Error> {
        Ok(WrittenCheckpoint { core: block_on(self.core.write())? })
    }
}

impl WrittenCheckpoint {
    /// Returns the metadata, as it is on disk.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.put(b"key", b"value")?;
    /// assert_eq!(manager.prepare_checkpoint(0)?.write()?.metadata().key_count, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn metadata(&self) -> IncrementalCheckpointMetadata {
        self.core.metadata().clone().into()
    }
}

impl FinishedCheckpoint {
    /// Returns the metadata, as it is on disk.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// let written = manager.prepare_checkpoint(64)?.write()?;
    /// assert_eq!(manager.finish_checkpoint(written)?.metadata().wal_position, 64);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn metadata(&self) -> &IncrementalCheckpointMetadata {
        &self.metadata
    }

    /// Returns what the checkpoint cost.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// let written = manager.prepare_checkpoint(0)?.write()?;
    /// assert!(manager.finish_checkpoint(written)?.statistics().bytes_written > 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn statistics(&self) -> &CheckpointStatistics {
        &self.statistics
    }

    /// Deletes old checkpoints and compacts files, now or later, on any thread.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// let written = manager.prepare_checkpoint(0)?.write()?;
    /// let report = manager.finish_checkpoint(written)?.run_maintenance();
    /// assert!(report.errors.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run_maintenance(self) -> MaintenanceReport {
        block_on(self.maintenance.run())
    }
}
