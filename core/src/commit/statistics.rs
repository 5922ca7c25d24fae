//! What a checkpoint cost.

/// What one checkpoint cost. Durations come from the caller's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CheckpointStatistics {
    /// The checkpoint.
    pub id: u64,
    /// Keys that changed since the checkpoint before, tombstones included.
    pub keys_changed: u64,
    /// How many of them were deleted.
    pub tombstones: u64,
    /// Bytes of the keys and values that changed.
    pub bytes_changed: u64,
    /// Bytes of the delta that holds them.
    pub delta_bytes: u64,
    /// Bytes of rebased files that it published: created ahead of it, behind the stream.
    pub rebased_bytes: u64,
    /// Bytes of all files that were created for it, those of the rebase and the metadata included.
    pub bytes_written: u64,
    /// How long preparing took: the stall of the stream, in microseconds.
    pub freeze_us: u64,
    /// How long until it was durable and the directory had been listed again, from the start of writing,
    /// in microseconds.
    pub write_us: u64,
}
