//! What the names in a directory tell, before any file is read.

use std::collections::BTreeSet;

use crate::directory::{Directory, Entry, EntryKind};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::{Name, wal_path};
use crate::format::segment_entry::SegmentEntry;
use crate::ledger::remains::Remains;
use crate::model::work::count_names_read;
use crate::seeded_defects::{self, Defect};

/// The checkpoint whose marker says that a directory may hold files of checkpoints and no checkpoint. It never
/// exists, because ids start at 1.
pub(crate) const BEGUN: u64 = 0;

/// The listing of a directory, with each name parsed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listing {
    /// Every entry with its parsed name, in order of path.
    entries: Vec<(Name, Entry)>,
    /// The checkpoints that exist, which are those with metadata.
    pub(crate) checkpoints: BTreeSet<u64>,
    /// The highest id that any name mentions: those of partial checkpoints, markers, WAL files and temporary
    /// files included.
    pub(crate) highest_id: u64,
    /// Checkpoints that a writer has marked for deletion. They may be deleted already.
    pub(crate) marked: BTreeSet<u64>,
    /// Which files were there before the directory was begun.
    pub(crate) remains: Remains,
    /// The ids of the directories that this one is marked as a backup of. There is one at most, unless it was tampered
    /// with.
    pub(crate) backup_of: BTreeSet<[u8; 16]>,
    /// The WAL files: the checkpoint that each follows, its sequence and its length in bytes.
    pub(crate) wal: BTreeSet<(u64, u64, u64)>,
    /// The highest number of any segment.
    pub(crate) highest_number: u64,
    /// Where the list of segments with the highest number is among the entries.
    newest_list: Option<usize>,
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

    /// Goes through the entries in order of path.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &(Name, Entry)> {
        self.entries.iter().inspect(|_| count_names_read(1))
    }

    /// Returns the entry of this name.
    pub(crate) fn entry(&self, path: &str) -> Option<&(Name, Entry)> {
        count_names_read(1);
        let at = self.entries.binary_search_by(|(_, entry)| entry.path.as_str().cmp(path)).ok()?;
        self.entries.get(at)
    }

    /// Checks that a segment has the length that metadata says, before any of it is read. One that is not listed is
    /// left to the reader, who knows how to say that it is missing.
    pub(crate) fn check_length(&self, segment: &SegmentEntry) -> Result<(), Error> {
        let path = segment.path();
        match self.entry(&path).filter(|_| segment.store.is_none()) {
            Some((_, found)) if found.kind == EntryKind::File && found.bytes != segment.bytes => {
                Err(Error::corrupt(path, format!("{} bytes long, not {}", found.bytes, segment.bytes)))
            }
            _ => Ok(()),
        }
    }

    /// Tells whether a file of this name is listed.
    pub(crate) fn holds(&self, path: &str) -> bool {
        self.entry(path).is_some()
    }

    /// Returns the list of segments with the highest number.
    pub(crate) fn newest_list(&self) -> Option<&Entry> {
        self.newest_list.and_then(|at| self.entries.get(at)).map(|(_, entry)| entry)
    }

    /// Tells whether a WAL file is listed.
    pub(crate) fn holds_wal(&self, checkpoint: u64, sequence: u64) -> bool {
        self.wal.range((checkpoint, sequence, 0)..=(checkpoint, sequence, u64::MAX)).next().is_some()
    }

    /// Returns the WAL files after a checkpoint in order of their sequence: the sequence and the length in bytes.
    pub(crate) fn wal_after(&self, checkpoint: u64) -> impl Iterator<Item = (u64, u64)> {
        self.wal
            .range((checkpoint, 0, 0)..=(checkpoint, u64::MAX, u64::MAX))
            .map(|(_, sequence, bytes)| (*sequence, *bytes))
    }

    /// Returns the sequence of the last WAL file after a checkpoint, or 0 if there is none.
    pub(crate) fn last_wal_sequence(&self, after: u64) -> u64 {
        self.wal_after(after).last().map_or(0, |(sequence, _)| sequence)
    }

    /// Returns how many bytes the WAL files after a checkpoint have.
    pub(crate) fn wal_bytes(&self, after: u64) -> u64 {
        self.wal_after(after).map(|(_, bytes)| bytes).fold(0, u64::saturating_add)
    }

    /// Tells whether a WAL file after this checkpoint is an orphan: the checkpoint is missing, and no writer
    /// has deleted it on purpose. An orphan is never replayed, and only an explicit collection deletes it.
    pub(crate) fn is_orphaned(&self, checkpoint: u64) -> bool {
        !self.checkpoints.contains(&checkpoint) && !self.marked.contains(&checkpoint)
    }

    /// Lists what a writer must know of a directory. Foreign files are left out.
    pub(crate) async fn take<D: Directory>(directory: &D) -> Result<Self, Error> {
        Ok(Self::of(directory.list_only(may_be_ours).await?))
    }

    /// Lists a directory with everything in it.
    pub(crate) async fn take_all<D: Directory>(directory: &D) -> Result<Self, Error> {
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
        let mut listing = Self { entries, ..Self::default() };
        for (at, (name, entry)) in listing.entries.iter().enumerate() {
            count_names_read(1);
            let parsed = Name::parse(&entry.path);
            // An id or a number that any name mentions was given, whatever the name stands for.
            listing.highest_id = listing.highest_id.max(mentioned_id(parsed).unwrap_or(0));
            if let Name::Segment(_, number, _) | Name::List(number, _) | Name::Remains(number, _) = parsed {
                listing.highest_number = listing.highest_number.max(number);
            }
            match *name {
                Name::Wal(checkpoint, sequence) => drop(listing.wal.insert((checkpoint, sequence, entry.bytes))),
                Name::Remains(number, id) => listing.remains.add(number, id),
                // Names are in order of their numbers.
                Name::List(..) => listing.newest_list = Some(at),
                Name::Backup(store_id) => drop(listing.backup_of.insert(store_id)),
                _ => {}
            }
            // A link or a pipe under one of our names is not ours to touch, but it occupies the name. A link
            // where a checkpoint's metadata should be is damage to that checkpoint, not its absence.
            match parsed {
                Name::Metadata(id) if entry.kind != EntryKind::Temporary => drop(listing.checkpoints.insert(id)),
                Name::Deleted(id) if entry.kind != EntryKind::Temporary => drop(listing.marked.insert(id)),
                _ => {}
            }
        }
        listing
    }
}

/// Tells whether a path is that of a file of Alluvium, of a file that is not whole yet, or of a directory that may
/// hold such files.
pub(crate) fn may_be_ours(path: &str) -> bool {
    let is_ours = |directory: &str| {
        directory == "segments" || directory == "wal" || matches!(Name::parse(directory), Name::EmptyCheckpoint(_))
    };
    match path.split_once('/') {
        None => is_ours(path) || path.starts_with('.') || matches!(Name::parse(path), Name::Backup(_)),
        Some((directory, name)) => is_ours(directory) && (name.starts_with('.') || Name::parse(path) != Name::Foreign),
    }
}

/// Returns the id of the checkpoint that a name mentions. A WAL file mentions the checkpoint that it follows, and
/// the marker of remains mentions the last one that was lost.
pub(crate) fn mentioned_id(name: Name) -> Option<u64> {
    match name {
        Name::Wal(checkpoint, _) if !seeded_defects::is(Defect::ReuseId) => Some(checkpoint),
        Name::Remains(_, id) => Some(id),
        other => other.checkpoint_id(),
    }
}
