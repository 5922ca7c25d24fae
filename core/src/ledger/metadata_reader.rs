//! Reads the metadata of one checkpoint and the caller's opaque state.

use crate::directory::{Directory, DirectoryError, DirectoryErrorKind};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::{IncrementalCheckpointMetadata, METADATA_BYTES_MAX, StoredMetadata};
use crate::format::paths::{metadata_path, state_path};
use crate::format::segment_list::{ListFile, SegmentList};
use crate::ledger::listing::Listing;
use crate::ledger::prefetch::{AHEAD_BYTES, alongside};
use crate::model::hash::checksum;

/// Reads the metadata of a checkpoint and checks that it is the metadata of that checkpoint.
///
/// A checkpoint without metadata is [`NotFound`](Error::NotFound). Metadata that is longer than metadata can be is
/// not read: it is [`Corruption`](Error::Corruption).
pub(crate) async fn read_metadata<D: Directory>(
    directory: &D,
    id: u64,
) -> Result<IncrementalCheckpointMetadata, Error> {
    let path = metadata_path(id);
    let not_found = |error: DirectoryError| not_found(id, &path, error);
    let bytes = directory.read_at_most(&path, METADATA_BYTES_MAX).await.map_err(not_found)?;
    let bytes = bytes.ok_or_else(|| too_long(&path))?;
    complete(directory, None, id, &path, &bytes, None).await
}

/// Does what [`read_metadata`] does, for metadata whose length was just listed.
pub(crate) async fn read_listed_metadata<D: Directory>(
    directory: &D,
    listing: &Listing,
    id: u64,
) -> Result<IncrementalCheckpointMetadata, Error> {
    let path = metadata_path(id);
    match listing.entry(&path) {
        None => return read_metadata(directory, id).await,
        Some((_, entry)) if entry.bytes > METADATA_BYTES_MAX => return Err(too_long(&path)),
        Some(_) => {}
    }
    // The list that the newest checkpoint names is most probably the newest one. A longer one than may be read ahead is
    // read once metadata names it.
    let is_newest = listing.checkpoints.last() == Some(&id);
    let newest = listing.newest_list().filter(|entry| is_newest && entry.bytes <= AHEAD_BYTES);
    let read_newest = async {
        let entry = newest?;
        Some((entry.path.clone(), directory.read(&entry.path).await.ok()?))
    };
    let (bytes, list) = alongside(directory.read(&path), read_newest).await;
    let bytes = bytes.map_err(|error| not_found(id, &path, error))?;
    complete(directory, Some(listing), id, &path, &bytes, list.flatten()).await
}

fn not_found(id: u64, path: &str, error: DirectoryError) -> Error {
    match error.kind() {
        DirectoryErrorKind::NotFound => {
            Error::NotFound(format!("checkpoint {id} does not exist ({path} is not there)"))
        }
        _ => Error::from(error),
    }
}

fn too_long(path: &str) -> Error {
    Error::corrupt(path, format!("longer than {METADATA_BYTES_MAX} bytes, which is more than metadata has"))
}

/// Decodes the metadata of a checkpoint, and reads the list of segments that it names.
async fn complete<D: Directory>(
    directory: &D,
    listing: Option<&Listing>,
    id: u64,
    path: &str,
    bytes: &[u8],
    read_ahead: Option<(String, Vec<u8>)>,
) -> Result<IncrementalCheckpointMetadata, Error> {
    let stored = StoredMetadata::decode(path, bytes)?;
    let list = match stored.list() {
        Some((file, store_id)) => match read_ahead.filter(|(path, _)| *path == file.path()) {
            Some((path, content)) if content.len() as u64 > file.bytes => return Err(longer(&path, file.bytes)),
            Some((_, content)) => Some(SegmentList::decode(file, store_id, &content)?),
            None => Some(read_list(directory, listing, file, store_id).await?),
        },
        None => None,
    };
    let metadata = stored.complete(list)?;
    if metadata.id != id {
        return Err(Error::corrupt(path, format!("says that it is checkpoint {}", metadata.id)));
    }
    Ok(metadata)
}

