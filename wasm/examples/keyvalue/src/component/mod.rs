//! The exports.

mod batch;
mod files;
mod probe;
mod store;

use std::cell::RefCell;
use std::rc::Rc;

use crate::keys::Place;
use batch::Pending;
use bindings::exports::alluvium::checkpoint::directory as wit;
use files::Files;
use store::Store;
use wit::Error;

/// The bindings that wit-bindgen generates.
mod bindings {
    #![allow(missing_docs, unused_qualifications, unreachable_pub, clippy::all, clippy::pedantic)]

    wit_bindgen::generate!({
        inline: "
            package alluvium:keyvalue;
            world provider {
                import wasi:keyvalue/store@0.2.0-draft;
                import wasi:keyvalue/atomics@0.2.0-draft;
                import wasi:keyvalue/batch@0.2.0-draft;
                export alluvium:checkpoint/directory@0.2.0;
            }
        ",
        path: ["wit", "../../wit"],
        world: "alluvium:keyvalue/provider",
        generate_all,
    });

    use super::Provider;
    export!(Provider);
}

/// Implements the exports of the world.
struct Provider;

/// The most entries of a page.
const PAGE_ENTRIES: usize = 4_096;

/// The most bytes that one call reads.
const READ_BYTES: u32 = 8 << 20;

/// The most paths that one call deletes.
const DELETED_AT_ONCE: usize = 1_024;

/// What is said unless the user trusts the store.
const WEAKER: [&str; 2] = [
    "wasi:keyvalue does not promise that a write survives a crash: checkpoints may be lost",
    "wasi:keyvalue does not promise that other clients see a write at once: an engine that opens the directory may miss \
     the newest checkpoints, and two writers may both succeed",
];

impl wit::Guest for Provider {
    type Batch = RefCell<Pending>;
    type Directory = Directory;
    type Listing = Listing;
}

/// An open directory.
struct Directory(Rc<Files>);

/// What is left of a listing.
struct Listing(RefCell<Vec<wit::Entry>>);

impl wit::GuestListing for Listing {
    fn next(&self) -> Result<Vec<wit::Entry>, Error> {
        let mut left = self.0.borrow_mut();
        let rest = left.len().saturating_sub(PAGE_ENTRIES);
        Ok(left.split_off(rest))
    }
}

impl wit::GuestDirectory for Directory {
    fn open(name: Option<String>) -> Result<wit::Directory, Error> {
        let place = Place::parse(name.as_deref().unwrap_or_default()).map_err(Error::Invalid)?;
        let files = Files::open(Store::open(place)?)?;
        Ok(wit::Directory::new(Directory(Rc::new(files))))
    }

    fn weaker_promises(&self) -> Vec<String> {
        if self.0.store.place.is_trusted { Vec::new() } else { WEAKER.map(str::to_owned).to_vec() }
    }

    fn list(&self) -> Result<wit::Listing, Error> {
        let entries = self.0.list()?;
        Ok(wit::Listing::new(Listing(RefCell::new(entries))))
    }

    fn read(&self, path: String, offset: u64, length: u32) -> Result<wit::Part, Error> {
        if length > READ_BYTES {
            return Err(Error::Invalid(format!("{length} bytes are more than {READ_BYTES}")));
        }
        let mut file = self.0.find(&path)?;
        loop {
            let end = file.bytes.min(offset.saturating_add(u64::from(length)));
            if let Some(content) = self.0.store.read(&path, file.count, offset.min(end)..end)? {
                return Ok(wit::Part { file_bytes: file.bytes, bytes: content });
            }
            // Another writer may have deleted the file since it was listed, or have created it again.
            match self.0.look_up(&path)? {
                None => return Err(Error::NotFound(path)),
                Some(found) if found == file => return Err(Error::Io(format!("{path}: parts of it are missing"))),
                Some(found) => file = found,
            }
        }
    }

    fn create(&self) -> wit::Batch {
        wit::Batch::new(RefCell::new(Pending::new(Rc::clone(&self.0))))
    }

    fn delete(&self, paths: Vec<String>) -> Result<(), Error> {
        if paths.len() > DELETED_AT_ONCE {
            return Err(Error::Invalid(format!("{} paths are more than {DELETED_AT_ONCE}", paths.len())));
        }
        self.0.delete(&paths)
    }
}

impl wit::GuestBatch for RefCell<Pending> {
    fn add(&self, path: String) -> Result<(), Error> {
        self.borrow_mut().add(path)
    }

    fn write(&self, bytes: Vec<u8>) -> Result<(), Error> {
        self.borrow_mut().write(&bytes)
    }

    fn commit(batch: wit::Batch) -> Result<(), Error> {
        batch.into_inner::<RefCell<Pending>>().into_inner().commit()
    }
}
