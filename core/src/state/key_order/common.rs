//! How much all keys have in common at their beginning, as far as they are known.

use crate::error::IncrementalCheckpointError as Error;
use crate::model::stop::{BYTES, Steps};
use crate::model::work::count_keys_read;
use crate::state::arena::Arena;
use crate::state::key_order::head::reference;

/// So many keys are looked at before it is believed that the others begin as they do.
const FIRST_KEYS: usize = 64;

/// After so many keys that begin otherwise, nothing is believed any more, so that the references are not made again and
/// again.
const CORRECTIONS_MAX: usize = 2;

/// A number of bytes that all keys so far have in common.
#[derive(Default)]
pub(super) struct Common {
    /// The bytes. While the first keys are collected, references begin with their first byte.
    bytes: Vec<u8>,
    keys: usize,
    corrections: usize,
}

impl Common {
    /// Returns how many bytes the heads in the references leave out.
    pub(super) fn len(&self) -> usize {
        if self.keys < FIRST_KEYS { 0 } else { self.bytes.len() }
    }

    /// Takes note of another key, whose reference is not among `references` yet. Those that are there are made again if
    /// their heads begin elsewhere now.
    pub(super) fn take(
        &mut self,
        suffix: &[u8],
        references: &mut [u64],
        arena: &Arena,
        prefix_bytes: usize,
        steps: &mut Steps<'_>,
    ) -> Result<(), Error> {
        let before = self.len();
        steps.take(self.bytes.len() / BYTES)?;
        if self.keys == 0 {
            self.bytes = suffix.to_vec();
        } else if !suffix.starts_with(&self.bytes) {
            let same = self.bytes.iter().zip(suffix).take_while(|(a, b)| a == b).count();
            self.bytes.truncate(same);
            if self.keys >= FIRST_KEYS {
                self.corrections += 1;
                if self.corrections == CORRECTIONS_MAX {
                    self.bytes.clear();
                }
            }
        }
        self.keys += 1;
        if self.len() == before {
            return Ok(());
        }
        for held in references {
            let key = arena.key(*held as u32);
            count_keys_read(1);
            steps.take(1 + prefix_bytes / BYTES)?;
            *held = reference(&key[prefix_bytes + self.len()..], *held as u32);
        }
        Ok(())
    }
}
