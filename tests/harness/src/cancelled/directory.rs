//! A directory in memory that is slow: a future over it can be dropped in the middle of every call.

use std::sync::atomic::{AtomicBool, Ordering};

use alluvium_core::directory::{Directory, DirectoryError, Entry, MemoryDirectory, NewFile};

use crate::Files;
use crate::faulty::yielding::GiveWay;

/// Every call is pending once before it begins and once after it is done. A creation and a deletion are
/// pending between two of their files, too.
#[derive(Debug)]
pub(super) struct SlowDirectory {
    inner: MemoryDirectory,
    /// Whether the creation of a checkpoint's metadata or of a WAL file was begun.
    began_commit: AtomicBool,
}

impl SlowDirectory {
    /// Creates a directory that holds `files`.
    pub(super) fn holding(files: Files) -> Self {
        let inner = MemoryDirectory::from_files(files);
        Self { inner, began_commit: AtomicBool::new(false) }
    }

    /// Returns whether a commit was begun since the last call: the creation of metadata or of a WAL file.
    pub(super) fn take_began_commit(&self) -> bool {
        self.began_commit.swap(false, Ordering::Relaxed)
    }
}

impl Directory for SlowDirectory {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        GiveWay::default().await;
        let listed = self.inner.list().await;
        GiveWay::default().await;
        listed
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        GiveWay::default().await;
        let read = self.inner.read(path).await;
        GiveWay::default().await;
        read
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        GiveWay::default().await;
        let read = self.inner.read_range(path, offset, length).await;
        GiveWay::default().await;
        read
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        let commits = |file: &NewFile| file.path.ends_with("/metadata.json") || file.path.starts_with("wal/");
        self.began_commit.fetch_or(batch.last().is_some_and(commits), Ordering::Relaxed);
        for file in batch {
            GiveWay::default().await;
            self.inner.create(vec![file]).await?;
        }
        GiveWay::default().await;
        Ok(())
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        for path in paths {
            GiveWay::default().await;
            self.inner.delete(std::slice::from_ref(path)).await?;
        }
        GiveWay::default().await;
        Ok(())
    }
}
