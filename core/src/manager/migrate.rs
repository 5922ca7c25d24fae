//! Rewrites a directory of an older format in the newest one.

use serde::{Deserialize, Serialize};

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::version::FormatVersion;
use crate::ledger::listing::Listing;
use crate::maintenance::gc::Retain;
use crate::manager::types::IncrementalCheckpointManager;
use crate::tools::inspect::find_state;

/// What a migration did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationReport {
    /// The checkpoint that was written in the newest format. It is `None` if the newest one was in that format
    /// already.
    pub written: Option<u64>,
    /// How many bytes were written for it.
    pub bytes_written: u64,
    /// The relative paths of the files that were deleted afterwards.
    pub deleted: Vec<String>,
    /// The total length of these files, in bytes.
    pub reclaimed_bytes: u64,
    /// The checkpoints of an older format that are still there, because retention keeps them.
    pub left: Vec<u64>,
    /// What went wrong after the new checkpoint was durable. Migrating again tries it again.
    pub errors: Vec<String>,
}

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Rewrites the directory in the newest format: everything that the newest checkpoint and the WAL after it
    /// hold becomes a new checkpoint, with its state, position and opaque state. Then the checkpoints of an
    /// older format are deleted, as retention does. A checkpoint that the caller asked to be kept stays.
    ///
    /// A directory of LaminarDB is migrated too. Its opaque state stays opaque: the new checkpoint has the same
    /// `state.bin`.
    ///
    /// A crash at any point leaves the state as it was, in one of the two formats. Migrating again continues.
    /// If there is nothing to do, nothing is written. While a checkpoint is in flight, the error is
    /// [`InvalidInput`](Error::InvalidInput); the other errors are those of
    /// [`create_checkpoint`](Self::create_checkpoint).
    pub async fn migrate(&mut self) -> Result<MigrationReport, Error> {
        self.ledger.check()?;
        self.settle();
        let in_flight = self.in_flight.unfinished();
        if in_flight > 0 {
            return Err(Error::InvalidInput(format!("{in_flight} checkpoints are in flight: finish them first")));
        }
        let mut report = MigrationReport::default();
        let Some(latest) = self.lineage.latest else { return Ok(report) };
        if is_old(&self.load_checkpoint_metadata(latest).await?) {
            let state_file = find_state(&*self.directory, latest).await?;
            let metadata = self.rewrite(state_file).await?;
            report.written = Some(metadata.id);
            report.bytes_written = metadata.alluvium.map_or(0, |fields| fields.bytes_written);
        }
        let old = self.old_checkpoints().await?;
        if old.is_empty() {
            return Ok(report);
        }
        let newer =
            Listing::take(&*self.directory).await?.checkpoints.iter().rev().take_while(|id| !old.contains(id)).count();
        let garbage = self.deletion(Retain::Newest(newer)).run().await?;
        report.reclaimed_bytes = garbage.reclaimed_bytes();
        report.deleted = garbage.files.into_iter().filter(|file| !file.keep).map(|file| file.path).collect();
        report.errors = garbage.errors;
        report.left = self.old_checkpoints().await?;
        Ok(report)
    }

    /// Writes the whole state as a checkpoint that shares no files.
    async fn rewrite(&mut self, state_file: Option<Vec<u8>>) -> Result<IncrementalCheckpointMetadata, Error> {
        let incremental = std::mem::replace(&mut self.config.incremental, false);
        let prepared = self.prepare(self.live.position.wal_position, state_file);
        self.config.incremental = incremental;
        let written = prepared?.write().await?;
        Ok(self.finish_checkpoint(written)?.metadata)
    }

    /// Returns the checkpoints that are in an older format, or name a file that is. One whose metadata is
    /// damaged counts too.
    async fn old_checkpoints(&self) -> Result<Vec<u64>, Error> {
        let mut old = Vec::new();
        for id in Listing::take(&*self.directory).await?.checkpoints {
            match self.load_checkpoint_metadata(id).await {
                Ok(metadata) if !is_old(&metadata) => {}
                Err(error) if matches!(error, Error::Io(_)) => return Err(error),
                _ => old.push(id),
            }
        }
        Ok(old)
    }
}

/// Tells whether a checkpoint is in an older format, or names a file that is.
fn is_old(metadata: &IncrementalCheckpointMetadata) -> bool {
    let newest = FormatVersion::default();
    let Some(fields) = &metadata.alluvium else { return true };
    fields.format != newest || fields.segments.iter().any(|entry| entry.format != newest)
}
