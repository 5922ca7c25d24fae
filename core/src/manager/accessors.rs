//! What a manager tells about itself, without touching the directory.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::commit::statistics::CheckpointStatistics;
use crate::config::CheckpointConfig;
use crate::directory::Directory;
use crate::maintenance::MaintenanceReport;
use crate::manager::summary::{MemoryUsage, RecoverySummary};
use crate::manager::types::IncrementalCheckpointManager;
use crate::state::State;

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// The directory.
    pub fn directory(&self) -> &Arc<D> {
        &self.directory
    }

    /// The settings.
    pub fn config(&self) -> &CheckpointConfig {
        &self.config
    }

    /// What opening found; `None` when it started anew.
    pub fn recovered(&self) -> Option<&RecoverySummary> {
        self.observed.recovered.as_ref()
    }

    /// The live state.
    pub fn state(&self) -> &State {
        &self.live.state
    }

    /// The value of a key.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.live.state.get(key)
    }

    /// Live keys.
    pub fn len(&self) -> usize {
        self.live.state.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.live.state.is_empty()
    }

    /// Entries in order of their keys' bytes; see [`State::iter`].
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.live.state.iter()
    }

    /// Entries whose key starts with `prefix`, in order of their keys' bytes.
    pub fn iter_prefix(&self, prefix: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.live.state.iter_prefix(prefix)
    }

    /// The epoch.
    pub fn epoch(&self) -> u64 {
        self.live.position.epoch
    }

    /// For each source, how far it was consumed.
    pub fn source_offsets(&self) -> &BTreeMap<String, u64> {
        &self.live.position.source_offsets
    }

    /// The watermark, in milliseconds of Unix time.
    pub fn watermark(&self) -> Option<i64> {
        self.live.position.watermark
    }

    /// The position in the caller's own log that the newest prepared or recovered checkpoint has.
    pub fn wal_position(&self) -> u64 {
        self.live.position.wal_position
    }

    /// Texts that are attached to checkpoints.
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        &self.live.position.annotations
    }

    /// The newest checkpoint that exists as far as this manager knows.
    pub fn latest_checkpoint_id(&self) -> Option<u64> {
        self.lineage.latest
    }

    /// The id of the directory, to which every file in it is bound.
    pub fn store_id(&self) -> [u8; 16] {
        self.ledger.lock().store_id
    }

    /// What the newest finished checkpoint cost.
    pub fn last_statistics(&self) -> Option<&CheckpointStatistics> {
        self.observed.statistics.as_ref()
    }

    /// What maintenance after the newest [`create_checkpoint`](Self::create_checkpoint) did.
    pub fn last_maintenance(&self) -> Option<&MaintenanceReport> {
        self.observed.maintenance.as_ref()
    }

    /// Memory that is held.
    pub fn memory(&self) -> MemoryUsage {
        MemoryUsage {
            state_bytes: self.live.state.allocated_bytes(),
            changelog_bytes: self.live.changes.allocated_bytes() as u64,
            payload_bytes: self.live.state.payload_bytes(),
        }
    }

    pub(super) fn interval_us(&self) -> u64 {
        u64::try_from(self.config.interval.as_micros()).unwrap_or(u64::MAX)
    }

    /// Bytes of the logs after the newest checkpoint.
    pub fn wal_size(&self) -> u64 {
        self.wal.bytes
    }

    /// Whether the next checkpoint is due: at once in a fresh directory, then whenever the interval
    /// has gone by on the monotonic clock. Where [`sync`](Self::sync) is in use, what happened is
    /// durable already: then it is due only once the log has
    /// [`min_wal_size_for_checkpoint`](CheckpointConfig::min_wal_size_for_checkpoint) bytes.
    pub fn should_checkpoint(&self) -> bool {
        let elapsed = |last| self.clock.0.monotonic_us().saturating_sub(last) >= self.interval_us();
        let wal_may_grow = self.wal.bytes > 0 && self.wal.bytes < self.config.min_wal_size_for_checkpoint;
        self.observed.last_checkpoint_us.is_none_or(elapsed) && !wal_may_grow
    }
}
