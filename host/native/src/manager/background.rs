//! Checkpoints that a thread of their own writes, while the stream continues.

use alluvium_core::{CheckpointStatistics, MaintenanceReport};

use super::IncrementalCheckpointManager;
use crate::background::{BackgroundCheckpoint, BackgroundWriter};
use crate::error::IncrementalCheckpointError as Error;
use crate::metadata::IncrementalCheckpointMetadata;

/// A background checkpoint that has become durable.
#[derive(Debug, Clone)]
pub struct DurableCheckpoint {
    metadata: IncrementalCheckpointMetadata,
    statistics: CheckpointStatistics,
}

impl DurableCheckpoint {
    /// Returns the metadata, as it is on disk.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.begin_checkpoint(0)?;
    /// assert_eq!(manager.wait_for_checkpoints()?[0].metadata().id, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn metadata(&self) -> &IncrementalCheckpointMetadata {
        &self.metadata
    }

    /// Returns what the checkpoint cost. The stream waited for `freeze_us` alone.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.put(b"key", b"value")?;
    /// manager.begin_checkpoint(0)?;
    /// assert_eq!(manager.wait_for_checkpoints()?[0].statistics().keys_changed, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn statistics(&self) -> &CheckpointStatistics {
        &self.statistics
    }
}

impl From<BackgroundCheckpoint> for DurableCheckpoint {
    fn from(checkpoint: BackgroundCheckpoint) -> Self {
        Self { metadata: checkpoint.metadata.into(), statistics: checkpoint.statistics }
    }
}

impl IncrementalCheckpointManager {
    /// Freezes a checkpoint and gives it to a background thread, in microseconds. Returns its id.
    ///
    /// It is durable once [`poll_checkpoints`](Self::poll_checkpoints) or
    /// [`wait_for_checkpoints`](Self::wait_for_checkpoints) returns it. While too many are being
    /// written, this fails with [`BufferOverflow`](Error::BufferOverflow): poll, then try again.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.put(b"key", b"1")?;
    /// let id = manager.begin_checkpoint(0)?;
    /// manager.put(b"key", b"2")?;                   // belongs to the next checkpoint
    /// assert_eq!(manager.wait_for_checkpoints()?[0].metadata().id, id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn begin_checkpoint(&mut self, wal_position: u64) -> Result<u64, Error> {
        let writer = self.writer.get_or_insert_with(BackgroundWriter::start);
        Ok(writer.checkpoint(&mut self.core, wal_position)?)
    }

    /// Returns the background checkpoints that have become durable since the last call, without
    /// waiting.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.begin_checkpoint(0)?;
    /// while manager.poll_checkpoints()?.is_empty() {
    ///     std::thread::yield_now();                 // or work on
    /// }
    /// assert_eq!(manager.latest_checkpoint_id(), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn poll_checkpoints(&mut self) -> Result<Vec<DurableCheckpoint>, Error> {
        if let Some(writer) = &mut self.writer {
            let durable = writer.poll(&mut self.core)?;
            self.durable.extend(durable.into_iter().map(DurableCheckpoint::from));
        }
        self.take_reports();
        Ok(std::mem::take(&mut self.durable))
    }

    /// Waits until every background checkpoint is durable and its maintenance is done.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.begin_checkpoint(0)?;
    /// manager.begin_checkpoint(0)?;
    /// assert_eq!(manager.wait_for_checkpoints()?.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for_checkpoints(&mut self) -> Result<Vec<DurableCheckpoint>, Error> {
        self.settle()?;
        Ok(std::mem::take(&mut self.durable))
    }

    /// Waits for the background thread, since only one thread at a time may write. What has become
    /// durable is kept for the next poll.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        if let Some(writer) = &mut self.writer {
            let durable = writer.wait(&mut self.core)?;
            self.durable.extend(durable.into_iter().map(DurableCheckpoint::from));
        }
        self.take_reports();
        Ok(())
    }

    /// Remembers maintenance that was run elsewhere.
    pub(crate) fn set_last_maintenance(&mut self, report: MaintenanceReport) {
        self.last_maintenance = Some(report);
    }

    fn take_reports(&mut self) {
        if let Some(writer) = &mut self.writer {
            while let Some(report) = writer.next_report() {
                self.last_maintenance = Some(report);
            }
        }
    }
}
