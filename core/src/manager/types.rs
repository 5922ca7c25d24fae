//! The manager's type. Its operations are in the files beside this one.

use std::sync::Arc;

use crate::clock::SharedClock;
use crate::commit::in_flight::InFlight;
use crate::config::CheckpointConfig;
use crate::directory::Stores;
use crate::ledger::Ledger;
use crate::manager::live_state::{Lineage, LiveState, Observed, WalCursor};

/// Holds keyed state and makes incremental, atomic checkpoints of it, with the same bytes on every platform.
///
/// ```
/// use std::sync::Arc;
/// use alluvium_core::directory::{block_on, MemoryDirectory};
/// use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
///
/// let directory = Arc::new(MemoryDirectory::new());
/// let options = OpenOptions::new(Arc::new(ManualClock::new(1_700_000_000_000))).create(true);
/// let mut manager = block_on(IncrementalCheckpointManager::open(directory.clone(), CheckpointConfig::new(), options.clone()))?;
/// manager.put(b"AA:JFK-LAX", b"12")?;
/// manager.set_source_offset("input", 1_000)?;
/// block_on(manager.create_checkpoint(0))?;
/// drop(manager);
///
/// let manager = block_on(IncrementalCheckpointManager::open(directory, CheckpointConfig::new(), options))?;
/// assert_eq!(manager.get(b"AA:JFK-LAX"), Some(&b"12"[..]));
/// assert_eq!(manager.source_offsets()["input"], 1_000);
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
///
/// A checkpoint has three steps. [`prepare_checkpoint`](Self::prepare_checkpoint) freezes the changes in
/// microseconds, [`PreparedCheckpoint::write`] needs the directory but not the manager, and
/// [`finish_checkpoint`](Self::finish_checkpoint) tells the manager. Puts may run between the steps; they
/// belong to the next checkpoint. [`create_checkpoint`](Self::create_checkpoint) does the three steps in
/// one call.
///
/// [`PreparedCheckpoint::write`]: crate::PreparedCheckpoint::write
#[derive(Debug)]
pub struct IncrementalCheckpointManager<D> {
    pub(super) directory: Arc<D>,
    pub(super) stores: Stores<D>,
    pub(super) config: CheckpointConfig,
    pub(super) clock: SharedClock,
    pub(super) live: LiveState,
    pub(super) lineage: Lineage,
    pub(super) wal: WalCursor,
    pub(super) ledger: Arc<Ledger>,
    pub(super) in_flight: Arc<InFlight>,
    pub(super) observed: Observed,
}
