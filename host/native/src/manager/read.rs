//! What a manager knows without touching the directory.

use std::collections::{BTreeMap, HashMap};

use alluvium_core::{CheckpointStatistics, MaintenanceReport, MemoryUsage, RecoverySummary};

use super::IncrementalCheckpointManager;
use crate::config::CheckpointConfig;

impl IncrementalCheckpointManager {
    /// Returns the value of a key.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// assert_eq!(manager.get(b"key"), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.core.get(key)
    }

    /// Returns the number of live keys.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.put(b"key", b"value")?;
    /// assert_eq!(manager.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.core.len()
    }

    /// Says whether there are no keys.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// assert!(manager.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.core.is_empty()
    }

    /// Iterates over all entries, in the order of the keys' bytes.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.put(b"b", b"2")?;
    /// manager.put(b"a", b"1")?;
    /// let keys: Vec<&[u8]> = manager.iter().map(|(key, _)| key).collect();
    /// assert_eq!(keys, [b"a", b"b"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.core.iter()
    }

    /// Iterates over the entries whose key starts with `prefix`, in the order of the keys' bytes.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.put(b"route/JFK", b"1")?;
    /// manager.put(b"plane/N14", b"2")?;
    /// assert_eq!(manager.iter_prefix(b"route/").count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter_prefix(&self, prefix: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.core.iter_prefix(prefix)
    }

    /// Returns the settings that the manager was opened with.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// assert_eq!(manager.config().checkpoint_dir, scratch.path());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn config(&self) -> &CheckpointConfig {
        &self.config
    }

    /// Returns the epoch.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// assert_eq!(manager.epoch(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.core.epoch()
    }

    /// Returns the offset of each source: how far it was consumed.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// assert!(manager.source_offsets().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn source_offsets(&self) -> &HashMap<String, u64> {
        &self.source_offsets
    }

    /// Returns the watermark, in milliseconds of Unix time.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// assert_eq!(manager.watermark(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn watermark(&self) -> Option<i64> {
        self.core.watermark()
    }

    /// Returns the position in the caller's own log that the newest checkpoint or sync has.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.create_checkpoint(512)?;
    /// assert_eq!(manager.wal_position(), 512);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn wal_position(&self) -> u64 {
        self.core.wal_position()
    }

    /// Returns the texts that are attached to checkpoints.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// assert!(manager.annotations().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        self.core.annotations()
    }

    /// Returns the id of the newest checkpoint.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.create_checkpoint(0)?;
    /// assert_eq!(manager.latest_checkpoint_id(), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn latest_checkpoint_id(&self) -> Option<u64> {
        self.core.latest_checkpoint_id()
    }

    /// Says whether the next checkpoint is due: at once in a new directory, then each time the interval
    /// has passed on the monotonic clock. With [`sync`](Self::sync) in use, it waits for
    /// [`min_wal_size_for_checkpoint`](CheckpointConfig::min_wal_size_for_checkpoint).
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// assert!(manager.should_checkpoint());
    /// manager.create_checkpoint(0)?;
    /// assert!(!manager.should_checkpoint());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn should_checkpoint(&self) -> bool {
        self.core.should_checkpoint()
    }

    /// Returns the bytes of the WAL after the newest checkpoint.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// assert_eq!(manager.wal_size(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn wal_size(&self) -> u64 {
        self.core.wal_size()
    }

    /// Returns what opening found; `None` for a new directory.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// assert!(manager.recovered().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn recovered(&self) -> Option<&RecoverySummary> {
        self.core.recovered()
    }

    /// Returns what the newest finished checkpoint cost.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.put(b"key", b"value")?;
    /// manager.create_checkpoint(0)?;
    /// assert_eq!(manager.last_statistics().map(|cost| cost.keys_changed), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn last_statistics(&self) -> Option<&CheckpointStatistics> {
        self.core.last_statistics()
    }

    /// Returns what the newest maintenance or cleanup did. Its errors never undo a checkpoint; the
    /// work is tried again after the next one.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path()).with_max_retained(1);
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.create_checkpoint(0)?;
    /// manager.create_checkpoint(0)?;
    /// let report = manager.last_maintenance().expect("it runs after each checkpoint");
    /// assert!(report.errors.is_empty() && !report.deleted.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn last_maintenance(&self) -> Option<&MaintenanceReport> {
        self.last_maintenance.as_ref()
    }

    /// Returns the memory that state and changelog hold.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.put(b"key", b"value")?;
    /// assert_eq!(manager.memory().payload_bytes, 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn memory(&self) -> MemoryUsage {
        self.core.memory()
    }

    /// Returns the id of the directory. Every file in it is bound to this id.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// assert_ne!(manager.store_id(), [0; 16]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn store_id(&self) -> [u8; 16] {
        self.core.store_id()
    }
}
