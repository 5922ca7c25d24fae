//! A start with a state that is made of parts of other directories.

use std::sync::Arc;

use alluvium_core::directory::Stores;
use alluvium_core::model::hash_range::HashRange;
use alluvium_core::recovery::Part;

/// An empty directory, and the parts of others that its state is made of. See
/// [`open_parts`](alluvium_core::IncrementalCheckpointManager::open_parts).
#[derive(Debug)]
pub struct PartsStart<D> {
    /// The empty directory.
    pub directory: Arc<D>,
    /// The parts. Without any, the state is empty.
    pub parts: Vec<Part<D>>,
    /// The directories of segments that the parts themselves name elsewhere.
    pub stores: Stores<D>,
    /// The hashes of the keys that the directory owns.
    pub range: HashRange,
}
