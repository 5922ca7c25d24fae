//! What the directory holds: listing, reading, deleting, verifying.

use crate::directory::{Directory, DirectoryErrorKind, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::paths::deleted_path;
use crate::ledger::fence::fenced;
use crate::ledger::listing::Listing;
use crate::maintenance::MaintenanceReport;
use crate::maintenance::gc::{Retain, collect};
use crate::maintenance::retention::GarbageReport;
use crate::manager::types::IncrementalCheckpointManager;
use crate::tools::inspect;
use crate::tools::verify::{VerifyReport, verify};

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Metadata of every checkpoint, newest first. A damaged one is an error; see
    /// [`inspect::list_checkpoints`] for a listing that goes on.
    pub async fn list_checkpoints(&self) -> Result<Vec<IncrementalCheckpointMetadata>, Error> {
        let mut found = Vec::new();
        for id in Listing::take(&*self.directory).await?.checkpoints.into_iter().rev() {
            found.push(self.load_checkpoint_metadata(id).await?);
        }
        Ok(found)
    }

    /// Metadata of the newest checkpoint, if there is one.
    pub async fn find_latest_checkpoint(&self) -> Result<Option<IncrementalCheckpointMetadata>, Error> {
        match Listing::take(&*self.directory).await?.checkpoints.last() {
            Some(&id) => self.load_checkpoint_metadata(id).await.map(Some),
            None => Ok(None),
        }
    }

    /// Metadata of one checkpoint.
    pub async fn load_checkpoint_metadata(&self, id: u64) -> Result<IncrementalCheckpointMetadata, Error> {
        inspect::load_metadata(&*self.directory, id).await
    }

    /// The opaque state of one checkpoint, verbatim.
    pub async fn load_checkpoint_state(&self, id: u64) -> Result<Vec<u8>, Error> {
        inspect::load_state(&*self.directory, id).await
    }

    /// Lets all but the newest [`max_retained`](crate::CheckpointConfig::max_retained) checkpoints
    /// go, with the files that they alone named.
    pub async fn cleanup_old_checkpoints(&mut self) -> Result<MaintenanceReport, Error> {
        self.cleanup_old_checkpoints_keep(self.config.max_retained).await
    }

    /// As [`cleanup_old_checkpoints`](Self::cleanup_old_checkpoints), keeping `keep`; 0 is refused.
    pub async fn cleanup_old_checkpoints_keep(&mut self, keep: usize) -> Result<MaintenanceReport, Error> {
        if keep == 0 {
            return Err(Error::InvalidInput(
                "keeping 0 checkpoints would lose everything: delete the directory instead".into(),
            ));
        }
        self.sweep(Retain::Newest(keep)).await.map(report)
    }

    /// Deletes one checkpoint, with the files that it alone named. Its id is never given again.
    pub async fn delete_checkpoint(&mut self, id: u64) -> Result<MaintenanceReport, Error> {
        let listing = self.list_as_owner().await?;
        if !listing.checkpoints.contains(&id) {
            return Err(Error::NotFound(format!("checkpoint {id} does not exist")));
        }
        let written = self.ledger.lock().wal_sequence;
        if self.wal.base.is_some_and(|base| base.checkpoint == id && base.sequence > written) {
            return Err(Error::InvalidInput(format!("a log after checkpoint {id} is being written: finish it first")));
        }
        // Before the metadata goes, a mark is left: it remembers that this id was given, and tells
        // whoever is about to sync upon it.
        if !listing.marked.contains(&id) {
            let marked = self.directory.create(vec![NewFile { path: deleted_path(id), content: Vec::new() }]).await;
            // Somebody else's mark does as well.
            marked
                .or_else(|error| if error.kind() == DirectoryErrorKind::AlreadyExists { Ok(()) } else { Err(error) })?;
        }
        if self.wal.base.is_some_and(|base| base.checkpoint == id) {
            self.wal.base = None;
        }
        // A log that came meanwhile was acknowledged, perhaps: sweeping begins with a look for it. One
        // that comes after that look finds the mark.
        let swept = self.sweep(Retain::AllBut(Some(id))).await?;
        let newest = listing.checkpoints.iter().rev().find(|other| **other != id).copied();
        if self.lineage.latest == Some(id) {
            self.lineage.latest = newest;
        }
        Ok(report(swept))
    }

    /// Deletes what no kept checkpoint names and no checkpoint in flight needs. Only files that
    /// Alluvium wrote are ever deleted.
    pub async fn collect_garbage(&mut self) -> Result<GarbageReport, Error> {
        self.sweep(Retain::AllBut(None)).await
    }

    /// A listing, if this writer is still the newest: one that was superseded deletes nothing.
    async fn list_as_owner(&self) -> Result<Listing, Error> {
        self.ledger.check()?;
        let listing = Listing::take(&*self.directory).await?;
        let last_id = self.lineage.next_id.map_or(u64::MAX, |next| next - 1);
        let superseded = {
            let pages = self.ledger.lock();
            listing.superseded(last_id, |checkpoint, sequence| pages.knows(checkpoint, sequence))
        };
        if let Some(left) = superseded {
            let error = fenced(left);
            self.ledger.poison(&error);
            return Err(error);
        }
        Ok(listing)
    }

    async fn sweep(&mut self, retain: Retain) -> Result<GarbageReport, Error> {
        let listing = self.list_as_owner().await?;
        if self.lineage.in_flight == 0 {
            // With nothing in flight, whatever is numbered below what comes next is left over.
            let mut pages = self.ledger.lock();
            pages.own_below = pages.next_number;
        }
        collect(&*self.directory, &self.ledger, &listing, retain).await
    }

    /// Reads every byte and reports what is wrong with it.
    pub async fn verify(&self) -> Result<VerifyReport, Error> {
        verify(&*self.directory).await
    }
}

fn report(garbage: GarbageReport) -> MaintenanceReport {
    MaintenanceReport {
        reclaimed_bytes: garbage.reclaimed_bytes(),
        deleted: garbage.files.into_iter().filter(|file| !file.keep).map(|file| file.path).collect(),
        errors: garbage.errors,
        ..MaintenanceReport::default()
    }
}
