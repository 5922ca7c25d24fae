//! Looking into a directory without opening it for writing: nothing here changes a byte.

use crate::directory::{Directory, DirectoryErrorKind};
use crate::error::IncrementalCheckpointError as Error;
use crate::few::Set;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::paths::{Name, metadata_path, state_path};
use crate::ledger::listing::{Listing, read_metadata};
use crate::model::hash::checksum;

/// One checkpoint of a listing, whole or not.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    let mut ids: Set<u64> = listing.entries.iter().filter_map(|(name, _)| name.checkpoint_id()).collect();
    ids.extend(listing.checkpoints.iter().copied());
    let mut found = Vec::with_capacity(ids.len());
    for id in ids.into_vec().into_iter().rev() {
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

/// The opaque state of one checkpoint, verbatim. One without is [`NotFound`](Error::NotFound).
pub async fn load_state<D: Directory>(directory: &D, id: u64) -> Result<Vec<u8>, Error> {
    let metadata = read_metadata(directory, id).await?;
    let none = || Error::NotFound(format!("checkpoint {id} has no opaque state"));
    let path = state_path(id);
    let state = directory.read(&path).await.map_err(|error| match error.kind() {
        DirectoryErrorKind::NotFound => none(),
        _ => Error::from(error),
    });
    match metadata.alluvium {
        // What the original wrote has a length and nothing more to hold it to.
        None => {
            let missing = |bytes| format!("missing, and {bytes} bytes of state were checkpointed");
            let state = state.map_err(|error| match error {
                Error::NotFound(_) if metadata.size_bytes > 0 => Error::corrupt(&path, missing(metadata.size_bytes)),
                other => other,
            })?;
            if state.len() as u64 != metadata.size_bytes {
                let found = state.len();
                return Err(Error::corrupt(path, format!("{found} bytes long, not {}", metadata.size_bytes)));
            }
            Ok(state)
        }
        Some(fields) => {
            let expected = fields.state_file.ok_or_else(none)?;
            let state = state.map_err(|error| match error {
                Error::NotFound(_) => Error::corrupt(&path, "the checkpoint names it and it is not there"),
                other => other,
            })?;
            let computed = checksum(&state, 0);
            if state.len() as u64 != expected.bytes || computed != expected.checksum {
                return Err(Error::CrcMismatch { place: path, offset: 0, expected: expected.checksum, computed });
            }
            Ok(state)
        }
    }
}
