//! What a manager tells about itself as plain data.

use serde::{Deserialize, Serialize};

use crate::recovery::types::{SkippedCheckpoint, SkippedWal};

/// What opening a directory found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoverySummary {
    /// The checkpoint that was recovered.
    pub checkpoint_id: u64,
    /// Newer checkpoints that were passed over because they are damaged; newest first.
    pub skipped: Vec<SkippedCheckpoint>,
    /// Live keys.
    pub key_count: u64,
    /// Bytes of segments that were read.
    pub bytes_read: u64,
    /// Mutations that the log after the checkpoint added.
    pub wal_entries: u64,
    /// Where the log ended early: a torn tail, or damage that was allowed to be passed over.
    pub wal_cut: Option<SkippedWal>,
    /// The state is the caller's own, in `state.bin`: the original wrote this checkpoint.
    pub is_laminar: bool,
}

/// Memory that a manager holds, exactly as it was asked from the allocator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryUsage {
    /// For the state: records and tables.
    pub state_bytes: u64,
    /// For mutations that no checkpoint has taken yet.
    pub changelog_bytes: u64,
    /// Keys and values alone.
    pub payload_bytes: u64,
}
