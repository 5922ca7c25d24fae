//! What changes the state. A mutation that is refused changes nothing.

use alluvium_core::Columns;

use super::IncrementalCheckpointManager;
use crate::error::IncrementalCheckpointError as Error;

impl IncrementalCheckpointManager {
    /// Sets the value of a key. It is durable with the next checkpoint or sync.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.put(b"key", b"value")?;
    /// assert_eq!(manager.get(b"key"), Some(&b"value"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        Ok(self.core.put(key, value)?)
    }

    /// Removes a key. A key that is not there is no error.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.put(b"key", b"value")?;
    /// manager.delete(b"key")?;
    /// assert_eq!(manager.get(b"key"), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn delete(&mut self, key: &[u8]) -> Result<(), Error> {
        self.core.delete(key)?;
        Ok(())
    }

    /// Applies a batch, all of it or nothing, and returns the number of mutations. This is the faster
    /// way for many.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// use alluvium::Columns;
    ///
    /// // Puts "ab" and deletes "c".
    /// let batch = Columns { ops: &[0, 1], key_lens: &[2, 1], value_lens: &[3, 0], keys: b"abc", values: b"one" };
    /// assert_eq!(manager.apply(&batch)?, 2);
    /// assert_eq!(manager.get(b"ab"), Some(&b"one"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply(&mut self, batch: &Columns<'_>) -> Result<u64, Error> {
        Ok(self.core.apply(batch)?)
    }

    /// Sets the epoch. An earlier one is refused.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.set_epoch(42)?;
    /// assert!(manager.set_epoch(41).is_err());
    /// assert_eq!(manager.epoch(), 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_epoch(&mut self, epoch: u64) -> Result<(), Error> {
        Ok(self.core.set_epoch(epoch)?)
    }

    /// Sets how far a source was consumed. A smaller offset is refused.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.set_source_offset("orders".into(), 7)?;
    /// assert!(manager.set_source_offset("orders".into(), 6).is_err());
    /// assert_eq!(manager.source_offsets()["orders"], 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_source_offset(&mut self, source: String, offset: u64) -> Result<(), Error> {
        self.core.set_source_offset(source.as_str(), offset)?;
        self.source_offsets.insert(source, offset);
        Ok(())
    }

    /// Sets the watermark, in milliseconds of Unix time. An earlier one changes nothing.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.set_watermark(2_000);
    /// manager.set_watermark(1_000);
    /// assert_eq!(manager.watermark(), Some(2_000));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_watermark(&mut self, watermark: i64) {
        self.core.set_watermark(watermark);
    }

    /// Attaches a short text to the checkpoints to come, such as the name of the operator.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.set_annotation("operator", "delays");
    /// assert_eq!(manager.annotations()["operator"], "delays");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_annotation(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.core.set_annotation(name, value);
    }
}
