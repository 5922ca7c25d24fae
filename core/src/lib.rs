//! Portable incremental checkpoints for stream state: the engine.
//!
//! Keyed state, source offsets, watermark and epoch become one atomic checkpoint, whose cost follows
//! what changed. Core opens no path, reads no clock and draws no randomness: files go through an
//! abstract [`Directory`](directory::Directory), time is passed in, and equal states under equal ids
//! give equal bytes on every platform.
//!
//! Start with [`IncrementalCheckpointManager`].
#![forbid(unsafe_code)]
// The browser's build is made for size, but for the functions that this marks.
#![cfg_attr(alluvium_page, feature(optimize_attribute))]
// Casts between lengths and offsets are checked where the bytes come from outside; the format's
// limits are far below 2³².
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]

pub mod archive;
mod batch;
mod catalog;
mod checkpoint;
mod clock;
mod config;
mod delta;
pub mod diff;
pub mod directory;
mod error;
mod few;
pub mod format;
pub mod hash;
pub mod inspect;
mod maintenance;
mod manager;
mod newest;
#[doc(hidden)]
pub mod planted;
mod read_ahead;
mod rebase;
pub mod recover;
mod recovery;
mod replay;
mod retention;
mod segments;
mod state;
mod survey;
pub mod verify;

pub use batch::Columns;
pub use checkpoint::{CheckpointStatistics, FinishedCheckpoint, PreparedCheckpoint, WrittenCheckpoint};
pub use clock::{Clock, ManualClock};
pub use config::{CheckpointConfig, OpenOptions};
pub use error::{IncrementalCheckpointError, Reaction};
pub use format::metadata::IncrementalCheckpointMetadata;
pub use maintenance::{Maintenance, MaintenanceReport};
pub use manager::{IncrementalCheckpointManager, MemoryUsage, PreparedSync, RecoverySummary, WrittenSync};
pub use recovery::{RecoveredState, RecoveryConfig, RecoveryManager, StateChange, validate_checkpoint, wal_size};
pub use replay::ReplayedLog;
pub use state::State;

/// Which files stay and which go, decided without deleting any.
pub mod gc {
    pub use crate::maintenance::plan;
    pub use crate::retention::{FileVerdict, GarbageReport};
}
