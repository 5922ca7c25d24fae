//! The manager: it holds the live state and the changelog, and makes checkpoints of them.

mod accessors;
mod admin;
mod batch;
mod check_in;
mod checkpoint;
mod clocks;
mod declare;
mod deletion;
mod keep;
mod live_state;
mod migrate;
mod mutate;
mod mutate_in;
mod open;
mod open_parts;
mod position;
mod read_in;
mod restore;
mod scan;
mod summary;
mod sync;
mod timers;
mod types;
mod undo;

pub use crate::manager::deletion::Deletion;
pub use crate::manager::migrate::MigrationReport;
pub use crate::manager::summary::{MemoryUsage, RecoverySummary};
pub use crate::manager::sync::{PreparedSync, WrittenSync};
pub use crate::manager::types::IncrementalCheckpointManager;

/// Holds the code of the crate's README, so that the documentation tests run it.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
