//! What a checkpoint cost, in keys, bytes and time.

/// What one checkpoint cost. The durations come from the caller's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CheckpointStatistics {
    /// The checkpoint's id.
    pub id: u64,
    /// How many keys changed since the checkpoint before, deleted keys included.
    pub keys_changed: u64,
    /// How many of them were deleted.
    pub tombstones: u64,
    /// The total length of the changed keys and values, in bytes.
    pub bytes_changed: u64,
    /// The total length of the delta's files, in bytes.
    pub delta_bytes: u64,
    /// The total length, in bytes, of the compacted files that it published. They were created before it,
    /// behind the stream.
    pub rebased_bytes: u64,
    /// The total length, in bytes, of all files that were created for it, compacted files and metadata
    /// included.
    pub bytes_written: u64,
    /// How long preparing took, in microseconds. The stream stalls for this long.
    pub freeze_us: u64,
    /// How long writing took, in microseconds: from its start until the checkpoint was durable and the
    /// directory had been listed again.
    pub write_us: u64,
}
