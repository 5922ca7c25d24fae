//! A reference to a record, with the beginning of what it is ordered by. Most records are told apart without
//! being read.

use std::cmp::Ordering;

use crate::model::expiry::split_expiry;
use crate::model::hash::key_hash;
use crate::model::work::{count_keys_read, count_probes};
use crate::state::arena::{Address, Arena};

/// By what an order has its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// By the bytes of their keys.
    Key,
    /// By the expiry times in front of their values, and then by the hashes of their keys.
    Expiry,
}

/// What a record is ordered by, as far as it fits into twelve bytes. Records with equal heads are in the order of
/// their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Head {
    first: u64,
    rest: u32,
}

impl Head {
    /// Returns the head of a key.
    pub(super) fn of_key(key: &[u8]) -> Self {
        let mut bytes = [0; 16];
        let len = key.len().min(12);
        bytes[..len].copy_from_slice(&key[..len]);
        let number = u128::from_be_bytes(bytes);
        Self { first: (number >> 64) as u64, rest: (number >> 32) as u32 }
    }

    /// Returns the head of an entry that expires at a time.
    pub(super) fn of_expiry(expiry_ms: i64, hash: u64) -> Self {
        Self { first: (expiry_ms ^ i64::MIN).cast_unsigned(), rest: (hash >> 32) as u32 }
    }

    /// Returns the head of a record.
    pub(super) fn of(by: By, key: &[u8], value: &[u8]) -> Self {
        match by {
            By::Key => Self::of_key(key),
            // No value that is stored is shorter than its expiry time.
            By::Expiry => Self::of_expiry(split_expiry(value).map_or(0, |(expiry, _)| expiry), key_hash(key)),
        }
    }

    /// Returns the expiry time in a head.
    pub(super) fn expiry_ms(self) -> i64 {
        self.first.cast_signed() ^ i64::MIN
    }
}

/// A reference to a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) head: Head,
    pub(super) address: Address,
}

impl Entry {
    /// Compares the record with a head and a key.
    pub(super) fn cmp(&self, arena: &Arena, head: Head, key: &[u8]) -> Ordering {
        count_probes(1);
        self.head.cmp(&head).then_with(|| {
            count_keys_read(1);
            arena.key(self.address).cmp(key)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_in_the_order_of_keys_and_times() {
        let keys = [&b""[..], b"\0", b"\0\0", b"a", b"a\0", b"aaaaaaaa", b"aaaaaaaaaaaab", b"aaaaaaaab", b"b", b"\xff"];
        assert!(keys.map(Head::of_key).is_sorted());
        assert!(Head::of_key(b"aaaaaaaa") < Head::of_key(b"aaaaaaaab"));
        let times = [i64::MIN, -1, 0, 1, i64::MAX];
        assert!(times.map(|time| Head::of_expiry(time, 7)).is_sorted_by(|a, b| a < b));
        assert_eq!(times.map(|time| Head::of_expiry(time, u64::MAX).expiry_ms()), times);
    }
}
