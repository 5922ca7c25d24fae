//! Deleting keys, and reclaiming the memory of what was deleted or replaced.

use crate::model::hash::{entry_digest, key_hash};
use crate::model::key_groups::group_of;
use crate::state::keyed_state::State;
use crate::state::record_header::record_bytes;
use crate::state::sought::Sought;
use crate::state::table::Found;

impl State {
    /// Deletes a key. Returns whether it was there.
    pub fn delete(&mut self, key: &[u8]) -> bool {
        self.delete_hashed(key_hash(key), key)
    }

    /// Deletes a key whose hash is known. Returns whether it was there.
    #[inline]
    pub(crate) fn delete_hashed(&mut self, hash: u64, key: &[u8]) -> bool {
        self.delete_noting(hash, key, |_| {})
    }

    /// Does the same, and shows the value of a key that was there to `note`.
    #[inline]
    pub(crate) fn delete_noting(&mut self, hash: u64, key: &[u8], note: impl FnOnce(Option<&[u8]>)) -> bool {
        let group = usize::from(group_of(hash));
        let Found::At(at) = self.tables[group].find(Sought { arena: &self.arena, hash, key }) else {
            return false;
        };
        let address = self.tables[group].address(at);
        note(Some(self.arena.get(address).1));
        let (old_bytes, old_hash) = self.arena.value_summary(address);
        self.digest = self.digest.wrapping_sub(entry_digest(hash, old_hash));
        self.group_bytes[group] -= (key.len() + old_bytes) as u64;
        let freed = record_bytes(key.len(), old_bytes);
        let table = &mut self.tables[group];
        self.table_bytes -= table.allocated_bytes();
        table.remove(at, &self.arena);
        self.table_bytes += table.allocated_bytes();
        if self.orders.is_some() {
            self.in_orders(|orders, arena| orders.remove(arena, address));
        }
        self.arena.release(address);
        self.len -= 1;
        self.clean(freed);
        true
    }

    /// Cleans the arena if needed. The amount of work is proportional to `freed`, the bytes of garbage that
    /// the caller made.
    #[inline]
    pub(super) fn clean(&mut self, freed: usize) {
        if self.arena.wants_cleaning() {
            if self.arena.is_pinned() && !self.release_walks(self.arena.is_pinned_too_long()) {
                return;
            }
            let (tables, orders) = (&mut self.tables, &mut self.orders);
            // A record that moves is searched for in each order. So fewer of them move at once where there are any.
            let budget = 8 * freed + if orders.is_some() { 256 } else { 1024 };
            self.arena.clean(budget, |arena, to| {
                let key = arena.key(to);
                let hash = key_hash(key);
                let table = &mut tables[usize::from(group_of(hash))];
                match table.find(Sought { arena, hash, key }) {
                    Found::At(at) => table.set_address(at, to),
                    Found::Before(_) => unreachable!("a live record has a slot"),
                }
                if let Some(orders) = orders {
                    orders.set_address(arena, to);
                }
            });
        }
    }
}
