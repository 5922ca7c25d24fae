//! Recovery without opening a directory for writing, under the names of LaminarDB.

use std::path::{Path, PathBuf};

use alluvium_core::directory::block_on;
use alluvium_core::tools::inspect;
pub use alluvium_core::{RecoveredState, StateChange};
use alluvium_core::{RecoveryConfig as CoreConfig, RecoveryManager as CoreManager};

use crate::NativeDirectory;
use crate::error::{Damage, IncrementalCheckpointError as Error};
use crate::metadata::IncrementalCheckpointMetadata;

/// How to recover.
///
/// ```
/// let config = alluvium::RecoveryConfig::new("state".as_ref(), "my.log".as_ref());
/// assert!(config.repair_wal && !config.collect_state_changes && config.max_wal_entries == 0);
/// ```
#[derive(Debug, Clone)]
pub struct RecoveryConfig {
    /// The checkpoint directory.
    pub checkpoint_dir: PathBuf,
    /// The log of the caller's own. If this file exists, the recovered position must lie inside it.
    /// Alluvium reads its length and nothing else.
    pub wal_path: PathBuf,
    /// Whether a torn tail of Alluvium's WAL is cut (true, the default) or an error.
    pub repair_wal: bool,
    /// Whether the mutations of the WAL are collected too. Default false.
    pub collect_state_changes: bool,
    /// Stops after the WAL file in which this many mutations are reached; 0, the default, is no limit.
    pub max_wal_entries: u64,
}

impl RecoveryConfig {
    /// Returns the defaults for a checkpoint directory and a log of the caller's own.
    ///
    /// ```
    /// let config = alluvium::RecoveryConfig::new("state".as_ref(), "my.log".as_ref());
    /// assert_eq!(config.checkpoint_dir, std::path::Path::new("state"));
    /// ```
    #[must_use]
    pub fn new(checkpoint_dir: &Path, wal_path: &Path) -> Self {
        let CoreConfig { repair_wal, collect_state_changes, max_wal_entries, .. } = CoreConfig::new();
        Self {
            checkpoint_dir: checkpoint_dir.to_owned(),
            wal_path: wal_path.to_owned(),
            repair_wal,
            collect_state_changes,
            max_wal_entries,
        }
    }

    /// Sets [`repair_wal`](Self::repair_wal).
    ///
    /// ```
    /// let config = alluvium::RecoveryConfig::new("state".as_ref(), "my.log".as_ref()).with_repair_wal(false);
    /// assert!(!config.repair_wal);
    /// ```
    #[must_use]
    pub fn with_repair_wal(mut self, enabled: bool) -> Self {
        self.repair_wal = enabled;
        self
    }

    /// Sets [`collect_state_changes`](Self::collect_state_changes).
    ///
    /// ```
    /// let config = alluvium::RecoveryConfig::new("state".as_ref(), "my.log".as_ref());
    /// assert!(config.with_collect_state_changes(true).collect_state_changes);
    /// ```
    #[must_use]
    pub fn with_collect_state_changes(mut self, enabled: bool) -> Self {
        self.collect_state_changes = enabled;
        self
    }

    /// Sets [`max_wal_entries`](Self::max_wal_entries).
    ///
    /// ```
    /// let config = alluvium::RecoveryConfig::new("state".as_ref(), "my.log".as_ref()).with_max_wal_entries(9);
    /// assert_eq!(config.max_wal_entries, 9);
    /// ```
    #[must_use]
    pub fn with_max_wal_entries(mut self, max: u64) -> Self {
        self.max_wal_entries = max;
        self
    }
}

/// Recovers a directory without opening it for writing, and without creating it.
///
/// ```
/// use alluvium::{CheckpointConfig, IncrementalCheckpointManager, RecoveryConfig, RecoveryManager};
///
/// let scratch = tempfile::tempdir()?;
/// let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(scratch.path()))?;
/// manager.put(b"key", b"value")?;
/// manager.create_checkpoint(0)?;
///
/// let config = RecoveryConfig::new(scratch.path(), "my.log".as_ref());
/// let recovered = RecoveryManager::new(config).recover()?;
/// assert_eq!(recovered.state.get(b"key"), Some(&b"value"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RecoveryManager {
    config: RecoveryConfig,
}

impl RecoveryManager {
    /// Returns a manager that recovers as `config` says.
    ///
    /// ```
    /// let config = alluvium::RecoveryConfig::new("/no/such/directory".as_ref(), "my.log".as_ref());
    /// assert!(alluvium::RecoveryManager::new(config).recover().is_err());
    /// ```
    #[must_use]
    pub fn new(config: RecoveryConfig) -> Self {
        Self { config }
    }

