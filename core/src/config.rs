//! Settings. Those of LaminarDB have LaminarDB's names; Alluvium adds a few.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::IncrementalCheckpointError;

pub(crate) use crate::open_options::Counts;
pub use crate::open_options::OpenOptions;

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
    /// How long after a checkpoint the next one is due. The default is 60 s. Less than a second works too.
    pub interval: Duration,
    /// How many of the newest checkpoints stay, beside those that are
    /// [kept](crate::IncrementalCheckpointManager::keep) by their ids. The default is 3, and the minimum is 1.
    pub max_retained: usize,
    /// Whether a checkpoint deletes the WAL files that it makes unnecessary. The default is true. If it is
    /// false, WAL files are kept as long as the checkpoint that they follow.
    pub truncate_wal: bool,
    /// A checkpoint that is due by time may wait while the WAL has fewer bytes than this, because the
    /// changes are durable in the WAL already. The default is 64 MiB. It matters only to callers of
    /// [`sync`](crate::IncrementalCheckpointManager::sync).
    pub min_wal_size_for_checkpoint: u64,
    /// Whether checkpoints write only what changed (true, the default) or the whole state each time.
    pub incremental: bool,
    /// How many bytes recovery may read for each live byte. Compaction rewrites files to keep to it. The
    /// default is 1.25, and the minimum is 1.01.
    pub recovery_read_ratio: f64,
    /// How many bytes of live records compaction may rewrite after one checkpoint. If one key group (a 64th
    /// of the state) holds more, compaction may rewrite that group.
    ///
    /// It bounds how long maintenance takes when it shares the caller's thread. With less than about three
    /// times the bytes that change, recovery reads more than `recovery_read_ratio` allows. The default is
    /// `None`: four times what the checkpoint changed, or 1 MiB.
    pub max_rebase_bytes: Option<u64>,
    /// How many checkpoints may be prepared and not yet finished. Beyond it, [`prepare_checkpoint`] returns
    /// [`BufferOverflow`](IncrementalCheckpointError::BufferOverflow). The default is 4, and the minimum
    /// is 1.
    ///
    /// [`prepare_checkpoint`]: crate::IncrementalCheckpointManager::prepare_checkpoint
    pub max_in_flight: usize,
    /// How many bytes of memory the state and the changelogs may take. Beyond it, mutations are refused. The
    /// default is `None`: there is no limit.
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
    /// Returns the default settings.
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

    /// Checks that the settings can work.
    ///
    /// It returns [`InvalidConfig`](IncrementalCheckpointError::InvalidConfig) if `max_retained`, `interval`
    /// or `max_in_flight` is 0, or if `recovery_read_ratio` is not a number of at least 1.01.
    pub fn validate(&self) -> Result<(), IncrementalCheckpointError> {
        let refuse = |what: &str| Err(IncrementalCheckpointError::InvalidConfig(what.into()));
        if self.max_retained == 0 {
            return refuse("max_retained is 0: at least one checkpoint must be kept");
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
