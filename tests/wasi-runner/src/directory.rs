//! The interface `alluvium:checkpoint/directory` over any [`Directory`] of core's.

use std::sync::Arc;

use alluvium_core::directory::{Directory, DirectoryError, DirectoryErrorKind, Entry, EntryKind, NewFile, block_on};
use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

/// The interface, from the host's side.
#[allow(missing_docs, clippy::pedantic, unused_qualifications, unreachable_pub, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wasm/wit",
        world: "engine-on-directory",
        imports: { default: trappable },
        with: {
            "alluvium:checkpoint/directory.batch": super::Batch,
            "alluvium:checkpoint/directory.directory": super::Opened,
            "alluvium:checkpoint/directory.listing": super::Listing,
        },
    });
}

use bindings::alluvium::checkpoint::directory as wit;

/// The most entries of a page.
const PAGE_ENTRIES: usize = 4_096;

/// The most bytes that one call reads.
const READ_BYTES: u32 = 8 << 20;

/// The most bytes that one call writes.
const WRITE_BYTES: usize = 1 << 20;

/// The most paths that one call deletes.
const DELETED_AT_ONCE: usize = 1_024;

/// The calls of a directory, for a host that waits for them.
trait Files: Send + Sync {
    fn list(&self) -> Result<Vec<Entry>, DirectoryError>;
    fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError>;
    fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError>;
    fn delete(&self, paths: &[String]) -> Result<(), DirectoryError>;
}

impl<D: Directory + Send + Sync> Files for D {
    fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        block_on(Directory::list(self))
    }
    fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        block_on(Directory::read(self, path))
    }
    fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        block_on(Directory::create(self, batch))
    }
    fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        block_on(Directory::delete(self, paths))
    }
}

/// An open directory, and what it cannot promise.
#[derive(Clone)]
pub struct Opened {
    files: Arc<dyn Files>,
    weaker_promises: Vec<String>,
}

impl Opened {
    /// Wraps a directory.
    pub fn new(directory: Arc<impl Directory + Send + Sync + 'static>, weaker_promises: Vec<String>) -> Self {
        Self { files: directory, weaker_promises }
    }
}

/// What is left of a listing.
pub struct Listing(Vec<Entry>);

/// A batch that was not committed yet.
pub struct Batch {
    files: Arc<dyn Files>,
    new: Vec<NewFile>,
}

/// Opens the directory of a name, or returns none if there is no such directory.
pub type Open = Arc<dyn Fn(Option<&str>) -> Option<Opened> + Send + Sync>;

/// What the calls need of a store's data.
pub struct View<'a> {
    /// Where the resources are.
    pub table: &'a mut ResourceTable,
    /// Which directories there are.
    pub open: &'a Open,
}

struct HasView;

impl HasData for HasView {
    type Data<'a> = View<'a>;
}

/// Adds the interface to a linker.
pub fn add_to_linker<T: 'static>(linker: &mut Linker<T>, view: fn(&mut T) -> View<'_>) -> Result<()> {
    wit::add_to_linker::<_, HasView>(linker, view)
}

fn error(error: &DirectoryError) -> wit::Error {
    let text = error.to_string();
    match error.kind() {
        DirectoryErrorKind::NotFound => wit::Error::NotFound(text),
        DirectoryErrorKind::AlreadyExists => wit::Error::AlreadyExists(error.name().to_owned()),
        DirectoryErrorKind::NoSpace => wit::Error::NoSpace(text),
        DirectoryErrorKind::Fenced => wit::Error::Fenced(text),
        DirectoryErrorKind::Invalid | DirectoryErrorKind::OutOfRange => wit::Error::Invalid(text),
        DirectoryErrorKind::Unsupported => wit::Error::Unsupported(text),
        _ => wit::Error::Io(text),
    }
}

fn beyond(what: &str) -> wit::Error {
    wit::Error::Invalid(format!("more {what} than one call may carry"))
}

impl wit::Host for View<'_> {}

