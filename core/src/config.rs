//! Settings: the original's, under their names, and the few of our own.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::error::IncrementalCheckpointError;

/// How checkpoints are taken and kept.
///
/// ```
/// use alluvium_core::CheckpointConfig;
/// use std::time::Duration;
///
/// let config = CheckpointConfig::new().with_interval(Duration::from_millis(250)).with_max_retained(5);
/// assert!(config.validate().is_ok());
/// assert!(config.with_max_retained(0).validate().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckpointConfig {
    /// How long after a checkpoint the next is due. Default 60 s; less than a second works.
    pub interval: Duration,
    /// How many checkpoints stay. Default 3, at least 1.
    pub max_retained: usize,
    /// Whether a checkpoint drops the log that it makes needless. Default true; otherwise logs stay
    /// as long as the checkpoint that they follow.
    pub truncate_wal: bool,
    /// Bytes of log between checkpoints below which a checkpoint that is due by time may wait: what
    /// happened is durable in the log already. Default 64 MiB; it concerns only callers of
    /// [`sync`](crate::IncrementalCheckpointManager::sync).
    pub min_wal_size_for_checkpoint: u64,
    /// Whether checkpoints write what changed (true, the default) or the whole state each time.
    pub incremental: bool,
    /// Bytes that recovery may read per live byte: the knob of the rolling rebase. Default 1.25.
    pub recovery_read_ratio: f64,
    /// Bytes of live records that the rebase after one checkpoint may rewrite, or one key group (a
    /// 64th of the state) where that holds more: bounds how long maintenance takes where it shares
    /// the caller's thread. Less than about three times what changes, and recovery reads more than
    /// `recovery_read_ratio` asks for. Default none: four times what the checkpoint changed, or 1 MiB.
    pub max_rebase_bytes: Option<u64>,
    /// Checkpoints that may be prepared and not yet finished before [`prepare_checkpoint`] asks for
    /// patience. Default 4.
    ///
    /// [`prepare_checkpoint`]: crate::IncrementalCheckpointManager::prepare_checkpoint
    pub max_in_flight: usize,
    /// Memory for state and logs past which a mutation is refused. Default none.
    pub memory_limit_bytes: Option<u64>,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_mins(1),
            max_retained: 3,
            truncate_wal: true,
            min_wal_size_for_checkpoint: 64 << 20,
            incremental: true,
            recovery_read_ratio: 1.25,
            max_rebase_bytes: None,
            max_in_flight: 4,
            memory_limit_bytes: None,
        }
    }
}

impl CheckpointConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`interval`](Self::interval).
    #[must_use]
    pub fn with_interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// Sets [`max_retained`](Self::max_retained).
    #[must_use]
    pub fn with_max_retained(self, max_retained: usize) -> Self {
        Self { max_retained, ..self }
    }

    /// Sets [`truncate_wal`](Self::truncate_wal).
    #[must_use]
    pub fn with_truncate_wal(self, truncate_wal: bool) -> Self {
        Self { truncate_wal, ..self }
    }

    /// Sets [`min_wal_size_for_checkpoint`](Self::min_wal_size_for_checkpoint).
    #[must_use]
    pub fn with_min_wal_size_for_checkpoint(self, bytes: u64) -> Self {
        Self { min_wal_size_for_checkpoint: bytes, ..self }
    }

    /// Sets [`incremental`](Self::incremental).
    #[must_use]
    pub fn with_incremental(self, incremental: bool) -> Self {
        Self { incremental, ..self }
    }

    /// Sets [`recovery_read_ratio`](Self::recovery_read_ratio).
    #[must_use]
    pub fn with_recovery_read_ratio(self, recovery_read_ratio: f64) -> Self {
        Self { recovery_read_ratio, ..self }
    }

    /// Sets [`max_rebase_bytes`](Self::max_rebase_bytes).
    #[must_use]
    pub fn with_max_rebase_bytes(self, max_rebase_bytes: Option<u64>) -> Self {
        Self { max_rebase_bytes, ..self }
    }

    /// Sets [`max_in_flight`](Self::max_in_flight).
    #[must_use]
    pub fn with_max_in_flight(self, max_in_flight: usize) -> Self {
        Self { max_in_flight, ..self }
    }

    /// Sets [`memory_limit_bytes`](Self::memory_limit_bytes).
    #[must_use]
    pub fn with_memory_limit_bytes(self, memory_limit_bytes: Option<u64>) -> Self {
        Self { memory_limit_bytes, ..self }
    }

    /// Refuses settings that could not work: nothing retained, no interval, nothing in flight, a
    /// read ratio that is not above 1.
    pub fn validate(&self) -> Result<(), IncrementalCheckpointError> {
        let refuse = |what: &str| Err(IncrementalCheckpointError::InvalidConfig(what.into()));
        if self.max_retained == 0 {
            return refuse("max_retained is 0: at least one checkpoint must stay");
        }
        if self.interval.is_zero() {
            return refuse("interval is 0: checkpoints would never end");
        }
        if self.max_in_flight == 0 {
            return refuse("max_in_flight is 0: no checkpoint could be prepared");
        }
        if !(self.recovery_read_ratio.is_finite() && self.recovery_read_ratio >= 1.01) {
            return refuse("recovery_read_ratio must be a number of at least 1.01");
        }
        Ok(())
    }
}

/// How a directory is opened.
#[derive(Clone)]
pub struct OpenOptions {
    pub(crate) clock: Arc<dyn Clock + Send + Sync>,
    pub(crate) create: bool,
    pub(crate) store_id: [u8; 16],
    pub(crate) allow_fallback: bool,
    pub(crate) checkpoint: Option<u64>,
}

impl std::fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenOptions")
            .field("create", &self.create)
            .field("allow_fallback", &self.allow_fallback)
            .field("checkpoint", &self.checkpoint)
            .finish_non_exhaustive()
    }
}

impl OpenOptions {
    /// Opens the newest checkpoint, or starts anew where there is none; never falls back.
    pub fn new(clock: Arc<dyn Clock + Send + Sync>) -> Self {
        Self { clock, create: true, store_id: [0; 16], allow_fallback: false, checkpoint: None }
    }

    /// Whether a directory without any checkpoint is a fresh start (true) or an error (false).
    #[must_use]
    pub fn create(self, create: bool) -> Self {
        Self { create, ..self }
    }

    /// The id that a fresh directory gets; every file is bound to it. Should be random: core cannot
    /// make it so. An existing directory keeps its own.
    #[must_use]
    pub fn store_id(self, store_id: [u8; 16]) -> Self {
        Self { store_id, ..self }
    }

    /// Whether a damaged newest checkpoint may be passed over for an older one. What was skipped is
    /// reported by [`recovered`](crate::IncrementalCheckpointManager::recovered).
    #[must_use]
    pub fn allow_fallback(self, allow_fallback: bool) -> Self {
        Self { allow_fallback, ..self }
    }

    /// Insists on one kept checkpoint instead of the newest; the next checkpoint continues from it.
    #[must_use]
    pub fn checkpoint(self, checkpoint: Option<u64>) -> Self {
        Self { checkpoint, ..self }
    }
}
