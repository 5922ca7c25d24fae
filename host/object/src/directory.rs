//! The directory over a store.

use std::fmt;
use std::sync::Arc;

use alluvium_core::directory::{
    Directory, DirectoryError, DirectoryErrorKind, Entry, EntryKind, NewFile, Operation, Wanted, only_wanted,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{Error, ObjectStore};

use crate::address::Address;
use crate::background::Background;
use crate::error::directory_error;
use crate::options::ObjectOptions;
use crate::probe::{self, PROBE};
use crate::store::{InParts, Store};
use crate::{create, read};

/// A directory of immutable files on an object store: each file is an object below a prefix.
///
/// Requests run on a thread of the directory, so a caller needs no runtime, and may be in one. Many threads may share
/// the directory.
///
/// ```
/// use std::sync::Arc;
/// use alluvium_core::directory::{Directory, NewFile, block_on};
/// use alluvium_object::{ObjectDirectory, ObjectOptions};
/// use alluvium_object::object_store::memory::InMemory;
///
/// let directory = ObjectDirectory::over(Arc::new(InMemory::new()), "checkpoints", ObjectOptions::default())?;
/// block_on(directory.probe())?;              // refuses a store on which two writers could overwrite each other
/// block_on(directory.create(vec![NewFile { path: "segments/1".into(), content: b"sediment".to_vec() }]))?;
/// assert_eq!(block_on(directory.read_range("segments/1", 4, 4))?, b"ment");
/// # Ok::<(), alluvium_core::directory::DirectoryError>(())
/// ```
pub struct ObjectDirectory {
    store: Arc<Store>,
    background: Arc<Background>,
    name: String,
}

impl ObjectDirectory {
    /// Opens the directory at an address: `s3://BUCKET/PREFIX`, `file:///PATH`, and with the features `gcp` and `azure`
    /// `gs://BUCKET/PREFIX` and `az://CONTAINER/PREFIX`.
    ///
    /// Credentials, region and endpoint come from the environment (`AWS_…`, `GOOGLE_…`, `AZURE_…`) or from
    /// [`with_variable`](ObjectOptions::with_variable). No request is made:
    /// call [`probe`](Self::probe) before a directory is used for the first time. `?multipart=off` behind the prefix
    /// stands for [`multipart_bytes`](ObjectOptions::multipart_bytes) of `None`.
    pub fn from_url(url: &str, options: ObjectOptions) -> Result<Self, DirectoryError> {
        Address::parse(url)?.open(options)
    }

    /// Opens a directory over any store, below a prefix of it. Files are never uploaded in parts then.
    pub fn over(store: Arc<dyn ObjectStore>, prefix: &str, options: ObjectOptions) -> Result<Self, DirectoryError> {
        let name = format!("{store}/{prefix}");
        let invalid = |error| DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Open, prefix).because(error);
        Self::new(store, None, Path::parse(prefix).map_err(invalid)?, options, name)
    }

    pub(crate) fn new(
        objects: Arc<dyn ObjectStore>,
        in_parts: Option<InParts>,
        prefix: Path,
        options: ObjectOptions,
        name: String,
    ) -> Result<Self, DirectoryError> {
        let failed = |error| DirectoryError::new(DirectoryErrorKind::Io, Operation::Open, &name).because(error);
        let background = Arc::new(Background::start().map_err(failed)?);
        let store = Arc::new(Store::new(objects, in_parts, prefix, options)?);
        Ok(Self { store, background, name })
    }

    /// Returns the directory at a prefix below this one. It has the thread, the connections and the options of this one.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use alluvium_core::directory::{Directory, NewFile, block_on};
    /// use alluvium_object::{ObjectDirectory, ObjectOptions};
    /// use alluvium_object::object_store::memory::InMemory;
    ///
    /// let job = ObjectDirectory::over(Arc::new(InMemory::new()), "job", ObjectOptions::default())?;
    /// let log = job.below("log")?;
    /// block_on(log.create(vec![NewFile { path: "a".into(), content: vec![1] }]))?;
    /// assert_eq!(block_on(job.read("log/a"))?, [1]);
    /// # Ok::<(), alluvium_core::directory::DirectoryError>(())
    /// ```
    pub fn below(&self, name: &str) -> Result<Self, DirectoryError> {
        let store = Arc::new(self.store.below(name)?);
        Ok(Self { store, background: Arc::clone(&self.background), name: format!("{}/{name}", self.name) })
    }

    /// Finds out whether the store keeps the contract, and refuses it with [`DirectoryErrorKind::Unsupported`] if it does
    /// not.
    ///
    /// The probe creates a file twice, lets 16 creators race for a name, uploads a file in parts over an existing one, reads
    /// back, lists, and deletes what it created. It makes about 40 requests. If it is interrupted, what is left is listed
    /// as [`EntryKind::Temporary`], and garbage collection deletes it.
    pub async fn probe(&self) -> Result<(), DirectoryError> {
        let (store, name) = (Arc::clone(&self.store), self.name.clone());
        self.background.run(Operation::Open, async move { probe::probe(&store, &name).await }).await
    }

    /// Returns the address, without anything secret.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for ObjectDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectDirectory").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Directory for ObjectDirectory {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        let store = Arc::clone(&self.store);
        self.background.run(Operation::List, list(store)).await
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        let (store, path) = (Arc::clone(&self.store), path.to_owned());
        self.background.run(Operation::Read, read::read(store, path)).await
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        let (store, path) = (Arc::clone(&self.store), path.to_owned());
        self.background.run(Operation::Read, read::read_range(store, path, offset, length)).await
    }

    async fn read_at_most(&self, path: &str, bytes: u64) -> Result<Option<Vec<u8>>, DirectoryError> {
        let (store, path) = (Arc::clone(&self.store), path.to_owned());
        self.background.run(Operation::Read, read::read_at_most(store, path, bytes)).await
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        let store = Arc::clone(&self.store);
        self.background.run(Operation::Create, create::create(store, batch)).await
    }

    async fn create_unordered_and_list_only(
        &self,
        batch: Vec<NewFile>,
        wanted: Wanted,
    ) -> Result<Vec<Entry>, DirectoryError> {
        let store = Arc::clone(&self.store);
        let created = self.background.run(Operation::Create, create::create_unordered_and_list(store, batch));
        Ok(only_wanted(created.await?, wanted))
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        let (store, paths) = (Arc::clone(&self.store), paths.to_vec());
        self.background.run(Operation::Delete, delete(store, paths)).await
    }
}

