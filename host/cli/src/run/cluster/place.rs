//! Where a job is: in a directory of the file system, or on an object store.

use std::collections::BTreeSet;
use std::path::Path;

use alluvium_cluster::{NativeStorage, Storage as JobStorage};
use alluvium_core::directory::{Directory, DirectoryError, block_on};
use alluvium_core::job::StoreId;

use crate::failure::Failure;
use crate::storage::{Place, Storage};

/// Where a job is.
#[derive(Debug)]
pub(super) enum JobPlace {
    Files(NativeStorage),
    #[cfg(feature = "object")]
    Store(alluvium_cluster::ObjectStorage),
}

impl JobPlace {
    /// Tells a path from an address.
    pub(super) fn of(job: &Path) -> Result<Self, Failure> {
        match Place::of(job)? {
            Place::Files(path) => Ok(Self::Files(NativeStorage::new(path))),
            #[cfg(feature = "object")]
            Place::Store(url) => {
                alluvium_cluster::ObjectStorage::from_url(url, alluvium_object::ObjectOptions::default())
                    .map(Self::Store)
                    .map_err(|error| Failure::directory(job, &error))
            }
            #[cfg(not(feature = "object"))]
            Place::Store(url) => Err(Storage::without_object_stores(url)),
        }
    }

    /// Returns the job at a path or an address, which must have begun. Nothing is created.
    pub(super) fn existing(job: &Path) -> Result<Self, Failure> {
        let place = Self::of(job)?;
        let none = || Failure::at(job.display(), "there is no job").hint("alluvium cluster run begins one");
        if place.has_begun().map_err(|error| Failure::directory(job, &error))? { Ok(place) } else { Err(none()) }
    }

    fn has_begun(&self) -> Result<bool, DirectoryError> {
        match self {
            Self::Files(files) => Ok(files.log_path().is_dir()),
            #[cfg(feature = "object")]
            Self::Store(store) => Ok(!block_on(store.log()?.list())?.is_empty()),
        }
    }

    /// Tries an object store out before a job begins on it.
    pub(super) fn probe(&self, job: &Path) -> Result<(), Failure> {
        match self {
            Self::Files(_) => Ok(()),
            #[cfg(feature = "object")]
            Self::Store(store) if !self.has_begun().map_err(|error| Failure::directory(job, &error))? => {
                store.probe().map_err(|error| Failure::directory(job, &error))
            }
            #[cfg(feature = "object")]
            Self::Store(_) => Ok(()),
        }
    }
}

impl JobStorage for JobPlace {
    type Directory = Storage;

    fn log(&self) -> Result<Storage, DirectoryError> {
        match self {
            Self::Files(files) => files.log().map(Storage::Files),
            #[cfg(feature = "object")]
            Self::Store(store) => store.log().map(Storage::Object),
        }
    }

    fn part(&self, id: StoreId) -> Result<Storage, DirectoryError> {
        match self {
            Self::Files(files) => files.part(id).map(Storage::Files),
            #[cfg(feature = "object")]
            Self::Store(store) => store.part(id).map(Storage::Object),
        }
    }

    fn output(&self, name: &str) -> Result<Storage, DirectoryError> {
        match self {
            Self::Files(files) => files.output(name).map(Storage::Files),
            #[cfg(feature = "object")]
            Self::Store(store) => store.output(name).map(Storage::Object),
        }
    }

    fn log_to_read(&self) -> Result<Storage, DirectoryError> {
        match self {
            Self::Files(files) => files.log_to_read().map(Storage::Files),
            #[cfg(feature = "object")]
            Self::Store(store) => store.log_to_read().map(Storage::Object),
        }
    }

    fn part_to_read(&self, id: StoreId) -> Result<Storage, DirectoryError> {
        match self {
            Self::Files(files) => files.part_to_read(id).map(Storage::Files),
            #[cfg(feature = "object")]
            Self::Store(store) => store.part_to_read(id).map(Storage::Object),
        }
    }

    fn parts(&self) -> Result<BTreeSet<StoreId>, DirectoryError> {
        match self {
            Self::Files(files) => files.parts(),
            #[cfg(feature = "object")]
            Self::Store(store) => store.parts(),
        }
    }

    fn remove(&self, id: StoreId) -> Result<(), DirectoryError> {
        match self {
            Self::Files(files) => files.remove(id),
            #[cfg(feature = "object")]
            Self::Store(store) => store.remove(id),
        }
    }
}
