//! What a backup is going to hold, before it is committed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::directory::{Directory, DirectoryError, DirectoryErrorKind, Entry, EntryKind, NewFile, Operation};

/// The files that a backup is going to hold, as one directory. Some of them are in the destination, and some in memory.
pub(super) struct View<'a, D> {
    destination: &'a D,
    /// The files of the destination that count, and their lengths in bytes.
    pub(super) files: BTreeMap<String, u64>,
    /// The files that are in memory. They take the place of those of the destination.
    pending: BTreeMap<String, &'a [u8]>,
    /// The first error that says nothing about a file, but about the storage.
    trouble: Mutex<Option<DirectoryError>>,
}

impl<'a, D> View<'a, D> {
    pub(super) fn new(destination: &'a D, files: BTreeMap<String, u64>, pending: BTreeMap<String, &'a [u8]>) -> Self {
        Self { destination, files, pending, trouble: Mutex::default() }
    }

    /// Returns the first error that says nothing about a file, but about the storage.
    pub(super) fn trouble(&self) -> Option<DirectoryError> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what the storage is in trouble with. Verification would take it for damage.
    fn noted<T>(&self, read: Result<T, DirectoryError>) -> Result<T, DirectoryError> {
        use DirectoryErrorKind::{Invalid, NotFound, OutOfRange};
        if let Err(error) = &read
            && !matches!(error.kind(), NotFound | OutOfRange | Invalid)
        {
            self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.clone());
        }
        read
    }

    /// Returns every file and its length in bytes.
    fn lengths(&self) -> BTreeMap<&String, u64> {
        let pending = self.pending.iter().map(|(path, content)| (path, content.len() as u64));
        self.files.iter().map(|(path, bytes)| (path, *bytes)).chain(pending).collect()
    }
}

fn missing(path: &str) -> DirectoryError {
    DirectoryError::new(DirectoryErrorKind::NotFound, Operation::Read, path)
}

impl<D: Directory> Directory for View<'_, D> {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        let entry = |(path, bytes): (&String, u64)| Entry { path: path.clone(), bytes, kind: EntryKind::File };
        Ok(self.lengths().into_iter().map(entry).collect())
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        match (self.pending.get(path), self.files.get(path)) {
            (Some(content), _) => Ok(content.to_vec()),
            (None, Some(_)) => self.noted(self.destination.read(path).await),
            (None, None) => Err(missing(path)),
        }
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        let content = match (self.pending.get(path), self.files.get(path)) {
            (Some(content), _) => *content,
            (None, Some(_)) => return self.noted(self.destination.read_range(path, offset, length).await),
            (None, None) => return Err(missing(path)),
        };
        let range = usize::try_from(offset).ok().and_then(|start| Some(start..start.checked_add(length)?));
        range.and_then(|range| content.get(range)).map(<[u8]>::to_vec).ok_or_else(|| {
            DirectoryError::new(DirectoryErrorKind::OutOfRange, Operation::Read, path)
                .because(format!("{length} bytes at {offset} of a file of {}", content.len()))
        })
    }

    // A view is only read.
    async fn create(&self, _: Vec<NewFile>) -> Result<(), DirectoryError> {
        Err(DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Create, ""))
    }

    async fn delete(&self, _: &[String]) -> Result<(), DirectoryError> {
        Err(DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Delete, ""))
    }
}
