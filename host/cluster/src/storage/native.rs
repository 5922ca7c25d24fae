//! A job in the file system.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use alluvium::NativeDirectory;
use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};
use alluvium_core::job::StoreId;

use crate::storage::Storage;

/// A job in a directory of the file system, which all processes see: `log/`, `parts/` with a directory for each
/// worker, and `outputs/` with one for each output to a server.
///
/// ```
/// use alluvium_cluster::{NativeStorage, Storage};
///
/// let scratch = tempfile::tempdir()?;
/// let storage = NativeStorage::new(scratch.path().join("job"));
/// storage.log()?;
/// assert!(storage.parts()?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct NativeStorage {
    root: PathBuf,
}

impl NativeStorage {
    /// Returns the job in the directory `root`. Nothing is created yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Returns the directory of the job.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the path of the log.
    pub fn log_path(&self) -> PathBuf {
        self.root.join("log")
    }

    /// Returns the path of the directory of a worker.
    pub fn part_path(&self, id: StoreId) -> PathBuf {
        self.root.join("parts").join(id.to_string())
    }

    fn open(path: &Path) -> Result<NativeDirectory, DirectoryError> {
        NativeDirectory::create_unlocked(path)
    }
}

impl Storage for NativeStorage {
    type Directory = NativeDirectory;

    fn log(&self) -> Result<NativeDirectory, DirectoryError> {
        Self::open(&self.log_path())
    }

    fn part(&self, id: StoreId) -> Result<NativeDirectory, DirectoryError> {
        Self::open(&self.part_path(id))
    }

    fn output(&self, name: &str) -> Result<NativeDirectory, DirectoryError> {
        Self::open(&self.root.join("outputs").join(name))
    }

    fn log_to_read(&self) -> Result<NativeDirectory, DirectoryError> {
        NativeDirectory::open(self.log_path())
    }

    fn part_to_read(&self, id: StoreId) -> Result<NativeDirectory, DirectoryError> {
        NativeDirectory::open(self.part_path(id))
    }

    fn parts(&self) -> Result<BTreeSet<StoreId>, DirectoryError> {
        let path = self.root.join("parts");
        let failed = |error: std::io::Error| io_error(Operation::List, &path, &error);
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut found = BTreeSet::new();
        for entry in entries {
            // A name that is no id is not ours.
            found.extend(entry.map_err(failed)?.file_name().to_str().and_then(|name| name.parse::<StoreId>().ok()));
        }
        Ok(found)
    }

    fn remove(&self, id: StoreId) -> Result<(), DirectoryError> {
        let path = self.part_path(id);
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(io_error(Operation::Delete, &path, &error))
            }
            _ => Ok(()),
        }
    }
}

fn io_error(operation: Operation, path: &Path, error: &std::io::Error) -> DirectoryError {
    DirectoryError::new(DirectoryErrorKind::Io, operation, path.display().to_string()).because(error.to_string())
}
