//! How an engine opens its directory.

use std::sync::Arc;

use alluvium::SystemClock;
use alluvium_core::Clock;

/// How an engine opens its directory.
#[derive(Clone)]
pub struct EngineOptions {
    /// Whether to start with an empty state when the directory is empty.
    pub create: bool,
    /// How many checkpoints to keep.
    pub max_retained: u32,
    /// The id that a new directory gets.
    pub store_id: [u8; 16],
    /// The number that tells the files of this writer from those of any other: drawn at random for each opening.
    pub writer: u64,
    /// What the engine's clocks say.
    pub clock: Arc<dyn Clock + Send + Sync>,
    /// Pass over damaged checkpoints to the newest whole one, and report them.
    pub allow_fallback: bool,
    /// The most memory that the state may take: past it, mutations are refused.
    pub memory_limit_bytes: u64,
    /// Bytes of live records that the compaction after one checkpoint may rewrite; see
    /// [`CheckpointConfig::max_rebase_bytes`](alluvium_core::CheckpointConfig::max_rebase_bytes).
    pub max_compaction_bytes: Option<u64>,
    /// Whether a thread may sync the files of the engine component while the stream continues. The native engine has a
    /// thread in any case.
    pub syncs_beside: bool,
}

impl EngineOptions {
    /// Returns the defaults: an empty directory is begun under this `store_id`, files have the number `writer`, and
    /// three checkpoints are kept.
    pub fn new(store_id: [u8; 16], writer: u64) -> Self {
        Self {
            create: true,
            max_retained: 3,
            store_id,
            writer,
            clock: Arc::new(SystemClock::new()),
            allow_fallback: false,
            // Half of what 32 bits can address: a checkpoint needs room beside the state.
            memory_limit_bytes: 2 << 30,
            max_compaction_bytes: None,
            syncs_beside: true,
        }
    }
}
