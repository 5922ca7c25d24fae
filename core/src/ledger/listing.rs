//! What a listing of the directory says, before anything is read.

use std::collections::BTreeSet;

use crate::directory::{Directory, Entry, EntryKind};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::{Name, wal_path};

/// The listing of a directory, sorted out.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(crate) entries: Vec<(Name, Entry)>,
    /// Checkpoints that exist: those with metadata.
    pub(crate) checkpoints: BTreeSet<u64>,
    /// The highest id that any name gives away, partial checkpoints and markers included.
    pub(crate) highest_id: u64,
    /// Checkpoints that somebody was about to delete, or has deleted.
    pub(crate) marked: BTreeSet<u64>,
    /// Logs: the checkpoint that each follows, its sequence, its bytes.
    pub(crate) wal: BTreeSet<(u64, u64, u64)>,
    /// The highest number of any segment.
    pub(crate) highest_number: u64,
}

impl Listing {
    /// Whether another writer has gone on: a newer checkpoint than `id`, or a log that is not among
    /// those that this writer `knows`. Says what it left.
    pub(crate) fn superseded(&self, id: u64, knows: impl Fn(u64, u64) -> bool) -> Option<String> {
        if let Some(newer) = self.checkpoints.last().filter(|newest| **newest > id) {
            return Some(format!("checkpoint {newer} is newer than {id}"));
        }
        let (checkpoint, found, _) = self.wal.iter().find(|(checkpoint, found, _)| !knows(*checkpoint, *found))?;
        Some(format!("{} is somebody else's", wal_path(*checkpoint, *found)))
    }

    /// Whether a file of this name is there. Entries are in order of path.
    pub(crate) fn holds(&self, path: &str) -> bool {
        self.entries.binary_search_by(|(_, entry)| entry.path.as_str().cmp(path)).is_ok()
    }

    /// The sequence of the last WAL file after a checkpoint. It is 0 if there is none.
    pub(crate) fn last_wal_sequence(&self, after: u64) -> u64 {
        self.wal.iter().filter(|wal| wal.0 == after).map(|wal| wal.1).max().unwrap_or(0)
    }

    /// Bytes of the WAL files after a checkpoint.
    pub(crate) fn wal_bytes(&self, after: u64) -> u64 {
        self.wal.iter().filter(|(checkpoint, ..)| *checkpoint == after).map(|(_, _, bytes)| bytes).sum()
    }

    pub(crate) async fn take<D: Directory>(directory: &D) -> Result<Self, Error> {
        Ok(Self::of(directory.list().await?))
    }

    pub(crate) fn of(listed: Vec<Entry>) -> Self {
        let entries: Vec<(Name, Entry)> = listed
            .into_iter()
            .map(|entry| {
                let name = match (Name::parse(&entry.path), entry.kind) {
                    // The name alone does not make it ours: a link or a pipe is never touched, and a
                    // directory is a checkpoint's only when it is empty.
                    (Name::EmptyCheckpoint(id), EntryKind::EmptyDirectory) => Name::EmptyCheckpoint(id),
                    (Name::EmptyCheckpoint(_), _) => Name::Foreign,
                    (name, EntryKind::File) => name,
                    _ => Name::Foreign,
                };
                (name, entry)
            })
            .collect();
        // Something else under a name of ours is not ours to touch, but it takes the name: a link where
        // a checkpoint's metadata should be is damage to that checkpoint, not its absence.
        let taken = entries.iter().filter(|(_, entry)| entry.kind != EntryKind::Temporary);
        let names = || taken.clone().map(|(_, entry)| Name::parse(&entry.path));
        let checkpoints =
            names().filter_map(|name| if let Name::Metadata(id) = name { Some(id) } else { None }).collect();
        let marked = names().filter_map(|name| if let Name::Deleted(id) = name { Some(id) } else { None }).collect();
        let highest_id = names().filter_map(Name::checkpoint_id).max().unwrap_or(0);
        let number = |name| if let Name::Segment(_, number) = name { Some(number) } else { None };
        let highest_number = names().filter_map(number).max().unwrap_or(0);
        let log = |(name, entry): &(Name, Entry)| match *name {
            Name::Wal(checkpoint, sequence) => Some((checkpoint, sequence, entry.bytes)),
            _ => None,
        };
        let wal = entries.iter().filter_map(log).collect();
        Self { entries, checkpoints, highest_id, marked, wal, highest_number }
    }
}
