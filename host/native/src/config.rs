//! Settings: LaminarDB's, with its paths, and what can be chosen when a directory is opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use alluvium_core::{CheckpointConfig as CoreConfig, Clock};

use crate::directory::Watch;
use crate::error::IncrementalCheckpointError as Error;
use crate::{SystemClock, store_id};

/// Where and how checkpoints are taken and kept.
///
/// The fields are exactly LaminarDB's. What Alluvium can be told beyond them is in [`OpenOptions`].
///
/// ```
/// use std::path::Path;
/// use std::time::Duration;
/// use alluvium::CheckpointConfig;
///
/// let config = CheckpointConfig::new(Path::new("state"))
///     .with_interval(Duration::from_millis(250))
///     .with_max_retained(5);
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone)]
pub struct CheckpointConfig {
    /// The checkpoint directory. Everything in it belongs to Alluvium.
    pub checkpoint_dir: PathBuf,
    /// The log of the caller's own whose positions are given to
    /// [`create_checkpoint`](crate::IncrementalCheckpointManager::create_checkpoint), if there is one.
    ///
    /// Alluvium never reads or changes that log. It has a WAL of its own inside the checkpoint
    /// directory, which [`sync`](crate::IncrementalCheckpointManager::sync) writes. The path is here
    /// because LaminarDB has it, and [`validate`](Self::validate) refuses one inside the checkpoint
    /// directory, where garbage collection works.
    pub wal_path: Option<PathBuf>,
    /// How long after a checkpoint the next one is due. Default 60 s; less than a second works.
    pub interval: Duration,
    /// How many checkpoints are kept. Default 3, at least 1.
    pub max_retained: usize,
    /// Whether a checkpoint deletes the WAL files that it makes unnecessary. Default true. Otherwise
    /// they are kept as long as the checkpoint that they follow.
    pub truncate_wal: bool,
    /// A checkpoint that is due by time waits until Alluvium's WAL has this many bytes, since what
    /// happened is durable there already. Default 64 MiB. Without
    /// [`sync`](crate::IncrementalCheckpointManager::sync) there is no WAL, and nothing waits.
    pub min_wal_size_for_checkpoint: u64,
    /// Whether checkpoints write what changed (true, the default) or the whole state each time.
    pub incremental: bool,
}

impl CheckpointConfig {
    /// Returns the defaults for a checkpoint directory.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// let config = alluvium::CheckpointConfig::new(Path::new("state"));
    /// assert_eq!((config.max_retained, config.interval.as_secs(), config.incremental), (3, 60, true));
    /// ```
    #[must_use]
    pub fn new(checkpoint_dir: &Path) -> Self {
        let defaults = CoreConfig::default();
        Self {
            checkpoint_dir: checkpoint_dir.to_owned(),
            wal_path: None,
            interval: defaults.interval,
            max_retained: defaults.max_retained,
            truncate_wal: defaults.truncate_wal,
            min_wal_size_for_checkpoint: defaults.min_wal_size_for_checkpoint,
            incremental: defaults.incremental,
        }
    }

    /// Sets [`wal_path`](Self::wal_path).
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// let config = alluvium::CheckpointConfig::new(Path::new("state")).with_wal_path(Path::new("my.log"));
    /// assert_eq!(config.wal_path.as_deref(), Some(Path::new("my.log")));
    /// ```
    #[must_use]
    pub fn with_wal_path(mut self, path: &Path) -> Self {
        self.wal_path = Some(path.to_owned());
        self
    }

    /// Sets [`interval`](Self::interval).
    ///
    /// ```
    /// use std::{path::Path, time::Duration};
    ///
    /// let config = alluvium::CheckpointConfig::new(Path::new("state")).with_interval(Duration::from_secs(5));
    /// assert_eq!(config.interval.as_secs(), 5);
    /// ```
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets [`max_retained`](Self::max_retained).
    ///
    /// ```
    /// let config = alluvium::CheckpointConfig::new("state".as_ref()).with_max_retained(10);
    /// assert_eq!(config.max_retained, 10);
    /// ```
    #[must_use]
    pub fn with_max_retained(mut self, max: usize) -> Self {
        self.max_retained = max;
        self
    }

    /// Sets [`truncate_wal`](Self::truncate_wal).
    ///
    /// ```
    /// assert!(!alluvium::CheckpointConfig::new("state".as_ref()).with_truncate_wal(false).truncate_wal);
    /// ```
    #[must_use]
    pub fn with_truncate_wal(mut self, enabled: bool) -> Self {
        self.truncate_wal = enabled;
        self
    }

