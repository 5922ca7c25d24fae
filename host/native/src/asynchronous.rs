//! The manager for asynchronous programs. It works under any executor, tokio among them.
//!
//! The manager here is the one for the file system. [`NativeDirectory`] is for programs that use the manager of
//! `alluvium-core` itself, which encodes on the thread that awaits it.
//!
//! No call of the manager holds the executor's thread while a checkpoint is encoded or the disk is waited for: that
//! happens on a thread of the manager's own.

mod directory;
mod manager;
mod worker;

pub use self::directory::NativeDirectory;
pub use self::manager::IncrementalCheckpointManager;
