//! The faulty directory of the tests: any directory, with what a test wants to go wrong.
//!
//! It counts what is asked of it, fails as planned, lets another writer in before one of its calls,
//! and gives way to other tasks before each call.

mod plan;
pub mod yielding;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alluvium_core::directory::{Directory, DirectoryError, Entry, MemoryDirectory, NewFile, Operation};

use self::plan::Plan;
use self::yielding::GiveWay;
use crate::Files;

pub use self::plan::{Calls, Fault};

/// See the module.
pub struct FaultyDirectory<D = MemoryDirectory> {
    inner: Arc<D>,
    plan: Mutex<Plan>,
    gives_way: bool,
    gives_way_after: bool,
}

impl<D> fmt::Debug for FaultyDirectory<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FaultyDirectory").field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl Default for FaultyDirectory {
    fn default() -> Self {
        Self::holding(Files::new())
    }
}

impl FaultyDirectory {
    /// Creates a directory in memory that holds `files`.
    pub fn holding(files: Files) -> Self {
        Self::over(Arc::new(MemoryDirectory::from_files(files)))
    }
}

impl<D> FaultyDirectory<D> {
    /// Wraps `inner`, which others may use directly at the same time.
    pub fn over(inner: Arc<D>) -> Self {
        Self { inner, plan: Mutex::default(), gives_way: false, gives_way_after: false }
    }

    /// Makes every call pending once before it is made, so that two operations can be driven one
    /// call at a time.
    #[must_use]
    pub fn giving_way(mut self) -> Self {
        self.gives_way = true;
        self
    }

    /// Makes every call pending once before and once after it is made, so that a future can be dropped at each
    /// of its awaits: with the call that it waits for not made, and with it made.
    #[must_use]
    pub fn giving_way_around(mut self) -> Self {
        (self.gives_way, self.gives_way_after) = (true, true);
        self
    }

    /// Plans a failure.
    pub fn plan(&self, fault: Fault) {
        self.locked().fault = Some(fault);
    }

    /// Runs `action` right before the call that comes after `calls` more.
    pub fn before_call(&self, calls: u64, action: impl FnOnce() + Send + 'static) {
        self.locked().interruption = Some((calls, Box::new(action)));
    }

    /// Forgets faults and crashes, as a restart does; the files stay.
    pub fn revive(&self) {
        let mut plan = self.locked();
        plan.fault = None;
        plan.crashed = false;
    }

    /// Whether the planned fault has happened.
    pub fn has_failed(&self) -> bool {
        let plan = self.locked();
        plan.crashed || plan.fault.is_none()
    }

    /// Returns what was asked so far, and begins counting from zero again.
    pub fn take_calls(&self) -> Calls {
        std::mem::take(&mut self.locked().calls)
    }

    fn locked(&self) -> MutexGuard<'_, Plan> {
        // A plan is whole between two of its statements, also where a test panicked.
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a call, and gives way when it is made.
    async fn made<T>(&self, call: impl Future<Output = T>) -> T {
        let made = call.await;
        if self.gives_way_after {
            GiveWay::default().await;
        }
        made
    }

    /// Counts the bytes of a read.
    fn read_of(&self, read: Result<Vec<u8>, DirectoryError>) -> Result<Vec<u8>, DirectoryError> {
        self.locked().calls.bytes_read += read.as_ref().map_or(0, |bytes| bytes.len() as u64);
        read
    }

    /// Begins a call: gives way, lets the interruption happen, counts, and says whether it has to
    /// fail, with how many of its files are done all the same.
    async fn enter(&self, operation: Operation, name: &str) -> Option<(usize, DirectoryError)> {
        if self.gives_way {
            GiveWay::default().await;
        }
        // The plan is not locked while the interruption uses the directory.
        let interruption = self.locked().due_interruption();
        if let Some(happen) = interruption {
            happen();
        }
        self.locked().enter(operation, name)
    }
}

impl<D: Directory> Directory for FaultyDirectory<D> {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        match self.enter(Operation::List, "").await {
            Some((_, error)) => Err(error),
            None => self.made(self.inner.list()).await,
        }
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        match self.enter(Operation::Read, path).await {
            Some((_, error)) => Err(error),
            None => self.read_of(self.made(self.inner.read(path)).await),
        }
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        match self.enter(Operation::Read, path).await {
            Some((_, error)) => Err(error),
            None => self.read_of(self.made(self.inner.read_range(path, offset, length)).await),
        }
    }

    async fn create(&self, mut batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        let name = batch.last().map(|file| file.path.clone()).unwrap_or_default();
        // For the caller a call has begun before it is made.
        self.locked().calls.began_commit |= name.ends_with("/metadata.json") || name.starts_with("wal/");
        let Some((done, error)) = self.enter(Operation::Create, &name).await else {
            return self.made(self.inner.create(batch)).await;
        };
        batch.truncate(done);
        self.inner.create(batch).await?;
        Err(error)
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        let name = paths.first().map(String::as_str).unwrap_or_default();
        let Some((done, error)) = self.enter(Operation::Delete, name).await else {
            return self.made(self.inner.delete(paths)).await;
        };
        self.inner.delete(&paths[..done.min(paths.len())]).await?;
        Err(error)
    }
}