    /// Sets [`min_wal_size_for_checkpoint`](Self::min_wal_size_for_checkpoint), in bytes.
    ///
    /// ```
    /// let config = alluvium::CheckpointConfig::new("state".as_ref()).with_min_wal_size(1 << 20);
    /// assert_eq!(config.min_wal_size_for_checkpoint, 1 << 20);
    /// ```
    #[must_use]
    pub fn with_min_wal_size(mut self, size: u64) -> Self {
        self.min_wal_size_for_checkpoint = size;
        self
    }

    /// Sets [`incremental`](Self::incremental).
    ///
    /// ```
    /// assert!(!alluvium::CheckpointConfig::new("state".as_ref()).with_incremental(false).incremental);
    /// ```
    #[must_use]
    pub fn with_incremental(mut self, enabled: bool) -> Self {
        self.incremental = enabled;
        self
    }

    /// Checks the settings.
    ///
    /// Refused are: zero checkpoints retained, an interval of zero, an empty checkpoint directory, and
    /// a log of the caller's own inside the checkpoint directory.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// let config = alluvium::CheckpointConfig::new(Path::new("state"));
    /// assert!(config.clone().with_max_retained(0).validate().is_err());
    /// assert!(config.with_wal_path(Path::new("state/my.log")).validate().is_err());
    /// ```
    pub fn validate(&self) -> Result<(), Error> {
        self.to_core(&OpenOptions::new()).validate()?;
        if self.checkpoint_dir.as_os_str().is_empty() {
            return Err(Error::InvalidConfig("checkpoint_dir is empty".into()));
        }
        let Some(wal_path) = &self.wal_path else { return Ok(()) };
        let inside = std::path::absolute(wal_path)?.starts_with(std::path::absolute(&self.checkpoint_dir)?);
        if inside {
            return Err(Error::InvalidConfig(format!(
                "wal_path {} is inside the checkpoint directory {}: keep your own log outside it",
                wal_path.display(),
                self.checkpoint_dir.display()
            )));
        }
        Ok(())
    }

    pub(crate) fn to_core(&self, options: &OpenOptions) -> CoreConfig {
        CoreConfig {
            interval: self.interval,
            max_retained: self.max_retained,
            truncate_wal: self.truncate_wal,
            min_wal_size_for_checkpoint: self.min_wal_size_for_checkpoint,
            incremental: self.incremental,
            recovery_read_ratio: options.recovery_read_ratio,
            max_rebase_bytes: options.max_rebase_bytes,
            max_in_flight: options.max_in_flight,
            memory_limit_bytes: options.memory_limit_bytes,
        }
    }
}

/// What can be chosen when a directory is opened, beyond LaminarDB's settings.
///
/// ```
/// use alluvium::{CheckpointConfig, IncrementalCheckpointManager, OpenOptions};
///
/// let scratch = tempfile::tempdir()?;
/// let config = CheckpointConfig::new(scratch.path());
/// let options = OpenOptions::new().memory_limit_bytes(1 << 20).create(true);
/// let mut manager = IncrementalCheckpointManager::open(config, options)?;
/// assert!(manager.put(b"too large", &vec![0; 2 << 20]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct OpenOptions {
    pub(crate) create: bool,
    pub(crate) begin_beside_remains: bool,
    pub(crate) allow_fallback: bool,
    pub(crate) checkpoint: Option<u64>,
    pub(crate) clock: Arc<dyn Clock + Send + Sync>,
    pub(crate) store_id: Option<[u8; 16]>,
    pub(crate) writer: Option<u64>,
    pub(crate) watcher: Option<Arc<dyn Watch>>,
    recovery_read_ratio: f64,
    max_rebase_bytes: Option<u64>,
    max_in_flight: usize,
    memory_limit_bytes: Option<u64>,
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

impl Default for OpenOptions {
    fn default() -> Self {
        let defaults = CoreConfig::default();
        Self {
            create: false,
            begin_beside_remains: false,
            allow_fallback: false,
            checkpoint: None,
            clock: Arc::new(SystemClock::new()),
            store_id: None,
            writer: None,
            watcher: None,
            recovery_read_ratio: defaults.recovery_read_ratio,
            max_rebase_bytes: defaults.max_rebase_bytes,
            max_in_flight: defaults.max_in_flight,
            memory_limit_bytes: defaults.memory_limit_bytes,
        }
    }
}

