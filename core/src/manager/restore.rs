//! A checkpoint from elsewhere as the newest one here.

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::manager::IncrementalCheckpointManager;
use crate::recovery::RecoveredCheckpoint;

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Makes the state, offsets, watermark, epoch and position of another directory's checkpoint
    /// this manager's, by a new checkpoint. What was not checkpointed is lost.
    ///
    /// Other than the stream itself, it may go backwards: whoever imports an older checkpoint wants
    /// what was then.
    pub(crate) async fn take_over(
        &mut self,
        other: RecoveredCheckpoint,
        state_file: Option<Vec<u8>>,
    ) -> Result<IncrementalCheckpointMetadata, Error> {
        // Only what differs becomes a mutation, so that the checkpoint is an increment like others.
        let is_gone = |(key, _): &(&[u8], &[u8])| other.state.get(key).is_none();
        let gone: Vec<Vec<u8>> = self.iter().filter(is_gone).map(|(key, _)| key.to_vec()).collect();
        for key in gone {
            self.delete(&key)?;
        }
        for (key, value) in other.state.iter() {
            if self.get(key) != Some(value) {
                self.put(key, value)?;
            }
        }
        let metadata = other.metadata;
        self.epoch = metadata.epoch;
        self.wal_position = metadata.wal_position;
        self.source_offsets = metadata.source_offsets;
        self.watermark = metadata.watermark;
        self.annotations = metadata.alluvium.map(|fields| fields.annotations).unwrap_or_default();
        let prepared = self.prepare(metadata.wal_position, state_file)?;
        self.complete(prepared).await
    }
}
