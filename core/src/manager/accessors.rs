//! Reads what a manager knows, without using the directory.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::commit::statistics::CheckpointStatistics;
use crate::config::CheckpointConfig;
use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::maintenance::MaintenanceReport;
use crate::manager::summary::{MemoryUsage, RecoverySummary};
use crate::manager::types::IncrementalCheckpointManager;
use crate::model::namespace::DEFAULT_NAMESPACE;
use crate::model::record::{KEYS_AT_ONCE_MAX, VALUE_BYTES_MAX};
use crate::namespaces::Totals;
use crate::state::{Page, State, Walk};

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Returns the directory.
    pub fn directory(&self) -> &Arc<D> {
        &self.directory
    }

    /// Returns the settings.
    pub fn config(&self) -> &CheckpointConfig {
        &self.config
    }

    /// Returns what opening or the last restore recovered, or `None` if the manager started without a
    /// checkpoint.
    pub fn recovered(&self) -> Option<&RecoverySummary> {
        self.observed.recovered.as_ref()
    }

    /// Returns the live state of the default namespace.
    pub fn state(&self) -> &State {
        &self.live.state
    }

    /// Returns the value of a key of the default namespace, if the key exists.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.live.state.get(key)
    }

    /// Returns the values of many keys, which stand one after the other in `keys`, in the order asked.
    ///
    /// Lengths that do not add up to `keys` are [`InvalidInput`](Error::InvalidInput). More than
    /// [`KEYS_AT_ONCE_MAX`] keys, and values of more than [`VALUE_BYTES_MAX`] bytes together, are
    /// [`LimitExceeded`](Error::LimitExceeded), so that one call cannot ask for any amount of memory.
    ///
    /// ```
    /// # use alluvium_core::directory::{block_on, MemoryDirectory};
    /// # use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
    /// # use std::sync::Arc;
    /// # let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true);
    /// # let open = IncrementalCheckpointManager::open(Arc::new(MemoryDirectory::new()), CheckpointConfig::default(), options);
    /// # let mut manager = block_on(open)?;
    /// manager.put(b"a", b"1")?;
    /// assert_eq!(manager.get_many(&[1, 2], b"abc")?, [Some(&b"1"[..]), None]);
    /// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
    /// ```
    pub fn get_many(&self, lens: &[u32], keys: &[u8]) -> Result<Vec<Option<&[u8]>>, Error> {
        self.read_many(DEFAULT_NAMESPACE, lens, keys, |key| self.get(key))
    }

    /// Reads many keys, one after the other, within the limits of one call.
    pub(super) fn read_many<'a>(
        &'a self,
        namespace: u32,
        lens: &[u32],
        keys: &[u8],
        get: impl Fn(&[u8]) -> Option<&'a [u8]>,
    ) -> Result<Vec<Option<&'a [u8]>>, Error> {
        let total: u64 = lens.iter().map(|&len| u64::from(len)).sum();
        if total != keys.len() as u64 {
            let text = format!("the lengths add up to {total} bytes of keys, but there are {}", keys.len());
            return Err(Error::InvalidInput(text));
        }
        if lens.len() > KEYS_AT_ONCE_MAX {
            let text = format!("{} keys at once: at most {KEYS_AT_ONCE_MAX} are answered", lens.len());
            return Err(Error::LimitExceeded(text));
        }
        let mut steps = self.live.state.steps();
        let (mut rest, mut bytes) = (keys, 0);
        let mut values = Vec::with_capacity(lens.len());
        for &len in lens {
            let key;
            (key, rest) = rest.split_at(len as usize);
            self.check_owns(namespace, key)?;
            let value = get(key);
            steps.take(1)?;
            bytes += value.map_or(0, <[u8]>::len);
            if bytes > VALUE_BYTES_MAX {
                let text = format!("values of more than {VALUE_BYTES_MAX} bytes together: ask for fewer keys at once");
                return Err(Error::LimitExceeded(text));
            }
            values.push(value);
        }
        Ok(values)
    }

    /// Returns the number of live keys of the default namespace.
    pub fn len(&self) -> usize {
        self.live.state.len()
    }

    /// Tells whether there is no live key in the default namespace.
    pub fn is_empty(&self) -> bool {
        self.live.state.is_empty()
    }

    /// Returns the digest of the state, all namespaces included. A checkpoint of it would have the same.
    pub fn digest(&self) -> u64 {
        Totals::of(&self.live.state, &self.live.spaces).digest
    }

    /// Returns all keys and values of the default namespace in order of the keys' bytes. [`State::iter`] says what this costs.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.live.state.iter()
    }

    /// Returns the keys that start with `prefix`, and their values, in order of the keys' bytes.
    pub fn iter_prefix(&self, prefix: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.live.state.iter_prefix(prefix)
    }

    /// Begins a walk over the entries whose key starts with `prefix`, in order of the keys' bytes. Pages of it
    /// can be read while the state changes. [`Walk`] says what it costs.
    ///
    /// All walks together take at most [`memory_limit_bytes`](crate::CheckpointConfig::memory_limit_bytes) of memory
    /// beside the state's.
    pub fn walk(&mut self, prefix: &[u8]) -> Walk {
        let others = self.live.spaces.walk_bytes() as u64;
        let limit = self.config.memory_limit_bytes.map_or(u64::MAX, |limit| limit.saturating_sub(others));
        self.live.state.limit_walks(limit);
        self.live.state.walk(prefix)
    }

    /// Returns the next entries of a walk, as [`State::next_page`] does.
    pub fn next_page<'a>(&'a self, walk: &mut Walk, limit: usize, bytes: usize) -> Result<Page<'a>, Error> {
        match walk.namespace {
            DEFAULT_NAMESPACE => self.live.state.next_page(walk, limit, bytes),
            id => {
                let space = self.live.spaces.get(id)?;
                let view = space.view(&self.live.position);
                space.state().next_page_seen(walk, limit, bytes, |stored| view.see(stored))
            }
        }
    }

    /// Returns the epoch.
    pub fn epoch(&self) -> u64 {
        self.live.position.epoch
    }

    /// Returns the offset of each source: how far it was consumed.
    pub fn source_offsets(&self) -> &BTreeMap<String, u64> {
        &self.live.position.source_offsets
    }

    /// Returns the watermark, in milliseconds of Unix time, if there is one.
    pub fn watermark(&self) -> Option<i64> {
        self.live.position.watermark
    }

    /// Returns the position in the caller's own WAL that the last checkpoint or sync was given.
    pub fn wal_position(&self) -> u64 {
        self.live.position.wal_position
    }

    /// Returns the short texts, by name, that are attached to the checkpoints to come.
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        &self.live.position.annotations
    }

    /// Returns the id of the newest checkpoint that this manager knows to exist.
    pub fn latest_checkpoint_id(&self) -> Option<u64> {
        self.in_flight.without_deleted(self.lineage.latest)
    }

    /// Returns the id of the directory, to which every file in it is bound.
    pub fn store_id(&self) -> [u8; 16] {
        self.ledger.lock().store_id
    }

    /// Returns what the newest finished checkpoint cost.
    pub fn last_statistics(&self) -> Option<&CheckpointStatistics> {
        self.observed.statistics.as_ref()
    }

    /// Returns what maintenance did after the newest [`create_checkpoint`](Self::create_checkpoint).
    pub fn last_maintenance(&self) -> Option<&MaintenanceReport> {
        self.observed.maintenance.as_ref()
    }

    /// Returns how much memory the manager holds.
    pub fn memory(&self) -> MemoryUsage {
        MemoryUsage {
            state_bytes: self.live.state.allocated_bytes() + self.live.spaces.allocated_bytes(),
            changelog_bytes: self.live.changes.allocated_bytes() as u64,
            payload_bytes: Totals::of(&self.live.state, &self.live.spaces).bytes,
        }
    }

    /// Returns the checkpoint interval in microseconds.
    pub(super) fn interval_us(&self) -> u64 {
        u64::try_from(self.config.interval.as_micros()).unwrap_or(u64::MAX)
    }

    /// Returns how many bytes of WAL follow the newest checkpoint.
    pub fn wal_size(&self) -> u64 {
        self.wal.bytes
    }

    /// Tells whether the next checkpoint is due. In a fresh directory it is due at once. After that it is
    /// due when the [`interval`](CheckpointConfig::interval) has passed on the monotonic clock.
    ///
    /// If [`sync`](Self::sync) has written WAL files since the last checkpoint, the changes are durable
    /// already. Then the checkpoint is due only once these files have
    /// [`min_wal_size_for_checkpoint`](CheckpointConfig::min_wal_size_for_checkpoint) bytes.
    pub fn should_checkpoint(&self) -> bool {
        let elapsed = |last| self.clock.0.monotonic_us().saturating_sub(last) >= self.interval_us();
        let wal_may_grow = self.wal.bytes > 0 && self.wal.bytes < self.config.min_wal_size_for_checkpoint;
        self.observed.last_checkpoint_us.is_none_or(elapsed) && !wal_may_grow
    }
}
