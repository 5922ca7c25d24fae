//! Files of checkpoints in a directory that holds no checkpoint.

use std::collections::BTreeSet;

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::Name;
use crate::ledger::listing::{BEGUN, Listing};

/// Does what [`Listing::check_not_lost`] does, by a newer listing if a writer has moved on since.
pub(crate) async fn check_not_lost<D: Directory>(directory: &D, listing: &mut Listing) -> Result<(), Error> {
    loop {
        let Err(lost) = listing.check_not_lost() else { return Ok(()) };
        if !listing.renew(directory, None, &lost).await {
            return Err(lost);
        }
    }
}

impl Listing {
    /// Tells whether the directory may hold files of checkpoints and no checkpoint.
    pub(crate) fn is_begun(&self) -> bool {
        self.marked.contains(&BEGUN)
    }

    /// Tells whether there is a checkpoint that no writer is deleting.
    pub(crate) fn has_lasting_checkpoint(&self) -> bool {
        !self.checkpoints.is_subset(&self.marked)
    }

    /// Fails if the directory holds files of checkpoints and no checkpoint, with what it holds. That is no plain
    /// crash: a directory that has not committed its first checkpoint, and one whose last checkpoint was deleted,
    /// are marked. A backup that holds no checkpoint was interrupted before its end.
    pub(crate) fn check_not_lost(&self) -> Result<(), Error> {
        if !self.checkpoints.is_empty() || self.is_begun() {
            return Ok(());
        }
        let (mut segments, mut wal_files, mut partial, mut first) = (0, 0, BTreeSet::new(), None);
        for (name, entry) in self.entries() {
            match *name {
                Name::Segment(..) | Name::List(..) => segments += 1,
                Name::Wal(..) => wal_files += 1,
                Name::State(id) => drop(partial.insert(id)),
                Name::Backup(_) => {}
                _ => continue,
            }
            first.get_or_insert_with(|| entry.path.clone());
        }
        match first {
            None => Ok(()),
            Some(first) => {
                Err(Error::CheckpointsLost { segments, wal_files, partial_checkpoints: partial.len() as u64, first })
            }
        }
    }
}
