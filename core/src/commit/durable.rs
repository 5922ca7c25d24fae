//! The third step: creates the encoded files in the directory and makes the checkpoint the newest.

use std::fmt;
use std::sync::Arc;

use crate::commit::encoded::Encoded;
use crate::commit::held::Unfinished;
use crate::commit::prepared::PreparedCheckpoint;
use crate::commit::statistics::CheckpointStatistics;
use crate::config::Counts;
use crate::directory::{Directory, DirectoryErrorKind};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::paths::metadata_path;
use crate::ledger::Ledger;
use crate::ledger::fence::fenced;
use crate::ledger::guards::UnknownOutcome;
use crate::ledger::listing::{Listing, may_be_ours};
use crate::ledger::own_file::Fingerprint;
use crate::maintenance::Maintenance;
use crate::maintenance::beginning::mark_begun;
use crate::maintenance::compaction::plan::CompactionInput;
use crate::seeded_defects::{self, Defect};

/// A durable checkpoint that the manager does not know of yet. If it is dropped, the manager learns of it with its
/// next operation, and its maintenance is left to the next checkpoint.
#[must_use = "the manager learns of the checkpoint by finish_checkpoint"]
pub struct WrittenCheckpoint<D> {
    pub(crate) metadata: IncrementalCheckpointMetadata,
    pub(crate) unfinished: Unfinished,
    pub(crate) maintenance: Maintenance<D>,
}

impl<D> WrittenCheckpoint<D> {
    /// Returns the checkpoint's metadata, as it is on disk.
    pub fn metadata(&self) -> &IncrementalCheckpointMetadata {
        &self.metadata
    }
}

impl<D> fmt::Debug for WrittenCheckpoint<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrittenCheckpoint").field("id", &self.metadata.id).finish_non_exhaustive()
    }
}

/// A checkpoint that is done, and the maintenance that may follow it.
#[derive(Debug)]
pub struct FinishedCheckpoint<D> {
    /// The metadata, as it is on disk.
    pub metadata: IncrementalCheckpointMetadata,
    /// What the checkpoint cost.
    pub statistics: CheckpointStatistics,
    /// Retention, garbage collection and compaction, to be run now or later. Its outcome does not
    /// affect the checkpoint.
    pub maintenance: Maintenance<D>,
}

impl<D: Directory> PreparedCheckpoint<D> {
    /// Writes the checkpoint. When it resolves to `Ok`, the checkpoint is durable.
    ///
    /// Until the first file is created, a dropped future undoes the checkpoint, and so does an error: its changes
    /// belong to the next one. A checkpoint that is written out of order is [`InvalidInput`](Error::InvalidInput).
    ///
    /// From then on, after an error or a dropped future, the checkpoint may or may not exist, and the manager refuses
    /// further work until the directory is reopened. [`Fenced`](Error::Fenced) says that another writer has taken
    /// over: either this checkpoint does not exist, or it exists and theirs was built on it.
    pub async fn write(mut self) -> Result<WrittenCheckpoint<D>, Error> {
        let started_us = self.clock.0.monotonic_us();
        let mut encoded = self.begin().await?;
        if self.foundation.is_none() && self.held.parent().is_none() {
            let marked = mark_begun(&*self.directory).await;
            marked.inspect_err(|error| self.ledger.poison(error))?;
        }
        self.held.release();
        self.instead = None;
        let outcome = UnknownOutcome::of(&self.ledger, format!("the write of checkpoint {} was cancelled", self.id));
        let published = self.publish(&mut encoded, started_us).await;
        outcome.known(published.as_ref().err());
        let listing = published?;
        let Encoded { ticket, metadata, segments, statistics, .. } = encoded;
        ticket.commit(&metadata, segments, &listing);
        let maintenance = Maintenance {
            directory: self.directory,
            stores: self.stores,
            listing,
            ledger: self.ledger,
            checkpoint_id: self.id,
            max_retained: self.max_retained,
            compaction_input: CompactionInput { delta_bytes: statistics.delta_bytes, ..self.compaction_input },
        };
        Ok(WrittenCheckpoint { metadata, unfinished: self.held.written(statistics), maintenance })
    }

