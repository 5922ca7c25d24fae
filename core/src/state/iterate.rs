//! Iterating over the entries, in order of their hashes or of their keys.

use crate::error::IncrementalCheckpointError as Error;
use crate::model::stop::Steps;
use crate::state::arena::Address;
use crate::state::key_order::KeyOrder;
use crate::state::keyed_state::State;
use crate::state::table::Table;

impl State {
    pub(super) fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        self.tables.iter().flat_map(Table::addresses)
    }

    /// Returns the records whose keys start with `prefix`, in order. A state that is kept in order by key visits no
    /// others. At most `most` references are held, as [`KeyOrder::new`] says.
    pub(super) fn key_order(&self, prefix: &[u8], most: usize, steps: &mut Steps<'_>) -> Result<KeyOrder, Error> {
        match self.orders.as_ref().and_then(|orders| orders.range(&self.arena, prefix, None, false)) {
            Some(found) => {
                let found = found.take_while(|address| self.arena.key(*address).starts_with(prefix));
                KeyOrder::new(&self.arena, found, prefix, (self.len, most), steps)
            }
            None => KeyOrder::new(&self.arena, self.arena.live_addresses(), prefix, (self.len, most), steps),
        }
    }

    /// Returns the entries in order of their keys' hashes. This is the order of the files, and the cheapest
    /// one.
    pub fn iter_hash_order(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.addresses().map(|address| self.arena.get(address))
    }

    /// Returns the entries in order of their keys' bytes.
    ///
    /// It costs one pass over all entries at its beginning, and sorts them bit by bit as they are asked for. While the
    /// iterator lives, it takes 8 bytes of memory for each entry.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.iter_prefix(b"")
    }

    /// Returns the entries whose key starts with `prefix`, in order of their keys' bytes. It visits every
    /// entry at its beginning, and sorts those that match bit by bit.
    pub fn iter_prefix(&self, prefix: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
        // An iterator is the caller's own work, which nothing stops.
        let mut steps = Steps::new(None);
        let mut order = self.key_order(prefix, usize::MAX, &mut steps).unwrap_or_default();
        std::iter::from_fn(move || {
            let address = order.peek(&self.arena, &mut steps).ok().flatten()?;
            order.advance();
            Some(self.arena.get(address))
        })
    }
}
