//! Decides which files stay, from a listing and the metadata of the kept checkpoints. Nothing is deleted
//! here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::directory::EntryKind;
use crate::format::paths::{Name, metadata_path};
use crate::ledger::KeptFiles;
use crate::ledger::listing::{BEGUN, Listing};

/// What garbage collection does with one file, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileVerdict {
    /// The file's relative path.
    pub path: String,
    /// The file's length in bytes.
    pub bytes: u64,
    /// Whether the file stays.
    pub keep: bool,
    /// Why the file stays or goes.
    pub why: String,
}

/// What garbage collection does with each file of a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct GarbageReport {
    /// One verdict for each file, in order of path.
    pub files: Vec<FileVerdict>,
    /// What went wrong. It is tried again the next time.
    pub errors: Vec<String>,
}

impl GarbageReport {
    /// Returns the total length of the files that go, in bytes.
    pub fn reclaimed_bytes(&self) -> u64 {
        self.files.iter().filter(|file| !file.keep).map(|file| file.bytes).fold(0, u64::saturating_add)
    }
}

/// What retention is decided from, beside the listing.
pub(crate) struct Holdings {
    /// The files of each kept checkpoint.
    pub(crate) kept: BTreeMap<u64, KeptFiles>,
    /// The files that the working state builds on, whether a checkpoint names them or not.
    pub(crate) working: FxHashSet<String>,
    /// The segments that compaction creates before the checkpoint that will name them.
    pub(crate) uncommitted_files: FxHashSet<String>,
    /// Ids above this one belong to a checkpoint in flight, or to another writer.
    pub(crate) settled_id: u64,
    /// Segments from this number on belong to a checkpoint in flight, or to another writer.
    pub(crate) own_below: u64,
    /// Whether the WAL files of an older checkpoint stay as long as the checkpoint does.
    pub(crate) keep_wal: bool,
    /// Temporary files of writes that were interrupted before this writer opened the directory.
    pub(crate) leftovers: Arc<FxHashSet<String>>,
    /// Whether the caller asked for garbage to be collected. Maintenance does not, so it leaves what may be
    /// the remains of a checkpoint that was lost.
    pub(crate) is_explicit: bool,
}

/// Returns the checkpoints that go when the newest `max_retained` stay, and beside them those that are kept by their
/// ids (`named`). A checkpoint that a writer is deleting (`marked`) does not count as one that stays.
pub(crate) fn expired(
    kept: &BTreeMap<u64, KeptFiles>,
    marked: &BTreeSet<u64>,
    named: &BTreeSet<u64>,
    max_retained: usize,
) -> BTreeSet<u64> {
    let mut left = max_retained;
    let goes = |id: &&u64| {
        let is_older = left == 0;
        left -= usize::from(!is_older && !marked.contains(id));
        is_older && !named.contains(id)
    };
    kept.keys().rev().filter(goes).copied().collect()
}

/// Returns the paths of the metadata that is deleted first, so that a checkpoint no longer exists when its
/// files are deleted.
pub(crate) fn unpublish(expired: &BTreeSet<u64>) -> Vec<String> {
    expired.iter().map(|id| metadata_path(*id)).collect()
}