impl OpenOptions {
    /// Returns the defaults: never create a directory or a first checkpoint, never fall back, this machine's
    /// clock, and a random store id.
    ///
    /// ```
    /// let options = alluvium::OpenOptions::new();
    /// assert!(format!("{options:?}").contains("create: false"));
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether a missing directory is created, and a directory without a checkpoint begun (true), or whether
    /// that is an error (false, the default). [`new`](crate::IncrementalCheckpointManager::new) creates.
    ///
    /// A directory that holds files of checkpoints and no checkpoint is refused in any case: it is half of a copy,
    /// or its metadata was lost.
    ///
    /// ```
    /// use alluvium::{CheckpointConfig, IncrementalCheckpointManager, OpenOptions};
    ///
    /// let scratch = tempfile::tempdir()?;
    /// let config = CheckpointConfig::new(&scratch.path().join("new"));
    /// assert!(IncrementalCheckpointManager::open(config.clone(), OpenOptions::new()).is_err());
    /// assert!(IncrementalCheckpointManager::open(config, OpenOptions::new().create(true)).is_ok());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Sets whether a directory may be begun beside the files of checkpoints that were lost. Default false. It
    /// includes [`create`](Self::create).
    ///
    /// These files stay until garbage collection is asked for (`alluvium gc`),
    /// and no id that their names mention is given again.
    ///
    /// ```
    /// use alluvium::{CheckpointConfig, IncrementalCheckpointManager, OpenOptions};
    ///
    /// let scratch = tempfile::tempdir()?;
    /// let config = CheckpointConfig::new(scratch.path());
    /// let lost = scratch.path().join("checkpoint_0000000000000007");
    /// std::fs::create_dir(&lost)?;
    /// std::fs::write(lost.join("state.bin"), b"the metadata is gone")?;
    /// assert!(IncrementalCheckpointManager::new(config.clone()).is_err());
    /// let options = OpenOptions::new().begin_beside_remains(true);
    /// let mut manager = IncrementalCheckpointManager::open(config, options)?;
    /// assert_eq!(manager.create_checkpoint(0)?.id, 8);
    /// assert!(lost.join("state.bin").exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn begin_beside_remains(mut self, begin_beside_remains: bool) -> Self {
        self.begin_beside_remains = begin_beside_remains;
        self
    }

    /// Sets whether a damaged newest checkpoint may be skipped for an older one. Default false.
    ///
    /// [`recovered`](crate::IncrementalCheckpointManager::recovered) reports what was skipped.
    ///
    /// ```
    /// let options = alluvium::OpenOptions::new().allow_fallback(true);
    /// assert!(format!("{options:?}").contains("allow_fallback: true"));
    /// ```
    #[must_use]
    pub fn allow_fallback(mut self, allow_fallback: bool) -> Self {
        self.allow_fallback = allow_fallback;
        self
    }

    /// Opens one kept checkpoint instead of the newest. The next checkpoint continues from it.
    ///
    /// ```
    /// let options = alluvium::OpenOptions::new().checkpoint(7);
    /// assert!(format!("{options:?}").contains("checkpoint: Some(7)"));
    /// ```
    #[must_use]
    pub fn checkpoint(mut self, id: u64) -> Self {
        self.checkpoint = Some(id);
        self
    }

    /// Replaces this machine's clock: for deterministic runs.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use alluvium::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
    ///
    /// let scratch = tempfile::tempdir()?;
    /// let options = OpenOptions::new().clock(Arc::new(ManualClock::new(1_700_000_000_000))).create(true);
    /// let mut manager = IncrementalCheckpointManager::open(CheckpointConfig::new(scratch.path()), options)?;
    /// assert_eq!(manager.create_checkpoint(0)?.timestamp, 1_700_000_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock + Send + Sync>) -> Self {
        self.clock = clock;
        self
    }

    /// Replaces the random id that a new directory gets: for deterministic runs. An existing directory
    /// keeps its own.
    ///
    /// ```
    /// use alluvium::{CheckpointConfig, IncrementalCheckpointManager, OpenOptions};
    ///
    /// let scratch = tempfile::tempdir()?;
    /// let options = OpenOptions::new().store_id([7; 16]).create(true);
    /// let manager = IncrementalCheckpointManager::open(CheckpointConfig::new(scratch.path()), options)?;
    /// assert_eq!(manager.store_id(), [7; 16]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn store_id(mut self, store_id: [u8; 16]) -> Self {
        self.store_id = Some(store_id);
        self
    }

    /// Replaces the random number that stands in the names of this writer's files: for deterministic runs.
    /// Two writers of one directory must not have the same.
    ///
    /// ```
    /// use alluvium::{CheckpointConfig, IncrementalCheckpointManager, OpenOptions};
    ///
    /// let scratch = tempfile::tempdir()?;
    /// let options = OpenOptions::new().create(true).writer(7);
    /// let mut manager = IncrementalCheckpointManager::open(CheckpointConfig::new(scratch.path()), options)?;
    /// manager.put(b"key", b"value")?;
    /// manager.create_checkpoint(0)?;
    /// assert!(scratch.path().join("segments/0000000000000001-0000000000000007.base").exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn writer(mut self, writer: u64) -> Self {
        self.writer = Some(writer);
        self
    }

    /// Sets how many bytes recovery may read per live byte; a lower ratio means more compaction.
    /// Default 1.25, at least 1.01.
    ///
    /// ```
    /// use alluvium::{CheckpointConfig, IncrementalCheckpointManager, OpenOptions};
    ///
    /// let scratch = tempfile::tempdir()?;
    /// let options = OpenOptions::new().recovery_read_ratio(0.5);
    /// assert!(IncrementalCheckpointManager::open(CheckpointConfig::new(scratch.path()), options).is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn recovery_read_ratio(mut self, ratio: f64) -> Self {
        self.recovery_read_ratio = ratio;
        self
    }

    /// Bounds the live bytes that the maintenance of one checkpoint may rewrite. Default: four times
    /// what the checkpoint changed, or 1 MiB.
    ///
    /// ```
    /// let _options = alluvium::OpenOptions::new().max_rebase_bytes(8 << 20);
    /// ```
    #[must_use]
    pub fn max_rebase_bytes(mut self, bytes: u64) -> Self {
        self.max_rebase_bytes = Some(bytes);
        self
    }

    /// Sets how many checkpoints may be prepared and not yet finished. Default 4.
    ///
    /// ```
    /// use alluvium::{CheckpointConfig, IncrementalCheckpointError, IncrementalCheckpointManager, OpenOptions};
    ///
    /// let scratch = tempfile::tempdir()?;
    /// let options = OpenOptions::new().max_in_flight(1).create(true);
    /// let mut manager = IncrementalCheckpointManager::open(CheckpointConfig::new(scratch.path()), options)?;
    /// let first = manager.prepare_checkpoint(0)?;
    /// let second = manager.prepare_checkpoint(0);
    /// assert!(matches!(second, Err(IncrementalCheckpointError::BufferOverflow { epoch: 0 })));
    /// let written = first.write()?;
    /// manager.finish_checkpoint(written)?.run_maintenance();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn max_in_flight(mut self, checkpoints: usize) -> Self {
        self.max_in_flight = checkpoints;
        self
    }

    /// Limits the memory for state and changelog. A mutation beyond it is refused. Default: no limit.
    ///
    /// ```
    /// let _options = alluvium::OpenOptions::new().memory_limit_bytes(1 << 30);
    /// ```
    #[must_use]
    pub fn memory_limit_bytes(mut self, bytes: u64) -> Self {
        self.memory_limit_bytes = Some(bytes);
        self
    }

    /// Tells `watcher` of every system call that decides what a crash leaves: for tests of just that.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use alluvium::directory::{Call, Watch};
    /// use alluvium::{CheckpointConfig, IncrementalCheckpointManager, OpenOptions};
    ///
    /// /// A disk that cannot be written to.
    /// #[derive(Debug)]
    /// struct Broken;
    ///
    /// impl Watch for Broken {
    ///     fn before(&self, call: Call<'_>) -> std::io::Result<()> {
    ///         if matches!(call, Call::Write(..)) { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    ///     }
    ///     fn done(&self, _: Call<'_>) {}
    /// }
    ///
    /// let scratch = tempfile::tempdir()?;
    /// let options = OpenOptions::new().watcher(Arc::new(Broken)).create(true);
    /// let mut manager = IncrementalCheckpointManager::open(CheckpointConfig::new(scratch.path()), options)?;
    /// assert!(manager.create_checkpoint(0).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn watcher(mut self, watcher: Arc<dyn Watch>) -> Self {
        self.watcher = Some(watcher);
        self
    }

    pub(crate) fn to_core(&self) -> Result<alluvium_core::OpenOptions, Error> {
        let store_id = self.store_id.map_or_else(store_id::random, Ok)?;
        Ok(alluvium_core::OpenOptions::new(Arc::clone(&self.clock))
            .store_id(store_id)
            .writer(self.writer.map_or_else(store_id::random_writer, Ok)?)
            .allow_fallback(self.allow_fallback)
            .checkpoint(self.checkpoint)
            .create(self.create)
            .begin_beside_remains(self.begin_beside_remains))
    }
}
