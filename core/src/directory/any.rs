//! One type for any directory.
//!
//! The engine is generic over its directory, so the compiler generates it once for each type. A program
//! that uses several kinds of directories and must be small, such as a web page, can use this type
//! instead.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use crate::directory::contract::{Directory, Entry, NewFile, Wanted};
use crate::directory::error::DirectoryError;

/// The future of an operation: it is on the heap, and its type is the same for every directory.
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, DirectoryError>> + 'a>>;

trait Erased {
    fn list(&self) -> Answer<'_, Vec<Entry>>;
    fn list_only(&self, wanted: Wanted) -> Answer<'_, Vec<Entry>>;
    fn read<'a>(&'a self, path: &'a str) -> Answer<'a, Vec<u8>>;
    fn read_range<'a>(&'a self, path: &'a str, offset: u64, length: usize) -> Answer<'a, Vec<u8>>;
    fn create(&self, batch: Vec<NewFile>) -> Answer<'_, ()>;
    fn create_and_list(&self, batch: Vec<NewFile>) -> Answer<'_, Vec<Entry>>;
    fn create_and_list_only(&self, batch: Vec<NewFile>, wanted: Wanted) -> Answer<'_, Vec<Entry>>;
    fn read_at_most<'a>(&'a self, path: &'a str, bytes: u64) -> Answer<'a, Option<Vec<u8>>>;
    fn delete<'a>(&'a self, paths: &'a [String]) -> Answer<'a, ()>;
    fn pause(&self) -> Pin<Box<dyn Future<Output = ()> + '_>>;
}

impl<D: Directory> Erased for D {
    fn list(&self) -> Answer<'_, Vec<Entry>> {
        Box::pin(Directory::list(self))
    }
    fn list_only(&self, wanted: Wanted) -> Answer<'_, Vec<Entry>> {
        Box::pin(Directory::list_only(self, wanted))
    }
    fn read<'a>(&'a self, path: &'a str) -> Answer<'a, Vec<u8>> {
        Box::pin(Directory::read(self, path))
    }
    fn read_range<'a>(&'a self, path: &'a str, offset: u64, length: usize) -> Answer<'a, Vec<u8>> {
        Box::pin(Directory::read_range(self, path, offset, length))
    }
    fn create(&self, batch: Vec<NewFile>) -> Answer<'_, ()> {
        Box::pin(Directory::create(self, batch))
    }
    fn create_and_list(&self, batch: Vec<NewFile>) -> Answer<'_, Vec<Entry>> {
        Box::pin(Directory::create_and_list(self, batch))
    }
    fn create_and_list_only(&self, batch: Vec<NewFile>, wanted: Wanted) -> Answer<'_, Vec<Entry>> {
        Box::pin(Directory::create_and_list_only(self, batch, wanted))
    }
    fn read_at_most<'a>(&'a self, path: &'a str, bytes: u64) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(Directory::read_at_most(self, path, bytes))
    }
    fn delete<'a>(&'a self, paths: &'a [String]) -> Answer<'a, ()> {
        Box::pin(Directory::delete(self, paths))
    }
    fn pause(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(Directory::pause(self))
    }
}

/// A directory of any kind. Clones refer to the same directory.
///
/// It is meant for a single thread: its futures are not `Send`.
///
/// ```
/// use alluvium_core::directory::{AnyDirectory, Directory, MemoryDirectory, block_on};
///
/// let directory = AnyDirectory::new(MemoryDirectory::new());
/// assert!(block_on(directory.list())?.is_empty());
/// # Ok::<(), alluvium_core::directory::DirectoryError>(())
/// ```
#[derive(Clone)]
pub struct AnyDirectory<'d>(Rc<dyn Erased + 'd>);

impl<'d> AnyDirectory<'d> {
    /// Wraps a directory.
    pub fn new(directory: impl Directory + 'd) -> Self {
        Self(Rc::new(directory))
    }

    /// Wraps a directory that the caller keeps a reference to.
    pub fn shared(directory: Rc<impl Directory + 'd>) -> Self {
        Self(directory)
    }
}

impl fmt::Debug for AnyDirectory<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyDirectory")
    }
}

impl Directory for AnyDirectory<'_> {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        self.0.list().await
    }
    async fn list_only(&self, wanted: Wanted) -> Result<Vec<Entry>, DirectoryError> {
        self.0.list_only(wanted).await
    }
    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        self.0.read(path).await
    }
    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        self.0.read_range(path, offset, length).await
    }
    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        self.0.create(batch).await
    }
    async fn create_and_list(&self, batch: Vec<NewFile>) -> Result<Vec<Entry>, DirectoryError> {
        self.0.create_and_list(batch).await
    }
    async fn create_and_list_only(&self, batch: Vec<NewFile>, wanted: Wanted) -> Result<Vec<Entry>, DirectoryError> {
        self.0.create_and_list_only(batch, wanted).await
    }
    async fn read_at_most(&self, path: &str, bytes: u64) -> Result<Option<Vec<u8>>, DirectoryError> {
        self.0.read_at_most(path, bytes).await
    }
    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        self.0.delete(paths).await
    }
    async fn pause(&self) {
        self.0.pause().await;
    }
}
