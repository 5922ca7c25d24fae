//! Where checkpoints live: an abstract, asynchronous directory of immutable files.
//!
//! Core opens no path. Everything durable goes through [`Directory`], whose contract is small enough
//! for a file system, a WASI preopen, `IndexedDB` and an object store to keep alike:
//!
//! - a **listed file is whole**: a file that was only half written is never listed;
//! - **creation is exclusive and durable** when it resolves;
//! - of a batch, a crash leaves all files, or some of them but **never the last**: the last one is
//!   the commit;
//! - there is no replace, no append and no rename.
//!
//! [`testing::conformance`] holds any implementation to it.

mod any;
mod block_on;
mod contract;
mod error;
mod memory;
pub mod testing;

pub use any::AnyDirectory;
pub(crate) use block_on::at_once;
pub use block_on::block_on;
pub use contract::{Directory, Entry, EntryKind, NewFile, is_valid_path};
pub use error::{DirectoryError, DirectoryErrorKind, Operation};
pub use memory::MemoryDirectory;
pub use testing::{Fault, Node, Nodes, SimulatedDirectory};
