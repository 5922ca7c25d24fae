//! The storages of the browser's build behind one type, so that there is one manager.

use std::pin::Pin;
use std::rc::Rc;

use alluvium_core::directory::{Directory, DirectoryError, Entry, MemoryDirectory, NewFile};

use super::indexed_db::IndexedDbDirectory;
use super::js_directory::JsDirectory;

/// Where files are kept.
#[derive(Debug)]
pub enum Storage {
    /// In `IndexedDB`.
    IndexedDb(IndexedDbDirectory),
    /// In memory, for as long as somebody holds it.
    Memory(Rc<MemoryDirectory>),
    /// By JavaScript.
    Js(JsDirectory),
}

/// What an operation of any storage gives. On the heap, and behind one type: otherwise the compiler
/// writes all three storages into every operation of the engine that touches files.
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, DirectoryError>> + 'a>>;

/// Calls the same operation of whichever storage it is.
macro_rules! delegate {
    ($self:ident.$operation:ident($($argument:expr),*)) => {
        match $self {
            Storage::IndexedDb(directory) => Box::pin(Directory::$operation(directory, $($argument),*)),
            Storage::Memory(directory) => Box::pin(Directory::$operation(&**directory, $($argument),*)),
            Storage::Js(directory) => Box::pin(Directory::$operation(directory, $($argument),*)),
        }
    };
}

impl Storage {
    #[inline(never)]
    fn list_any(&self) -> Answer<'_, Vec<Entry>> {
        delegate!(self.list())
    }

    #[inline(never)]
    fn read_any<'a>(&'a self, path: &'a str) -> Answer<'a, Vec<u8>> {
        delegate!(self.read(path))
    }

    #[inline(never)]
    fn read_range_any<'a>(&'a self, path: &'a str, offset: u64, length: usize) -> Answer<'a, Vec<u8>> {
        delegate!(self.read_range(path, offset, length))
    }

    #[inline(never)]
    fn create_any(&self, batch: Vec<NewFile>) -> Answer<'_, ()> {
        delegate!(self.create(batch))
    }

    #[inline(never)]
    fn delete_any<'a>(&'a self, paths: &'a [String]) -> Answer<'a, ()> {
        delegate!(self.delete(paths))
    }
}

impl Directory for Storage {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        self.list_any().await
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        self.read_any(path).await
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        self.read_range_any(path, offset, length).await
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        self.create_any(batch).await
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        self.delete_any(paths).await
    }
}
