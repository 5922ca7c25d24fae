//! References to records, given out in the order of the records' keys.
//!
//! A reference has 8 bytes: the beginning of the key above the record's address. The first ones are selected
//! in one pass, without sorting. The others are sorted once, when they are needed.

mod dividing;
mod head;
mod sorting;

use std::collections::BinaryHeap;

use crate::error::IncrementalCheckpointError as Error;
use crate::model::stop::{BYTES, Steps};
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
    /// Takes the records whose keys start with `prefix`, out of at most `most` records. It reads each key once. If it
    /// would take more than `references_max`, that is [`LimitExceeded`](Error::LimitExceeded).
    pub(super) fn new(
        arena: &Arena,
        addresses: impl Iterator<Item = Address>,
        prefix: &[u8],
        (most, references_max): (usize, usize),
        steps: &mut Steps<'_>,
    ) -> Result<Self, Error> {
        // Without a prefix, every key is taken.
        let mut rest = Vec::with_capacity(if prefix.is_empty() { most.min(references_max) } else { 0 });
        for address in addresses {
            steps.take(1 + prefix.len() / BYTES)?;
            let key = arena.key(address);
            count_keys_read(1);
            if let Some(suffix) = key.strip_prefix(prefix) {
                if rest.len() == references_max {
                    return Err(out_of_memory(references_max * size_of::<u64>()));
                }
                if rest.len() == rest.capacity() {
                    // The list never becomes longer than if every key were taken.
                    rest.reserve_exact(rest.len().clamp(64, (most - rest.len()).max(64)));
                }
                rest.push(reference(suffix, address));
            }
        }
        Ok(Self { rest, prefix_bytes: prefix.len(), ..Self::default() })
    }

    /// Returns the record that is next, and `None` after the last. About `wanted` records will be asked for
    /// soon. After an error, the order must not be used any more.
    #[inline]
    pub(super) fn peek(
        &mut self,
        arena: &Arena,
        wanted: usize,
        steps: &mut Steps<'_>,
    ) -> Result<Option<Address>, Error> {
        if self.next == self.ready.len() && !self.make_ready(arena, wanted, steps)? {
            return Ok(None);
        }
        Ok(Some(self.ready[self.next] as u32))
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

    /// Returns the bytes held from the allocator.
    pub(super) fn allocated_bytes(&self) -> usize {
        (self.ready.capacity() + self.rest.capacity()) * size_of::<u64>()
    }

    /// Gets the next references ready. Returns whether there are any.
    #[cold]
    fn make_ready(&mut self, arena: &Arena, wanted: usize, steps: &mut Steps<'_>) -> Result<bool, Error> {
        self.next = 0;
        let wanted = wanted.clamp(1, SELECTED_MAX);
        if self.has_selected || self.rest.len() / 4 < wanted {
            sort(&mut self.rest, arena, self.prefix_bytes, steps)?;
            self.ready = std::mem::take(&mut self.rest);
        } else {
            self.select(arena, wanted, steps)?;
            self.has_selected = true;
        }
        Ok(!self.ready.is_empty())
    }

    /// Moves the `wanted` references with the smallest keys from `rest` to `ready`.
    fn select(&mut self, arena: &Arena, wanted: usize, steps: &mut Steps<'_>) -> Result<(), Error> {
        let mut read = |reference: u64| {
            count_keys_read(1);
            let key = arena.key(reference as u32);
            // It is compared with a few of those that are selected.
            steps.take(1 + SELECTED_MAX.ilog2() as usize * key.len() / BYTES)?;
            Ok::<_, Error>(key)
        };
        let mut smallest = BinaryHeap::with_capacity(wanted);
        for (at, &reference) in self.rest.iter().enumerate() {
            if smallest.len() < wanted {
                smallest.push((head_of(reference), read(reference)?, at));
            } else if let Some(mut largest) = smallest.peek_mut()
                && head_of(reference) <= largest.0
            {
                // Most keys are seen to be larger without being read.
                let candidate = (head_of(reference), read(reference)?, at);
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
        Ok(())
    }
}

/// Says that walks have no memory left.
pub(super) fn out_of_memory(room: usize) -> Error {
    Error::LimitExceeded(format!("memory: {room} bytes are left for walks; end other walks, or raise the limit"))
}