/// Lists every object below the prefix. A store lists up to 1,000 of them with one request.
pub(crate) async fn list(store: Arc<Store>) -> Result<Vec<Entry>, DirectoryError> {
    let objects = store.objects.list(store.prefix()).try_collect::<Vec<_>>().await;
    let objects = objects.map_err(|error| directory_error(&error, Operation::List, ""))?;
    let entry = |object: object_store::ObjectMeta| {
        let path = store.name(&object.location)?;
        let kind = if path.starts_with(PROBE) { EntryKind::Temporary } else { EntryKind::File };
        Some(Entry { path, bytes: object.size, kind })
    };
    let mut entries: Vec<_> = objects.into_iter().filter_map(entry).collect();
    entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

/// Deletes objects, on S3 up to 1,000 with one request.
pub(crate) async fn delete(store: Arc<Store>, paths: Vec<String>) -> Result<(), DirectoryError> {
    let objects: Result<Vec<_>, _> = paths.iter().map(|name| store.path(name, Operation::Delete)).collect();
    let objects = objects?;
    let deleted = store.objects.delete_stream(stream::iter(objects.into_iter().map(Ok)).boxed());
    // One that cannot be deleted keeps none of the others.
    let results: Vec<_> = deleted.collect().await;
    let mut failed =
        results.into_iter().filter_map(Result::err).filter(|error| !matches!(error, Error::NotFound { .. }));
    match failed.next() {
        None => Ok(()),
        Some(error) => Err(directory_error(&error, Operation::Delete, "")),
    }
}
