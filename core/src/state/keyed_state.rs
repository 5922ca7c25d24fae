//! The state itself: reading, putting and deleting keys, and the totals of what it holds.

use crate::error::IncrementalCheckpointError as Error;
use crate::model::hash::{entry_digest, key_hash, value_hash};
use crate::model::key_groups::{KEY_GROUPS, group_of};
use crate::model::record::check_lengths;
use crate::model::stop::Stop;
use crate::state::arena::Arena;
use crate::state::order::Orders;
use crate::state::record_header::record_bytes;
use crate::state::sought::Sought;
use crate::state::table::{Found, Table};
use crate::state::walk::Walks;

/// Live keyed data: the result of the mutations so far.
///
/// ```
/// use alluvium_core::State;
///
/// let mut state = State::new();
/// state.put(b"AA:JFK-LAX", b"12")?;
/// assert_eq!(state.get(b"AA:JFK-LAX"), Some(&b"12"[..]));
/// assert!(state.delete(b"AA:JFK-LAX"));
/// assert!(state.is_empty());
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
#[derive(Debug)]
pub struct State {
    pub(super) tables: Box<[Table]>,
    /// The payload bytes of each key group.
    pub(super) group_bytes: Box<[u64]>,
    pub(super) arena: Arena,
    /// The bytes that the tables hold from the allocator.
    pub(super) table_bytes: usize,
    pub(super) len: usize,
    pub(super) digest: u64,
    /// The orders of the records, if there are any.
    pub(super) orders: Option<Box<Orders>>,
    pub(super) walks: Walks,
    /// The bytes that walks may hold from the allocator together.
    pub(super) walk_bytes_max: usize,
    /// Stops long work.
    pub(super) stop: Option<Stop>,
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    /// Returns an empty state.
    pub fn new() -> Self {
        let groups = usize::from(KEY_GROUPS);
        Self {
            tables: std::iter::repeat_with(Table::default).take(groups).collect(),
            group_bytes: vec![0; groups].into_boxed_slice(),
            arena: Arena::default(),
            table_bytes: 0,
            len: 0,
            digest: 0,
            orders: None,
            walks: Walks::new(),
            walk_bytes_max: usize::MAX,
            stop: None,
        }
    }

    /// Returns the number of live keys.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are no live keys.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the bytes of all live keys and values.
    pub fn payload_bytes(&self) -> u64 {
        self.group_bytes.iter().sum()
    }

    /// Returns the bytes of live keys and values of each key group.
    pub(crate) fn group_bytes(&self) -> &[u64] {
        &self.group_bytes
    }

    /// Returns exactly how many bytes are held from the allocator.
    pub fn allocated_bytes(&self) -> u64 {
        let orders = self.orders.as_ref().map_or(0, |orders| orders.allocated_bytes());
        (self.arena.allocated_bytes() + self.table_bytes + orders) as u64
    }

    /// Returns the sum of [`entry_digest`] over all entries. It is equal for equal states.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// Returns the value of a key, or `None` if the key is not there.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Returns a key as the state holds it, and its value, or `None` if the key is not there.
    #[inline]
    pub(super) fn entry(&self, key: &[u8]) -> Option<(&[u8], &[u8])> {
        let hash = key_hash(key);
        let table = &self.tables[usize::from(group_of(hash))];
        table.read(&self.arena, hash, key, Arena::get)
    }

    /// Sets the value of a key.
    ///
    /// A key of more than 65,535 bytes, a value of more than 64 MiB, and a state that holds 32 GiB of
    /// records already are [`LimitExceeded`](Error::LimitExceeded). The state is then unchanged.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        check_lengths(key.len(), value.len())?;
        self.growth_for(key, value).ok_or_else(out_of_addresses)?;
        self.put_hashed(key_hash(key), key, value);
        Ok(())
    }

    /// Returns how many bytes a put of this key and value would take from the allocator for its record, at
    /// most. It is `None` if there is no address left for the record.
    #[inline]
    pub(crate) fn growth_for(&self, key: &[u8], value: &[u8]) -> Option<usize> {
        self.arena.growth_for(record_bytes(key.len(), value.len()))
    }

    /// Returns [`growth_for`](Self::growth_for) plus the growth of the table.
    pub(crate) fn growth_with_table(&self, hash: u64, key: &[u8], value: &[u8]) -> Option<usize> {
        let arena = self.growth_for(key, value)?;
        let orders = self.orders.as_ref().map_or(0, |orders| orders.growth_for_insert());
        Some(arena + self.tables[usize::from(group_of(hash))].growth_for_insert() + orders)
    }

    /// Sets the value of a key whose hash is known and whose lengths were checked. The arena must have an
    /// address for the record: see [`growth_for`](Self::growth_for).
    #[inline]
    pub(crate) fn put_hashed(&mut self, hash: u64, key: &[u8], value: &[u8]) {
        self.put_noting(hash, key, value, |_| {});
    }

    /// Does the same, and shows the value that it replaces to `note`.
    #[inline]
    pub(crate) fn put_noting(&mut self, hash: u64, key: &[u8], value: &[u8], note: impl FnOnce(Option<&[u8]>)) {
        let group = usize::from(group_of(hash));
        let table = &mut self.tables[group];
        let value_hash = value_hash(value);
        self.digest = self.digest.wrapping_add(entry_digest(hash, value_hash));
        match table.find(Sought { arena: &self.arena, hash, key }) {
            Found::Before(at) => {
                note(None);
                let address = self.arena.insert(key, value, value_hash);
                let table = &mut self.tables[group];
                self.table_bytes -= table.allocated_bytes();
                table.insert(at, Sought { arena: &self.arena, hash, key }, address);
                self.table_bytes += table.allocated_bytes();
                self.group_bytes[group] += (key.len() + value.len()) as u64;
                self.len += 1;
                if self.orders.is_some() {
                    self.in_orders(|orders, arena| orders.insert(arena, address));
                }
            }
            Found::At(at) => {
                let address = table.address(at);
                note(Some(self.arena.get(address).1));
                if self.orders.is_some() {
                    self.in_orders(|orders, arena| orders.before_overwrite(arena, address));
                }
                let (old_bytes, old_hash) = self.arena.value_summary(address);
                let freed = record_bytes(key.len(), old_bytes);
                self.digest = self.digest.wrapping_sub(entry_digest(hash, old_hash));
                self.group_bytes[group] = self.group_bytes[group] - old_bytes as u64 + value.len() as u64;
                if self.arena.overwrite(address, value, value_hash) {
                    if self.orders.is_some() {
                        self.in_orders(|orders, arena| orders.after_overwrite(arena, address, false));
                    }
                } else {
                    let moved = self.arena.insert(key, value, value_hash);
                    self.tables[group].set_address(at, moved);
                    if self.orders.is_some() {
                        self.in_orders(|orders, arena| orders.after_overwrite(arena, moved, true));
                    }
                    self.arena.release(address);
                    self.clean(freed);
                }
            }
        }
    }

    /// Returns the number of entries in the tables, to compare with the totals in tests.
    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.tables.iter().map(Table::len).sum()
    }
}

/// Returns the error of a state that has no address left for a record.
pub(crate) fn out_of_addresses() -> Error {
    Error::LimitExceeded("32 GiB of records are held: divide the state over more instances".into())
}
