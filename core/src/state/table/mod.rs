//! The index of one key group: 8-byte slots in hash order, found by linear probing.
//!
//! A slot holds 32 bits of hash above 32 bits of address. An empty slot is 0. The home of a hash is its
//! share of the capacity, so slots stay sorted by hash, iteration is in hash order, and any capacity
//! works. Probing never wraps around: slots that do not fit at the end go behind the capacity.
//!
//! XXH3 does not resist an attacker, who can choose keys whose slots all have one home. If a search could
//! become long, the table is [`Ordered`] instead: see `crowding`.

mod crowding;
mod ordered;
mod searching;
mod slot;

use crate::model::work::count_probes;
use crate::state::arena::{Address, Arena};
use crate::state::sought::{Sought, tag};
use crate::state::table::ordered::Ordered;
use crate::state::table::slot::{home, slot_of, tag_of};

const CAPACITY_MIN: usize = 8;

/// The slots of one key group.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<u64>,
    capacity: usize,
    len: usize,
    /// What replaces the slots if keys crowd. Slots and capacity are then empty.
    ordered: Option<Box<Ordered>>,
}

/// The result of a search. The position is that of a slot, or one in [`Ordered`].
pub(super) enum Found {
    /// The position that holds the key.
    At(usize),
    /// The position before which the key belongs.
    Before(usize),
}

impl Table {
    /// Returns the number of keys.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the bytes held from the allocator.
    #[inline]
    pub(super) fn allocated_bytes(&self) -> usize {
        self.slots.capacity() * 8 + self.ordered.as_ref().map_or(0, |ordered| ordered.allocated_bytes())
    }

    /// Returns the slot at which the search for these hash bits starts.
    #[inline]
    fn home(&self, tag: u32) -> usize {
        home(tag, self.capacity)
    }

    /// Returns the address at a position.
    #[inline]
    pub(super) fn address(&self, at: usize) -> Address {
        match self.slots.get(at) {
            Some(slot) => *slot as u32,
            None => self.in_order().slot(at) as u32,
        }
    }

    /// Replaces the address at a position.
    #[inline]
    pub(super) fn set_address(&mut self, at: usize, address: Address) {
        let slot = match self.slots.get_mut(at) {
            Some(slot) => slot,
            None => self.in_order_mut().slot_mut(at),
        };
        *slot = slot_of(tag_of(*slot), address);
    }

    /// Returns the bytes that the next insertion takes from the allocator.
    pub(super) fn growth_for_insert(&self) -> usize {
        match &self.ordered {
            Some(ordered) => ordered.growth_for_insert(),
            None if self.is_full() => grown(self.capacity) * 8,
            None => 0,
        }
    }

    /// Returns whether the next insertion must make the table larger. It is also true if the table is ordered.
    #[inline]
    fn is_full(&self) -> bool {
        // 7/8 may be in use: even then, sorted probing finds a key after three or four neighbouring slots.
        self.len * 8 >= self.capacity * 7
    }

    /// Inserts the record of the key that is sought, at the position that [`find`](Self::find) returned.
    #[inline]
    pub(super) fn insert(&mut self, at: usize, sought: Sought<'_>, address: Address) {
        if self.is_full() {
            return self.insert_into_full(at, sought.arena, sought.hash, address);
        }
        self.insert_at(at, sought.arena, tag(sought.hash), address);
    }

    /// Inserts a record after making room for it, or into an ordered table.
    #[cold]
    #[inline(never)]
    fn insert_into_full(&mut self, at: usize, arena: &Arena, hash: u64, address: Address) {
        let mut at = at;
        if self.ordered.is_none() {
            self.resize(grown(self.capacity), arena);
            let (Found::Before(found) | Found::At(found)) = self.find(Sought { arena, hash, key: arena.key(address) });
            at = found;
        }
        if self.ordered.is_some() {
            self.insert_in_order(at, tag(hash), address);
        } else {
            self.insert_at(at, arena, tag(hash), address);
        }
    }

    /// Inserts a slot at `at` and moves the following ones by one, up to the first empty slot.
    #[inline]
    fn insert_at(&mut self, at: usize, arena: &Arena, tag: u32, address: Address) {
        let mut carried = slot_of(tag, address);
        let mut end = at;
        for place in self.slots.get_mut(at..).unwrap_or_default() {
            std::mem::swap(place, &mut carried);
            if carried == 0 {
                break;
            }
            end += 1;
        }
        if carried != 0 {
            // All slots up to the end are full, which is rare. The last slot goes behind them.
            self.slots.push(carried);
        }
        self.len += 1;
        count_probes(end - at);
        if self.may_crowd(at, end, tag) {
            self.relieve(at, end, arena);
        }
    }

    /// Returns whether the table has no keys.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes room for `additional` more keys.
    pub(super) fn reserve(&mut self, additional: usize, arena: &Arena) {
        let needed = (self.len + additional) * 8 / 7 + 1;
        if needed > self.capacity && self.ordered.is_none() {
            self.resize(needed.max(CAPACITY_MIN), arena);
        }
    }

    /// Removes the slot at `at` and closes the gap.
    #[inline]
    pub(super) fn remove(&mut self, at: usize, arena: &Arena) {
        if self.capacity == 0 {
            return self.remove_in_order(at);
        }
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
        count_probes(gap - at + 1);
        // When a state has shrunk to a quarter of its table, the table shrinks too.
        if self.capacity > 64 && self.len * 4 < self.capacity {
            self.resize(self.len * 2, arena);
        }
    }

    /// Returns the addresses in hash order.
    pub(super) fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        let ordered = self.ordered.iter().flat_map(|ordered| ordered.slots());
        self.slots.iter().filter(|slot| **slot != 0).chain(ordered).map(|slot| *slot as u32)
    }
}

/// Returns the next larger capacity: a quarter more. Half more would leave a third of the slots empty, which
/// costs memory and cache, while moving the slots of one group is quick.
fn grown(capacity: usize) -> usize {
    (capacity * 5 / 4).max(CAPACITY_MIN)
}
