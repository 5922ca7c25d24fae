//! The directory of the file system for asynchronous programs: its waiting is done elsewhere.

use std::path::PathBuf;
use std::sync::Arc;

use alluvium_core::directory::{
    Directory, DirectoryError, DirectoryErrorKind, Entry, NewFile, Operation, Wanted, block_on,
};

use super::worker::Worker;

type Blocking = crate::NativeDirectory;

/// A directory of the file system, for the manager of `alluvium-core` in an asynchronous program.
///
/// The futures of [`alluvium::NativeDirectory`](crate::NativeDirectory) do their work when they are polled, and hold
/// the executor's thread until the disk is done. Those of this directory hand the work to a thread of the directory's
/// own, and any executor can wait for them.
///
/// Operations are done one after the other, in the order in which they were first polled. To drop a future does not
/// take its operation back: it is done before any that comes later, and before the directory itself is dropped.
///
/// ```
/// use std::sync::Arc;
///
/// use alluvium::SystemClock;
/// use alluvium::asynchronous::NativeDirectory;
/// use alluvium_core::directory::{block_on, Directory, NewFile};
///
/// # futures_lite::future::block_on(async {
/// # let scratch = tempfile::tempdir()?;
/// let directory = NativeDirectory::open_exclusive(scratch.path()).await?;
/// directory.create(vec![NewFile { path: "notes".into(), content: b"whole".to_vec() }]).await?;
/// assert_eq!(directory.read("notes").await?, b"whole");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct NativeDirectory {
    directory: Arc<Blocking>,
    worker: Worker,
}

impl NativeDirectory {
    /// Opens an existing directory for its only writer, as
    /// [`open_exclusive`](crate::NativeDirectory::open_exclusive) does.
    pub async fn open_exclusive(path: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        let path = path.into();
        Self::open_by(move || Blocking::open_exclusive(path)).await
    }

    /// Opens an existing directory for reading, as [`open`](crate::NativeDirectory::open) does.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        let path = path.into();
        Self::open_by(move || Blocking::open(path)).await
    }

    /// Does the waiting of a directory that is open already.
    ///
    /// Fails if the system starts no thread.
    pub fn over(directory: Blocking) -> Result<Self, DirectoryError> {
        Ok(Self { directory: Arc::new(directory), worker: worker()? })
    }

    async fn open_by(
        open: impl FnOnce() -> Result<Blocking, DirectoryError> + Send + 'static,
    ) -> Result<Self, DirectoryError> {
        let worker = worker()?;
        let opened = worker.give(open).await;
        let directory = opened.unwrap_or_else(|_| Err(gone(Operation::Open, "")))?;
        Ok(Self { directory: Arc::new(directory), worker })
    }

    /// Has `work` done on the directory's own thread.
    async fn done<T: Send + 'static>(
        &self,
        (operation, name): (Operation, &str),
        work: impl FnOnce(&Blocking) -> Result<T, DirectoryError> + Send + 'static,
    ) -> Result<T, DirectoryError> {
        let directory = Arc::clone(&self.directory);
        let done = self.worker.give(move || work(&directory)).await;
        done.unwrap_or_else(|_| Err(gone(operation, name)))
    }
}

fn worker() -> Result<Worker, DirectoryError> {
    Worker::start().map_err(|error| DirectoryError::new(DirectoryErrorKind::Io, Operation::Open, "").because(error))
}

/// The error of an operation whose thread panicked in it.
fn gone(operation: Operation, name: &str) -> DirectoryError {
    DirectoryError::new(DirectoryErrorKind::Io, operation, name).because("the directory's thread panicked")
}

impl Directory for NativeDirectory {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        self.done((Operation::List, ""), |directory| block_on(directory.list())).await
    }

    async fn list_only(&self, wanted: Wanted) -> Result<Vec<Entry>, DirectoryError> {
        self.done((Operation::List, ""), move |directory| block_on(directory.list_only(wanted))).await
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        let owned = path.to_owned();
        self.done((Operation::Read, path), move |directory| block_on(directory.read(&owned))).await
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        let owned = path.to_owned();
        let read = move |directory: &Blocking| block_on(directory.read_range(&owned, offset, length));
        self.done((Operation::Read, path), read).await
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        self.done((Operation::Create, ""), move |directory| block_on(directory.create(batch))).await
    }

    async fn create_and_list_only(&self, batch: Vec<NewFile>, wanted: Wanted) -> Result<Vec<Entry>, DirectoryError> {
        let both = move |directory: &Blocking| block_on(directory.create_and_list_only(batch, wanted));
        self.done((Operation::Create, ""), both).await
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        let paths = paths.to_owned();
        self.done((Operation::Delete, ""), move |directory| block_on(directory.delete(&paths))).await
    }
}
