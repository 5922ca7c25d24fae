//! Reads the metadata of one checkpoint and the caller's opaque state.

use crate::directory::{Directory, DirectoryErrorKind};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::{IncrementalCheckpointMetadata, StoredMetadata};
use crate::format::paths::{metadata_path, state_path};
use crate::format::segment_list::{ListFile, SegmentList};
use crate::model::hash::checksum;

/// Reads the metadata of a checkpoint and checks that it is the metadata of that checkpoint.
///
/// A checkpoint without metadata is [`NotFound`](Error::NotFound).
pub(crate) async fn read_metadata<D: Directory>(
    directory: &D,
    id: u64,
) -> Result<IncrementalCheckpointMetadata, Error> {
    let path = metadata_path(id);
    let bytes = directory.read(&path).await.map_err(|error| match error.kind() {
        DirectoryErrorKind::NotFound => {
            Error::NotFound(format!("checkpoint {id} does not exist ({path} is not there)"))
        }
        _ => Error::from(error),
    })?;
    let stored = StoredMetadata::decode(&path, &bytes)?;
    let list = match stored.list() {
        Some((file, store_id)) => Some(read_list(directory, file, store_id).await?),
        None => None,
    };
    let metadata = stored.complete(list)?;
    if metadata.id != id {
        return Err(Error::corrupt(path, format!("says that it is checkpoint {}", metadata.id)));
    }
    Ok(metadata)
}

/// Reads a list of segments that metadata names.
async fn read_list<D: Directory>(directory: &D, file: ListFile, store_id: [u8; 16]) -> Result<SegmentList, Error> {
    let path = file.path();
    let content = directory.read(&path).await.map_err(|error| match error.kind() {
        DirectoryErrorKind::NotFound => Error::corrupt(&path, "missing, although a checkpoint names it"),
        _ => Error::from(error),
    })?;
    SegmentList::decode(file, store_id, &content)
}

/// Reads the opaque state of one checkpoint, verbatim.
///
/// A checkpoint that does not exist, or has no opaque state, is [`NotFound`](Error::NotFound). A state
/// that is not what was checkpointed is [`CrcMismatch`](Error::CrcMismatch) or
/// [`Corruption`](Error::Corruption).
pub async fn load_state<D: Directory>(directory: &D, id: u64) -> Result<Vec<u8>, Error> {
    let metadata = read_metadata(directory, id).await?;
    let none = || Error::NotFound(format!("checkpoint {id} has no opaque state"));
    let path = state_path(id);
    let state = directory.read(&path).await.map_err(|error| match error.kind() {
        DirectoryErrorKind::NotFound => none(),
        _ => Error::from(error),
    });
    match metadata.alluvium {
        // LaminarDB recorded only the length of the state, so only the length can be checked.
        None => {
            let missing = |bytes| format!("missing, although {bytes} bytes of state were checkpointed");
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
                Error::NotFound(_) => Error::corrupt(&path, "missing, although its checkpoint names it"),
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
