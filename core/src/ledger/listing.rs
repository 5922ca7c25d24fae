//! What the names in a directory tell, before any file is read.

use std::collections::BTreeSet;

use crate::directory::{Directory, Entry, EntryKind};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::{Name, wal_path};

/// The listing of a directory, with each name parsed.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    /// Every entry with its parsed name, in order of path.
    pub(crate) entries: Vec<(Name, Entry)>,
    /// The checkpoints that exist, which are those with metadata.
    pub(crate) checkpoints: BTreeSet<u64>,
    /// The highest id that any name mentions, partial checkpoints and markers included.
    pub(crate) highest_id: u64,
    /// Checkpoints that a writer has marked for deletion. They may be deleted already.
    pub(crate) marked: BTreeSet<u64>,
    /// The WAL files: the checkpoint that each follows, its sequence and its length in bytes.
    pub(crate) wal: BTreeSet<(u64, u64, u64)>,
    /// The highest number of any segment.
    pub(crate) highest_number: u64,
}

impl Listing {
    /// Says what another writer left, if one has taken over: a newer checkpoint than `id`, or a WAL
    /// file that is not among those that this writer `knows`.
    pub(crate) fn superseded(&self, id: u64, knows: impl Fn(u64, u64) -> bool) -> Option<String> {
        if let Some(newer) = self.checkpoints.last().filter(|newest| **newest > id) {
            return Some(format!("checkpoint {newer} is newer than {id}"));
        }
        let (checkpoint, found, _) = self.wal.iter().find(|(checkpoint, found, _)| !knows(*checkpoint, *found))?;
        Some(format!("{} belongs to another writer", wal_path(*checkpoint, *found)))
    }

    /// Tells whether a file of this name is listed.
    pub(crate) fn holds(&self, path: &str) -> bool {
        self.entries.binary_search_by(|(_, entry)| entry.path.as_str().cmp(path)).is_ok()
    }

    /// Returns the sequence of the last WAL file after a checkpoint, or 0 if there is none.
    pub(crate) fn last_wal_sequence(&self, after: u64) -> u64 {
        self.wal.iter().filter(|wal| wal.0 == after).map(|wal| wal.1).max().unwrap_or(0)
    }

    /// Returns how many bytes the WAL files after a checkpoint have.
    pub(crate) fn wal_bytes(&self, after: u64) -> u64 {
        self.wal.iter().filter(|(checkpoint, ..)| *checkpoint == after).map(|(_, _, bytes)| bytes).sum()
    }

    /// Lists a directory.
    pub(crate) async fn take<D: Directory>(directory: &D) -> Result<Self, Error> {
        Ok(Self::of(directory.list().await?))
    }

    /// Parses the entries of a listing that was taken already.
    pub(crate) fn of(listed: Vec<Entry>) -> Self {
        let entries: Vec<(Name, Entry)> = listed
            .into_iter()
            .map(|entry| {
                let name = match (Name::parse(&entry.path), entry.kind) {
                    // The name alone does not make an entry ours. A link or a pipe is never touched, and
                    // a directory belongs to a checkpoint only while it is empty.
                    (Name::EmptyCheckpoint(id), EntryKind::EmptyDirectory) => Name::EmptyCheckpoint(id),
                    (Name::EmptyCheckpoint(_), _) => Name::Foreign,
                    (name, EntryKind::File) => name,
                    _ => Name::Foreign,
                };
                (name, entry)
            })
            .collect();
        // A link or a pipe under one of our names is not ours to touch, but it occupies the name. A link
        // where a checkpoint's metadata should be is damage to that checkpoint, not its absence.
        let taken = entries.iter().filter(|(_, entry)| entry.kind != EntryKind::Temporary);
        let names = || taken.clone().map(|(_, entry)| Name::parse(&entry.path));
        let checkpoints =
            names().filter_map(|name| if let Name::Metadata(id) = name { Some(id) } else { None }).collect();
        let marked = names().filter_map(|name| if let Name::Deleted(id) = name { Some(id) } else { None }).collect();
        let highest_id = names().filter_map(Name::checkpoint_id).max().unwrap_or(0);
        let number = |name| if let Name::Segment(_, number) = name { Some(number) } else { None };
        let highest_number = names().filter_map(number).max().unwrap_or(0);
        let wal_file = |(name, entry): &(Name, Entry)| match *name {
            Name::Wal(checkpoint, sequence) => Some((checkpoint, sequence, entry.bytes)),
            _ => None,
        };
        let wal = entries.iter().filter_map(wal_file).collect();
        Self { entries, checkpoints, highest_id, marked, wal, highest_number }
    }
}
