//! Iterating over the entries, in order of their hashes or of their keys.

use crate::state::arena::Address;
use crate::state::key_order::KeyOrder;
use crate::state::keyed_state::State;
use crate::state::table::Table;

/// How many entries an iterator in the order of keys prepares at first.
const FIRST_ENTRIES: usize = 256;

impl State {
    pub(super) fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        self.tables.iter().flat_map(Table::addresses)
    }

    /// Returns the entries in order of their keys' hashes. This is the order of the files, and the cheapest
    /// one.
    pub fn iter_hash_order(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.addresses().map(|address| self.arena.get(address))
    }

    /// Returns the entries in order of their keys' bytes.
    ///
    /// It costs one pass over all entries, and sorting them after the first few hundred. While the iterator
    /// lives, it takes 8 bytes of memory for each entry.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.iter_prefix(b"")
    }

    /// Returns the entries whose key starts with `prefix`, in order of their keys' bytes. It visits every
    /// entry, and sorts those that match after the first few hundred.
    pub fn iter_prefix(&self, prefix: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut order = KeyOrder::new(&self.arena, self.addresses(), prefix, self.len);
        std::iter::from_fn(move || {
            let address = order.peek(&self.arena, FIRST_ENTRIES)?;
            order.advance();
            Some(self.arena.get(address))
        })
    }
}
