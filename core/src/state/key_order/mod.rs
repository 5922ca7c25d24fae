//! References to records, given out in the order of the records' keys.
//!
//! A reference has 8 bytes: the beginning of the key above the record's address. They are sorted bit by bit, as they are
//! asked for: see [`parts`].

mod common;
mod dividing;
mod head;
mod parts;
mod sorting;

use crate::error::IncrementalCheckpointError as Error;
use crate::model::stop::{BYTES, Steps};
use crate::model::work::count_keys_read;
use crate::state::arena::{Address, Arena};
use crate::state::key_order::common::Common;
use crate::state::key_order::head::reference;
use crate::state::key_order::parts::Parts;

/// References that are given out in the order of keys.
#[derive(Debug, Default)]
pub(super) struct KeyOrder {
    references: Vec<u64>,
    /// The first reference that was not given out.
    next: usize,
    /// The end of the references that are in order. Those behind it belong to `parts`.
    sorted: usize,
    parts: Parts,
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
        let room = if prefix.is_empty() { most.min(references_max) } else { 0 };
        let mut references = Vec::with_capacity(room);
        // Keys often have much in common at their beginning. If the first ones say how much, each key is read once.
        let mut common = Common::default();
        for address in addresses {
            steps.take(1 + prefix.len() / BYTES)?;
            let key = arena.key(address);
            count_keys_read(1);
            if let Some(suffix) = key.strip_prefix(prefix) {
                if references.len() == references_max {
                    return Err(out_of_memory(references_max * size_of::<u64>()));
                }
                if references.len() == references.capacity() {
                    // The list never becomes longer than if every key were taken.
                    references.reserve_exact(references.len().clamp(64, (most - references.len()).max(64)));
                }
                common.take(suffix, &mut references, arena, prefix.len(), steps)?;
                references.push(reference(&suffix[common.len()..], address));
            }
        }
        let parts = Parts::of(references.len(), prefix.len() + common.len());
        Ok(Self { references, parts, ..Self::default() })
    }

    /// Returns the record that is next, and `None` after the last. After an error, the order must not be used any more.
    #[inline]
    pub(super) fn peek(&mut self, arena: &Arena, steps: &mut Steps<'_>) -> Result<Option<Address>, Error> {
        if self.next == self.sorted {
            let unsorted = &mut self.references[self.sorted..];
            self.sorted += self.parts.sort_first(unsorted, arena, steps)?;
        }
        Ok(self.references[..self.sorted].get(self.next).map(|reference| *reference as u32))
    }

    /// Goes past the record that [`peek`](Self::peek) returned.
    #[inline]
    pub(super) fn advance(&mut self) {
        self.next += 1;
    }

    /// Returns how many records were not given out yet.
    pub(super) fn len(&self) -> usize {
        self.references.len() - self.next
    }

    /// Returns the bytes held from the allocator.
    pub(super) fn allocated_bytes(&self) -> usize {
        self.references.capacity() * size_of::<u64>() + self.parts.allocated_bytes()
    }
}

/// Says that walks have no memory left.
pub(super) fn out_of_memory(room: usize) -> Error {
    Error::LimitExceeded(format!("memory: {room} bytes are left for walks; end other walks, or raise the limit"))
}