/// Reads a list of segments that metadata names.
async fn read_list<D: Directory>(
    directory: &D,
    listing: Option<&Listing>,
    file: ListFile,
    store_id: [u8; 16],
) -> Result<SegmentList, Error> {
    let path = file.path();
    let listed = listing.and_then(|listing| listing.entry(&path)).map(|(_, entry)| entry.bytes);
    let content = match listed {
        Some(bytes) if bytes > file.bytes => return Err(longer(&path, file.bytes)),
        Some(_) => directory.read(&path).await.map_err(|error| missing(&path, error)),
        None => read_bounded(directory, &path, file.bytes).await,
    };
    let content = content.map_err(|error| match error {
        Error::NotFound(_) => Error::corrupt(&path, "missing, although a checkpoint names it"),
        other => other,
    })?;
    SegmentList::decode(file, store_id, &content)
}

/// Reads a file that should have this many bytes, and refuses one that has more.
async fn read_bounded<D: Directory>(directory: &D, path: &str, bytes: u64) -> Result<Vec<u8>, Error> {
    let content = directory.read_at_most(path, bytes).await.map_err(|error| missing(path, error))?;
    content.ok_or_else(|| longer(path, bytes))
}

fn longer(path: &str, bytes: u64) -> Error {
    Error::corrupt(path, format!("longer than the {bytes} bytes that were checkpointed"))
}

fn missing(path: &str, error: DirectoryError) -> Error {
    match error.kind() {
        DirectoryErrorKind::NotFound => Error::NotFound(format!("{path} is not there")),
        _ => Error::from(error),
    }
}

/// Reads the opaque state of one checkpoint, verbatim.
///
/// A checkpoint that does not exist, or has no opaque state, is [`NotFound`](Error::NotFound). The other errors are
/// those of [`find_state`].
pub async fn load_state<D: Directory>(directory: &D, id: u64) -> Result<Vec<u8>, Error> {
    let found = find_state(directory, id).await?;
    found.ok_or_else(|| Error::NotFound(format!("checkpoint {id} has no opaque state")))
}

/// Reads the opaque state of one checkpoint, verbatim, if it has one.
///
/// A checkpoint that does not exist is [`NotFound`](Error::NotFound). A state that is not what was checkpointed is
/// [`CrcMismatch`](Error::CrcMismatch) or [`Corruption`](Error::Corruption).
pub async fn find_state<D: Directory>(directory: &D, id: u64) -> Result<Option<Vec<u8>>, Error> {
    let metadata = read_metadata(directory, id).await?;
    let expected = metadata.alluvium.as_ref().map(|fields| fields.state_file);
    let state_bytes = match expected {
        None => metadata.size_bytes,
        Some(None) => return Ok(None),
        Some(Some(file)) => file.bytes,
    };
    let path = state_path(id);
    let state = match read_bounded(directory, &path, state_bytes).await {
        Ok(state) => state,
        Err(Error::NotFound(_)) => {
            // A writer that deletes the checkpoint deletes the metadata before the state.
            let there = directory.read_range(&metadata_path(id), 0, 0).await;
            there.map_err(|error| not_found(id, &metadata_path(id), error))?;
            return match expected {
                // LaminarDB's metadata does not say whether there is a state.
                None if state_bytes == 0 => Ok(None),
                None => Err(Error::corrupt(
                    &path,
                    format!("missing, although {state_bytes} bytes of state were checkpointed"),
                )),
                Some(_) => Err(Error::corrupt(&path, "missing, although its checkpoint names it")),
            };
        }
        Err(error) => return Err(error),
    };
    let found = state.len() as u64;
    match expected.flatten() {
        // LaminarDB recorded only the length of the state, so only the length can be checked.
        None if found != state_bytes => Err(Error::corrupt(path, format!("{found} bytes long, not {state_bytes}"))),
        None => Ok(Some(state)),
        Some(expected) => {
            let computed = checksum(&state, 0);
            if found != expected.bytes || computed != expected.checksum {
                return Err(Error::CrcMismatch { place: path, offset: 0, expected: expected.checksum, computed });
            }
            Ok(Some(state))
        }
    }
}
