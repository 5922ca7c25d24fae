//! Reads what a directory holds without opening it for writing. Nothing here changes a byte.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::paths::metadata_path;
use crate::ledger::listing::{BEGUN, Listing};
use crate::ledger::lost;
use crate::ledger::metadata_reader::{read_listed_metadata, read_metadata};
use crate::ledger::standing::kept_in;

pub use crate::ledger::metadata_reader::{find_state, load_state};

/// One checkpoint of a listing, which may be damaged or partial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointSummary {
    /// The checkpoint's id.
    pub id: u64,
    /// The checkpoint's metadata, or the reason why it cannot be read.
    pub metadata: Result<IncrementalCheckpointMetadata, String>,
    /// The length of the metadata file in bytes. It is 0 if there is no such file.
    pub metadata_bytes: u64,
}

/// Returns every checkpoint that the names in a directory mention, newest first. Damaged checkpoints are
/// included, and so are partial ones, which have no metadata, and missing ones, which only WAL files mention.
///
/// Fails only if the directory cannot be listed.
pub async fn list_checkpoints<D: Directory>(directory: &D) -> Result<Vec<CheckpointSummary>, Error> {
    let mut listing = Listing::take_beside_writer(directory).await?;
    loop {
        let (found, failed) = summaries(directory, &listing).await;
        let Some((id, error)) = failed else { return Ok(found) };
        if !listing.renew(directory, Some(id), &error).await {
            return Ok(found);
        }
    }
}

/// Returns a summary of each checkpoint that a listing mentions, and the first listed one that cannot be read.
async fn summaries<D: Directory>(directory: &D, listing: &Listing) -> (Vec<CheckpointSummary>, Option<(u64, Error)>) {
    let mut failed = None;
    let partial: BTreeSet<u64> = listing.entries().filter_map(|(name, _)| name.checkpoint_id()).collect();
    let mut ids: BTreeSet<u64> = listing.wal.iter().map(|(checkpoint, ..)| *checkpoint).collect();
    ids.extend(partial.iter().chain(&listing.checkpoints));
    ids.remove(&BEGUN);
    let mut found = Vec::with_capacity(ids.len());
    for id in ids.into_iter().rev() {
        let path = metadata_path(id);
        let metadata_bytes = listing.entry(&path).map_or(0, |(_, entry)| entry.bytes);
        let metadata = if listing.checkpoints.contains(&id) {
            let read = read_listed_metadata(directory, listing, id).await;
            read.map_err(|error| failed.get_or_insert((id, error)).1.to_string())
        } else if listing.marked.contains(&id) {
            Err("deleted; its id is never given again".into())
        } else if partial.contains(&id) {
            Err(format!("partial: {path} is not there"))
        } else {
            let files = listing.wal_after(id).count();
            Err(format!("missing, although {files} WAL files follow it; they are never replayed"))
        };
        found.push(CheckpointSummary { id, metadata, metadata_bytes });
    }
    (found, failed)
}

/// Returns the ids of the checkpoints that are [kept](crate::IncrementalCheckpointManager::keep), as the newest
/// checkpoint says. Those that do not exist are left out.
pub async fn kept_checkpoints<D: Directory>(directory: &D) -> Result<BTreeSet<u64>, Error> {
    let mut listing = Listing::take_beside_writer(directory).await?;
    loop {
        let kept = kept_in(directory, &listing, listing.checkpoints.iter()).await?;
        let now = Listing::take_beside_writer(directory).await?;
        // The newest checkpoint may have gone while its metadata was read.
        if listing.checkpoints.last().is_none_or(|newest| now.checkpoints.contains(newest)) {
            return Ok(kept);
        }
        listing = now;
    }
}

/// Checks that the directory does not hold files of checkpoints without any checkpoint. If it does, the error is
/// [`CheckpointsLost`](Error::CheckpointsLost): it is half of a copy, or its metadata was lost.
pub async fn check_not_lost<D: Directory>(directory: &D) -> Result<(), Error> {
    lost::check_not_lost(directory, &mut Listing::take_beside_writer(directory).await?).await
}

/// Reads the metadata of one checkpoint.
///
/// A checkpoint that does not exist is [`NotFound`](Error::NotFound). Metadata that is damaged, or written
/// by a newer version, is an error that names its file.
pub async fn load_metadata<D: Directory>(directory: &D, id: u64) -> Result<IncrementalCheckpointMetadata, Error> {
    read_metadata(directory, id).await
}
