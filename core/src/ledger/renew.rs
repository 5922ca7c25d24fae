//! Reading beside a writer: what was listed may be gone when it is read.

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::Name;
use crate::ledger::listing::Listing;

impl Listing {
    /// Takes a newer listing after reading checkpoint `id` of this one failed, if the failure may be due to a writer
    /// that has moved on. Returns whether it did. `None` stands for the newest checkpoint and the WAL after it.
    ///
    /// As long as a checkpoint exists, the files that it names exist, so the failure is damage. Ids are never given
    /// again, so each newer listing has lost a checkpoint or a WAL file for good, or has a newer checkpoint.
    pub(crate) async fn renew<D: Directory>(&mut self, directory: &D, id: Option<u64>, error: &Error) -> bool {
        // If the directory cannot be listed any more, the first error says more.
        let Ok(now) = Self::take_beside_writer(directory).await else { return false };
        let is_stale = match id {
            // One that this listing does not show either was never there, or was gone before.
            Some(id) => self.checkpoints.contains(&id) && !now.checkpoints.contains(&id),
            None => self.is_stale(&now, error),
        };
        if is_stale {
            *self = now;
        }
        is_stale
    }

    /// Tells whether a failure to read the newest checkpoint, or the WAL after it, is no longer one by a listing that
    /// was taken later.
    fn is_stale(&self, now: &Self, error: &Error) -> bool {
        let Some(newest) = self.checkpoints.last() else { return !now.checkpoints.is_empty() };
        // A newer checkpoint makes the WAL files before it unnecessary. They do not come back if that checkpoint is
        // deleted. A listing that was not taken in one moment may have missed a WAL file and shown the one after it.
        let has_lost_wal = || self.wal_after(*newest).any(|(sequence, _)| !now.holds_wal(*newest, sequence));
        let wal_is_stale = || {
            let is_older = now.checkpoints.last() != Some(newest);
            is_older || has_lost_wal() || (self.has_gap(*newest) && !now.has_gap(*newest))
        };
        !now.checkpoints.contains(newest) || (is_about_wal(error) && wal_is_stale())
    }

    /// Tells whether WAL files after a checkpoint are missing between others.
    fn has_gap(&self, checkpoint: u64) -> bool {
        self.wal_after(checkpoint).zip(1..).any(|((sequence, _), expected)| sequence != expected)
    }
}

/// Tells whether an error is about a WAL file.
fn is_about_wal(error: &Error) -> bool {
    let is_wal = |place: &str| matches!(Name::parse(place), Name::Wal(..));
    matches!(error, Error::Wal(_)) || error.place().is_some_and(is_wal)
}
