//! Tells a creation that this writer repeated from one of another writer.
//!
//! A storage behind a network may repeat a creation whose outcome it does not know, and is then told that the
//! name is taken: by its own first attempt. The number that each writer draws is in what it writes, so reading
//! the file back tells.

use crate::directory::{Directory, DirectoryError, DirectoryErrorKind, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::Name;
use crate::ledger::fence::creation_failed;
use crate::model::hash::checksum;

/// By what the last file of a batch is recognised. If it exists, all files before it exist.
#[derive(Debug, Clone)]
pub(crate) struct Fingerprint {
    path: String,
    checksum: u64,
}

impl Fingerprint {
    /// Returns it for a batch that is about to be created, or `None` if the batch is empty.
    pub(crate) fn of(batch: &[NewFile]) -> Option<Self> {
        batch.last().map(|last| Self { path: last.path.clone(), checksum: checksum(&last.content, 0) })
    }

    /// Tells whether the file is there as this writer creates it. A file with the same bytes serves as well.
    pub(crate) async fn is_there<D: Directory>(&self, directory: &D) -> Result<bool, Error> {
        match directory.read(&self.path).await {
            Ok(content) => Ok(checksum(&content, 0) == self.checksum),
            Err(error) if error.kind() == DirectoryErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Decides about a failed creation. If the batch is there because this very writer created it, that is
    /// no failure. `writer` is the number that this writer drew; with 0, two writers cannot be told apart.
    pub(crate) async fn settle<D: Directory>(
        last: Option<Self>,
        directory: &D,
        writer: u64,
        error: DirectoryError,
    ) -> Result<(), Error> {
        let is_taken = error.kind() == DirectoryErrorKind::AlreadyExists;
        let Some(last) = last.filter(|_| is_taken && writer != 0) else { return Err(creation_failed(error)) };
        match directory.read(&last.path).await {
            Ok(content) if checksum(&content, 0) == last.checksum => return Ok(()),
            Err(error) if error.kind() != DirectoryErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        // A part of this writer's own batch is there. What became of the rest is unknown.
        let is_own =
            matches!(Name::parse(error.name()), Name::Segment(_, _, own) | Name::List(_, own) if own == writer);
        Err(if is_own { Error::Io(error) } else { creation_failed(error) })
    }
}
