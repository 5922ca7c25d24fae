//! Adding records that come in hash order, as they do in recovery. Such records need no search.

use crate::model::hash::{entry_digest, value_hash};
use crate::model::key_groups::group_of;
use crate::state::arena::Address;
use crate::state::keyed_state::State;

/// The position after the last appended record. A base holds each key once and in hash order, so the next
/// record goes there without a search.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    group: usize,
    /// The hash and the place of the previous record. It is `None` after a record out of order. The place is 0
    /// at the start.
    last: Option<(u64, Address)>,
    /// The slot of the group's table after the last one in use.
    end: usize,
}

impl State {
    /// Makes room for `additional` keys in the table of `group`. Recovery knows how many will come.
    pub(crate) fn reserve(&mut self, tail: &mut Tail, group: u16, additional: usize) {
        let group = usize::from(group);
        let table = &mut self.tables[group];
        self.table_bytes -= table.allocated_bytes();
        table.reserve(additional, &self.arena);
        self.table_bytes += table.allocated_bytes();
        if group == tail.group {
            tail.end = table.end();
        }
    }

    /// Puts a record like [`put_hashed`](Self::put_hashed), and without a search if the records come in hash
    /// order and their group was empty. Other records are put in the ordinary way.
    #[inline]
    pub(crate) fn append_hashed(&mut self, tail: &mut Tail, hash: u64, key: &[u8], value: &[u8]) {
        let group = usize::from(group_of(hash));
        if group != tail.group || tail.last.is_none() {
            self.end_append(tail);
            let is_empty = self.tables[group].is_empty();
            *tail = Tail { group, last: is_empty.then_some((0, 0)), end: 0 };
        }
        match tail.last {
            Some((last, place)) if last < hash || last == hash && self.is_behind(place, key) => {
                let value_hash = value_hash(value);
                let address = self.arena.insert(key, value, value_hash);
                let table = &mut self.tables[group];
                self.table_bytes -= table.allocated_bytes();
                tail.end = table.append(tail.end, &self.arena, hash, address);
                self.table_bytes += table.allocated_bytes();
                tail.last = Some((hash, address));
                self.digest = self.digest.wrapping_add(entry_digest(hash, value_hash));
                self.group_bytes[group] += (key.len() + value.len()) as u64;
                self.len += 1;
            }
            _ => {
                self.end_append(tail);
                self.put_hashed(hash, key, value);
            }
        }
    }

    /// Ends appending where it was. Records that come later for the same group are put in the ordinary way.
    pub(crate) fn end_append(&mut self, tail: &mut Tail) {
        if tail.last.is_some() {
            let table = &mut self.tables[tail.group];
            self.table_bytes -= table.allocated_bytes();
            table.end_append();
            self.table_bytes += table.allocated_bytes();
        }
        *tail = Tail::default();
    }

    /// Returns whether a key is behind that of the record at `place`, which has the same hash. Without such a
    /// record it is.
    fn is_behind(&self, place: Address, key: &[u8]) -> bool {
        place == 0 || self.arena.key(place) < key
    }
}
