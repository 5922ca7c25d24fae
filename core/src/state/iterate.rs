//! Iterating over the entries, by hash or by key.

use crate::state::arena::Address;
use crate::state::keyed_state::State;
use crate::state::table::Table;

impl State {
    fn entry(&self, address: Address) -> (&[u8], &[u8]) {
        self.arena.get(address)
    }

    /// Entries by key hash: the order of the files, and the cheapest.
    pub fn iter_hash_order(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.tables.iter().flat_map(Table::addresses).map(|address| self.entry(address))
    }

    /// Entries in order of their keys' bytes. Sorts first: 32 bytes of memory an entry for as long
    /// as the iterator lives.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.iter_prefix(b"")
    }

    /// Entries whose key starts with `prefix`, in order of their keys' bytes.
    pub fn iter_prefix(&self, prefix: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut entries: Vec<_> = self.iter_hash_order().filter(|(key, _)| key.starts_with(prefix)).collect();
        entries.sort_unstable();
        entries.into_iter()
    }
}