/// Returns one verdict for each name of the listing, given that the checkpoints in `expired` go.
pub(crate) fn verdicts(listing: &Listing, holdings: &Holdings, expired: &BTreeSet<u64>) -> Vec<FileVerdict> {
    let kept = holdings.kept.iter().filter(|(id, _)| !expired.contains(id));
    let remaining: BTreeMap<u64, &KeptFiles> = kept.map(|(id, files)| (*id, files)).collect();
    let damaged: Option<u64> = remaining.iter().find(|(_, files)| files.is_none()).map(|(id, _)| *id);
    let mut named: BTreeMap<&str, u64> = BTreeMap::new();
    for (id, files) in &remaining {
        for file in files.iter().flat_map(|files| files.iter()) {
            // If several checkpoints name a file, the reason mentions the newest of them.
            named.insert(file, *id);
        }
    }
    let newest = listing.highest_id;
    let verdict = |(name, entry): &(Name, crate::directory::Entry)| {
        let needed_by = named.get(entry.path.as_str());
        let (keep, why) = match *name {
            _ if needed_by.is_some() => (true, format!("checkpoint {} needs it", needed_by.unwrap_or(&0))),
            Name::Foreign if entry.kind == EntryKind::Temporary => {
                (!holdings.leftovers.contains(&entry.path), "left by a write that was interrupted".into())
            }
            Name::Foreign => (true, "not written by Alluvium".into()),
            Name::Deleted(BEGUN) if remaining.keys().any(|id| !listing.marked.contains(id)) => {
                (false, "the directory holds a checkpoint now".into())
            }
            Name::Deleted(BEGUN) => (true, "says that the directory may hold files and no checkpoint".into()),
            Name::Remains(..) if holdings.is_explicit => (false, "what it remembers goes".into()),
            Name::Remains(..) => (true, "remembers what was there before the directory was begun".into()),
            Name::Backup(_) => (true, "says that this is a backup, until a writer opens it".into()),
            _ if !holdings.is_explicit && listing.remains.hold(*name) => {
                (true, "was there before the directory was begun; only `collect_garbage` deletes it".into())
            }
            Name::Metadata(id) if expired.contains(&id) => {
                (false, format!("checkpoint {id} is not among the newest kept"))
            }
            Name::Metadata(id) => (true, format!("checkpoint {id} is damaged: delete it by its id")),
            Name::Segment(..) | Name::List(..) if damaged.is_some() => {
                (true, format!("checkpoint {} is damaged and may name it", damaged.unwrap_or_default()))
            }
            Name::Segment(_, number, _) | Name::List(number, _) if number >= holdings.own_below => {
                (true, "belongs to a checkpoint in flight".into())
            }
            Name::Segment(..) | Name::List(..) if holdings.working.contains(&entry.path) => {
                (true, "the working state builds on it".into())
            }
            Name::Segment(..) if holdings.uncommitted_files.contains(&entry.path) => {
                (true, "compaction created it for the next checkpoint".into())
            }
            Name::Segment(..) | Name::List(..) => (false, "no kept checkpoint names it".into()),
            Name::Wal(checkpoint, _) if expired.contains(&checkpoint) => {
                (false, format!("holds changes after checkpoint {checkpoint}, which goes"))
            }
            Name::Wal(checkpoint, _) if listing.is_orphaned(checkpoint) => {
                let what = format!("orphaned: checkpoint {checkpoint} is missing, so it is never replayed");
                let stays = if holdings.is_explicit { "" } else { "; only `collect_garbage` deletes it" };
                (!holdings.is_explicit, what + stays)
            }
            Name::Wal(checkpoint, _) if !listing.checkpoints.contains(&checkpoint) => {
                (false, format!("holds changes after checkpoint {checkpoint}, which was deleted"))
            }
            // The newest checkpoint that there was decides, even if it goes now: the WAL files before it were
            // not needed any more, so some of them may be gone already.
            Name::Wal(checkpoint, _) if holdings.kept.keys().last() == Some(&checkpoint) => {
                (true, format!("holds changes after checkpoint {checkpoint}"))
            }
            Name::Wal(checkpoint, _) if holdings.keep_wal && remaining.contains_key(&checkpoint) => {
                (true, format!("holds changes after checkpoint {checkpoint}, and truncate_wal is off"))
            }
            Name::Wal(checkpoint, _) => {
                (false, format!("holds changes after checkpoint {checkpoint}, which a newer checkpoint contains"))
            }
            Name::State(id) | Name::EmptyCheckpoint(id)
                if id > holdings.settled_id && !expired.contains(&id) && !remaining.contains_key(&id) =>
            {
                (true, "belongs to a checkpoint in flight".into())
            }
            // A writer that is about to write a WAL file after it must find the mark.
            Name::Deleted(id) if remaining.keys().last() == Some(&id) => {
                (true, format!("says that checkpoint {id} is being deleted"))
            }
            // Ids are never given twice, so some file must mention the highest one.
            Name::Deleted(id) | Name::EmptyCheckpoint(id) if id == newest && !remaining.contains_key(&id) => {
                (true, format!("records that id {id} was given"))
            }
            Name::State(id) if id == newest && !remaining.contains_key(&id) => {
                (false, format!("left over from checkpoint {id}; an empty marker records that the id was given"))
            }
            Name::State(id) if remaining.get(&id).is_some_and(|files| files.is_none()) => {
                (true, format!("checkpoint {id} is damaged and may need it"))
            }
            Name::Deleted(id) | Name::State(id) | Name::EmptyCheckpoint(id) => {
                (false, format!("left over from checkpoint {id}"))
            }
        };
        FileVerdict { path: entry.path.clone(), bytes: entry.bytes, keep, why }
    };
    let mut files: Vec<FileVerdict> = listing.entries().map(verdict).collect();
    if !holdings.is_explicit {
        spare_most_leftovers(listing, &mut files);
    }
    files
}

/// How many names of partial checkpoints one maintenance deletes. A crash leaves one; a directory with many of them
/// must not make the stream wait for all their deletions.
const LEFTOVERS_MAX: usize = 256;

/// Lets all but some of the partial checkpoints stay for the next maintenance.
fn spare_most_leftovers(listing: &Listing, files: &mut [FileVerdict]) {
    let is_partial = |name: Name| match name {
        Name::State(id) | Name::Deleted(id) | Name::EmptyCheckpoint(id) => !listing.checkpoints.contains(&id),
        _ => false,
    };
    let going = files.iter_mut().zip(listing.entries()).filter(|(file, (name, _))| !file.keep && is_partial(*name));
    for (file, _) in going.skip(LEFTOVERS_MAX) {
        (file.keep, file.why) = (true, format!("stays for now: one maintenance deletes {LEFTOVERS_MAX} leftovers"));
    }
}
