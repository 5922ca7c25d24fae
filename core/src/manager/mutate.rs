//! Changes the state, within its limits. A mutation that is refused changes nothing.

use crate::changelog::Changelog;
use crate::changelog::batch::Columns;
use crate::error::IncrementalCheckpointError as Error;
use crate::manager::live_state::LiveState;
use crate::manager::types::IncrementalCheckpointManager;
use crate::model::hash::key_hash;
use crate::model::hash_range::HashRange;
use crate::model::namespace::{DEFAULT_NAMESPACE, TimeDomain};
use crate::model::record::Record;
use crate::model::record::check_lengths;
use crate::model::stop::{BYTES, Steps};
use crate::state::{WARM_BLOCK, out_of_addresses};

impl<D> IncrementalCheckpointManager<D> {
    /// Sets the value of a key. It is durable with the next checkpoint or [`sync`](Self::sync).
    ///
    /// A key or value that is too long, and a mutation that would exceed
    /// [`memory_limit_bytes`](crate::CheckpointConfig::memory_limit_bytes), is
    /// [`LimitExceeded`](Error::LimitExceeded) and changes nothing. So is a key that the directory [does not
    /// own](Self::owned_range): it is [`InvalidInput`](Error::InvalidInput).
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        check_lengths(key.len(), value.len())?;
        let hash = key_hash(key);
        self.live.check_owned(hash, key)?;
        self.make_room(hash, key, value)?;
        self.put_checked(hash, key, value);
        Ok(())
    }

    /// Deletes a key. Returns whether it existed. A key that is too long is
    /// [`LimitExceeded`](Error::LimitExceeded), and one that the directory [does not own](Self::owned_range) is
    /// [`InvalidInput`](Error::InvalidInput).
    pub fn delete(&mut self, key: &[u8]) -> Result<bool, Error> {
        check_lengths(key.len(), 0)?;
        let hash = key_hash(key);
        self.live.check_owned(hash, key)?;
        // A key that does not exist needs no tombstone. A key that exists gets its tombstone even at the
        // memory limit, because deleting is how memory is given back.
        Ok(self.delete_checked(hash, key))
    }

    fn delete_checked(&mut self, hash: u64, key: &[u8]) -> bool {
        let was_there = self.live.delete(hash, key);
        if was_there {
            self.live.changes.push(Record { hash, namespace: DEFAULT_NAMESPACE, key, value: None });
            self.tend_changes();
        }
        was_there
    }

    /// Applies a batch and returns the number of its mutations. If any part of the batch is refused, nothing
    /// of it is applied.
    ///
    /// A malformed batch is [`InvalidInput`](Error::InvalidInput). A batch that might exceed the memory limit
    /// is [`LimitExceeded`](Error::LimitExceeded). Only a batch that is [stopped](Self::stop_when) may be applied in
    /// part: it can be undone with [`rollback_batch`](Self::rollback_batch) if a batch was begun before.
    pub fn apply(&mut self, batch: &Columns<'_>) -> Result<u64, Error> {
        let mutations = batch.mutations()?;
        if self.live.owned != HashRange::ALL {
            batch.mutations()?.try_for_each(|(key, _)| self.live.check_owned(key_hash(key), key))?;
        }
        if let Some(limit) = self.config.memory_limit_bytes {
            // The memory that the batch needs depends on what it replaces. The most that it can need is
            // checked first, so that it cannot fail half-way.
            self.check_limit(limit, batch.memory_max())?;
        } else {
            self.live.state.growth_for(b"", &[]).ok_or_else(out_of_addresses)?;
        }
        let mut mutations =
            mutations.map(|(key, value)| Record { hash: key_hash(key), namespace: DEFAULT_NAMESPACE, key, value });
        let stop = self.live.state.stop().cloned();
        let mut steps = Steps::new(stop.as_ref());
        let mut block = Vec::with_capacity(WARM_BLOCK);
        loop {
            block.clear();
            block.extend(mutations.by_ref().take(WARM_BLOCK));
            if block.is_empty() {
                break;
            }
            let bytes: usize =
                block.iter().map(|record| record.key.len() + record.value.unwrap_or_default().len()).sum();
            steps.take(block.len() + bytes / BYTES)?;
            self.live.state.warm(block.iter().map(|record| record.hash));
            for record in &block {
                match record.value {
                    Some(value) => self.put_checked(record.hash, record.key, value),
                    None => {
                        self.delete_checked(record.hash, record.key);
                    }
                }
            }
        }
        Ok(batch.ops.len() as u64)
    }

    #[inline]
    fn put_checked(&mut self, hash: u64, key: &[u8], value: &[u8]) {
        self.live.put(hash, key, value);
        self.live.changes.push(Record { hash, namespace: DEFAULT_NAMESPACE, key, value: Some(value) });
        self.tend_changes();
    }

    /// After a mutation: takes back what dropped checkpoints held, and compacts the changelog a little further.
    ///
    /// What was dropped is taken back here and not only with the next checkpoint, so that a stream whose checkpoints
    /// are dropped again and again has a changelog that is compacted.
    #[inline]
    pub(super) fn tend_changes(&mut self) {
        // An open batch could not be undone afterwards.
        if self.in_flight.has_returned() && !self.live.undo.is_open() {
            self.settle();
        }
        self.live.compact_changes(self.config.memory_limit_bytes);
    }

    /// Checks that the memory limit and the arena's addresses allow one more put.
    #[inline]
    fn make_room(&mut self, hash: u64, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let Some(limit) = self.config.memory_limit_bytes else {
            return self.live.state.growth_for(key, value).map(|_| ()).ok_or_else(out_of_addresses);
        };
        let growth = self.live.state.growth_with_table(hash, key, value).ok_or_else(out_of_addresses)?;
        self.check_limit(limit, growth + self.live.changes.growth_for(key.len(), value.len()))
    }

    /// Checks that `growth` more bytes of memory are allowed.
    pub(super) fn check_limit(&mut self, limit: u64, growth: usize) -> Result<(), Error> {
        let is_beyond = |live: &LiveState| {
            let held = live.allocated_bytes() + live.changes.growth_of_compaction() as u64;
            growth > 0 && held + growth as u64 > limit
        };
        if is_beyond(&self.live) {
            // Walks may keep deleted records in memory, and can do without them.
            self.live.state.release_walks(true);
            self.live.spaces.release_walks();
        }
        if is_beyond(&self.live) {
            // A compaction that is under way holds the changelog twice.
            self.live.changes.end_compaction();
        }
        if is_beyond(&self.live) {
            let held = self.live.allocated_bytes();
            return Err(Error::LimitExceeded(format!(
                "memory: {held} bytes held and {growth} more needed, {limit} allowed; take a checkpoint, delete keys, or raise the limit"
            )));
        }
        Ok(())
    }

    /// Sets the epoch. An epoch before the current one is [`EpochMismatch`](Error::EpochMismatch) and changes
    /// nothing.
    pub fn set_epoch(&mut self, epoch: u64) -> Result<(), Error> {
        self.live.position.set_epoch(epoch)
    }

    /// Sets how far a source was consumed. An offset before the current one of the same source is
    /// [`EpochMismatch`](Error::EpochMismatch) and changes nothing.
    pub fn set_source_offset(&mut self, source: impl Into<String>, offset: u64) -> Result<(), Error> {
        self.live.position.set_source_offset(source, offset)
    }

    /// Sets the watermark, in milliseconds of Unix time. An earlier watermark changes nothing. Some of the entries
    /// that expire by it are deleted, as [`delete_expired`](Self::delete_expired) does.
    pub fn set_watermark(&mut self, watermark_ms: i64) {
        self.live.position.set_watermark(watermark_ms);
        self.clock_moved(TimeDomain::Event);
    }

    /// Attaches a short text to the checkpoints to come, for example the name of the operator that owns the
    /// state. It replaces an earlier text of the same name.
    pub fn set_annotation(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.live.position.annotations.insert(name.into(), value.into());
    }
}

