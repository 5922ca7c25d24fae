//! Portable incremental checkpoints for stream state: the engine.
//!
//! Keyed state, source offsets, watermark and epoch become one atomic checkpoint. A checkpoint writes only
//! what changed, not the whole state. Core opens no path, reads no clock and draws no randomness: files go
//! through an abstract [`Directory`](directory::Directory), and time is passed in. Equal states under
//! equal ids give equal bytes on every platform.
//!
//! Start with [`IncrementalCheckpointManager`].
#![forbid(unsafe_code)]
// Lengths and offsets are checked where bytes come from outside, and the format's limits are far below
// 2³². So casts between them lose nothing.
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]

pub mod archive;
mod changelog;
mod clock;
mod commit;
mod config;
pub mod directory;
mod error;
pub mod format;
pub mod job;
mod ledger;
mod maintenance;
mod manager;
pub mod model;
mod namespaces;
mod open_options;
pub mod recovery;
#[doc(hidden)]
pub mod seeded_defects;
mod state;
pub mod tools;

pub use changelog::batch::Columns;
pub use clock::{Clock, ManualClock};
pub use commit::durable::{FinishedCheckpoint, WrittenCheckpoint};
pub use commit::prepared::PreparedCheckpoint;
pub use commit::statistics::CheckpointStatistics;
pub use config::{CheckpointConfig, OpenOptions};
pub use error::{IncrementalCheckpointError, Reaction};
pub use format::metadata::IncrementalCheckpointMetadata;
pub use maintenance::{Maintenance, MaintenanceReport};
pub use manager::{
    Deletion, IncrementalCheckpointManager, MemoryUsage, MigrationReport, PreparedSync, RecoverySummary, WrittenSync,
};
pub use model::position::StreamPosition;
pub use recovery::ReplayedWal;
pub use recovery::laminar::{
    RecoveredState, RecoveryConfig, RecoveryManager, StateChange, validate_checkpoint, wal_size,
};
pub use state::{Page, State, Walk};

/// Garbage collection as a decision: which files stay and which go. Nothing here deletes a file.
pub mod gc {
    pub use crate::maintenance::planned::plan;
    pub use crate::maintenance::retention::{FileVerdict, GarbageReport};
}
