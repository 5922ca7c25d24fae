//! The mark of a directory that may hold files of checkpoints and no checkpoint.
//!
//! Without it, such a directory is half of a copy, or its metadata was lost. A plain crash must not look like
//! that, so the mark is created before the first files of the first checkpoint, and before the last checkpoint
//! is deleted. It is the marker of checkpoint 0, which never exists.

use crate::directory::{Directory, DirectoryErrorKind, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::deleted_path;
use crate::ledger::listing::{BEGUN, Listing};

/// Creates the mark, unless it is there.
pub(crate) async fn mark_begun<D: Directory>(directory: &D) -> Result<(), Error> {
    match directory.create(vec![NewFile { path: deleted_path(BEGUN), content: Vec::new() }]).await {
        Err(error) if error.kind() != DirectoryErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

/// Deletes the mark, after everything that it stood for is gone. The listing is taken again, before and after:
/// if another writer deleted the last checkpoint meanwhile, the mark must be there.
pub(crate) async fn unmark_begun<D: Directory>(directory: &D) -> Result<(), Error> {
    if Listing::take(directory).await?.checkpoints.is_empty() {
        return Ok(());
    }
    directory.delete(&[deleted_path(BEGUN)]).await?;
    if Listing::take(directory).await?.checkpoints.is_empty() {
        mark_begun(directory).await?;
    }
    Ok(())
}
