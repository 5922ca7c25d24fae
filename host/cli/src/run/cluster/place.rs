//! Where a job is: in a directory of the file system, or on an object store.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use alluvium::NativeDirectory;
use alluvium_cluster::{NativeStorage, Storage as JobStorage};
use alluvium_core::directory::{Directory, DirectoryError, DirectoryErrorKind, Operation, block_on};
use alluvium_core::job::StoreId;

use crate::failure::Failure;
use crate::storage::{Place, Storage};

/// Where a job is.
#[derive(Debug, Clone)]
pub(super) enum JobPlace {
    Files(NativeStorage),
    /// The address of a prefix, without a slash at its end.
    Store(String),
}

impl JobPlace {
    /// Tells a path from an address.
    pub(super) fn of(job: &Path) -> Result<Self, Failure> {
        Ok(match Place::of(job)? {
            Place::Files(path) => Self::Files(NativeStorage::new(path)),
            Place::Store(url) => Self::Store(url.trim_end_matches('/').to_owned()),
        })
    }

    /// Returns the job at a path or an address, which must have begun. Nothing is created.
    pub(super) fn existing(job: &Path) -> Result<Self, Failure> {
        let place = Self::of(job)?;
        let is_there = match &place {
            Self::Files(files) => files.log_path().is_dir(),
            Self::Store(_) => {
                let listed = place.log().and_then(|log| block_on(log.list()));
                !listed.map_err(|error| Failure::directory(job, &error))?.is_empty()
            }
        };
        let none = || Failure::at(job.display(), "there is no job").hint("alluvium cluster run begins one");
        if is_there { Ok(place) } else { Err(none()) }
    }

    /// Tries an object store out before a job begins on it.
    pub(super) fn probe(&self, job: &Path) -> Result<(), Failure> {
        match self {
            Self::Files(_) => Ok(()),
            Self::Store(url) => crate::open::probed(job, &format!("{url}/log")).map(drop),
        }
    }

    fn below(url: &str, name: &str) -> Result<Storage, DirectoryError> {
        let address = format!("{url}/{name}");
        let failed =
            |failure: Failure| DirectoryError::new(DirectoryErrorKind::Io, Operation::Open, &address).because(failure);
        Storage::object(&address).map_err(failed)
    }
}

impl JobStorage for JobPlace {
    type Directory = Storage;

    fn log(&self) -> Result<Arc<Storage>, DirectoryError> {
        Ok(Arc::new(match self {
            Self::Files(files) => Storage::Files(NativeDirectory::create_unlocked(files.log_path())?),
            Self::Store(url) => Self::below(url, "log")?,
        }))
    }

    fn part(&self, id: StoreId) -> Result<Arc<Storage>, DirectoryError> {
        Ok(Arc::new(match self {
            Self::Files(files) => Storage::Files(NativeDirectory::create_unlocked(files.part_path(id))?),
            Self::Store(url) => Self::below(url, &format!("parts/{id}"))?,
        }))
    }

    fn parts(&self) -> Result<BTreeSet<StoreId>, DirectoryError> {
        match self {
            Self::Files(files) => files.parts(),
            Self::Store(url) => {
                let entries = block_on(Self::below(url, "parts")?.list())?;
                let id = |path: &str| path.split('/').next().and_then(|name| name.parse().ok());
                Ok(entries.iter().filter_map(|entry| id(&entry.path)).collect())
            }
        }
    }

    fn remove(&self, id: StoreId) -> Result<(), DirectoryError> {
        match self {
            Self::Files(files) => files.remove(id),
            Self::Store(_) => {
                let part = self.part(id)?;
                let paths: Vec<String> = block_on(part.list())?.into_iter().map(|entry| entry.path).collect();
                block_on(part.delete(&paths))
            }
        }
    }
}