/// Returns a whole state as a changelog, for checkpoints that are not incremental.
pub(super) fn whole(live: &LiveState) -> Changelog {
    let mut whole = Changelog::default();
    for (key, value) in live.state.iter_hash_order() {
        whole.push(Record { hash: key_hash(key), namespace: DEFAULT_NAMESPACE, key, value: Some(value) });
    }
    live.spaces.records().for_each(|record| whole.push(record));
    whole
}

impl LiveState {
    /// Returns the bytes held from the allocator.
    #[inline]
    fn allocated_bytes(&self) -> u64 {
        let logs = self.changes.allocated_bytes() + self.undo.allocated_bytes();
        self.state.allocated_bytes() + self.spaces.allocated_bytes() + logs as u64
    }

    /// Compacts the changelog a little further, or begins to if it has outgrown the state. A beginning waits for
    /// the end of an open batch, which could not be undone afterwards.
    ///
    /// If both the changelog and what it becomes do not fit into `limit`, all of it is compacted at once.
    #[inline]
    pub(super) fn compact_changes(&mut self, limit: Option<u64>) {
        if self.changes.wants_attention() {
            self.attend_to_changes(limit);
        }
    }

    #[cold]
    fn attend_to_changes(&mut self, limit: Option<u64>) {
        let state_bytes = self.state.allocated_bytes() + self.spaces.allocated_bytes();
        self.changes.attend(2 * state_bytes as usize, !self.undo.is_open());
        if limit.is_some_and(|limit| self.allocated_bytes() + self.changes.growth_of_compaction() as u64 > limit) {
            self.changes.end_compaction();
        }
    }
}
