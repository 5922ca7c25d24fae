//! The key that a table searches for.

use std::cmp::Ordering;

use crate::model::hash::key_hash;
use crate::model::key_groups::GROUP_BITS;
use crate::state::arena::{Address, Arena};
use crate::state::short_keys::same;

/// A key with its hash, and the records that it is compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sought<'a> {
    pub(super) arena: &'a Arena,
    pub(super) hash: u64,
    pub(super) key: &'a [u8],
}

/// Returns the hash bits that a table keeps: the 32 bits right below those of the group.
#[inline]
pub(super) fn tag(hash: u64) -> u32 {
    ((hash << GROUP_BITS) >> 32) as u32
}

impl Sought<'_> {
    /// Returns whether the record at an address has the key.
    #[inline]
    pub(super) fn is_at(&self, address: Address) -> bool {
        same(self.arena.key(address), self.key)
    }

    /// Compares the record at an address with the key, in the order `(hash, key)`.
    pub(super) fn order_of(&self, address: Address) -> Ordering {
        let key = self.arena.key(address);
        (key_hash(key), key).cmp(&(self.hash, self.key))
    }
}
