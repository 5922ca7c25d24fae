//! Deletes checkpoints and files beside the stream: the manager prepares it, and is free while it runs.

use std::fmt;
use std::sync::Arc;

use crate::commit::in_flight::InFlight;
use crate::directory::{Directory, DirectoryErrorKind, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::deleted_path;
use crate::ledger::Ledger;
use crate::ledger::guards::Going;
use crate::ledger::listing::Listing;
use crate::ledger::standing::check_still_said;
use crate::maintenance::beginning::mark_begun;
use crate::maintenance::gc::{Retain, collect};
use crate::maintenance::retention::GarbageReport;

/// What is about to be deleted. It owns what it needs, its directory included, so the state may be read, changed and
/// checkpointed while it runs. Nothing is deleted before [`run`](Self::run), and nothing is lost if it is dropped.
#[must_use = "nothing is deleted until it runs"]
pub struct Deletion<D> {
    pub(super) directory: Arc<D>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) in_flight: Arc<InFlight>,
    pub(super) retain: Retain,
    /// The highest id that the manager had given when this was prepared.
    pub(super) last_id: u64,
}

impl<D> fmt::Debug for Deletion<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deletion").field("retain", &self.retain).finish_non_exhaustive()
    }
}

impl<D: Directory> Deletion<D> {
    /// Deletes what it was prepared for, first the metadata of checkpoints, then the files that they alone named. The
    /// report has a verdict on every file.
    ///
    /// The errors are those of the method that prepared it. [`Fenced`](Error::Fenced) means that another writer has
    /// taken over the directory; nothing is deleted then.
    pub async fn run(self) -> Result<GarbageReport, Error> {
        match self.retain {
            Retain::AllBut(Some(id)) => self.delete(id).await,
            // A collection that was asked for has a verdict on foreign files too.
            Retain::AllBut(None) => {
                self.sweep(&self.ledger.owned(Listing::take_all(&*self.directory).await, self.last_id)?).await
            }
            Retain::Newest(_) => self.sweep(&self.listing().await?).await,
        }
    }

    async fn delete(&self, id: u64) -> Result<GarbageReport, Error> {
        let listing = self.listing().await?;
        if !listing.checkpoints.contains(&id) {
            return Err(Error::NotFound(format!("checkpoint {id} does not exist")));
        }
        let going = Going::begin(&self.ledger, id)?;
        let kept = self.ledger.lock().standing.kept.clone();
        check_still_said(&*self.directory, &kept, &listing, id).await?;
        if !self.in_flight.begin_deletion(id, &listing.checkpoints) {
            return Err(Error::InvalidInput(format!(
                "a WAL file after checkpoint {id} is being written: finish it first"
            )));
        }
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
        let report = self.sweep(&self.listing().await?).await?;
        drop(going);
        Ok(report)
    }

    /// Lists the directory, if this writer is still the newest.
    async fn listing(&self) -> Result<Listing, Error> {
        self.ledger.owned(Listing::take(&*self.directory).await, self.last_id)
    }

    /// Collects garbage in a directory that was just listed.
    async fn sweep(&self, listing: &Listing) -> Result<GarbageReport, Error> {
        if let Retain::AllBut(Some(id)) = self.retain {
            // A checkpoint with a mark is about to go too.
            let is_last = listing.checkpoints.iter().all(|other| *other == id || listing.marked.contains(other));
            if is_last && !listing.is_begun() {
                mark_begun(&*self.directory).await?;
            }
        }
        {
            // No checkpoint takes a number while this is locked.
            let mut pages = self.ledger.lock();
            if self.in_flight.unfinished() == 0 {
                // With nothing in flight, every unnamed segment below the next number is left over.
                pages.own_below = pages.next_number;
            }
        }
        collect(&*self.directory, &self.ledger, listing, self.retain).await
    }
}
