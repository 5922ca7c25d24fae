//! A directory in memory. It is the reference implementation of the contract, and the storage that tests
//! and archives use.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::directory::contract::{Directory, Entry, EntryKind, NewFile, check_names};
use crate::directory::error::{DirectoryError, DirectoryErrorKind, Operation};

/// A directory whose files are in memory. It keeps the whole contract of [`Directory`], except that the
/// files do not outlive the process.
///
/// ```
/// use alluvium_core::directory::{block_on, Directory, MemoryDirectory, NewFile};
///
/// let directory = MemoryDirectory::new();
/// block_on(directory.create(vec![NewFile { path: "a/b".into(), content: b"sediment".to_vec() }]))?;
/// assert_eq!(block_on(directory.read_range("a/b", 4, 4))?, b"ment");
/// # Ok::<(), alluvium_core::directory::DirectoryError>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryDirectory {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl MemoryDirectory {
    /// Returns an empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a directory that holds exactly `files`, given as path and content.
    ///
    /// Paths that [`Directory::create`] would refuse are allowed here, because tests need damaged and
    /// foreign directories and archives may contain any name.
    pub fn from_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        Self { files: Mutex::new(files.into_iter().collect()) }
    }

    /// Returns a copy of every file, by path.
    pub fn to_files(&self) -> BTreeMap<String, Vec<u8>> {
        self.files().clone()
    }

    /// Returns every file, by path.
    pub(crate) fn into_files(self) -> BTreeMap<String, Vec<u8>> {
        self.files.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the files.
    pub(crate) fn files(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        // Nothing panics while the lock is held, so even a poisoned lock guards a whole map.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn error(kind: DirectoryErrorKind, operation: Operation, path: &str) -> DirectoryError {
    DirectoryError::new(kind, operation, path)
}

impl Directory for MemoryDirectory {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        let entry = |(path, content): (&String, &Vec<u8>)| Entry {
            path: path.clone(),
            bytes: content.len() as u64,
            kind: EntryKind::File,
        };
        Ok(self.files().iter().map(entry).collect())
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        self.files().get(path).cloned().ok_or_else(|| error(DirectoryErrorKind::NotFound, Operation::Read, path))
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        let files = self.files();
        let content = files.get(path).ok_or_else(|| error(DirectoryErrorKind::NotFound, Operation::Read, path))?;
        let range = usize::try_from(offset).ok().and_then(|start| Some(start..start.checked_add(length)?));
        range.and_then(|range| content.get(range)).map(<[u8]>::to_vec).ok_or_else(|| {
            error(DirectoryErrorKind::OutOfRange, Operation::Read, path)
                .because(format!("{length} bytes at {offset} of a file of {}", content.len()))
        })
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        let mut files = self.files();
        check_names(&batch, |path| Ok(files.contains_key(path)))?;
        for file in batch {
            files.insert(file.path, file.content);
        }
        Ok(())
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        let mut files = self.files();
        for path in paths {
            files.remove(path);
        }
        Ok(())
    }
}
