//! Incremental checkpoints of keyed state, in a directory of the file system.
//!
//! [`IncrementalCheckpointManager`] is the way in. It keeps keyed state in memory, and makes state,
//! source offsets, watermark and epoch durable together. It is blocking;
//! [`asynchronous::IncrementalCheckpointManager`] is the same for asynchronous programs.
//!
//! ```
//! use alluvium::{CheckpointConfig, IncrementalCheckpointManager};
//!
//! let directory = tempfile::tempdir()?;
//! let config = CheckpointConfig::new(directory.path()).with_max_retained(5);
//! let mut manager = IncrementalCheckpointManager::new(config.clone())?;
//! manager.put(b"UA:EWR-IAH", b"12 flights")?;
//! manager.create_checkpoint(0)?;             // durable when it returns
//! drop(manager);                             // or a crash
//!
//! let manager = IncrementalCheckpointManager::new(config)?;
//! assert_eq!(manager.get(b"UA:EWR-IAH"), Some(&b"12 flights"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The names are those of LaminarDB's checkpoint manager, and code written for it compiles with its
//! `use` changed. The engine is `alluvium-core`, which works over any storage; [`NativeDirectory`] is
//! the storage here, and [`SystemClock`] the clock.
#![deny(unsafe_code)]

pub mod asynchronous;
pub mod background;
mod clock;
mod config;
#[cfg(target_os = "linux")]
pub mod directory;
#[cfg(not(target_os = "linux"))]
#[path = "portable/mod.rs"]
pub mod directory;
mod error;
mod manager;
mod metadata;
// Its tests run here, where there is something to run them.
#[cfg(all(test, target_os = "linux"))]
#[allow(dead_code, unreachable_pub, reason = "it is public where it is used")]
mod portable;
mod recovery;
mod scheduling;
mod store_id;
mod watch;

pub use alluvium_core::model::opaque::Opaque;
pub use alluvium_core::model::source_position::SourcePosition;
pub use alluvium_core::tools::verify::VerifyReport;
pub use alluvium_core::{
    CheckpointStatistics, Clock, Columns, MaintenanceReport, ManualClock, MemoryUsage, Reaction, RecoverySummary,
    StreamPosition,
};
pub use clock::SystemClock;
pub use config::{CheckpointConfig, OpenOptions};
pub use directory::NativeDirectory;
pub use error::{Damage, IncrementalCheckpointError};
pub use manager::{
    DurableCheckpoint, FinishedCheckpoint, IncrementalCheckpointManager, PreparedCheckpoint, WrittenCheckpoint,
};
pub use metadata::IncrementalCheckpointMetadata;
pub use recovery::{RecoveredState, RecoveryConfig, RecoveryManager, StateChange, validate_checkpoint, wal_size};
