//! Files of checkpoints in a directory that holds no checkpoint.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::Name;
use crate::ledger::listing::{BEGUN, Listing};

/// The files that were there before a directory was begun, as far as this writer knows them. They may be all
/// that is left of a checkpoint that was lost, so maintenance leaves them.
#[derive(Debug, Default)]
pub(crate) enum Remains {
    /// There are none.
    #[default]
    Nothing,
    /// There may be some. The first garbage collection finds out, before it deletes anything.
    Unknown,
    /// These files.
    Files(FxHashSet<String>),
}

impl Remains {
    /// Tells whether a file is among the remains.
    pub(crate) fn holds(&self, path: &str) -> bool {
        matches!(self, Self::Files(files) if files.contains(path))
    }

    /// Tells whether there is nothing left to be kept.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Unknown => false,
            Self::Files(files) => files.is_empty(),
        }
    }
}

impl Listing {
    /// Tells whether the directory may hold files of checkpoints and no checkpoint.
    pub(crate) fn is_begun(&self) -> bool {
        self.marked.contains(&BEGUN)
    }

    /// Fails if the directory holds files of checkpoints and no checkpoint, with what it holds. That is no plain
    /// crash: a directory that has not committed its first checkpoint, and one whose last checkpoint was deleted,
    /// are marked.
    pub(crate) fn check_not_lost(&self) -> Result<(), Error> {
        if !self.checkpoints.is_empty() || self.is_begun() {
            return Ok(());
        }
        let (mut segments, mut wal_files, mut partial, mut first) = (0, 0, BTreeSet::new(), None);
        for (name, entry) in &self.entries {
            match *name {
                Name::Segment(..) | Name::List(..) => segments += 1,
                Name::Wal(..) => wal_files += 1,
                Name::State(id) => drop(partial.insert(id)),
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
