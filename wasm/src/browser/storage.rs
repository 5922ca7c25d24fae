//! The storages of the browser's build behind one type, so that there is one manager.

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

/// Calls the same operation of whichever storage it is.
macro_rules! delegate {
    ($self:ident.$operation:ident($($argument:expr),*)) => {
        match $self {
            Storage::IndexedDb(directory) => directory.$operation($($argument),*).await,
            Storage::Memory(directory) => directory.$operation($($argument),*).await,
            Storage::Js(directory) => Directory::$operation(directory, $($argument),*).await,
        }
    };
}

impl Directory for Storage {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        delegate!(self.list())
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        delegate!(self.read(path))
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        delegate!(self.read_range(path, offset, length))
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        delegate!(self.create(batch))
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        delegate!(self.delete(paths))
    }
}
