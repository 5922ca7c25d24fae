//! Applying batches of mutations. What they need is first brought into the processor's cache.

use crate::error::IncrementalCheckpointError as Error;
use crate::model::key_groups::group_of;
use crate::model::record::Record;
use crate::state::keyed_state::{State, out_of_addresses};
use crate::state::sought::tag;

/// How many mutations of a batch are brought into the cache together. They are more than the processor can
/// wait for at once, and few enough to stay in its nearest cache.
pub(crate) const WARM_BLOCK: usize = 32;

impl State {
    /// Brings the records of these keys into the cache. Separate puts would each wait for two or three
    /// cache misses; here the processor works on all of them at the same time.
    pub(crate) fn warm(&self, hashes: impl Iterator<Item = u64> + Clone) {
        let guess = |hash| self.tables[usize::from(group_of(hash))].guess(tag(hash));
        let touched = hashes.map(guess).fold(0, |sum: u8, address| sum.wrapping_add(self.arena.touch(address)));
        std::hint::black_box(touched);
    }

    /// Applies mutations in their order, [`WARM_BLOCK`] of them at a time.
    ///
    /// If no address is left for a record, it returns [`LimitExceeded`](Error::LimitExceeded); the
    /// mutations before that one have been applied.
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