impl wit::HostListing for View<'_> {
    fn next(&mut self, listing: Resource<Listing>) -> Result<Result<Vec<wit::Entry>, wit::Error>> {
        let Listing(left) = self.table.get_mut(&listing)?;
        let page = left.drain(..left.len().min(PAGE_ENTRIES)).map(|Entry { path, bytes, kind }| {
            let kind = match kind {
                EntryKind::File => wit::EntryKind::File,
                EntryKind::EmptyDirectory => wit::EntryKind::EmptyDirectory,
                EntryKind::Temporary => wit::EntryKind::Temporary,
                EntryKind::Other => wit::EntryKind::Other,
            };
            wit::Entry { path, bytes, kind }
        });
        Ok(Ok(page.collect()))
    }

    fn drop(&mut self, listing: Resource<Listing>) -> Result<()> {
        self.table.delete(listing)?;
        Ok(())
    }
}

impl wit::HostBatch for View<'_> {
    fn add(&mut self, batch: Resource<Batch>, path: String) -> Result<Result<(), wit::Error>> {
        self.table.get_mut(&batch)?.new.push(NewFile { path, content: Vec::new() });
        Ok(Ok(()))
    }

    fn write(&mut self, batch: Resource<Batch>, bytes: Vec<u8>) -> Result<Result<(), wit::Error>> {
        if bytes.len() > WRITE_BYTES {
            return Ok(Err(beyond("bytes")));
        }
        let Some(file) = self.table.get_mut(&batch)?.new.last_mut() else {
            return Ok(Err(wit::Error::Invalid("no file was begun".to_owned())));
        };
        file.content.extend_from_slice(&bytes);
        Ok(Ok(()))
    }

    fn commit(&mut self, batch: Resource<Batch>) -> Result<Result<(), wit::Error>> {
        let Batch { files, new } = self.table.delete(batch)?;
        Ok(files.create(new).map_err(|failed| error(&failed)))
    }

    fn drop(&mut self, batch: Resource<Batch>) -> Result<()> {
        self.table.delete(batch)?;
        Ok(())
    }
}

impl wit::HostDirectory for View<'_> {
    fn open(&mut self, name: Option<String>) -> Result<Result<Resource<Opened>, wit::Error>> {
        match (self.open)(name.as_deref()) {
            Some(opened) => Ok(Ok(self.table.push(opened)?)),
            None => Ok(Err(wit::Error::NotFound(format!("there is no directory {name:?}")))),
        }
    }

    fn weaker_promises(&mut self, directory: Resource<Opened>) -> Result<Vec<String>> {
        Ok(self.table.get(&directory)?.weaker_promises.clone())
    }

    fn list(&mut self, directory: Resource<Opened>) -> Result<Result<Resource<Listing>, wit::Error>> {
        match self.table.get(&directory)?.files.list() {
            Ok(entries) => Ok(Ok(self.table.push(Listing(entries))?)),
            Err(why) => Ok(Err(error(&why))),
        }
    }

    fn read(
        &mut self,
        directory: Resource<Opened>,
        path: String,
        offset: u64,
        length: u32,
    ) -> Result<Result<wit::Part, wit::Error>> {
        if length > READ_BYTES {
            return Ok(Err(beyond("bytes")));
        }
        let content = match self.table.get(&directory)?.files.read(&path) {
            Ok(content) => content,
            Err(why) => return Ok(Err(error(&why))),
        };
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        let end = start.saturating_add(length as usize).min(content.len());
        Ok(Ok(wit::Part { file_bytes: content.len() as u64, bytes: content[start..end].to_vec() }))
    }

    fn create(&mut self, directory: Resource<Opened>) -> Result<Resource<Batch>> {
        let files = Arc::clone(&self.table.get(&directory)?.files);
        Ok(self.table.push(Batch { files, new: Vec::new() })?)
    }

    fn delete(&mut self, directory: Resource<Opened>, paths: Vec<String>) -> Result<Result<(), wit::Error>> {
        if paths.len() > DELETED_AT_ONCE {
            return Ok(Err(beyond("paths")));
        }
        Ok(self.table.get(&directory)?.files.delete(&paths).map_err(|failed| error(&failed)))
    }

    fn drop(&mut self, directory: Resource<Opened>) -> Result<()> {
        self.table.delete(directory)?;
        Ok(())
    }
}
