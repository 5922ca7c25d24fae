//! The changelog: the mutations since the last checkpoint, in memory. It consists of chunks of fixed size
//! and is frozen by swapping a pointer. It is sorted only when it is written, off the caller's path.

pub(crate) mod batch;
mod compaction;
pub(crate) mod dedup;
mod log;
mod mark;
mod sorting;

use std::sync::Arc;

use crate::changelog::compaction::Compaction;
use crate::changelog::log::{Log, RECORD_HEADER};
pub(crate) use crate::changelog::mark::Mark;
use crate::changelog::sorting::Sorting;
use crate::format::segment::{FILE_BYTES, HEADER_BYTES, RECORD_LEAD_BYTES_MAX};
use crate::model::record::Record;

/// A changelog with fewer bytes is not worth compacting.
const COMPACT_BYTES_MIN: usize = 64 << 20;

/// The mutations since the last checkpoint, in the order in which they came.
///
/// A key that changes ten thousand times between two checkpoints needs only one record. So a changelog that
/// has outgrown the state is compacted, in steps: the older log is read while the later one is appended to.
#[derive(Debug, Default)]
pub(crate) struct Changelog {
    /// The older mutations: compacted ones, and those that are being compacted.
    settled: Log,
    /// The later mutations.
    fresh: Log,
    compaction: Option<Box<Compaction>>,
    /// Chunks that compaction made superfluous. They are given back one at a time.
    superfluous: Vec<Arc<Vec<u8>>>,
    /// The bytes of the chunks in `superfluous`.
    superfluous_bytes: usize,
    /// Up to how many bytes of fresh mutations there is nothing to do. It is `None` until the first look.
    idle_bytes: Option<usize>,
    /// The ends of what `sync` has written, in the older log and in the later one.
    synced: (Mark, Mark),
}

impl Changelog {
    /// Returns the bytes held from the allocator.
    pub(crate) fn allocated_bytes(&self) -> usize {
        let compaction = self.compaction.as_ref().map_or(0, |compaction| compaction.allocated_bytes());
        self.settled.allocated_bytes() + self.fresh.allocated_bytes() + compaction + self.superfluous_bytes
    }

    /// Returns how many more bytes the compaction that is under way may take from the allocator.
    pub(crate) fn growth_of_compaction(&self) -> usize {
        let compaction = self.compaction.as_ref();
        compaction.map_or(0, |of| Compaction::bytes_max(&self.settled).saturating_sub(of.allocated_bytes()))
    }

    /// Returns the bytes of the records, their headers included.
    pub(crate) fn bytes(&self) -> usize {
        self.settled.bytes() + self.fresh.bytes()
    }

    /// Returns the number of mutations.
    fn count(&self) -> usize {
        self.settled.count() + self.fresh.count()
    }

    /// Returns how many bytes the allocator must give to append a mutation of these lengths.
    #[inline]
    pub(crate) fn growth_for(&self, key_bytes: usize, value_bytes: usize) -> usize {
        self.fresh.growth_for(key_bytes, value_bytes)
    }

    /// Appends a mutation. Its namespace must be one that is kept in memory.
    #[inline]
    pub(crate) fn push(&mut self, record: Record<'_>) {
        // The parts go in registers; the whole would go through memory.
        self.fresh.push((record.hash, record.namespace), record.key, record.value);
    }

    /// Returns all mutations and leaves the changelog empty. Later mutations belong to the next checkpoint.
    pub(crate) fn freeze(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Returns the present end. It is valid until the changelog is frozen or [`attend`](Self::attend) may begin a
    /// compaction.
    pub(crate) fn mark(&self) -> Mark {
        self.fresh.mark()
    }

    /// Drops the mutations after `mark`.
    pub(crate) fn truncate(&mut self, mark: Mark) {
        self.fresh.truncate(mark);
    }

    /// Returns the mutations after `mark`, oldest first.
    pub(crate) fn records_after(&self, mark: Mark) -> impl Iterator<Item = Record<'_>> {
        self.fresh.records_after(mark)
    }

    /// Appends later mutations. At most a chunk is copied. A compaction that is under way continues, and one of the later
    /// mutations is given up. Marks are invalid afterwards.
    pub(crate) fn append(&mut self, later: Self) {
        if self.compaction.is_some() {
            // It reads the older log, which must not change.
            self.fresh.append(later.settled);
            self.fresh.append(later.fresh);
            return;
        }
        self.settle();
        self.settled.append(later.settled);
        self.fresh = later.fresh;
        // If checkpoints are dropped again and again, there are few fresh mutations each time.
        let is_tidy = self.superfluous.is_empty();
        self.idle_bytes = Some(if is_tidy { COMPACT_BYTES_MIN.saturating_sub(self.settled.bytes()) } else { 0 });
    }

