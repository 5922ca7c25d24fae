//! What the writing side knows of the directory: the segments of the newest checkpoint, what the
//! kept checkpoints name, and what a rebase has ready for the next one.
//!
//! Shared between the manager and the checkpoints in flight, locked only for a moment at a time and
//! never over an await.

pub(crate) mod listing;
pub(crate) mod segment_reader;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::directory::EntryKind;
use crate::error::IncrementalCheckpointError as Error;
use crate::few::{Map, Set};
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::ledger::listing::Listing;
use crate::ledger::segment_reader::LiveSegment;
use crate::maintenance::compaction::Replacement;

/// Files of a kept checkpoint; `None` when its metadata is damaged, so that nobody knows.
pub(crate) type KeptFiles = Option<Set<String>>;

#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) store_id: [u8; 16],
    /// The checkpoint that the next one must follow.
    pub(crate) committed: Option<u64>,
    /// Its segments, in the order of their application.
    pub(crate) segments: Vec<LiveSegment>,
    /// The checkpoint that they are of, unless this writer has deleted it: while it is there, nobody
    /// takes its files for garbage.
    pub(crate) source: Option<u64>,
    /// The number of the next segment.
    pub(crate) next_number: u64,
    /// Numbers below this one are this writer's or its predecessors': free for garbage collection.
    /// Whoever takes the directory over numbers from here on.
    pub(crate) own_below: u64,
    /// What a rebase has created, to be published with the next checkpoint.
    pub(crate) unpublished: Option<Replacement>,
    /// Segments that are created, or about to be, ahead of the metadata that will name them: not
    /// garbage until it is known that none will.
    pub(crate) uncommitted_files: Set<String>,
    pub(crate) kept: Map<u64, KeptFiles>,
    /// Whether logs of older checkpoints stay with them.
    pub(crate) keep_wal: bool,
    /// How many logs follow the newest checkpoint, as far as this writer knows.
    pub(crate) wal_sequence: u64,
    /// Logs that were there when the directory was opened, and this writer's own: checkpoint and
    /// sequence. Any other is somebody else's.
    pub(crate) known_wal: Set<(u64, u64)>,
    /// The highest id that any name gave away when the directory was opened.
    pub(crate) opened_at_id: u64,
    /// Temporary files that were there when the directory was opened: whoever made them is gone.
    pub(crate) leftovers: Set<String>,
    /// Why nothing more may be written until the directory is opened anew.
    poisoned: Option<Error>,
}

/// The ledger, shared.
pub(crate) type SharedLedger = Arc<Mutex<Ledger>>;

impl Ledger {
    pub(crate) fn new(store_id: [u8; 16], next_number: u64, listing: &Listing) -> Self {
        let temporary = listing.entries.iter().filter(|(_, entry)| entry.kind == EntryKind::Temporary);
        Self {
            leftovers: temporary.map(|(_, entry)| entry.path.clone()).collect(),
            opened_at_id: listing.highest_id,
            store_id,
            committed: None,
            segments: Vec::new(),
            source: None,
            next_number,
            own_below: next_number,
            unpublished: None,
            uncommitted_files: Set::default(),
            kept: Map::default(),
            keep_wal: false,
            wal_sequence: 0,
            known_wal: listing.wal.iter().map(|(checkpoint, sequence, _)| (*checkpoint, *sequence)).collect(),
            poisoned: None,
        }
    }

    /// After a failed write nobody knows what is on disk: everything is refused from then on, each
    /// time with the first reason.
    pub(crate) fn poison(&mut self, error: &Error) {
        self.poisoned.get_or_insert_with(|| match error {
            Error::Fenced(_) => error.clone(),
            other => Error::Poisoned(other.to_string()),
        });
    }

    /// Whether a log was there when the directory was opened, or is this writer's own.
    pub(crate) fn knows(&self, checkpoint: u64, sequence: u64) -> bool {
        self.known_wal.contains(&(checkpoint, sequence))
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        self.poisoned.clone().map_or(Ok(()), Err)
    }

    /// Gives up what a rebase has ready: its files are garbage now.
    pub(crate) fn drop_unpublished(&mut self) {
        if let Some(dropped) = self.unpublished.take() {
            self.forget_uncommitted(&dropped);
        }
    }

    /// The files of a replacement are named by metadata now, or never will be.
    pub(crate) fn forget_uncommitted(&mut self, replacement: &Replacement) {
        for path in replacement.paths() {
            self.uncommitted_files.remove(&path);
        }
    }

    /// Takes `count` segment numbers.
    pub(crate) fn take_numbers(&mut self, count: u64) -> Result<u64, Error> {
        let first = self.next_number;
        self.next_number =
            first.checked_add(count).ok_or_else(|| Error::LimitExceeded("segment numbers are used up".into()))?;
        Ok(first)
    }

    pub(crate) fn keep(&mut self, metadata: &IncrementalCheckpointMetadata) {
        self.kept.insert(metadata.id, Some(metadata.files().into_iter().collect()));
    }
}

pub(crate) fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    // Nothing that may panic runs under the lock with the ledger half changed.
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}
