//! A slot of a table: 32 bits of hash above 32 bits of address. The slot 0 is empty, since no address is 0.

use crate::state::arena::Address;

/// Returns the slot of a record.
#[inline]
pub(super) fn slot_of(tag: u32, address: Address) -> u64 {
    u64::from(tag) << 32 | u64::from(address)
}

/// Returns the hash bits of a slot.
#[inline]
pub(super) fn tag_of(slot: u64) -> u32 {
    (slot >> 32) as u32
}

/// Returns the slot at which the search for these hash bits starts in a table of this capacity.
#[inline]
pub(super) fn home(tag: u32, capacity: usize) -> usize {
    ((u64::from(tag) * capacity as u64) >> 32) as usize
}
