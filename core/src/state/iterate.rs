//! Iterating over the entries, in order of their hashes or of their keys.

use crate::state::arena::Address;
use crate::state::keyed_state::State;
use crate::state::table::Table;

impl State {
    fn entry(&self, address: Address) -> (&[u8], &[u8]) {
        self.arena.get(address)
    }

    /// Returns the entries in order of their keys' hashes. This is the order of the files, and the cheapest
    /// one.
    pub fn iter_hash_order(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.tables.iter().flat_map(Table::addresses).map(|address| self.entry(address))
    }

    /// Returns the entries in order of their keys' bytes.
    ///
    /// It sorts all entries first. This takes 32 bytes of memory for each entry while the iterator lives.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.iter_prefix(b"")
    }

    /// Returns the entries whose key starts with `prefix`, in order of their keys' bytes. It visits every
    /// entry, and sorts those that match.
    pub fn iter_prefix(&self, prefix: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut entries: Vec<_> = self.iter_hash_order().filter(|(key, _)| key.starts_with(prefix)).collect();
        entries.sort_unstable();
        entries.into_iter()
    }
}
