//! The storage of checkpoints: an abstract, asynchronous directory of immutable files.
//!
//! Core opens no path. Everything durable goes through [`Directory`]. Its contract is small enough for
//! a file system, a WASI preopen, `IndexedDB` and an object store to keep:
//!
//! - a **listed file is whole**: a file that was only half written is never listed;
//! - **creation is exclusive and durable** when it resolves;
//! - after a crash, all files of a batch exist, or some of them but **never the last**: the last one
//!   is the commit;
//! - there is no replace, no append and no rename.
//!
//! [`testing::conformance`] checks that an implementation keeps this contract.

mod any;
mod block_on;
mod contract;
mod error;
mod memory;
mod stores;
pub mod testing;

pub use any::AnyDirectory;
pub(crate) use block_on::at_once;
pub use block_on::block_on;
pub use contract::{Directory, Entry, EntryKind, NewFile, Wanted, check_names, is_valid_path, only_wanted};
pub use error::{DirectoryError, DirectoryErrorKind, Operation};
pub use memory::MemoryDirectory;
pub use stores::Stores;
pub use testing::{Fault, Node, Nodes, SimulatedDirectory};
