//! The manager for asynchronous programs. It works under any executor, tokio among them.
//!
//! No call holds the executor's thread while a checkpoint is encoded or the disk is waited for: that
//! happens on a thread of the manager's own.

mod manager;
mod worker;

pub use self::manager::IncrementalCheckpointManager;
