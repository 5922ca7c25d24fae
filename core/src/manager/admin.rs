//! Administration of a directory: lists, reads, deletes and verifies checkpoints.

use crate::directory::{Directory, DirectoryErrorKind, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::paths::deleted_path;
use crate::ledger::fence::fenced;
use crate::ledger::listing::Listing;
use crate::ledger::metadata_reader::read_listed_metadata;
use crate::maintenance::MaintenanceReport;
use crate::maintenance::beginning::mark_begun;
use crate::maintenance::gc::{Retain, collect};
use crate::maintenance::retention::GarbageReport;
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
        if keep == 0 {
            return Err(Error::InvalidInput(
                "keeping 0 checkpoints would lose everything: delete the directory instead".into(),
            ));
        }
        self.settle();
        let listing = self.as_owner(Listing::take(&*self.directory).await)?;
        self.sweep(&listing, Retain::Newest(keep)).await.map(report)
    }

    /// Deletes one checkpoint, with the files that it alone named. Its id is never given again.
    ///
    /// A checkpoint that does not exist is [`NotFound`](Error::NotFound). It is [`InvalidInput`](Error::InvalidInput)
    /// to delete a checkpoint that is [kept](Self::keep), the only one that says that another one is kept, or one
    /// after which a WAL file is being written.
    pub async fn delete_checkpoint(&mut self, id: u64) -> Result<MaintenanceReport, Error> {
        self.settle();
        let listing = self.as_owner(Listing::take(&*self.directory).await)?;
        if !listing.checkpoints.contains(&id) {
            return Err(Error::NotFound(format!("checkpoint {id} does not exist")));
        }
        self.check_not_kept(&listing, id).await?;
        if self.in_flight.is_followed_soon(id) {
            return Err(Error::InvalidInput(format!(
                "a WAL file after checkpoint {id} is being written: finish it first"
            )));
        }
        if self.wal.base == Some(id) {
            self.wal.base = None;
        }
        self.wal.marked = Some(id);
        // Before the metadata is deleted, a mark is created. It records that this id was given, and it warns
        // a writer that is about to write a WAL file after this checkpoint.
        if !listing.marked.contains(&id) {
            let marked = self.directory.create(vec![NewFile { path: deleted_path(id), content: Vec::new() }]).await;
            // A mark that another writer created serves as well.
            marked
                .or_else(|error| if error.kind() == DirectoryErrorKind::AlreadyExists { Ok(()) } else { Err(error) })?;
        }
        // Another writer may have acknowledged a WAL file meanwhile. The sweep lists the directory first and
        // finds it. A writer whose file comes after that listing finds the mark.
        let listed_again = self.as_owner(Listing::take(&*self.directory).await)?;
        if self.lineage.latest == Some(id) {
            // From here on it may be gone, also if this future is dropped.
            self.lineage.latest = listing.checkpoints.iter().rev().find(|other| **other != id).copied();
        }
        self.sweep(&listed_again, Retain::AllBut(Some(id))).await.map(report)
    }

    /// Deletes the files that no kept checkpoint names and no checkpoint in flight needs. Only files that
    /// Alluvium wrote are ever deleted. The report has a verdict on every file.
    pub async fn collect_garbage(&mut self) -> Result<GarbageReport, Error> {
        self.settle();
        // A collection that was asked for has a verdict on foreign files too.
        let listing = self.as_owner(Listing::take_all(&*self.directory).await)?;
        self.sweep(&listing, Retain::AllBut(None)).await
    }

    /// Checks by a listing that was just taken that this writer is still the newest. A writer that was superseded
    /// must delete nothing, so it is [`Fenced`](Error::Fenced).
    pub(super) fn as_owner(&self, taken: Result<Listing, Error>) -> Result<Listing, Error> {
        self.ledger.check()?;
        let listing = taken?;
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

    /// Collects garbage in a directory that was just listed.
    pub(super) async fn sweep(&self, listing: &Listing, retain: Retain) -> Result<GarbageReport, Error> {
        if let Retain::AllBut(Some(id)) = retain {
            // A checkpoint with a mark is about to go too.
            let is_last = listing.checkpoints.iter().all(|other| *other == id || listing.marked.contains(other));
            if is_last && !listing.is_begun() {
                mark_begun(&*self.directory).await?;
            }
        }
        if self.in_flight.unfinished() == 0 {
            // With nothing in flight, every unnamed segment below the next number is left over.
            let mut pages = self.ledger.lock();
            pages.own_below = pages.next_number;
        }
        collect(&*self.directory, &self.ledger, listing, retain).await
    }

    /// Reads every byte of the directory and reports what is wrong. It fails only if the directory cannot be
    /// listed.
    pub async fn verify(&self) -> Result<VerifyReport, Error> {
        verify(&*self.directory).await
    }
}

/// Turns the report of garbage collection into that of maintenance.
fn report(garbage: GarbageReport) -> MaintenanceReport {
    MaintenanceReport {
        reclaimed_bytes: garbage.reclaimed_bytes(),
        deleted: garbage.files.into_iter().filter(|file| !file.keep).map(|file| file.path).collect(),
        errors: garbage.errors,
        ..MaintenanceReport::default()
    }
}
