//! The live state: keyed records in arena segments, found through one table for each key group.

mod arena;
mod huge_pages;
mod short_keys;
mod table;

use crate::error::IncrementalCheckpointError as Error;
use crate::model::hash::{entry_digest, key_hash, value_hash};
use crate::model::key_groups::{GROUP_BITS, KEY_GROUPS, group_of};
use crate::model::record::{Record, check_lengths};
use crate::state::arena::{Address, Arena, record_bytes};
use crate::state::short_keys::same;
use crate::state::table::{Found, Table};

/// Mutations of a batch whose records are brought into the cache together: more than the processor
/// can wait for at once, few enough to stay in its nearest cache.
pub(crate) const WARM_BLOCK: usize = 32;

/// Live keyed data: what the mutations so far have left.
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
    tables: Box<[Table]>,
    /// Payload bytes of each group.
    group_bytes: Box<[u64]>,
    arena: Arena,
    /// What the tables hold from the allocator.
    table_bytes: usize,
    len: usize,
    digest: u64,
}

/// Where records that come in hash order go on. A base holds each key once and in order, so that
/// nothing need be looked for.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    group: usize,
    /// The hash of the record before; none at the start, or when the order was left.
    last: Option<u64>,
    end: usize,
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

/// The hash bits that a table keeps: those right below the group's.
#[inline]
fn tag(hash: u64) -> u32 {
    ((hash << GROUP_BITS) >> 32) as u32
}

impl State {
    /// An empty state.
    pub fn new() -> Self {
        let groups = usize::from(KEY_GROUPS);
        Self {
            tables: std::iter::repeat_with(Table::default).take(groups).collect(),
            group_bytes: vec![0; groups].into_boxed_slice(),
            arena: Arena::default(),
            table_bytes: 0,
            len: 0,
            digest: 0,
        }
    }

    /// Live keys.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of all live keys and values.
    pub fn payload_bytes(&self) -> u64 {
        self.group_bytes.iter().sum()
    }

    /// Payload bytes of each key group.
    pub(crate) fn group_bytes(&self) -> &[u64] {
        &self.group_bytes
    }

    /// Bytes held from the allocator, exactly.
    pub fn allocated_bytes(&self) -> u64 {
        (self.arena.allocated_bytes() + self.table_bytes) as u64
    }