    /// Appends the later log to the older one.
    fn settle(&mut self) {
        let were_synced = self.synced.0 == self.settled.mark();
        let begin = self.settled.append(std::mem::take(&mut self.fresh));
        if were_synced {
            self.synced.0 = self.synced.1.after(begin);
        }
        self.synced.1 = Mark::default();
    }

    /// Notes that all mutations so far are in the WAL already.
    pub(crate) fn mark_synced(&mut self) {
        self.synced = (self.settled.mark(), self.fresh.mark());
    }

    /// Returns a copy of the mutations since the last call, and marks them as synced. It takes microseconds, no
    /// matter how many they are. After a compaction it may hold mutations again that were synced already,
    /// which is correct: repeating the newest mutation of a key changes nothing.
    pub(crate) fn copy_tail(&mut self) -> Self {
        let (settled, fresh) = self.synced;
        let tail =
            Self { settled: self.settled.copy_after(settled), fresh: self.fresh.copy_after(fresh), ..Self::default() };
        self.mark_synced();
        tail
    }

    /// Returns the newest mutation of each key, in the order of [`Record::order`].
    pub(crate) fn newest(&self) -> impl Iterator<Item = Record<'_>> {
        self.sorting().newest()
    }

    /// Begins to put the mutations in order, in steps.
    pub(crate) fn sorting(&self) -> Sorting<'_> {
        Sorting::new(&self.settled, &self.fresh)
    }

    /// Returns the largest number of segments that the records can fill.
    pub(crate) fn segments_max(&self) -> u64 {
        let most = self.bytes() - self.count() * (RECORD_HEADER - RECORD_LEAD_BYTES_MAX as usize);
        if self.count() == 0 { 0 } else { 1 + (most / (FILE_BYTES - HEADER_BYTES)) as u64 }
    }

    /// Returns how many bytes the records take in a segment at most. Overwritten records are counted too.
    pub(crate) fn encoded_bytes(&self) -> usize {
        self.bytes() - self.count() * (RECORD_HEADER - 1)
    }

    /// Returns every mutation, oldest first.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.settled.records().chain(self.fresh.records())
    }

    /// Returns whether [`attend`](Self::attend) may have something to do.
    #[inline]
    pub(crate) fn wants_attention(&self) -> bool {
        self.fresh.bytes() > self.idle_bytes.unwrap_or(COMPACT_BYTES_MIN)
    }

    /// Does one step of compaction, or begins one if there are more than `worth` bytes. Only a changelog that
    /// is far larger than the state can hold many overwritten records. A mark is invalid after a beginning,
    /// so nothing begins unless `may_begin` is true.
    #[cold]
    pub(crate) fn attend(&mut self, worth: usize, may_begin: bool) {
        if let Some(compaction) = &mut self.compaction {
            if let Some(merged) = compaction.step(&self.settled) {
                self.replace(merged);
            }
        } else if let Some(chunk) = self.superfluous.pop() {
            self.superfluous_bytes -= chunk.capacity();
            if self.superfluous.is_empty() {
                self.look_again();
            }
        } else if self.bytes() <= worth {
            self.look_again();
        } else if may_begin {
            self.begin();
        }
    }

    /// Ends a compaction that is under way, however long it takes. All memory that it makes superfluous is
    /// given back.
    pub(crate) fn end_compaction(&mut self) {
        while self.compaction.is_some() {
            self.attend(0, false);
        }
        self.superfluous = Vec::new();
        self.superfluous_bytes = 0;
    }

    /// Lets the changelog double before the next look.
    fn look_again(&mut self) {
        self.idle_bytes = Some(COMPACT_BYTES_MIN.max(2 * self.bytes()) - self.settled.bytes());
    }

    fn begin(&mut self) {
        self.settle();
        self.compaction = Some(Box::default());
        self.idle_bytes = Some(0);
    }

    /// Puts the result of a compaction in the place of the older log.
    fn replace(&mut self, merged: Log) {
        let is_synced = self.synced.0 == self.settled.mark();
        let before = std::mem::replace(&mut self.settled, merged);
        self.synced.0 = if is_synced { self.settled.mark() } else { Mark::default() };
        self.compaction = None;
        self.superfluous = before.into_chunks();
        self.superfluous_bytes = self.superfluous.iter().map(|chunk| chunk.capacity()).sum();
    }
}

#[cfg(test)]
mod tests;
