//! What a manager tells about itself as plain data.

use serde::{Deserialize, Serialize};

use crate::recovery::types::{SkippedCheckpoint, SkippedWal};

/// What opening a directory or restoring a checkpoint recovered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoverySummary {
    /// The id of the checkpoint that was recovered.
    pub checkpoint_id: u64,
    /// The newer checkpoints that were skipped because they are damaged, newest first.
    pub skipped: Vec<SkippedCheckpoint>,
    /// The number of live keys.
    pub key_count: u64,
    /// How many bytes of segments and WAL files were read.
    pub bytes_read: u64,
    /// How many mutations of the WAL were replayed on top of the checkpoint.
    pub wal_entries: u64,
    /// Where the replay of the WAL ended early: at a torn tail, or at damage that the options allowed to be
    /// skipped.
    pub wal_cut: Option<SkippedWal>,
    /// Whether LaminarDB wrote the checkpoint. Its state is then opaque and in `state.bin`.
    pub is_laminar: bool,
}

/// The memory that a manager holds, in bytes, exactly as it was requested from the allocator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryUsage {
    /// Memory for the state: records and tables.
    pub state_bytes: u64,
    /// Memory for the mutations that no checkpoint has taken yet.
    pub changelog_bytes: u64,
    /// The length of all live keys and values, without the memory that organizes them.
    pub payload_bytes: u64,
}
