//! The index of one key group: 8-byte slots in hash order, found by linear probing.
//!
//! A slot is 32 bits of hash above 32 bits of address; 0 is empty. The home of a hash is its share of
//! the capacity, so slots stay sorted by hash, iteration is in hash order, and any capacity will do.
//! There is no wrapping around: what does not fit at the end goes into slots behind the capacity.

use crate::state::arena::Address;

const CAPACITY_MIN: usize = 8;

/// Slots of one key group.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<u64>,
    capacity: usize,
    len: usize,
}

/// Where a search ended.
pub(super) enum Found {
    /// The slot that holds the key.
    At(usize),
    /// The slot before which the key belongs.
    Before(usize),
}

#[inline]
fn tag_of(slot: u64) -> u32 {
    (slot >> 32) as u32
}

impl Table {
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        self.slots.capacity() * 8
    }

    #[inline]
    fn home(&self, tag: u32) -> usize {
        ((u64::from(tag) * self.capacity as u64) >> 32) as usize
    }

    #[inline]
    pub(super) fn address(&self, index: usize) -> Address {
        self.slots[index] as u32
    }

    pub(super) fn set_address(&mut self, index: usize, address: Address) {
        self.slots[index] = self.slots[index] >> 32 << 32 | u64::from(address);
    }

    /// Looks for the key with hash bits `tag`; `is_key` says whether an address holds it.
    #[inline]
    pub(super) fn find(&self, tag: u32, is_key: impl Fn(Address) -> bool) -> Found {
        let mut at = self.home(tag);
        // Empty slots are 0, and every full one is more: `slot < tag << 32` alone would stop at a
        // full slot of a smaller tag.
        while let Some(&slot) = self.slots.get(at) {
            if slot == 0 || tag_of(slot) > tag {
                break;
            }
            if tag_of(slot) == tag && is_key(slot as u32) {
                return Found::At(at);
            }
            at += 1;
        }
        Found::Before(at)
    }

    /// The address in the first slot with these hash bits, 0 when there is none: most often the key
    /// that is looked for, and found without touching its record.
    #[inline]
    pub(super) fn guess(&self, tag: u32) -> Address {
        let from = self.slots.get(self.home(tag)..).unwrap_or_default();
        let candidates = from.iter().take_while(|slot| **slot != 0 && tag_of(**slot) <= tag);
        candidates.last().filter(|slot| tag_of(**slot) == tag).map_or(0, |slot| *slot as u32)
    }

    /// Bytes that the next insertion takes from the allocator.
    pub(super) fn growth_for_insert(&self) -> usize {
        if self.is_full() { grown(self.capacity) * 8 } else { 0 }
    }

    fn is_full(&self) -> bool {
        // 7/8: sorted probing finds a key after three or four neighbouring slots even then.
        self.len * 8 >= self.capacity * 7
    }

    /// Inserts before `at`, which [`find`](Self::find) gave for the same tag.
    #[inline]
    pub(super) fn insert(&mut self, at: usize, tag: u32, address: Address) {
        let slot = u64::from(tag) << 32 | u64::from(address);
        if self.is_full() {
            self.resize(grown(self.capacity));
            return self.place(slot);
        }
        self.insert_at(at, slot);
        self.len += 1;
    }

    fn place(&mut self, slot: u64) {
        let Found::Before(at) = self.find(tag_of(slot), |_| false) else { unreachable!("nothing was looked for") };
        self.insert_at(at, slot);
        self.len += 1;
    }

    #[inline]
    fn insert_at(&mut self, at: usize, slot: u64) {
        let mut carried = slot;
        for place in self.slots.get_mut(at..).unwrap_or_default() {
            std::mem::swap(place, &mut carried);
            if carried == 0 {
                return;
            }
        }
        // Past the end: rare, and the place never moves.
        self.slots.push(carried);
    }

    /// Adds a slot that belongs behind all others, the last of which ends at `end`; gives where the
    /// new one ends. Searching would walk along the whole cluster at the end.
    #[inline]
    pub(super) fn append(&mut self, end: usize, tag: u32, address: Address) -> usize {
        let mut end = end;
        if self.is_full() {
            self.resize(grown(self.capacity));
            end = self.end();
        }
        let at = self.home(tag).max(end);
        let slot = u64::from(tag) << 32 | u64::from(address);
        match self.slots.get_mut(at) {
            Some(place) => *place = slot,
            None => self.slots.push(slot),
        }
        self.len += 1;
        at + 1
    }

    /// Where the last slot ends.
    pub(super) fn end(&self) -> usize {
        self.slots.iter().rposition(|slot| *slot != 0).map_or(0, |last| last + 1)
    }

    /// Whether there are no slots.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes room for `additional` more keys at once.
    pub(super) fn reserve(&mut self, additional: usize) {
        let needed = (self.len + additional) * 8 / 7 + 1;
        if needed > self.capacity {
            self.resize(needed.max(CAPACITY_MIN));
        }
    }

    fn resize(&mut self, capacity: usize) {
        let old = std::mem::take(&mut self.slots);
        self.capacity = capacity;
        // A few slots behind, so that the last cluster seldom has to push.
        self.slots = Vec::with_capacity(capacity + 16);
        self.slots.resize(capacity + 16, 0);
        // In hash order, every slot goes to its home or right behind its predecessor.
        let mut next = 0;
        for slot in old.into_iter().filter(|slot| *slot != 0) {
            let at = self.home(tag_of(slot)).max(next);
            match self.slots.get_mut(at) {
                Some(place) => *place = slot,
                None => self.slots.push(slot),
            }
            next = at + 1;
        }
    }

    /// Removes the slot at `at` and closes the gap.
    pub(super) fn remove(&mut self, at: usize) {
        let mut gap = at;
        while let Some(&slot) = self.slots.get(gap + 1) {
            if slot == 0 || self.home(tag_of(slot)) > gap {
                break;
            }
            self.slots[gap] = slot;
            gap += 1;
        }
        self.slots[gap] = 0;
        self.len -= 1;
        // Three quarters empty: a state that shrank gives its table back.
        if self.capacity > 64 && self.len * 4 < self.capacity {
            self.resize(self.len * 2);
        }
    }

    /// Addresses in hash order.
    pub(super) fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        self.slots.iter().filter(|slot| **slot != 0).map(|slot| *slot as u32)
    }
}

/// A quarter more: half would leave a third of the slots empty, each of them memory and cache, and
/// moving a group's slots is quick.
fn grown(capacity: usize) -> usize {
    (capacity * 5 / 4).max(CAPACITY_MIN)
}
