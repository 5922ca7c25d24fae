//! Entries in order, in chunks of fixed size. An insertion moves half a chunk at most times, and the list of chunks
//! once in many insertions.

use std::cmp::Ordering;

use crate::model::work::count_probes;
use crate::state::arena::Address;
use crate::state::order::entry::Entry;

/// The entries that a chunk has room for.
const CHUNK_ENTRIES: usize = 512;

/// The place of an entry: its chunk, and its place in the chunk. Places are in the order of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    chunk: usize,
    offset: usize,
}

impl Place {
    /// The place of the first entry.
    pub(super) const START: Self = Self { chunk: 0, offset: 0 };
}

/// Entries in order. No chunk is empty.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    chunks: Vec<Vec<Entry>>,
    /// The first entry of each chunk. They stand together, so that a search for a chunk touches little memory.
    firsts: Vec<Entry>,
}

/// What the lists of chunks take for each of them, in bytes.
const LISTED_BYTES: usize = size_of::<Vec<Entry>>() + size_of::<Entry>();

fn chunk_of(entries: &[Entry]) -> Vec<Entry> {
    let mut chunk = Vec::with_capacity(CHUNK_ENTRIES);
    chunk.extend_from_slice(entries);
    chunk
}

impl Chunks {
    /// Takes entries that are in order.
    pub(super) fn new(entries: &[Entry]) -> Self {
        let parts = || entries.chunks(CHUNK_ENTRIES / 4 * 3);
        Self { chunks: parts().map(chunk_of).collect(), firsts: parts().map(|part| part[0]).collect() }
    }

    /// Returns the bytes held from the allocator.
    pub(super) fn allocated_bytes(&self) -> usize {
        let lists = self.chunks.capacity() * size_of::<Vec<Entry>>() + self.firsts.capacity() * size_of::<Entry>();
        lists + self.chunks.len() * CHUNK_ENTRIES * size_of::<Entry>()
    }

    /// Returns the bytes that the next insertion takes from the allocator, at most.
    pub(super) fn growth_for_insert(&self) -> usize {
        let is_full = self.chunks.len() == self.chunks.capacity();
        let list = if is_full { self.chunks.capacity().max(4) } else { 0 };
        CHUNK_ENTRIES * size_of::<Entry>() + list * LISTED_BYTES
    }

    /// Returns the place of the entry that `order_of` finds equal, or the place before which it belongs.
    pub(super) fn search(&self, order_of: impl Fn(&Entry) -> Ordering) -> Result<Place, Place> {
        // The last chunk that does not begin behind the entry is the only one that can hold it.
        let behind = self.firsts.partition_point(|first| order_of(first).is_le());
        let chunk = behind.saturating_sub(1);
        let found = self.chunks.get(chunk).map_or(Err(0), |entries| entries.binary_search_by(order_of));
        found.map(|offset| Place { chunk, offset }).map_err(|offset| Place { chunk, offset })
    }

    /// Returns the first entry.
    pub(super) fn first(&self) -> Option<&Entry> {
        self.chunks.first()?.first()
    }

    /// Returns the last entry.
    pub(super) fn last(&self) -> Option<&Entry> {
        self.chunks.last()?.last()
    }

    /// Replaces the address of the entry at a place.
    pub(super) fn set_address(&mut self, at: Place, address: Address) {
        self.chunks[at.chunk][at.offset].address = address;
        self.note_first(at.chunk);
    }

    /// Notes the first entry of a chunk again.
    fn note_first(&mut self, chunk: usize) {
        self.firsts[chunk] = self.chunks[chunk][0];
    }

    /// Adds a chunk before the one with this number.
    fn add_chunk(&mut self, at: usize, entries: Vec<Entry>) {
        self.firsts.insert(at, entries[0]);
        self.chunks.insert(at, entries);
    }

    /// Takes a chunk out.
    fn take_chunk(&mut self, at: usize) -> Vec<Entry> {
        self.firsts.remove(at);
        self.chunks.remove(at)
    }

    /// Returns the entries between two places, of which the second is not included. Without it, they end with the
    /// last one.
    pub(super) fn range(&self, from: Place, to: Option<Place>) -> impl DoubleEndedIterator<Item = &Entry> {
        let end = to.unwrap_or(Place { chunk: self.chunks.len(), offset: 0 });
        let last = if end.offset > 0 { end.chunk + 1 } else { end.chunk };
        let chunks = self.chunks.get(from.chunk..last.min(self.chunks.len())).unwrap_or_default();
        chunks.iter().enumerate().flat_map(move |(at, chunk)| {
            let at = from.chunk + at;
            let first = if at == from.chunk { from.offset } else { 0 };
            let last = if at == end.chunk { end.offset } else { chunk.len() };
            chunk.get(first..last).unwrap_or_default()
        })
    }

    /// Inserts an entry before a place.
    pub(super) fn insert(&mut self, at: Place, entry: Entry) {
        let Place { chunk, offset } = at;
        let is_last = chunk + 1 >= self.chunks.len();
        let Some(entries) = self.chunks.get_mut(chunk) else {
            return self.add_chunk(chunk, chunk_of(&[entry]));
        };
        count_probes(moving(entries.len() - offset) + 1);
        if entries.len() < CHUNK_ENTRIES {
            entries.insert(offset, entry);
            return self.note_first(chunk);
        }
        if offset == CHUNK_ENTRIES && is_last {
            return self.add_chunk(chunk + 1, chunk_of(&[entry]));
        }
        let half = CHUNK_ENTRIES / 2;
        let mut upper = chunk_of(&entries[half..]);
        entries.truncate(half);
        if offset <= half {
            entries.insert(offset, entry);
        } else {
            upper.insert(offset - half, entry);
        }
        count_probes(moving(half + 3 * (self.chunks.len() - chunk)));
        self.note_first(chunk);
        self.add_chunk(chunk + 1, upper);
    }

    /// Removes the entry at a place.
    pub(super) fn remove(&mut self, at: Place) {
        let Place { chunk, offset } = at;
        let entries = &mut self.chunks[chunk];
        count_probes(moving(entries.len() - offset) + 1);
        entries.remove(offset);
        if entries.is_empty() {
            count_probes(moving(3 * (self.chunks.len() - chunk)));
            self.take_chunk(chunk);
            return;
        }
        self.note_first(chunk);
        // Chunks that are nearly empty are put together, so that the memory shrinks with the number of entries.
        let first = if chunk + 1 < self.chunks.len() { chunk } else { chunk.saturating_sub(1) };
        let both = self.chunks.get(first..first + 2).map(|two| two[0].len() + two[1].len());
        if both.is_some_and(|both| both <= CHUNK_ENTRIES / 2) {
            count_probes(moving(CHUNK_ENTRIES + 3 * (self.chunks.len() - first)));
            let upper = self.take_chunk(first + 1);
            self.chunks[first].extend_from_slice(&upper);
        }
    }
}

/// Returns how many probes are counted for moving `entries` at once, which costs far less than looking at each.
fn moving(entries: usize) -> usize {
    entries / 16
}