    /// The sum of [`entry_digest`] over all entries: equal for equal states.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The value of a key.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let hash = key_hash(key);
        let table = &self.tables[usize::from(group_of(hash))];
        match table.find(tag(hash), |address| same(self.arena.key(address), key)) {
            Found::At(at) => Some(self.arena.get(table.address(at)).1),
            Found::Before(_) => None,
        }
    }

    /// Sets a key's value. Fails, changing nothing, for lengths beyond the format's limits and when
    /// 32 GiB of records are held.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        check_lengths(key.len(), value.len())?;
        self.growth_for(key, value).ok_or_else(out_of_addresses)?;
        self.put_hashed(key_hash(key), key, value);
        Ok(())
    }

    /// Bytes that putting this would take from the allocator at most; `None` when no addresses are
    /// left for it.
    #[inline]
    pub(crate) fn growth_for(&self, key: &[u8], value: &[u8]) -> Option<usize> {
        self.arena.growth_for(record_bytes(key.len(), value.len()))
    }

    /// As [`growth_for`](Self::growth_for), the table included.
    pub(crate) fn growth_with_table(&self, hash: u64, key: &[u8], value: &[u8]) -> Option<usize> {
        let arena = self.growth_for(key, value)?;
        Some(arena + self.tables[usize::from(group_of(hash))].growth_for_insert())
    }

    /// Makes room in the table of `group`: for recovery, which knows how much is to come.
    pub(crate) fn reserve(&mut self, tail: &mut Tail, group: u16, additional: usize) {
        let group = usize::from(group);
        let table = &mut self.tables[group];
        self.table_bytes -= table.allocated_bytes();
        table.reserve(additional);
        self.table_bytes += table.allocated_bytes();
        if group == tail.group {
            tail.end = table.end();
        }
    }

    /// As [`put_hashed`](Self::put_hashed), for records that should come in hash order, into groups
    /// that should be empty. Where they do not, they are put like all others.
    #[inline]
    pub(crate) fn append_hashed(&mut self, tail: &mut Tail, hash: u64, key: &[u8], value: &[u8]) {
        let group = usize::from(group_of(hash));
        if group != tail.group || tail.last.is_none() {
            let is_empty = self.tables[group].is_empty();
            *tail = Tail { group, last: is_empty.then_some(0), end: 0 };
        }
        match tail.last {
            // Equal hashes are as good as out of order: the keys would have to be compared.
            Some(last) if last < hash => {
                let value_hash = value_hash(value);
                let address = self.arena.insert(key, value, value_hash);
                let table = &mut self.tables[group];
                self.table_bytes -= table.allocated_bytes();
                tail.end = table.append(tail.end, tag(hash), address);
                self.table_bytes += table.allocated_bytes();
                tail.last = Some(hash);
                self.digest = self.digest.wrapping_add(entry_digest(hash, value_hash));
                self.group_bytes[group] += (key.len() + value.len()) as u64;
                self.len += 1;
            }
            _ => {
                tail.last = None;
                self.put_hashed(hash, key, value);
            }
        }
    }

    /// Brings what these keys need into the cache. Done one after another, each put waits for two
    /// or three misses; here the processor has all of them under way at once.
    pub(crate) fn warm(&self, hashes: impl Iterator<Item = u64> + Clone) {
        let guess = |hash| self.tables[usize::from(group_of(hash))].guess(tag(hash));
        let touched = hashes.map(guess).fold(0, |sum: u8, address| sum.wrapping_add(self.arena.touch(address)));
        std::hint::black_box(touched);
    }

    /// Applies mutations in their order, [`WARM_BLOCK`] of them at a time.
    pub(crate) fn apply(&mut self, records: &[Record<'_>]) -> Result<(), Error> {
        for block in records.chunks(WARM_BLOCK) {
            self.warm(block.iter().map(|record| record.hash));
            for record in block {
                match record.value {
                    Some(value) => {
                        self.growth_for(record.key, value).ok_or_else(out_of_addresses)?;
                        self.put_hashed(record.hash, record.key, value);
                    }
                    None => {
                        self.delete_hashed(record.hash, record.key);
                    }
                }
            }
        }
        Ok(())
    }

    /// As [`put`](Self::put), for a key whose hash is known and whose lengths were checked.
    #[inline]
    pub(crate) fn put_hashed(&mut self, hash: u64, key: &[u8], value: &[u8]) {
        let group = usize::from(group_of(hash));
        let table = &mut self.tables[group];
        let value_hash = value_hash(value);
        self.digest = self.digest.wrapping_add(entry_digest(hash, value_hash));
        match table.find(tag(hash), |address| same(self.arena.key(address), key)) {
            Found::Before(at) => {
                let address = self.arena.insert(key, value, value_hash);
                let table = &mut self.tables[group];
                self.table_bytes -= table.allocated_bytes();
                table.insert(at, tag(hash), address);
                self.table_bytes += table.allocated_bytes();
                self.group_bytes[group] += (key.len() + value.len()) as u64;
                self.len += 1;
            }
            Found::At(at) => {
                let address = table.address(at);
                let (old_bytes, old_hash) = self.arena.value_summary(address);
                let freed = record_bytes(key.len(), old_bytes);
                self.digest = self.digest.wrapping_sub(entry_digest(hash, old_hash));
                self.group_bytes[group] = self.group_bytes[group] - old_bytes as u64 + value.len() as u64;
                if !self.arena.overwrite(address, value, value_hash) {
                    let moved = self.arena.insert(key, value, value_hash);
                    self.tables[group].set_address(at, moved);
                    self.arena.release(address);
                    self.clean(freed);
                }
            }
        }
    }

    /// Removes a key; says whether it was there.
    pub fn delete(&mut self, key: &[u8]) -> bool {
        self.delete_hashed(key_hash(key), key)
    }

    #[inline]
    pub(crate) fn delete_hashed(&mut self, hash: u64, key: &[u8]) -> bool {
        let group = usize::from(group_of(hash));
        let Found::At(at) = self.tables[group].find(tag(hash), |address| same(self.arena.key(address), key)) else {
            return false;
        };
        let address = self.tables[group].address(at);
        let (old_bytes, old_hash) = self.arena.value_summary(address);
        self.digest = self.digest.wrapping_sub(entry_digest(hash, old_hash));
        self.group_bytes[group] -= (key.len() + old_bytes) as u64;
        let freed = record_bytes(key.len(), old_bytes);
        let table = &mut self.tables[group];
        self.table_bytes -= table.allocated_bytes();
        table.remove(at);
        self.table_bytes += table.allocated_bytes();
        self.arena.release(address);
        self.len -= 1;
        self.clean(freed);
        true
    }

    /// Pays for `freed` bytes of garbage with a bounded amount of cleaning.
    #[inline]
    fn clean(&mut self, freed: usize) {
        if self.arena.wants_cleaning() {
            let tables = &mut self.tables;
            self.arena.clean(8 * freed + 1024, |key, from, to| {
                let hash = key_hash(key);
                let table = &mut tables[usize::from(group_of(hash))];
                match table.find(tag(hash), |address| address == from) {
                    Found::At(at) => table.set_address(at, to),
                    Found::Before(_) => unreachable!("a live record has a slot"),
                }
            });
        }
    }

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

    /// Entries held by the tables; for tests of the books.
    #[cfg(test)]
    fn slots(&self) -> usize {
        self.tables.iter().map(Table::len).sum()
    }
}

