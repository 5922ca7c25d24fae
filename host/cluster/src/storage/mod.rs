//! Where the directories of a job are.

mod native;
#[cfg(feature = "object")]
mod object;

use std::collections::BTreeSet;

use alluvium_core::directory::{Directory, DirectoryError};
use alluvium_core::job::StoreId;

pub use native::NativeStorage;
#[cfg(feature = "object")]
pub use object::ObjectStorage;

/// Where the directories of a job are: its log, one for each worker of each generation, and one for each output to a
/// server.
///
/// All processes of a job must see the same storage. Directories are opened without locks, because each generation
/// has directories of its own, and the log is fenced by its claims.
pub trait Storage: Send + Sync + 'static {
    /// The kind of the directories.
    type Directory: Directory + Send + Sync + 'static;

    /// Opens the job's log, and creates it if it is missing.
    fn log(&self) -> Result<Self::Directory, DirectoryError>;

    /// Opens the directory of a worker, and creates it if it is missing.
    fn part(&self, id: StoreId) -> Result<Self::Directory, DirectoryError>;

    /// Opens the directory in which the records of an output wait until they are published, and creates it if it is
    /// missing. The name is a [valid path](alluvium_core::directory::is_valid_path) of one component.
    fn output(&self, name: &str) -> Result<Self::Directory, DirectoryError>;

    /// Opens the job's log to read it. Nothing is created.
    fn log_to_read(&self) -> Result<Self::Directory, DirectoryError> {
        self.log()
    }

    /// Opens the directory of a worker to read what was committed of it. Nothing is created.
    fn part_to_read(&self, id: StoreId) -> Result<Self::Directory, DirectoryError> {
        self.part(id)
    }

    /// Returns the directories of workers that there are.
    fn parts(&self) -> Result<BTreeSet<StoreId>, DirectoryError>;

    /// Deletes the directory of a worker and everything in it.
    fn remove(&self, id: StoreId) -> Result<(), DirectoryError>;
}
