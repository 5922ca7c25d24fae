//! The index of one key group: 8-byte slots in hash order, found by linear probing.
//!
//! A slot holds 32 bits of hash above 32 bits of address. An empty slot is 0. The home of a hash is its
//! share of the capacity, so slots stay sorted by hash, iteration is in hash order, and any capacity
//! works. Probing never wraps around: slots that do not fit at the end go behind the capacity.

use crate::state::arena::Address;

const CAPACITY_MIN: usize = 8;

/// The slots of one key group.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<u64>,
    capacity: usize,
    len: usize,
}

/// The result of a search.
pub(super) enum Found {
    /// The slot that holds the key.
    At(usize),
    /// The slot before which the key belongs.
    Before(usize),
}

/// Returns the hash bits of a slot.
#[inline]
fn tag_of(slot: u64) -> u32 {
    (slot >> 32) as u32
}

impl Table {
    /// Returns the number of keys.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the bytes held from the allocator.
    pub(super) fn allocated_bytes(&self) -> usize {
        self.slots.capacity() * 8
    }

    /// Returns the slot at which the search for these hash bits starts.
    #[inline]
    fn home(&self, tag: u32) -> usize {
        ((u64::from(tag) * self.capacity as u64) >> 32) as usize
    }

    /// Returns the address in a slot.
    #[inline]
    pub(super) fn address(&self, index: usize) -> Address {
        self.slots[index] as u32
    }

    /// Replaces the address in a slot.
    pub(super) fn set_address(&mut self, index: usize, address: Address) {
        self.slots[index] = self.slots[index] >> 32 << 32 | u64::from(address);
    }

    /// Searches for the key with the hash bits `tag`. `is_key` returns whether an address holds the key.
    #[inline]
    pub(super) fn find(&self, tag: u32, is_key: impl Fn(Address) -> bool) -> Found {
        let mut at = self.home(tag);
        // An empty slot is 0 and a full one is not. Both must be tested: comparing the whole slot with
        // `tag << 32` could not tell an empty slot from a full slot with a smaller tag.
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

    /// Returns the address in the last slot with these hash bits, or 0 if there is none. It is most often the
    /// address of the wanted key, and it is found without touching a record.
    #[inline]
    pub(super) fn guess(&self, tag: u32) -> Address {
        let from = self.slots.get(self.home(tag)..).unwrap_or_default();
        let candidates = from.iter().take_while(|slot| **slot != 0 && tag_of(**slot) <= tag);
        candidates.last().filter(|slot| tag_of(**slot) == tag).map_or(0, |slot| *slot as u32)
    }

    /// Returns the bytes that the next insertion takes from the allocator.
    pub(super) fn growth_for_insert(&self) -> usize {
        if self.is_full() { grown(self.capacity) * 8 } else { 0 }
    }

    /// Returns whether the next insertion must make the table larger.
    fn is_full(&self) -> bool {
        // 7/8 may be in use: even then, sorted probing finds a key after three or four neighbouring slots.
        self.len * 8 >= self.capacity * 7
    }

    /// Inserts a slot before `at`, which [`find`](Self::find) returned for the same tag.
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

    /// Searches the place of a slot and inserts it there.
    fn place(&mut self, slot: u64) {
        let Found::Before(at) = self.find(tag_of(slot), |_| false) else { unreachable!("nothing was looked for") };
        self.insert_at(at, slot);
        self.len += 1;
    }

    /// Inserts a slot at `at` and moves the following ones by one, up to the first empty slot.
    #[inline]
    fn insert_at(&mut self, at: usize, slot: u64) {
        let mut carried = slot;
        for place in self.slots.get_mut(at..).unwrap_or_default() {
            std::mem::swap(place, &mut carried);
            if carried == 0 {
                return;
            }
        }
        // All slots up to the end are full, which is rare. The last slot goes behind them.
        self.slots.push(carried);
    }

    /// Adds a slot that belongs behind all others, where `end` is the end of the last one. Returns the end of
    /// the new slot. A search would walk along the whole cluster at the end.
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

    /// Returns the end of the last slot in use.
    pub(super) fn end(&self) -> usize {
        self.slots.iter().rposition(|slot| *slot != 0).map_or(0, |last| last + 1)
    }

    /// Returns whether the table has no keys.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes room for `additional` more keys.
    pub(super) fn reserve(&mut self, additional: usize) {
        let needed = (self.len + additional) * 8 / 7 + 1;
        if needed > self.capacity {
            self.resize(needed.max(CAPACITY_MIN));
        }
    }

    /// Moves all slots into new memory with this capacity.
    fn resize(&mut self, capacity: usize) {
        let old = std::mem::take(&mut self.slots);
        self.capacity = capacity;
        // A few slots are added behind the capacity, so that the last cluster seldom has to push.
        self.slots = Vec::with_capacity(capacity + 16);
        self.slots.resize(capacity + 16, 0);
        // The slots come in hash order, so each goes to its home or right behind its predecessor.
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
        // When a state has shrunk to a quarter of its table, the table shrinks too.
        if self.capacity > 64 && self.len * 4 < self.capacity {
            self.resize(self.len * 2);
        }
    }

    /// Returns the addresses in hash order.
    pub(super) fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        self.slots.iter().filter(|slot| **slot != 0).map(|slot| *slot as u32)
    }
}

/// Returns the next larger capacity: a quarter more. Half more would leave a third of the slots empty, which
/// costs memory and cache, while moving the slots of one group is quick.
fn grown(capacity: usize) -> usize {
    (capacity * 5 / 4).max(CAPACITY_MIN)
}
