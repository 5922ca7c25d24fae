//! A directory in memory in which work stops where a test wants it to.

use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use alluvium_core::directory::{Directory, DirectoryError, Entry, MemoryDirectory, NewFile};

/// A directory that never comes to the end of a creation, or that stops at each pause or before each call, if it is
/// asked to.
#[derive(Default)]
pub(crate) struct Stopping {
    inner: MemoryDirectory,
    pub(crate) is_stuck: AtomicBool,
    pub(crate) pauses: AtomicBool,
    pub(crate) stops: AtomicBool,
}

/// Stops once, if that is asked for.
async fn stop(is_asked_for: &AtomicBool) {
    let mut is_over = !is_asked_for.load(Ordering::Relaxed);
    poll_fn(|_| if std::mem::replace(&mut is_over, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

impl Directory for Stopping {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        stop(&self.stops).await;
        self.inner.list().await
    }
    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        stop(&self.stops).await;
        self.inner.read(path).await
    }
    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        stop(&self.stops).await;
        self.inner.read_range(path, offset, length).await
    }
    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        if self.is_stuck.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
        stop(&self.stops).await;
        self.inner.create(batch).await
    }
    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        stop(&self.stops).await;
        self.inner.delete(paths).await
    }
    async fn pause(&self) {
        stop(&self.pauses).await;
    }
}
