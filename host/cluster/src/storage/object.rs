//! A job on an object store.

use std::collections::BTreeSet;

use alluvium_core::directory::{Directory, DirectoryError, block_on};
use alluvium_core::job::StoreId;
use alluvium_object::{ObjectDirectory, ObjectOptions};

use crate::storage::Storage;

/// A job below a prefix of an object store, which all processes see: `log/`, `parts/` with a directory for each
/// worker, and `outputs/` with one for each output to a server.
///
/// ```
/// use std::sync::Arc;
/// use alluvium_cluster::{ObjectStorage, Storage};
/// use alluvium_object::object_store::memory::InMemory;
/// use alluvium_object::{ObjectDirectory, ObjectOptions};
///
/// // ObjectStorage::from_url("s3://bucket/orders", ObjectOptions::default())
/// let root = ObjectDirectory::over(Arc::new(InMemory::new()), "orders", ObjectOptions::default())?;
/// let storage = ObjectStorage::new(root);
/// storage.probe()?;                       // refuses a store on which two generations could overwrite each other
/// assert!(storage.parts()?.is_empty());
/// # Ok::<(), alluvium_core::directory::DirectoryError>(())
/// ```
#[derive(Debug)]
pub struct ObjectStorage {
    root: ObjectDirectory,
}

impl ObjectStorage {
    /// Returns the job in a directory. No request is made.
    pub fn new(root: ObjectDirectory) -> Self {
        Self { root }
    }

    /// Returns the job at an address, as [`ObjectDirectory::from_url`] takes it. No request is made.
    pub fn from_url(url: &str, options: ObjectOptions) -> Result<Self, DirectoryError> {
        ObjectDirectory::from_url(url.trim_end_matches('/'), options).map(Self::new)
    }

    /// Finds out whether the store is safe for a job, as [`ObjectDirectory::probe`] does.
    pub fn probe(&self) -> Result<(), DirectoryError> {
        block_on(self.root.below("log")?.probe())
    }
}

impl Storage for ObjectStorage {
    type Directory = ObjectDirectory;

    fn log(&self) -> Result<ObjectDirectory, DirectoryError> {
        self.root.below("log")
    }

    fn part(&self, id: StoreId) -> Result<ObjectDirectory, DirectoryError> {
        self.root.below(&format!("parts/{id}"))
    }

    fn output(&self, name: &str) -> Result<ObjectDirectory, DirectoryError> {
        self.root.below(&format!("outputs/{name}"))
    }

    fn parts(&self) -> Result<BTreeSet<StoreId>, DirectoryError> {
        let entries = block_on(self.root.below("parts")?.list())?;
        // A name that is no id is not ours.
        let id = |path: &str| path.split('/').next().and_then(|name| name.parse().ok());
        Ok(entries.iter().filter_map(|entry| id(&entry.path)).collect())
    }

    fn remove(&self, id: StoreId) -> Result<(), DirectoryError> {
        let part = self.part(id)?;
        let paths: Vec<String> = block_on(part.list())?.into_iter().map(|entry| entry.path).collect();
        block_on(part.delete(&paths))
    }
}
