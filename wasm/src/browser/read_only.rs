//! A directory in which nothing is changed, for reading beside a writer.

use alluvium_core::directory::{
    AnyDirectory, Directory, DirectoryError, DirectoryErrorKind, Entry, NewFile, Operation,
};

/// A directory of which only the reading calls reach the storage.
pub(super) struct ReadOnly(pub(super) AnyDirectory<'static>);

impl Directory for ReadOnly {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        self.0.list().await
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        self.0.read(path).await
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        self.0.read_range(path, offset, length).await
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        let path = batch.first().map_or("", |file| file.path.as_str());
        let refused = DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Create, path);
        Err(refused.because("the directory is open for reading only"))
    }

    /// Deletes nothing. Opening a backup would delete the file that marks it, and a reader leaves it a backup.
    async fn delete(&self, _: &[String]) -> Result<(), DirectoryError> {
        Ok(())
    }
}
