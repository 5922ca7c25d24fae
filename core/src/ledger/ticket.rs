//! A checkpoint's permission to become the newest one.

use std::sync::Arc;

use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::segment_list::SegmentList;
use crate::ledger::Ledger;
use crate::ledger::listing::Listing;
use crate::ledger::live_segment::LiveSegment;
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
}

impl Ledger {
    /// Begins the commit of checkpoint `id`, which must follow the one that was committed last. If it is
    /// `full`, it shares no files. `numbers` is the most segments that it may need.
    ///
    /// A checkpoint that comes out of order is [`InvalidInput`](Error::InvalidInput).
    pub(crate) fn begin_commit(
        self: &Arc<Self>,
        id: u64,
        follows: Option<u64>,
        full: bool,
        numbers: u64,
    ) -> Result<CommitTicket, Error> {
        self.check()?;
        let mut pages = self.lock();
        if pages.committed != follows {
            let name = |id: Option<u64>| id.map_or("none".into(), |id| id.to_string());
            return Err(Error::InvalidInput(format!(
                "checkpoint {id} must be written after {}, but {} was written last: write them in order and drop none",
                name(follows),
                name(pages.committed)
            )));
        }
        // One more, for a list of the segments.
        let numbers = numbers.saturating_add(1);
        let first_number = pages.take_numbers(numbers)?;
        if full {
            pages.drop_unpublished();
        }
        let published = pages.unpublished.take();
        let shared = match &published {
            _ if full => Vec::new(),
            Some(replacement) => replacement.apply(&pages.segments),
            None => pages.segments.clone(),
        };
        Ok(CommitTicket {
            ledger: self.clone(),
            id,
            store_id: pages.store_id,
            writer: pages.writer,
            standing: pages.standing.clone(),
            first_number,
            reserved: numbers,
            used: 0,
            // If there is no segment yet, what changed is the whole state.
            is_base: full || pages.segments.is_empty(),
            list: pages.list.clone(),
            shared,
            published,
            source: pages.source.filter(|_| !full),
        })
    }
}

impl CommitTicket {
    /// Notes how many of the reserved numbers the checkpoint needed, and gives the others back.
    pub(crate) fn use_numbers(&mut self, used: u64) {
        self.used = used;
        self.ledger.lock().give_back_numbers(self.first_number + used, self.first_number + self.reserved);
    }

    /// Makes the checkpoint the newest one. `listing` must have been taken after its metadata was
    /// created, and must show no other writer.
    pub(crate) fn commit(
        self,
        metadata: &IncrementalCheckpointMetadata,
        segments: Vec<LiveSegment>,
        listing: &Listing,
    ) {
        let mut pages = self.ledger.lock();
        pages.committed = Some(self.id);
        pages.segments = segments;
        pages.list = metadata.alluvium.as_ref().and_then(|fields| fields.list.clone());
        if let Some(published) = &self.published {
            pages.forget_uncommitted(published);
        }
        pages.source = Some(self.id);
        pages.own_below = self.first_number + self.used;
        pages.wal_sequence = 0;
        pages.known_wal.retain(|(checkpoint, sequence)| listing.holds_wal(*checkpoint, *sequence));
        pages.keep(metadata);
    }
}
