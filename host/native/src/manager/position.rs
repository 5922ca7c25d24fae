//! The position in the stream beside offsets: positions of partitions, their watermarks, tokens of sinks.

use alluvium_core::StreamPosition;
use alluvium_core::model::source_position::SourcePosition;

use super::IncrementalCheckpointManager;
use crate::error::IncrementalCheckpointError as Error;

impl IncrementalCheckpointManager {
    /// Returns the position in the stream: what the next checkpoint stores beside the state.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.set_sink_token("alerts", *b"prepared 7")?;
    /// assert_eq!(manager.position().sinks["alerts"].as_bytes(), b"prepared 7");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn position(&self) -> &StreamPosition {
        self.core.position()
    }

    /// Sets where reading one partition of a source continues: an offset, or bytes that only the source
    /// understands.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.set_position("payments", "0", 12);
    /// assert_eq!(manager.position().positions["payments"]["0"], 12.into());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_position(
        &mut self,
        source: impl Into<String>,
        partition: impl Into<String>,
        position: impl Into<SourcePosition>,
    ) {
        self.core.set_position(source, partition, position);
    }

    /// Sets the watermark of one partition of an input, in milliseconds of Unix time. An earlier one changes
    /// nothing.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// manager.set_partition_watermark("clicks", "0", 2_000);
    /// manager.set_partition_watermark("clicks", "0", 1_000);
    /// assert_eq!(manager.position().watermarks["clicks"]["0"], 2_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_partition_watermark(
        &mut self,
        input: impl Into<String>,
        partition: impl Into<String>,
        watermark_ms: i64,
    ) {
        self.core.set_partition_watermark(input, partition, watermark_ms);
    }

    /// Sets the token by which a sink recognises what it prepared. A token of more than 1 KiB is refused.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::IncrementalCheckpointManager::new(config)?;
    /// assert!(manager.set_sink_token("alerts", [0; 1025]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_sink_token(&mut self, sink: impl Into<String>, token: impl Into<Vec<u8>>) -> Result<(), Error> {
        Ok(self.core.set_sink_token(sink, token)?)
    }
}
