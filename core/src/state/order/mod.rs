//! Orders of the records of a state, kept beside its table: by key, so that a range of keys is found without
//! visiting others, and by expiry time, so that what has expired is found first.
//!
//! An entry of an order has 16 bytes: twelve bytes of what it is ordered by, and the record's address. Orders are in
//! memory only, and recovery makes them again.

mod chunks;
mod entry;

use crate::state::arena::{Address, Arena};
use crate::state::order::chunks::{Chunks, Place};
use crate::state::order::entry::{By, Entry, Head};

/// The orders of a state, those that it needs.
#[derive(Debug, Default)]
pub(super) struct Orders {
    by_key: Option<Order>,
    by_expiry: Option<Order>,
}

/// One order.
#[derive(Debug)]
struct Order {
    by: By,
    entries: Chunks,
}

impl Order {
    /// Puts records in order.
    fn new(by: By, arena: &Arena, addresses: impl Iterator<Item = Address>) -> Self {
        let entry = |address| {
            let (key, value) = arena.get(address);
            Entry { head: Head::of(by, key, value), address }
        };
        let mut entries: Vec<Entry> = addresses.map(entry).collect();
        entries.sort_unstable_by(|a, b| a.cmp(arena, b.head, arena.key(b.address)));
        Self { by, entries: Chunks::new(&entries) }
    }

    fn search(&self, arena: &Arena, head: Head, key: &[u8]) -> Result<Place, Place> {
        self.entries.search(|entry| entry.cmp(arena, head, key))
    }

    fn insert(&mut self, arena: &Arena, address: Address) {
        let (key, value) = arena.get(address);
        let head = Head::of(self.by, key, value);
        let (Ok(at) | Err(at)) = self.search(arena, head, key);
        self.entries.insert(at, Entry { head, address });
    }

    fn remove(&mut self, arena: &Arena, address: Address) {
        let (key, value) = arena.get(address);
        let at = self.search(arena, Head::of(self.by, key, value), key);
        self.entries.remove(at.expect("every record is in its orders"));
    }

    /// Notes that a record has moved to another address. The bytes at the earlier one are still there.
    fn set_address(&mut self, arena: &Arena, address: Address) {
        let (key, value) = arena.get(address);
        let at = self.search(arena, Head::of(self.by, key, value), key);
        self.entries.set_address(at.expect("every record is in its orders"), address);
    }

    /// Returns the place of the first record whose key is not before `key`.
    fn first(&self, arena: &Arena, key: &[u8]) -> Place {
        let (Ok(at) | Err(at)) = self.search(arena, Head::of_key(key), key);
        at
    }
}

impl Orders {
    /// Puts the records of a state in the orders that are wanted.
    pub(super) fn new<I: Iterator<Item = Address>>(
        (by_key, by_expiry): (bool, bool),
        arena: &Arena,
        addresses: impl Fn() -> I,
    ) -> Self {
        Self {
            by_key: by_key.then(|| Order::new(By::Key, arena, addresses())),
            by_expiry: by_expiry.then(|| Order::new(By::Expiry, arena, addresses())),
        }
    }

    fn each(&self) -> impl Iterator<Item = &Order> {
        self.by_key.iter().chain(&self.by_expiry)
    }

    fn each_mut(&mut self) -> impl Iterator<Item = &mut Order> {
        self.by_key.iter_mut().chain(&mut self.by_expiry)
    }

    /// Returns the bytes held from the allocator.
    pub(super) fn allocated_bytes(&self) -> usize {
        size_of::<Self>() + self.each().map(|order| order.entries.allocated_bytes()).sum::<usize>()
    }

    /// Returns the bytes that the next insertion takes from the allocator, at most.
    pub(super) fn growth_for_insert(&self) -> usize {
        self.each().map(|order| order.entries.growth_for_insert()).sum()
    }

    /// Adds a record.
    pub(super) fn insert(&mut self, arena: &Arena, address: Address) {
        self.each_mut().for_each(|order| order.insert(arena, address));
    }

    /// Removes a record that is still there.
    pub(super) fn remove(&mut self, arena: &Arena, address: Address) {
        self.each_mut().for_each(|order| order.remove(arena, address));
    }

    /// Prepares for a record to get another value.
    pub(super) fn before_overwrite(&mut self, arena: &Arena, address: Address) {
        self.by_expiry.iter_mut().for_each(|order| order.remove(arena, address));
    }

    /// Takes note of a record that has got another value, and perhaps another address. The bytes at the earlier
    /// address are still there.
    pub(super) fn after_overwrite(&mut self, arena: &Arena, address: Address, has_moved: bool) {
        self.by_expiry.iter_mut().for_each(|order| order.insert(arena, address));
        self.by_key.iter_mut().filter(|_| has_moved).for_each(|order| order.set_address(arena, address));
    }

    /// Takes note of a record that has moved. The bytes at the earlier address are still there.
    pub(super) fn set_address(&mut self, arena: &Arena, address: Address) {
        self.each_mut().for_each(|order| order.set_address(arena, address));
    }

    /// Returns the records whose keys are from `from` up to `to`, which is not included, in order of their keys, or
    /// with `reverse` from the last to the first. Without `to` they end with the last one. `None` means that there is
    /// no order by key.
    pub(super) fn range<'a>(
        &'a self,
        arena: &'a Arena,
        from: &'a [u8],
        to: Option<&'a [u8]>,
        reverse: bool,
    ) -> Option<impl Iterator<Item = Address> + use<'a>> {
        let order = self.by_key.as_ref()?;
        let entries = &order.entries;
        // Only the place where the range begins is searched for. Where it ends is seen on the way.
        let forward = (!reverse).then(|| {
            let to = to.map(|to| (Head::of_key(to), to));
            let is_in = move |entry: &&Entry| to.is_none_or(|(head, key)| entry.cmp(arena, head, key).is_lt());
            entries.range(order.first(arena, from), None).take_while(is_in)
        });
        let backward = reverse.then(|| {
            let head = Head::of_key(from);
            let is_in = move |entry: &&Entry| entry.cmp(arena, head, from).is_ge();
            entries.range(Place::START, to.map(|to| order.first(arena, to))).rev().take_while(is_in)
        });
        let found = forward.into_iter().flatten().chain(backward.into_iter().flatten());
        Some(found.map(|entry| entry.address))
    }

    /// Returns the record that expires first, and when.
    pub(super) fn first_to_expire(&self) -> Option<(i64, Address)> {
        let first = self.by_expiry.as_ref()?.entries.first()?;
        Some((first.head.expiry_ms(), first.address))
    }

    /// Returns the record that expires last, and when.
    pub(super) fn last_to_expire(&self) -> Option<(i64, Address)> {
        let last = self.by_expiry.as_ref()?.entries.last()?;
        Some((last.head.expiry_ms(), last.address))
    }
}
