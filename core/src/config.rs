//! Settings. Those of LaminarDB have LaminarDB's names; Alluvium adds a few.

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

/// The options of opening a directory.
#[derive(Clone)]
pub struct OpenOptions {
    pub(crate) clock: Arc<dyn Clock + Send + Sync>,
    pub(crate) create: bool,
    pub(crate) begin_beside_remains: bool,
    pub(crate) store_id: [u8; 16],
    pub(crate) writer: u64,
    pub(crate) allow_fallback: bool,
    pub(crate) checkpoint: Option<u64>,
    pub(crate) counts: Counts,
}

/// When a checkpoint counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    /// Once it is written.
    Written,
    /// Once something else names it.
    NamedElsewhere,
}

impl std::fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenOptions")
            .field("create", &self.create)
            .field("begin_beside_remains", &self.begin_beside_remains)
            .field("allow_fallback", &self.allow_fallback)
            .field("checkpoint", &self.checkpoint)
            .finish_non_exhaustive()
    }
}

impl OpenOptions {
    /// Returns options that open the newest checkpoint. They neither create a first one nor fall back to an older
    /// one.
    pub fn new(clock: Arc<dyn Clock + Send + Sync>) -> Self {
        Self {
            clock,
            create: false,
            begin_beside_remains: false,
            store_id: [0; 16],
            writer: 0,
            allow_fallback: false,
            checkpoint: None,
            counts: Counts::Written,
        }
    }

    /// Sets whether a directory without any checkpoint is a fresh start (true) or an error (false, the default).
    ///
    /// A directory that holds segments, WAL files or partial checkpoints and no checkpoint is never a fresh start:
    /// it is refused as [`CheckpointsLost`](IncrementalCheckpointError::CheckpointsLost).
    #[must_use]
    pub fn create(self, create: bool) -> Self {
        Self { create, ..self }
    }

    /// Sets whether a directory may be begun beside the files of checkpoints that were lost. The default is false.
    /// It includes [`create`](Self::create).
    ///
    /// If there are such files, opening creates marks that say so. These files stay until
    /// [`collect_garbage`](crate::IncrementalCheckpointManager::collect_garbage) is called, and no id and no
    /// number that their names mention is given again.
    #[must_use]
    pub fn begin_beside_remains(self, begin_beside_remains: bool) -> Self {
        Self { begin_beside_remains, ..self }
    }

    /// Sets the id of a fresh directory. Every file is bound to it. An existing directory keeps its own id.
    ///
    /// The id should be random, and the caller must draw it, because core draws no randomness. The default
    /// is all zeros.
    #[must_use]
    pub fn store_id(self, store_id: [u8; 16]) -> Self {
        Self { store_id, ..self }
    }

    /// Sets the number by which this writer's files are told from those of any other writer. It stands in
    /// the names of its segments and in the metadata of its checkpoints.
    ///
    /// The caller must draw it at random each time that it opens a directory, because core draws no
    /// randomness. The default, 0, is for tests: with it, the files of two writers may get the same names,
    /// and what a stale writer leaves may then fence the rightful one.
    #[must_use]
    pub fn writer(self, writer: u64) -> Self {
        Self { writer, ..self }
    }

    /// Sets whether a checkpoint counts only once something else names it, as the log of a job names the parts of its
    /// workers, and no other writer ever opens the directory. The default is false.
    ///
    /// The files of a checkpoint need no order then, and no other writer has to be looked for, so a storage whose steps take
    /// long needs one step for a checkpoint. A crash may leave a checkpoint that is not whole. Nothing names it.
    ///
    /// It is for [`open_parts`](crate::IncrementalCheckpointManager::open_parts) alone. Opening a directory otherwise, and a
    /// [`sync`](crate::IncrementalCheckpointManager::sync), are refused with
    /// [`InvalidInput`](IncrementalCheckpointError::InvalidInput).
    #[must_use]
    pub fn named_elsewhere(self, named_elsewhere: bool) -> Self {
        Self { counts: if named_elsewhere { Counts::NamedElsewhere } else { Counts::Written }, ..self }
    }

    /// Sets whether recovery may skip a damaged newest checkpoint and use an older one. The default is false.
    /// [`recovered`](crate::IncrementalCheckpointManager::recovered) reports what was skipped.
    #[must_use]
    pub fn allow_fallback(self, allow_fallback: bool) -> Self {
        Self { allow_fallback, ..self }
    }

    /// Sets the id of the checkpoint to open. The next checkpoint continues from it. The default is `None`,
    /// which opens the newest one.
    #[must_use]
    pub fn checkpoint(self, checkpoint: Option<u64>) -> Self {
        Self { checkpoint, ..self }
    }
}
