//! The manager: the live state, the changelog, and the checkpoints that both go into.

mod accessors;
mod admin;
mod checkpoint;
mod live_state;
mod mutate;
mod open;
mod restore;
mod summary;
mod sync;
mod types;

pub use crate::manager::summary::{MemoryUsage, RecoverySummary};
pub use crate::manager::sync::{PreparedSync, WrittenSync};
pub use crate::manager::types::IncrementalCheckpointManager;
