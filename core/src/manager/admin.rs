//! Administration of a directory: lists, reads, deletes and verifies checkpoints.

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::ledger::listing::Listing;
use crate::ledger::metadata_reader::read_listed_metadata;
use crate::maintenance::MaintenanceReport;
use crate::maintenance::gc::Retain;
use crate::maintenance::retention::GarbageReport;
use crate::manager::deletion::Deletion;
use crate::manager::types::IncrementalCheckpointManager;
use crate::tools::inspect;
use crate::tools::verify::{VerifyReport, verify};

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Reads the metadata of every checkpoint, newest first. Damaged metadata is an error. For a listing that
    /// includes damaged checkpoints, see [`inspect::list_checkpoints`].
    pub async fn list_checkpoints(&self) -> Result<Vec<IncrementalCheckpointMetadata>, Error> {
        let mut listing = Listing::take(&*self.directory).await?;
        loop {
            let mut found = Vec::with_capacity(listing.checkpoints.len());
            let mut failed = None;
            for id in listing.checkpoints.iter().rev().copied() {
                match read_listed_metadata(&*self.directory, &listing, id).await {
                    Ok(metadata) => found.push(metadata),
                    Err(error) => {
                        failed = Some((id, error));
                        break;
                    }
                }
            }
            let Some((id, error)) = failed else { return Ok(found) };
            if !listing.renew(&*self.directory, Some(id), &error).await {
                return Err(error);
            }
        }
    }

    /// Reads the metadata of the newest checkpoint. Returns `None` if there is no checkpoint.
    pub async fn find_latest_checkpoint(&self) -> Result<Option<IncrementalCheckpointMetadata>, Error> {
        let mut listing = Listing::take(&*self.directory).await?;
        loop {
            let Some(&id) = listing.checkpoints.last() else { return Ok(None) };
            match read_listed_metadata(&*self.directory, &listing, id).await {
                Ok(metadata) => return Ok(Some(metadata)),
                Err(error) if listing.renew(&*self.directory, Some(id), &error).await => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads the metadata of one checkpoint. A checkpoint that does not exist is
    /// [`NotFound`](Error::NotFound).
    pub async fn load_checkpoint_metadata(&self, id: u64) -> Result<IncrementalCheckpointMetadata, Error> {
        inspect::load_metadata(&*self.directory, id).await
    }

    /// Reads the opaque state of one checkpoint, verbatim. If it has none, or does not exist, the error is
    /// [`NotFound`](Error::NotFound).
    pub async fn load_checkpoint_state(&self, id: u64) -> Result<Vec<u8>, Error> {
        inspect::load_state(&*self.directory, id).await
    }

    /// Deletes all but the newest [`max_retained`](crate::CheckpointConfig::max_retained) checkpoints and those that
    /// are [kept](Self::keep), with the files that they alone named.
    pub async fn cleanup_old_checkpoints(&mut self) -> Result<MaintenanceReport, Error> {
        self.cleanup_old_checkpoints_keep(self.config.max_retained).await
    }

    /// Deletes all but the newest `keep` checkpoints, as
    /// [`cleanup_old_checkpoints`](Self::cleanup_old_checkpoints) does. Keeping 0 is
    /// [`InvalidInput`](Error::InvalidInput).
    pub async fn cleanup_old_checkpoints_keep(&mut self, keep: usize) -> Result<MaintenanceReport, Error> {
        self.prepare_cleanup(keep)?.run().await.map(Into::into)
    }

    /// Deletes one checkpoint, with the files that it alone named. Its id is never given again.
    ///
    /// A checkpoint that does not exist is [`NotFound`](Error::NotFound). It is [`InvalidInput`](Error::InvalidInput)
    /// to delete a checkpoint that is [kept](Self::keep), the only one that says that another one is kept, or one
    /// after which a WAL file is being written.
    pub async fn delete_checkpoint(&mut self, id: u64) -> Result<MaintenanceReport, Error> {
        self.prepare_deletion(id)?.run().await.map(Into::into)
    }

    /// Deletes the files that no kept checkpoint names and no checkpoint in flight needs. Only files that
    /// Alluvium wrote are ever deleted. The report has a verdict on every file.
    pub async fn collect_garbage(&mut self) -> Result<GarbageReport, Error> {
        self.prepare_garbage_collection()?.run().await
    }

    /// Prepares what [`cleanup_old_checkpoints_keep`](Self::cleanup_old_checkpoints_keep) does, to run beside the
    /// stream.
    ///
    /// ```
    /// # use alluvium_core::directory::{block_on, MemoryDirectory};
    /// # use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
    /// # use std::sync::Arc;
    /// # let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true);
    /// # let directory = Arc::new(MemoryDirectory::new());
    /// let mut manager = block_on(IncrementalCheckpointManager::open(directory, CheckpointConfig::new(), options))?;
    /// block_on(manager.create_checkpoint(1))?;
    /// block_on(manager.create_checkpoint(2))?;
    /// let cleanup = manager.prepare_cleanup(1)?;
    /// // The manager is free while the cleanup runs, on another thread for example.
    /// manager.put(b"key", b"value")?;
    /// block_on(cleanup.run())?;
    /// assert_eq!(block_on(manager.list_checkpoints())?.len(), 1);
    /// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
    /// ```
    pub fn prepare_cleanup(&mut self, keep: usize) -> Result<Deletion<D>, Error> {
        if keep == 0 {
            return Err(Error::InvalidInput(
                "keeping 0 checkpoints would lose everything: delete the directory instead".into(),
            ));
        }
        self.prepare_to_delete(Retain::Newest(keep))
    }

    /// Prepares what [`delete_checkpoint`](Self::delete_checkpoint) does, to run beside the stream. Whether the
    /// checkpoint may be deleted is found out then.
    pub fn prepare_deletion(&mut self, id: u64) -> Result<Deletion<D>, Error> {
        self.prepare_to_delete(Retain::AllBut(Some(id)))
    }

    /// Prepares what [`collect_garbage`](Self::collect_garbage) does, to run beside the stream.
    pub fn prepare_garbage_collection(&mut self) -> Result<Deletion<D>, Error> {
        self.prepare_to_delete(Retain::AllBut(None))
    }

    fn prepare_to_delete(&mut self, retain: Retain) -> Result<Deletion<D>, Error> {
        self.ledger.check()?;
        self.settle();
        Ok(self.deletion(retain))
    }

    /// Returns what deletes all checkpoints but those.
    pub(super) fn deletion(&self, retain: Retain) -> Deletion<D> {
        Deletion {
            directory: self.directory.clone(),
            ledger: self.ledger.clone(),
            in_flight: self.in_flight.clone(),
            retain,
            last_id: self.last_id(),
        }
    }

    /// Returns the highest id that was given.
    pub(super) fn last_id(&self) -> u64 {
        self.lineage.next_id.map_or(u64::MAX, |next| next - 1)
    }

    /// Reads every byte of the directory and reports what is wrong. It fails only if the directory cannot be
    /// listed.
    pub async fn verify(&self) -> Result<VerifyReport, Error> {
        verify(&*self.directory).await
    }
}
