//! The crash certificate of core over a store in memory whose requests fail from one on.

use std::fmt;
use std::sync::{Arc, Mutex};

use alluvium_core::directory::testing::crash_certificate::{Storage, certify};
use alluvium_core::directory::{DirectoryError, block_on};
use alluvium_object::object_store::memory::InMemory;
use alluvium_object::object_store::path::Path;
use alluvium_object::object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use alluvium_object::{ObjectDirectory, ObjectOptions};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

/// A request that changes something.
#[derive(Debug, Clone)]
enum Change {
    Put(Path, PutPayload, PutOptions),
    Delete(Path),
}

/// A store in memory. Each request is a step.
#[derive(Debug)]
struct Failing {
    objects: InMemory,
    power: Arc<Mutex<Power>>,
}

#[derive(Debug, Default)]
struct Power {
    /// Requests until the power fails. `None` means that it never fails.
    left: Option<u64>,
    /// Changes that were on their way when it failed. Each may have arrived.
    on_the_way: Vec<Change>,
}

impl Power {
    fn step(&mut self, change: Option<Change>) -> Result<()> {
        match &mut self.left {
            Some(0) => {
                self.on_the_way.extend(change);
                Err(Error::Generic { store: "failing", source: "the power has failed".into() })
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Failing {
    fn step(&self, change: Option<Change>) -> Result<()> {
        self.power.lock().unwrap().step(change)
    }

    /// Returns the state in which these changes have arrived.
    fn with(&self, arrived: &[Change]) -> FailingStorage {
        let objects = self.objects.fork();
        for change in arrived.iter().cloned() {
            // It may be refused, as the original would have been.
            match change {
                Change::Put(path, content, options) => drop(block_on(objects.put_opts(&path, content, options))),
                Change::Delete(path) => drop(block_on(objects.delete(&path))),
            }
        }
        FailingStorage(Arc::new(Self { objects, power: Arc::default() }))
    }
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failing")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Failing {
    async fn put_opts(&self, path: &Path, content: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.step(Some(Change::Put(path.clone(), content.clone(), options.clone())))?;
        self.objects.put_opts(path, content, options).await
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.step(None)?;
        self.objects.get_opts(path, options).await
    }

    /// Each is a request of its own here, so that a failure may come between them.
    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let power = Arc::clone(&self.power);
        let paths = paths.map(move |path| {
            let path = path?;
            power.lock().unwrap().step(Some(Change::Delete(path.clone())))?;
            Ok(path)
        });
        let objects = self.objects.clone();
        let deleted = paths.then(move |path: Result<Path>| {
            let objects = objects.clone();
            async move {
                let path = path?;
                objects.delete(&path).await?;
                Ok(path)
            }
        });
        deleted.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.step(None) {
            Ok(()) => self.objects.list(prefix),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, options).await
    }
}

struct FailingStorage(Arc<Failing>);

impl Storage for FailingStorage {
    type Handle<'a> = ObjectDirectory;

    async fn open(&self) -> std::result::Result<ObjectDirectory, DirectoryError> {
        ObjectDirectory::over(self.0.clone(), "certified", ObjectOptions::default())
    }

    fn fail_after(&self, steps: u64) {
        self.0.power.lock().unwrap().left = Some(steps);
    }

    fn has_failed(&self) -> bool {
        self.0.power.lock().unwrap().left == Some(0)
    }

    /// Nothing of what was on the way has arrived, each of it alone, or all of it.
    fn after_failure(&self, _seed: u64) -> Vec<Self> {
        let on_the_way = self.0.power.lock().unwrap().on_the_way.clone();
        let alone = on_the_way.iter().map(|change| self.0.with(std::slice::from_ref(change)));
        let alone: Vec<_> = alone.collect();
        alone.into_iter().chain([self.0.with(&[]), self.0.with(&on_the_way)]).collect()
    }
}

#[test]
fn the_contract_is_kept_wherever_requests_fail() {
    let new = || FailingStorage(Arc::new(Failing { objects: InMemory::new(), power: Arc::default() }));
    let checked = block_on(certify(new)).assert();
    assert!(checked > 100, "{checked} states");
}
