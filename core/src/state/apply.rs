//! Applying batches of mutations, with what they need brought into the cache first.

use crate::error::IncrementalCheckpointError as Error;
use crate::model::key_groups::group_of;
use crate::model::record::Record;
use crate::state::keyed_state::{State, out_of_addresses, tag};

/// Mutations of a batch whose records are brought into the cache together: more than the processor
/// can wait for at once, few enough to stay in its nearest cache.
pub(crate) const WARM_BLOCK: usize = 32;

impl State {
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
}
