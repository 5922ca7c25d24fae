//! The mark of a directory that may hold files of checkpoints and no checkpoint.
//!
//! Without it, such a directory is half of a copy, or its metadata was lost. A plain crash must not look like
//! that, so the mark is created before the first files of the first checkpoint, and before the last checkpoint
//! is deleted. It is the marker of checkpoint 0, which never exists.

use crate::directory::{Directory, DirectoryErrorKind, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::{deleted_path, remains_path};
use crate::ledger::listing::{BEGUN, Listing};

/// Creates the mark, unless it is there.
pub(crate) async fn mark_begun<D: Directory>(directory: &D) -> Result<(), Error> {
    mark(directory, deleted_path(BEGUN)).await
}

/// Marks a directory of lost checkpoints as begun. A mark of its own remembers their files first, because the
/// other one goes with the first checkpoint.
pub(crate) async fn mark_begun_beside<D: Directory>(directory: &D, remains: &Listing) -> Result<(), Error> {
    mark(directory, remains_path(remains.highest_number, remains.highest_id)).await?;
    mark_begun(directory).await
}

async fn mark<D: Directory>(directory: &D, path: String) -> Result<(), Error> {
    match directory.create(vec![NewFile { path, content: Vec::new() }]).await {
        Err(error) if error.kind() != DirectoryErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

/// Deletes the mark, because there is a checkpoint now. The listing is taken again, before and after: if another
/// writer deletes the last checkpoint meanwhile, the mark must be there.
pub(crate) async fn unmark_begun<D: Directory>(directory: &D) -> Result<(), Error> {
    if !Listing::take(directory).await?.has_lasting_checkpoint() {
        return Ok(());
    }
    directory.delete(&[deleted_path(BEGUN)]).await?;
    if !Listing::take(directory).await?.has_lasting_checkpoint() {
        mark_begun(directory).await?;
    }
    Ok(())
}
