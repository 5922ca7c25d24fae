//! The slots of a table whose keys crowd, sorted by `(hash, key)`. A search takes about as many steps as the
//! number of slots has binary digits, whatever the keys are.

use crate::model::work::count_probes;
use crate::state::arena::Arena;
use crate::state::sought::{Sought, tag};
use crate::state::table::slot::tag_of;

/// The slots that a chunk has room for. Insertion moves half a chunk at most times, and the list of chunks
/// once in many insertions. For a million keys, 512 balances the two.
const CHUNK_SLOTS: usize = 512;
/// How full chunks are made from a sorted list. The rest is room for insertions.
const FILLED_SLOTS: usize = CHUNK_SLOTS / 4 * 3;
/// A position is the index of a chunk above this many bits of offset in the chunk.
const OFFSET_BITS: u32 = CHUNK_SLOTS.trailing_zeros() + 1;

/// Slots in order, in chunks. No chunk is empty.
#[derive(Debug)]
pub(super) struct Ordered {
    chunks: Vec<Vec<u64>>,
    /// After so many insertions and deletions the table tries to do without this structure.
    pub(super) until_retry: usize,
}

fn position(chunk: usize, offset: usize) -> usize {
    chunk << OFFSET_BITS | offset
}

fn parts(position: usize) -> (usize, usize) {
    (position >> OFFSET_BITS, position & ((1 << OFFSET_BITS) - 1))
}

/// Returns how many probes are counted for moving `words` of 8 bytes at once, which costs far less than looking
/// at each of them.
fn moving(words: usize) -> usize {
    words / 32
}

fn chunk_of(slots: &[u64]) -> Vec<u64> {
    let mut chunk = Vec::with_capacity(CHUNK_SLOTS);
    chunk.extend_from_slice(slots);
    chunk
}

impl Ordered {
    /// Takes slots that are sorted by `(hash, key)`.
    pub(super) fn new(slots: &[u64], until_retry: usize) -> Self {
        count_probes(slots.len());
        Self { chunks: slots.chunks(FILLED_SLOTS).map(chunk_of).collect(), until_retry }
    }

    /// Returns the bytes held from the allocator.
    pub(super) fn allocated_bytes(&self) -> usize {
        size_of::<Self>() + self.chunks.capacity() * size_of::<Vec<u64>>() + self.chunks.len() * CHUNK_SLOTS * 8
    }

    /// Returns the bytes that the next insertion takes from the allocator, at most.
    pub(super) fn growth_for_insert(&self) -> usize {
        let list = if self.chunks.len() == self.chunks.capacity() { 2 * self.chunks.capacity() } else { 0 };
        CHUNK_SLOTS * 8 + list * size_of::<Vec<u64>>()
    }

    /// Returns the slot at a position.
    pub(super) fn slot(&self, at: usize) -> u64 {
        let (chunk, offset) = parts(at);
        self.chunks[chunk][offset]
    }

    /// Returns the slot at a position.
    pub(super) fn slot_mut(&mut self, at: usize) -> &mut u64 {
        let (chunk, offset) = parts(at);
        &mut self.chunks[chunk][offset]
    }

    /// Returns all slots in order.
    pub(super) fn slots(&self) -> impl Iterator<Item = &u64> {
        self.chunks.iter().flatten()
    }

    /// Returns the position of a key, or the position before which it belongs.
    ///
    /// The parts of [`Sought`] are passed one by one. As a value in memory they would be stored before each
    /// search of a table, for this call that ordinary tables never make.
    #[cold]
    #[inline(never)]
    pub(super) fn find(&self, arena: &Arena, hash: u64, key: &[u8]) -> Result<usize, usize> {
        let (sought, tag) = (Sought { arena, hash, key }, tag(hash));
        let order_of = |slot: u64| {
            count_probes(1);
            tag_of(slot).cmp(&tag).then_with(|| sought.order_of(slot as u32))
        };
        // The last chunk that does not begin behind the key is the only one that can hold it.
        let behind = self.chunks.partition_point(|chunk| order_of(chunk[0]).is_le());
        let chunk = behind.saturating_sub(1);
        match self.chunks[chunk].binary_search_by(|slot| order_of(*slot)) {
            Ok(offset) => Ok(position(chunk, offset)),
            Err(offset) => Err(position(chunk, offset)),
        }
    }

    /// Inserts a slot before a position.
    pub(super) fn insert(&mut self, at: usize, slot: u64) {
        let (chunk, offset) = parts(at);
        let is_last = chunk + 1 == self.chunks.len();
        let slots = &mut self.chunks[chunk];
        count_probes(moving(slots.len() - offset) + 1);
        if slots.len() < CHUNK_SLOTS {
            slots.insert(offset, slot);
            return;
        }
        if offset == CHUNK_SLOTS && is_last {
            self.chunks.push(chunk_of(&[slot]));
            return;
        }
        let half = CHUNK_SLOTS / 2;
        let mut upper = chunk_of(&slots[half..]);
        slots.truncate(half);
        if offset <= half {
            slots.insert(offset, slot);
        } else {
            upper.insert(offset - half, slot);
        }
        count_probes(moving(half + 3 * (self.chunks.len() - chunk)));
        self.chunks.insert(chunk + 1, upper);
    }

    /// Adds a slot that belongs behind all others.
    pub(super) fn push(&mut self, slot: u64) {
        let chunk = self.chunks.len() - 1;
        self.insert(position(chunk, self.chunks[chunk].len()), slot);
    }

    /// Removes the slot at a position.
    pub(super) fn remove(&mut self, at: usize) {
        let (chunk, offset) = parts(at);
        let slots = &mut self.chunks[chunk];
        count_probes(moving(slots.len() - offset) + 1);
        slots.remove(offset);
        // Chunks that are nearly empty are put together, so that the memory shrinks with the number of slots.
        let first = if chunk + 1 < self.chunks.len() { chunk } else { chunk.saturating_sub(1) };
        let both = self.chunks.get(first..first + 2).map(|two| two[0].len() + two[1].len());
        if self.chunks[chunk].is_empty() {
            self.chunks.remove(chunk);
        } else if both.is_some_and(|both| both <= CHUNK_SLOTS / 2) {
            let upper = self.chunks.remove(first + 1);
            self.chunks[first].extend_from_slice(&upper);
        } else {
            return;
        }
        count_probes(moving(CHUNK_SLOTS + 3 * (self.chunks.len() - first)));
    }
}
