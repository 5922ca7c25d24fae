//! What the directory holds: listing, reading, deleting, verifying.

use std::io;

use alluvium_core::directory::block_on;
use alluvium_core::tools::verify::VerifyReport;
use alluvium_core::{MaintenanceReport, Reaction};

use super::IncrementalCheckpointManager;
use crate::error::IncrementalCheckpointError as Error;
use crate::metadata::IncrementalCheckpointMetadata;

impl IncrementalCheckpointManager {
    /// Returns the metadata of the newest checkpoint, if there is one.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// assert_eq!(manager.find_latest_checkpoint()?, None);
    /// let created = manager.create_checkpoint(0)?;
    /// assert_eq!(manager.find_latest_checkpoint()?, Some(created));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn find_latest_checkpoint(&self) -> Result<Option<IncrementalCheckpointMetadata>, Error> {
        Ok(block_on(self.core.find_latest_checkpoint())?.map(Into::into))
    }

    /// Returns the metadata of one checkpoint; `None` when it does not exist.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.create_checkpoint(0)?;
    /// assert!(manager.load_checkpoint_metadata(1)?.is_some());
    /// assert!(manager.load_checkpoint_metadata(2)?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load_checkpoint_metadata(&self, id: u64) -> Result<Option<IncrementalCheckpointMetadata>, Error> {
        match block_on(self.core.load_checkpoint_metadata(id)).map_err(Error::from) {
            Ok(metadata) => Ok(Some(metadata.into())),
            Err(error) if error.reaction() == Reaction::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the opaque state of one checkpoint. A checkpoint without one is
    /// [`NotFound`](Error::NotFound).
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// let created = manager.create_checkpoint_with_state(0, [].into(), None, b"my own bytes")?;
    /// assert_eq!(manager.load_checkpoint_state(created.id)?, b"my own bytes");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load_checkpoint_state(&self, id: u64) -> Result<Vec<u8>, Error> {
        Ok(block_on(self.core.load_checkpoint_state(id))?)
    }

    /// Returns the metadata of every checkpoint, newest first. Damaged metadata is an error.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.create_checkpoint(0)?;
    /// manager.create_checkpoint(0)?;
    /// let ids: Vec<u64> = manager.list_checkpoints()?.iter().map(|checkpoint| checkpoint.id).collect();
    /// assert_eq!(ids, [2, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn list_checkpoints(&self) -> Result<Vec<IncrementalCheckpointMetadata>, Error> {
        Ok(block_on(self.core.list_checkpoints())?.into_iter().map(Into::into).collect())
    }

    /// Deletes all but the newest `max_retained` checkpoints, with the files that only they need.
    ///
    /// [`last_maintenance`](Self::last_maintenance) says what was deleted. A file that could not be
    /// deleted is an [`Io`](Error::Io) error here; it is tried again after the next checkpoint.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.create_checkpoint(0)?;
    /// manager.cleanup_old_checkpoints()?;
    /// assert_eq!(manager.list_checkpoints()?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cleanup_old_checkpoints(&mut self) -> Result<(), Error> {
        self.cleanup_old_checkpoints_keep(self.config.max_retained)
    }

    /// Deletes all but the newest `keep_count` checkpoints. Keeping 0 is refused.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.create_checkpoint(0)?;
    /// manager.create_checkpoint(0)?;
    /// manager.cleanup_old_checkpoints_keep(1)?;
    /// assert_eq!(manager.list_checkpoints()?.len(), 1);
    /// assert!(manager.cleanup_old_checkpoints_keep(0).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cleanup_old_checkpoints_keep(&mut self, keep_count: usize) -> Result<(), Error> {
        self.settle()?;
        let report = block_on(self.core.cleanup_old_checkpoints_keep(keep_count))?;
        self.report(report)
    }

    /// Deletes one checkpoint, with the files that only it needs. Its id is never given again.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// let newest = manager.create_checkpoint(0)?;
    /// manager.delete_checkpoint(newest.id)?;
    /// assert_eq!(manager.create_checkpoint(0)?.id, newest.id + 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn delete_checkpoint(&mut self, id: u64) -> Result<(), Error> {
        self.settle()?;
        let report = block_on(self.core.delete_checkpoint(id))?;
        self.report(report)
    }

    /// Reads every byte of the directory and reports what is wrong with it.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.create_checkpoint(0)?;
    /// assert!(!manager.verify()?.is_damaged());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verify(&self) -> Result<VerifyReport, Error> {
        Ok(block_on(self.core.verify())?)
    }

    fn report(&mut self, report: MaintenanceReport) -> Result<(), Error> {
        let failed = (!report.errors.is_empty()).then(|| io::Error::other(report.errors.join("; ")));
        self.last_maintenance = Some(report);
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}