    /// Recovers the newest checkpoint and the WAL after it.
    ///
    /// A directory without checkpoints gives an empty state. A missing directory is an error.
    ///
    /// ```
    /// let scratch = tempfile::tempdir()?;
    /// let config = alluvium::RecoveryConfig::new(scratch.path(), "my.log".as_ref());
    /// assert!(!alluvium::RecoveryManager::new(config).recover()?.has_state());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recover(&self) -> Result<RecoveredState, Error> {
        let directory = NativeDirectory::open(&self.config.checkpoint_dir)?;
        let config = CoreConfig::new()
            .with_repair_wal(self.config.repair_wal)
            .with_collect_state_changes(self.config.collect_state_changes)
            .with_max_wal_entries(self.config.max_wal_entries);
        let recovered = block_on(CoreManager::new(config).recover(&directory))?;
        self.check_position(recovered.wal_position)?;
        Ok(recovered)
    }

    /// The caller's log must reach the recovered position, or it is not the log that was checkpointed.
    fn check_position(&self, wal_position: u64) -> Result<(), Error> {
        let path = &self.config.wal_path;
        match std::fs::metadata(path) {
            Ok(log) if log.is_file() && log.len() < wal_position => {
                let what = format!("it ends here, and the checkpoint's position is {wal_position}");
                Err(Error::Wal(Damage::at(path.display().to_string(), log.len(), what)))
            }
            _ => Ok(()),
        }
    }

    /// Recovers with the defaults.
    ///
    /// ```
    /// let scratch = tempfile::tempdir()?;
    /// let recovered = alluvium::RecoveryManager::recover_simple(scratch.path(), "my.log".as_ref())?;
    /// assert_eq!(recovered.checkpoint_id, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recover_simple(checkpoint_dir: &Path, wal_path: &Path) -> Result<RecoveredState, Error> {
        Self::new(RecoveryConfig::new(checkpoint_dir, wal_path)).recover()
    }

    /// Recovers with the defaults and collects the mutations of the WAL.
    ///
    /// ```
    /// use alluvium::{CheckpointConfig, IncrementalCheckpointManager, RecoveryManager};
    ///
    /// let scratch = tempfile::tempdir()?;
    /// let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(scratch.path()))?;
    /// manager.create_checkpoint(0)?;
    /// manager.put(b"key", b"value")?;
    /// manager.sync(0)?;
    /// let recovered = RecoveryManager::recover_with_changes(scratch.path(), "my.log".as_ref())?;
    /// assert_eq!(recovered.state_changes, [(b"key".to_vec(), Some(b"value".to_vec()))]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recover_with_changes(checkpoint_dir: &Path, wal_path: &Path) -> Result<RecoveredState, Error> {
        Self::new(RecoveryConfig::new(checkpoint_dir, wal_path).with_collect_state_changes(true)).recover()
    }
}

/// Checks one checkpoint by recovering it, and returns its metadata. `checkpoint_path` is what
/// [`checkpoint_path`](IncrementalCheckpointMetadata::checkpoint_path) gives.
///
/// ```
/// use alluvium::{CheckpointConfig, IncrementalCheckpointManager, validate_checkpoint};
///
/// let scratch = tempfile::tempdir()?;
/// let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(scratch.path()))?;
/// let created = manager.create_checkpoint(0)?;
/// assert_eq!(validate_checkpoint(&created.checkpoint_path(scratch.path()))?, created);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn validate_checkpoint(checkpoint_path: &Path) -> Result<IncrementalCheckpointMetadata, Error> {
    let is_name = |name: &str| name.len() == 16 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let name = checkpoint_path.file_name().and_then(|name| name.to_str());
    let id = name.and_then(|name| name.strip_prefix("checkpoint_")).filter(|digits| is_name(digits));
    let id = id.and_then(|digits| u64::from_str_radix(digits, 16).ok()).ok_or_else(|| {
        Error::InvalidInput(format!("{} is not a checkpoint: checkpoint_ and 16 digits", checkpoint_path.display()))
    })?;
    let above = checkpoint_path.parent().filter(|above| !above.as_os_str().is_empty());
    let directory = NativeDirectory::open(above.unwrap_or(Path::new(".")))?;
    block_on(alluvium_core::validate_checkpoint(&directory, id))?;
    Ok(block_on(inspect::load_metadata(&directory, id))?.into())
}

/// Returns the bytes of Alluvium's WAL after the newest checkpoint of a directory.
///
/// ```
/// use alluvium::{CheckpointConfig, IncrementalCheckpointManager, wal_size};
///
/// let scratch = tempfile::tempdir()?;
/// let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(scratch.path()))?;
/// manager.create_checkpoint(0)?;
/// assert_eq!(wal_size(scratch.path())?, 0);
/// manager.put(b"key", b"value")?;
/// manager.sync(0)?;
/// assert!(wal_size(scratch.path())? > 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wal_size(checkpoint_dir: &Path) -> Result<u64, Error> {
    let directory = NativeDirectory::open(checkpoint_dir)?;
    Ok(block_on(alluvium_core::wal_size(&directory))?)
}
