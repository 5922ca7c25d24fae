//! References to records, given out in the order of the records' keys.
//!
//! A reference has 8 bytes: the beginning of the key above the record's address. The first ones are selected
//! in one pass, without sorting. The others are sorted once, when they are needed.

mod head;
mod sorting;

use std::collections::BinaryHeap;

use crate::model::work::count_keys_read;
use crate::state::arena::{Address, Arena};
use crate::state::key_order::head::{head_of, reference};
use crate::state::key_order::sorting::sort;

/// The most references that are selected without sorting. While they are selected, each takes 32 bytes.
const SELECTED_MAX: usize = 16_384;

/// References that are given out in the order of keys.
#[derive(Debug, Default)]
pub(super) struct KeyOrder {
    /// References in order.
    ready: Vec<u64>,
    /// The first reference of `ready` that was not given out.
    next: usize,
    /// The other references, whose keys are behind those of `ready`, in any order.
    rest: Vec<u64>,
    /// How many bytes all keys have in common at their beginning. The beginnings of keys in the references are
    /// those behind them.
    prefix_bytes: usize,
    /// Whether references were selected already. What is left is then sorted.
    has_selected: bool,
}

impl KeyOrder {
    /// Takes the records whose keys start with `prefix`, out of at most `most` records. It reads each key once.
    pub(super) fn new(arena: &Arena, addresses: impl Iterator<Item = Address>, prefix: &[u8], most: usize) -> Self {
        // Without a prefix, every key is taken.
        let mut rest = Vec::with_capacity(if prefix.is_empty() { most } else { 0 });
        for address in addresses {
            let key = arena.key(address);
            count_keys_read(1);
            if let Some(suffix) = key.strip_prefix(prefix) {
                if rest.len() == rest.capacity() {
                    // The list never becomes longer than if every key were taken.
                    rest.reserve_exact(rest.len().clamp(64, (most - rest.len()).max(64)));
                }
                rest.push(reference(suffix, address));
            }
        }
        Self { rest, prefix_bytes: prefix.len(), ..Self::default() }
    }

    /// Returns the record that is next, and `None` after the last. About `wanted` records will be asked for
    /// soon.
    #[inline]
    pub(super) fn peek(&mut self, arena: &Arena, wanted: usize) -> Option<Address> {
        if self.next == self.ready.len() && !self.make_ready(arena, wanted) {
            return None;
        }
        Some(self.ready[self.next] as u32)
    }

    /// Goes past the record that [`peek`](Self::peek) returned.
    #[inline]
    pub(super) fn advance(&mut self) {
        self.next += 1;
    }

    /// Returns how many records were not given out yet.
    pub(super) fn len(&self) -> usize {
        self.ready.len() - self.next + self.rest.len()
    }

    /// Gets the next references ready. Returns whether there are any.
    #[cold]
    fn make_ready(&mut self, arena: &Arena, wanted: usize) -> bool {
        self.next = 0;
        let wanted = wanted.clamp(1, SELECTED_MAX);
        if self.has_selected || self.rest.len() / 4 < wanted {
            sort(&mut self.rest, arena, self.prefix_bytes);
            self.ready = std::mem::take(&mut self.rest);
        } else {
            self.select(arena, wanted);
            self.has_selected = true;
        }
        !self.ready.is_empty()
    }

    /// Moves the `wanted` references with the smallest keys from `rest` to `ready`.
    fn select(&mut self, arena: &Arena, wanted: usize) {
        let key = |reference: u64| {
            count_keys_read(1);
            arena.key(reference as u32)
        };
        let mut smallest = BinaryHeap::with_capacity(wanted);
        for (at, &reference) in self.rest.iter().enumerate() {
            if smallest.len() < wanted {
                smallest.push((head_of(reference), key(reference), at));
            } else if let Some(mut largest) = smallest.peek_mut()
                && head_of(reference) <= largest.0
            {
                // Most keys are seen to be larger without being read.
                let candidate = (head_of(reference), key(reference), at);
                if candidate < *largest {
                    *largest = candidate;
                }
            }
        }
        let selected: Vec<usize> = smallest.into_sorted_vec().into_iter().map(|(_, _, at)| at).collect();
        self.ready = selected.iter().map(|at| self.rest[*at]).collect();
        for at in selected {
            self.rest[at] = 0;
        }
        self.rest.retain(|reference| *reference != 0);
    }
}
