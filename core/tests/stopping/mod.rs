//! A directory in memory in which work stops where a test wants it to.

use std::future::{Future, pending, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use alluvium_core::directory::{Directory, DirectoryError, Entry, MemoryDirectory, NewFile};

/// A directory that never comes to the end of a creation, or that stops at each pause, if it is asked to.
#[derive(Default)]
pub(crate) struct Stopping {
    inner: MemoryDirectory,
    pub(crate) is_stuck: AtomicBool,
    pub(crate) pauses: AtomicBool,
}

impl Directory for Stopping {
    fn list(&self) -> impl Future<Output = Result<Vec<Entry>, DirectoryError>> {
        self.inner.list()
    }
    fn read(&self, path: &str) -> impl Future<Output = Result<Vec<u8>, DirectoryError>> {
        self.inner.read(path)
    }
    fn read_range(
        &self,
        path: &str,
        offset: u64,
        length: usize,
    ) -> impl Future<Output = Result<Vec<u8>, DirectoryError>> {
        self.inner.read_range(path, offset, length)
    }
    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        if self.is_stuck.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
        self.inner.create(batch).await
    }
    fn delete(&self, paths: &[String]) -> impl Future<Output = Result<(), DirectoryError>> {
        self.inner.delete(paths)
    }
    async fn pause(&self) {
        let mut is_over = !self.pauses.load(Ordering::Relaxed);
        poll_fn(|_| if std::mem::replace(&mut is_over, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}
