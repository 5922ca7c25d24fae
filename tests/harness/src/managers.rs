//! Managers to test with: a fixed clock and store id, over a directory in memory or any other.

use std::sync::Arc;

use alluvium_core::directory::{Directory, MemoryDirectory, block_on};
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError, IncrementalCheckpointManager, ManualClock, OpenOptions,
};

use crate::Files;

/// 2026-01-01T00:00:00Z: where every test's clock starts.
pub const START_MS: u64 = 1_767_225_600_000;

/// The store id of every directory that the tests make.
pub const STORE_ID: [u8; 16] = *b"alluvium-testing";

/// A manager over files in memory.
pub type Manager = IncrementalCheckpointManager<MemoryDirectory>;

/// A clock at [`START_MS`].
pub fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(START_MS))
}

/// Options over a fresh clock and the tests' store id.
pub fn options() -> OpenOptions {
    OpenOptions::new(clock()).store_id(STORE_ID).create(true)
}

/// A configuration that keeps `max_retained` checkpoints.
pub fn keep(max_retained: usize) -> CheckpointConfig {
    CheckpointConfig::new().with_max_retained(max_retained)
}

/// An empty directory in memory.
pub fn empty() -> Arc<MemoryDirectory> {
    Arc::new(MemoryDirectory::new())
}

/// A directory in memory holding `files`.
pub fn memory(files: Files) -> Arc<MemoryDirectory> {
    Arc::new(MemoryDirectory::from_files(files))
}

/// Opens with defaults, keeping ten checkpoints.
pub fn open(directory: &Arc<MemoryDirectory>) -> Result<Manager, IncrementalCheckpointError> {
    open_with(directory, keep(10), options())
}

/// Opens with the given configuration and options.
pub fn open_with<D: Directory>(
    directory: &Arc<D>,
    config: CheckpointConfig,
    options: OpenOptions,
) -> Result<IncrementalCheckpointManager<D>, IncrementalCheckpointError> {
    block_on(IncrementalCheckpointManager::open(Arc::clone(directory), config, options))
}

/// A manager over a new directory in memory, keeping ten checkpoints.
pub fn fresh() -> (Arc<MemoryDirectory>, Manager) {
    fresh_with(keep(10))
}

/// A manager over a new directory in memory.
pub fn fresh_with(config: CheckpointConfig) -> (Arc<MemoryDirectory>, Manager) {
    let directory = empty();
    let manager = open_with(&directory, config, options()).expect("an empty directory opens");
    (directory, manager)
}

/// Takes a checkpoint at the manager's position, and returns its id.
pub fn checkpoint<D: Directory>(manager: &mut IncrementalCheckpointManager<D>) -> u64 {
    let position = manager.wal_position();
    block_on(manager.create_checkpoint(position)).expect("checkpoint").id
}
