//! A checkpoint's permission to become the newest one.

use std::sync::Arc;

use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::segment_list::SegmentList;
use crate::ledger::Ledger;
use crate::ledger::listing::Listing;
use crate::ledger::live_segment::LiveSegment;
use crate::ledger::own_file::Fingerprint;
use crate::ledger::replacement::Replacement;
use crate::ledger::standing::Standing;

/// What a checkpoint is built on, taken from the ledger in one step, so that the checkpoint can be
/// encoded without a lock. [`commit`](Self::commit) is the only place that moves the ledger's head.
#[derive(Debug)]
pub(crate) struct CommitTicket {
    ledger: Arc<Ledger>,
    id: u64,
    /// The id of the directory, to which every file in it is bound.
    pub(crate) store_id: [u8; 16],
    /// The number that the writer drew.
    pub(crate) writer: u64,
    /// What the checkpoint repeats from the one before.
    pub(crate) standing: Standing,
    /// The first of the segment numbers that are reserved for the checkpoint.
    pub(crate) first_number: u64,
    /// How many segment numbers are reserved.
    reserved: u64,
    /// How many of them the checkpoint needed.
    used: u64,
    /// Whether the checkpoint builds on nothing, so that its records are a base.
    pub(crate) is_base: bool,
    /// The list file on which the metadata before it is based.
    pub(crate) list: Option<SegmentList>,
    /// The older segments that it shares, those of a finished compaction included.
    pub(crate) shared: Vec<LiveSegment>,
    /// The compaction that it publishes.
    pub(crate) published: Option<Replacement>,
    /// The checkpoint whose files it shares.
    pub(crate) source: Option<u64>,
    /// Whether it continues from other files than the checkpoint before it.
    replaces: bool,
    /// Whether no file was created for it, so that it can be given back.
    is_unused: bool,
}

/// What a restored checkpoint is built on, in place of the newest one: the checkpoint that is restored.
#[derive(Debug)]
pub(crate) struct Foundation {
    pub(crate) source: Option<u64>,
    pub(crate) segments: Vec<LiveSegment>,
    pub(crate) list: Option<SegmentList>,
    /// What the checkpoint repeats, and the id of the directory, if it is not LaminarDB's.
    pub(crate) standing: Option<(Standing, [u8; 16])>,
}

impl Ledger {
    /// Begins the commit of checkpoint `id`, which is built on `foundation`, or else on the one that was committed
    /// last. If it is `full`, it shares no files. `numbers` is the most segments that it may need.
    pub(crate) fn begin_commit(
        self: &Arc<Self>,
        id: u64,
        full: bool,
        foundation: Option<&Foundation>,
        numbers: u64,
    ) -> Result<CommitTicket, Error> {
        self.check()?;
        let mut pages = self.lock();
        // One more, for a list of the segments.
        let numbers = numbers.saturating_add(1);
        let first_number = pages.take_numbers(numbers)?;
        // What is whole, or restored, is not built on what compaction has replaced.
        let replaces = full || foundation.is_some();
        let published = if replaces { None } else { pages.unpublished.take() };
        let (mut standing, mut store_id) = (pages.standing.clone(), pages.store_id);
        if let Some((restored, restored_id)) = foundation.and_then(|foundation| foundation.standing.clone()) {
            // What the caller asked to be kept does not go back to an earlier moment.
            standing = Standing { kept: standing.kept, ..restored };
            store_id = restored_id;
        }
        let source = foundation.map_or(pages.source, |foundation| foundation.source);
        let list = foundation.map_or(&pages.list, |foundation| &foundation.list).clone();
        let segments = foundation.map_or(&pages.segments, |foundation| &foundation.segments);
        // If there is no segment yet, what changed is the whole state.
        let is_base = full || segments.is_empty();
        let shared = match &published {
            _ if full => Vec::new(),
            Some(replacement) => replacement.apply(segments),
            None => segments.clone(),
        };
        Ok(CommitTicket {
            ledger: self.clone(),
            id,
            store_id,
            writer: pages.writer,
            standing,
            first_number,
            reserved: numbers,
            used: 0,
            is_base,
            list,
            shared,
            published,
            source: source.filter(|_| !full),
            replaces,
            is_unused: true,
        })
    }
}

impl CommitTicket {
    /// Notes how many of the reserved numbers the checkpoint needed, and gives the others back.
    pub(crate) fn use_numbers(&mut self, used: u64) {
        self.ledger.lock().give_back_numbers(self.first_number + used, self.first_number + self.reserved);
        (self.used, self.reserved) = (used, used);
    }

    /// Notes that files are about to be created, so that nothing of the ticket can be given back. The last one is
    /// the metadata.
    pub(crate) fn begin_creation(&mut self, metadata: Option<Fingerprint>) {
        self.is_unused = false;
        self.ledger.lock().creating = metadata.map(|metadata| (self.id, metadata));
    }

    /// Makes the checkpoint the newest one. `listing` must have been taken after its metadata was
    /// created, and must show no other writer.
    pub(crate) fn commit(
        self,
        metadata: &IncrementalCheckpointMetadata,
        segments: Vec<LiveSegment>,
        listing: &Listing,
    ) {
        let files = metadata.files().into_iter().collect();
        let mut pages = self.ledger.lock();
        pages.committed = Some(self.id);
        pages.segments = segments;
        if self.replaces {
            pages.store_id = self.store_id;
            pages.standing = Standing { kept: std::mem::take(&mut pages.standing.kept), ..self.standing.clone() };
        }
        if let Some(fields) = &metadata.alluvium {
            pages.standing.namespaces = fields.namespaces.clone();
        }
        if self.replaces || self.published.is_some() {
            // What another compaction has ready was made of the segments that are replaced now.
            pages.replacements += 1;
            pages.drop_unpublished();
        }
        pages.list = metadata.alluvium.as_ref().and_then(|fields| fields.list.clone());
        if let Some(published) = &self.published {
            pages.forget_uncommitted(published);
        }
        pages.source = Some(self.id);
        pages.own_below = self.first_number + self.used;
        pages.wal_sequence = 0;
        pages.known_wal.retain(|(checkpoint, sequence)| listing.holds_wal(*checkpoint, *sequence));
        pages.kept.insert(self.id, Some(Arc::new(files)));
    }
}

impl Drop for CommitTicket {
    fn drop(&mut self) {
        if !self.is_unused {
            return;
        }
        let mut pages = self.ledger.lock();
        pages.give_back_numbers(self.first_number, self.first_number + self.reserved);
        match self.published.take() {
            Some(published) if pages.unpublished.is_some() => pages.forget_uncommitted(&published),
            Some(published) => pages.unpublished = Some(published),
            None => {}
        }
    }
}