    /// Takes this checkpoint's turn and encodes it. No file is created.
    async fn begin(&mut self) -> Result<Encoded, Error> {
        self.held.begin()?;
        let numbers = self.frozen().segments_max();
        let ticket = self.ledger.begin_commit(self.id, self.full, self.foundation.as_ref(), numbers)?;
        self.encode(ticket).await
    }

    /// Creates the files, and checks that no other writer was there.
    async fn publish(&self, encoded: &mut Encoded, started_us: u64) -> Result<Listing, Error> {
        encoded.ticket.begin_creation(Fingerprint::of(&encoded.batch));
        let listing = if self.ledger.counts == Counts::NamedElsewhere {
            // What names the checkpoint does so after this, so no file of it has to come before another.
            let batch = std::mem::take(&mut encoded.batch);
            Listing::of(self.directory.create_unordered_and_list_only(batch, may_be_ours).await?)
        } else {
            create(&*self.directory, encoded).await?
        };
        encoded.statistics.write_us = self.clock.0.monotonic_us().saturating_sub(started_us);
        let left = another_writer(&self.ledger, encoded, &listing);
        if let Some(left) = left.filter(|_| !seeded_defects::is(Defect::SkipFence)) {
            self.directory.delete(&[metadata_path(self.id)]).await?;
            return Err(fenced(left));
        }
        Ok(listing)
    }
}

/// Creates the files and lists the directory afterwards.
async fn create<D: Directory>(directory: &D, encoded: &mut Encoded) -> Result<Listing, Error> {
    let mut batch = std::mem::take(&mut encoded.batch);
    if seeded_defects::is(Defect::PublishFirst) {
        batch.rotate_right(1);
    }
    let last = Fingerprint::of(&batch);
    let entries = match directory.create_and_list_only(batch, may_be_ours).await {
        Ok(entries) => entries,
        Err(error) if error.kind() == DirectoryErrorKind::Io && seeded_defects::is(Defect::SwallowError) => {
            directory.list_only(may_be_ours).await?
        }
        Err(error) => {
            Fingerprint::settle(last, directory, encoded.ticket.writer, error).await?;
            directory.list_only(may_be_ours).await?
        }
    };
    Ok(Listing::of(entries))
}

/// Says what another writer left, if one did. The name of the metadata was free, but that alone does
/// not prove that no other writer was ahead. If others committed newer checkpoints and deleted older
/// ones while this writer slept, its name is free, and only the listing shows their newer ids.
fn another_writer(ledger: &Arc<Ledger>, encoded: &Encoded, listing: &Listing) -> Option<String> {
    let id = encoded.metadata.id;
    let superseded = {
        let pages = ledger.lock();
        // An id before this one is free if the checkpoint that would have had it was dropped.
        let settled = pages.committed.unwrap_or(0).max(pages.opened_at_id);
        if let Some(other) = listing.checkpoints.iter().find(|other| **other > settled && **other < id) {
            return Some(format!("checkpoint {other} belongs to another writer"));
        }
        // If a WAL file follows this very checkpoint, another writer has built on it already.
        listing.superseded(id, |after, sequence| after == id || pages.knows(after, sequence))
    };
    superseded
        .or_else(|| {
            // A writer that deletes a checkpoint looks for newer ones after it has deleted the metadata,
            // and before it deletes the files. So if the checkpoint whose files are shared here still
            // exists, that writer will find this one. If it does not exist, this one must not count.
            let source = encoded.ticket.source.filter(|source| !listing.checkpoints.contains(source))?;
            Some(format!("checkpoint {source}, which {id} builds on, is gone"))
        })
        .or_else(|| {
            // No metadata named the files of a compaction until now. So a writer that took the directory
            // over may have deleted them as garbage.
            let gone = encoded.metadata.segment_files().into_iter().find(|path| !listing.holds(path))?;
            Some(format!("{gone}, which {id} builds on, is gone"))
        })
}
