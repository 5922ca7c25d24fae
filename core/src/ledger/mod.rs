//! The ledger: what this writer knows of its directory. It holds the segments of the newest
//! checkpoint, the files that the kept checkpoints name, and what compaction has ready.
//!
//! The manager, the checkpoints in flight and maintenance share it. Its lock is held only briefly and
//! never across an await. Whether the writer is healthy is read without the lock.

mod beside_writer;
pub(crate) mod fence;
pub(crate) mod guards;
mod health;
pub(crate) mod list_choice;
pub(crate) mod listing;
pub(crate) mod live_segment;
pub(crate) mod lost;
pub(crate) mod metadata_reader;
pub(crate) mod own_file;
mod owner;
pub(crate) mod prefetch;
pub(crate) mod remains;
mod renew;
pub(crate) mod replacement;
pub(crate) mod segment_reader;
pub(crate) mod standing;
pub(crate) mod ticket;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashSet;

use crate::config::Counts;
use crate::directory::EntryKind;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::segment_list::SegmentList;
use crate::ledger::health::Health;
use crate::ledger::listing::Listing;
use crate::ledger::live_segment::LiveSegment;
use crate::ledger::own_file::Fingerprint;
use crate::ledger::replacement::Replacement;
use crate::ledger::standing::Standing;

/// The files of a kept checkpoint. `None` means that its metadata is damaged, so that they are unknown.
pub(crate) type KeptFiles = Option<Arc<BTreeSet<String>>>;

/// What this writer knows, shared by everything that writes for it.
#[derive(Debug)]
pub(crate) struct Ledger {
    health: Health,
    pages: Mutex<Pages>,
    /// When a checkpoint counts. If something else must name it first, this writer is the only one.
    pub(crate) counts: Counts,
}

/// The part of the ledger that changes.
#[derive(Debug)]
pub(crate) struct Pages {
    /// The id of the directory, to which every file in it is bound.
    pub(crate) store_id: [u8; 16],
    /// The number that this writer drew, which is in the names of its segments. It is 0 if it drew none.
    pub(crate) writer: u64,
    /// What every checkpoint repeats from the one before.
    pub(crate) standing: Standing,
    /// The checkpoint that the next one must follow.
    pub(crate) committed: Option<u64>,
    /// The segments of the working state, in the order in which recovery applies them.
    pub(crate) segments: Vec<LiveSegment>,
    /// The list file on which the newest metadata is based, if there is one.
    pub(crate) list: Option<SegmentList>,
    /// The checkpoint that names these segments, unless this writer has deleted it. While it exists,
    /// no writer treats its files as garbage.
    pub(crate) source: Option<u64>,
    /// The checkpoint that is being restored. It stays until that is done.
    pub(crate) restoring: Option<u64>,
    /// The number of the next segment.
    pub(crate) next_number: u64,
    /// Segment numbers below this one belong to this writer or to its predecessors, so garbage
    /// collection may delete these segments. A writer that takes the directory over uses numbers from
    /// this one on.
    pub(crate) own_below: u64,
    /// What compaction has created, to be published with the next checkpoint.
    pub(crate) unpublished: Option<Replacement>,
    /// How often the segments of the working state were replaced by others, which a new delta does not do. What
    /// compaction has read since does not count any more.
    pub(crate) replacements: u64,
    /// The checkpoint that this writer is creating, or has created last, and by what its metadata is recognised.
    pub(crate) creating: Option<(u64, Fingerprint)>,
    /// Segments that are created, or about to be, before the metadata that will name them. They are
    /// not garbage until it is known that no metadata will.
    pub(crate) uncommitted_files: FxHashSet<String>,
    /// The files of each kept checkpoint, by the checkpoint's id.
    pub(crate) kept: BTreeMap<u64, KeptFiles>,
    /// Checkpoints that maintenance is about to delete.
    pub(crate) going: BTreeSet<u64>,
    /// Whether the WAL files of older checkpoints stay with them.
    pub(crate) keep_wal: bool,
    /// How many WAL files follow the newest checkpoint, as far as this writer knows.
    pub(crate) wal_sequence: u64,
    /// WAL files that were there when the directory was opened, and this writer's own, as checkpoint
    /// and sequence. Any other belongs to another writer.
    pub(crate) known_wal: FxHashSet<(u64, u64)>,
    /// The WAL file that this writer is creating. A listing may or may not show it.
    pub(crate) creating_wal: Option<(u64, u64)>,
    /// The highest id that any name mentioned when the directory was opened.
    pub(crate) opened_at_id: u64,
    /// Temporary files that were there when the directory was opened. Their writer is gone.
    pub(crate) leftovers: Arc<FxHashSet<String>>,
}

impl Ledger {
    /// Creates the ledger of a directory whose listing was just taken. The first new segment gets
    /// `next_number`.
    pub(crate) fn new(store_id: [u8; 16], next_number: u64, listing: &Listing, keep_wal: bool, counts: Counts) -> Self {
        let temporary = listing.entries().filter(|(_, entry)| entry.kind == EntryKind::Temporary);
        let pages = Pages {
            leftovers: Arc::new(temporary.map(|(_, entry)| entry.path.clone()).collect()),
            opened_at_id: listing.highest_id,
            store_id,
            writer: 0,
            standing: Standing::default(),
            committed: None,
            segments: Vec::new(),
            list: None,
            source: None,
            restoring: None,
            next_number,
            own_below: next_number,
            unpublished: None,
            replacements: 0,
            creating: None,
            uncommitted_files: FxHashSet::default(),
            kept: BTreeMap::new(),
            going: BTreeSet::new(),
            keep_wal,
            wal_sequence: 0,
            creating_wal: None,
            known_wal: listing.wal.iter().map(|(checkpoint, sequence, _)| (*checkpoint, *sequence)).collect(),
        };
        Self { health: Health::default(), pages: Mutex::new(pages), counts }
    }

    /// Fails if an earlier write of this writer failed, with the first reason.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.health.check()
    }

    /// Refuses all later work of this writer.
    pub(crate) fn poison(&self, error: &Error) {
        self.health.poison(error);
    }

    /// Locks the part that changes.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Pages> {
        // Nothing that may panic runs under the lock while the pages are half changed.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    /// Tells whether a WAL file was there when the directory was opened, or is this writer's own.
    pub(crate) fn knows(&self, checkpoint: u64, sequence: u64) -> bool {
        self.creating_wal == Some((checkpoint, sequence)) || self.known_wal.contains(&(checkpoint, sequence))
    }

    /// Drops what compaction has ready. Its files are garbage from now on.
    pub(crate) fn drop_unpublished(&mut self) {
        if let Some(dropped) = self.unpublished.take() {
            self.forget_uncommitted(&dropped);
        }
    }

    /// Forgets the files of a replacement, because metadata names them now or never will.
    pub(crate) fn forget_uncommitted(&mut self, replacement: &Replacement) {
        for path in replacement.paths() {
            self.uncommitted_files.remove(&path);
        }
    }

    /// Reserves `count` segment numbers and returns the first.
    pub(crate) fn take_numbers(&mut self, count: u64) -> Result<u64, Error> {
        let first = self.next_number;
        self.next_number =
            first.checked_add(count).ok_or_else(|| Error::LimitExceeded("segment numbers are used up".into()))?;
        Ok(first)
    }

    /// Gives back the numbers from `unused` to `end`, unless a later number was taken meanwhile.
    pub(crate) fn give_back_numbers(&mut self, unused: u64, end: u64) {
        if self.next_number == end {
            self.next_number = unused;
        }
    }
}
