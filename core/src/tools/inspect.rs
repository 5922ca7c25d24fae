//! Looking into a directory without opening it for writing: nothing here changes a byte.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::paths::{Name, metadata_path};
use crate::ledger::listing::Listing;
use crate::ledger::metadata_reader::read_metadata;

pub use crate::ledger::metadata_reader::load_state;

/// One checkpoint of a listing, whole or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointSummary {
    /// Its id.
    pub id: u64,
    /// Its metadata, or what is wrong with it.
    pub metadata: Result<IncrementalCheckpointMetadata, String>,
    /// Bytes of its metadata file.
    pub metadata_bytes: u64,
}

/// Every checkpoint that a directory gives away, newest first: also damaged ones, and partial ones
/// that have no metadata.
pub async fn list_checkpoints<D: Directory>(directory: &D) -> Result<Vec<CheckpointSummary>, Error> {
    let listing = Listing::take(directory).await?;
    let mut ids: BTreeSet<u64> = listing.entries.iter().filter_map(|(name, _)| name.checkpoint_id()).collect();
    ids.extend(listing.checkpoints.iter().copied());
    let mut found = Vec::with_capacity(ids.len());
    for id in ids.into_iter().rev() {
        let path = metadata_path(id);
        let metadata_bytes =
            listing.entries.iter().find(|(_, entry)| entry.path == path).map_or(0, |(_, entry)| entry.bytes);
        let metadata = if listing.checkpoints.contains(&id) {
            read_metadata(directory, id).await.map_err(|error| error.to_string())
        } else if listing.entries.iter().any(|(name, _)| *name == Name::Deleted(id)) {
            Err("deleted; its id is never given again".into())
        } else {
            Err(format!("partial: {path} is not there"))
        };
        found.push(CheckpointSummary { id, metadata, metadata_bytes });
    }
    Ok(found)
}

/// Metadata of one checkpoint.
pub async fn load_metadata<D: Directory>(directory: &D, id: u64) -> Result<IncrementalCheckpointMetadata, Error> {
    read_metadata(directory, id).await
}
