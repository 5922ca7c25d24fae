//! The blocking manager over a directory of the file system.

mod admin;
mod background;
mod checkpoint;
mod keep;
mod mutate;
mod position;
mod read;
mod steps;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use alluvium_core::directory::block_on;
use alluvium_core::{IncrementalCheckpointManager as Core, MaintenanceReport};

pub use self::background::DurableCheckpoint;
pub use self::steps::{FinishedCheckpoint, PreparedCheckpoint, WrittenCheckpoint};
use crate::NativeDirectory;
use crate::background::BackgroundWriter;
use crate::config::{CheckpointConfig, OpenOptions};
use crate::error::IncrementalCheckpointError as Error;

/// Keyed state with incremental, atomic checkpoints in a directory of the file system.
///
/// Code written for LaminarDB's manager compiles with its `use` changed. Unlike there, what was put is
/// in the checkpoint, and opening recovers it.
///
/// ```
/// use alluvium::{CheckpointConfig, IncrementalCheckpointManager};
///
/// let scratch = tempfile::tempdir()?;
/// let config = CheckpointConfig::new(scratch.path());
/// let mut manager = IncrementalCheckpointManager::new(config.clone())?;
/// manager.put(b"AA:JFK-LAX", b"12")?;
/// manager.set_source_offset("input".into(), 1_000)?;
/// manager.create_checkpoint(0)?;
/// drop(manager);
///
/// let manager = IncrementalCheckpointManager::new(config)?;
/// assert_eq!(manager.get(b"AA:JFK-LAX"), Some(&b"12"[..]));
/// assert_eq!(manager.source_offsets()["input"], 1_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// While a manager lives, it holds a lock on its directory. A second one on the same directory, in
/// this process or another, is refused. The kernel releases the lock when the process ends.
#[derive(Debug)]
pub struct IncrementalCheckpointManager {
    core: Core<NativeDirectory>,
    config: CheckpointConfig,
    /// The offsets of `core`, in the map that LaminarDB returns.
    source_offsets: HashMap<String, u64>,
    last_maintenance: Option<MaintenanceReport>,
    /// Started with the first background checkpoint.
    writer: Option<BackgroundWriter<NativeDirectory>>,
    /// Background checkpoints that are durable and not yet reported.
    durable: Vec<DurableCheckpoint>,
}

impl IncrementalCheckpointManager {
    /// Opens the checkpoint directory and recovers its newest checkpoint, and the WAL after it.
    ///
    /// A missing directory is created, and a directory without a checkpoint is begun. Use [`open`](Self::open) to
    /// refuse that, or to choose more. Files of checkpoints without any checkpoint are refused as
    /// [`Recovery`](Error::Recovery).
    ///
    /// ```
    /// use alluvium::{CheckpointConfig, IncrementalCheckpointManager};
    ///
    /// let scratch = tempfile::tempdir()?;
    /// let manager = IncrementalCheckpointManager::new(CheckpointConfig::new(&scratch.path().join("new")))?;
    /// assert!(manager.is_empty() && manager.latest_checkpoint_id().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(config: CheckpointConfig) -> Result<Self, Error> {
        Self::open(config, OpenOptions::new().create(true))
    }

    /// Opens the checkpoint directory as `options` say.
    ///
    /// ```
    /// use alluvium::{CheckpointConfig, IncrementalCheckpointManager, OpenOptions};
    ///
    /// let scratch = tempfile::tempdir()?;
    /// let config = CheckpointConfig::new(scratch.path()).with_max_retained(10);
    /// let mut manager = IncrementalCheckpointManager::new(config.clone())?;
    /// manager.put(b"key", b"old")?;
    /// let old = manager.create_checkpoint(0)?;
    /// manager.put(b"key", b"new")?;
    /// manager.create_checkpoint(0)?;
    /// drop(manager);
    ///
    /// let manager = IncrementalCheckpointManager::open(config, OpenOptions::new().checkpoint(old.id))?;
    /// assert_eq!(manager.get(b"key"), Some(&b"old"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[allow(clippy::needless_pass_by_value, reason = "options are made for one call")]
    pub fn open(config: CheckpointConfig, options: OpenOptions) -> Result<Self, Error> {
        config.validate()?;
        let directory = Arc::new(open_directory(&config.checkpoint_dir, &options)?);
        let core = block_on(Core::open(directory, config.to_core(&options), options.to_core()?))?;
        let mut manager = Self {
            core,
            config,
            source_offsets: HashMap::new(),
            last_maintenance: None,
            writer: None,
            durable: Vec::new(),
        };
        manager.copy_source_offsets();
        Ok(manager)
    }

    /// After anything but `set_source_offset` has changed the offsets.
    fn copy_source_offsets(&mut self) {
        self.source_offsets.clear();
        self.source_offsets.extend(self.core.source_offsets().iter().map(|(source, offset)| (source.clone(), *offset)));
    }
}

fn open_directory(path: &Path, options: &OpenOptions) -> Result<NativeDirectory, Error> {
    if options.create || options.begin_beside_remains {
        NativeDirectory::create(path)?;
    }
    Ok(match &options.watcher {
        Some(watcher) => NativeDirectory::open_exclusive_watched(path, Arc::clone(watcher))?,
        None => NativeDirectory::open_exclusive(path)?,
    })
}