pub(crate) fn out_of_addresses() -> Error {
    Error::LimitExceeded("32 GiB of records are held: divide the state over more instances".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::KEY_BYTES_MAX;
    use std::collections::BTreeMap;

    /// A small deterministic generator: tests must replay.
    fn next(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *seed >> 33
    }

    #[test]
    fn agrees_with_a_map() {
        let mut seed = 1;
        let mut state = State::new();
        let mut model = BTreeMap::new();
        for _ in 0..200_000 {
            let key = (next(&mut seed) % 5_000).to_string().into_bytes();
            if next(&mut seed).is_multiple_of(4) {
                assert_eq!(state.delete(&key), model.remove(&key).is_some());
            } else {
                let value = vec![next(&mut seed) as u8; next(&mut seed) as usize % 700];
                state.put(&key, &value).unwrap();
                model.insert(key, value);
            }
        }
        assert!(state.iter().eq(model.iter().map(|(key, value)| (&key[..], &value[..]))));
        assert_eq!((state.len(), state.slots()), (model.len(), model.len()));
        let payload: usize = model.iter().map(|(key, value)| key.len() + value.len()).sum();
        assert_eq!(state.payload_bytes(), payload as u64);
        let digest = model
            .iter()
            .fold(0u64, |sum, (key, value)| sum.wrapping_add(entry_digest(key_hash(key), value_hash(value))));
        assert_eq!(state.digest(), digest);
    }

    #[test]
    fn appending_is_putting() {
        let mut records: Vec<_> = (0..20_000u32)
            .map(|n| (key_hash(&n.to_le_bytes()), n.to_le_bytes(), vec![n as u8; n as usize % 50]))
            .collect();
        records.sort_unstable();
        let check = |records: &[(u64, [u8; 4], Vec<u8>)], reserved: usize| {
            let (mut put, mut appended, mut tail) = (State::new(), State::new(), Tail::default());
            for (at, (hash, key, value)) in records.iter().enumerate() {
                put.put(key, value).unwrap();
                if reserved > 0 && at % 1_000 == 0 {
                    appended.reserve(&mut tail, group_of(*hash), reserved);
                }
                appended.append_hashed(&mut tail, *hash, key, value);
            }
            assert!(put.iter_hash_order().eq(appended.iter_hash_order()));
            assert_eq!(
                (put.len(), put.digest(), put.payload_bytes()),
                (appended.len(), appended.digest(), appended.payload_bytes())
            );
            for (_, key, value) in records.iter().rev() {
                assert_eq!(appended.get(key), put.get(key), "{value:?}");
            }
            for (_, key, _) in records {
                assert_eq!(appended.delete(key), put.delete(key));
            }
            assert_eq!((appended.len(), appended.slots()), (0, 0));
        };
        check(&records, 0);
        check(&records, 100);
        check(&records, 2_000);
        // Out of order, twice, and a group come back to.
        let mut disordered = records.clone();
        disordered.swap(100, 5_000);
        disordered.extend_from_slice(&records[3_000..3_500]);
        check(&disordered, 0);
        check(&disordered, 100);
    }

    #[test]
    fn space_of_changing_sizes_is_reclaimed() {
        let mut seed = 2;
        let mut state = State::new();
        for round in 0..600_000u64 {
            let key = (next(&mut seed) % 60_000).to_le_bytes();
            // Sizes drift, so that old holes never fit exactly.
            let bytes = 1_000 + (round / 1_000) as usize + next(&mut seed) as usize % 400;
            state.put(&key, &vec![1; bytes]).unwrap();
        }
        let ratio = state.allocated_bytes() as f64 / state.payload_bytes() as f64;
        assert!(state.payload_bytes() > 64 << 20 && ratio < 1.6, "{ratio}");
        for key in 0..60_000u64 {
            state.delete(&key.to_le_bytes());
        }
        assert_eq!((state.len(), state.payload_bytes(), state.digest()), (0, 0, 0));
        assert!(state.allocated_bytes() < 8 << 20, "{}", state.allocated_bytes());
    }

    #[test]
    fn large_values_and_empty_keys_have_their_place() {
        let mut state = State::new();
        let large = vec![9; 3 << 20];
        state.put(b"", b"").unwrap();
        state.put(b"large", &large).unwrap();
        state.put(b"small", b"1").unwrap();
        assert_eq!(state.get(b""), Some(&b""[..]));
        assert_eq!(state.get(b"large"), Some(&large[..]));
        assert!(state.delete(b"large"));
        assert_eq!(state.get(b"small"), Some(&b"1"[..]));
        assert!(state.put(&vec![0; KEY_BYTES_MAX + 1], b"").is_err());
        assert_eq!(state.len(), 2);
    }

    #[test]
    fn order_is_by_key_and_by_hash() {
        let mut state = State::new();
        for key in [&b"b"[..], b"a", b"ab", b"c"] {
            state.put(key, b"").unwrap();
        }
        let keys: Vec<_> = state.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [&b"a"[..], b"ab", b"b", b"c"]);
        let keys: Vec<_> = state.iter_prefix(b"a").map(|(key, _)| key).collect();
        assert_eq!(keys, [&b"a"[..], b"ab"]);
        let hashes: Vec<_> = state.iter_hash_order().map(|(key, _)| key_hash(key)).collect();
        assert!(hashes.is_sorted());
    }
}
