//! Adding records that come in hash order: recovery does, and nothing need be looked for.

use crate::model::hash::{entry_digest, value_hash};
use crate::model::key_groups::group_of;
use crate::state::keyed_state::{State, tag};

/// Where records that come in hash order go on. A base holds each key once and in order, so that
/// nothing need be looked for.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    group: usize,
    /// The hash of the record before; none at the start, or when the order was left.
    last: Option<u64>,
    end: usize,
}

impl State {
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
}
