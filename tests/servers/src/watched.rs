//! A store in memory that counts requests and round trips, and that can have a fault.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// So long a request takes. Requests that are made together are on their way together.
const ON_THE_WAY: Duration = Duration::from_millis(20);

/// How a store is wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// It is right.
    None,
    /// A creation replaces what is there.
    Overwrites,
    /// A creation checks whether the name is free, and writes later.
    ChecksFirst,
    /// A listing is empty.
    ListsNothing,
    /// A deletion does nothing.
    DeletesNothing,
    /// A creation succeeds, but the answer says that the name is taken, as after a retry.
    LosesAnswers,
    /// The first creation of a name is refused because of another one that fails then.
    Conflicts,
}

/// What was counted.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Counts {
    /// Creations.
    pub puts: u64,
    /// Reads.
    pub gets: u64,
    /// Listings.
    pub lists: u64,
    /// Requests that delete.
    pub deletes: u64,
    /// The length of the longest chain of requests, each of which began after the one before it had ended.
    pub trips: u64,
}

impl Counts {
    /// Returns both, one after the other.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self { trips: self.trips + next.trips, ..self.alongside(next) }
    }

    /// Returns both, at the same time.
    #[must_use]
    pub fn alongside(self, other: Self) -> Self {
        Self {
            puts: self.puts + other.puts,
            gets: self.gets + other.gets,
            lists: self.lists + other.lists,
            deletes: self.deletes + other.deletes,
            trips: self.trips.max(other.trips),
        }
    }
}

/// The store.
#[derive(Debug)]
pub struct Watched {
    objects: InMemory,
    /// How long a request takes.
    delay: Duration,
    fault: Fault,
    counts: Arc<Mutex<Counts>>,
    refused: Mutex<Vec<Path>>,
}

impl Watched {
    /// Returns an empty store.
    pub fn with(fault: Fault) -> Self {
        Self { objects: InMemory::new(), delay: ON_THE_WAY, fault, counts: Arc::default(), refused: Mutex::default() }
    }

    /// Returns an empty store that is right and answers at once, to count requests and not round trips.
    pub fn without_delay() -> Self {
        Self { delay: Duration::ZERO, ..Self::with(Fault::None) }
    }

    /// Counts again what was taken.
    pub fn add_counts(&self, taken: Counts) {
        let mut counts = self.counts();
        *counts = taken.then(*counts);
    }

    /// Returns what was counted since this was last asked.
    pub fn take_counts(&self) -> Counts {
        std::mem::take(&mut *self.counts())
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap()
    }

    /// Makes a request that begins now: it is one trip behind those that have ended.
    fn request<T, R: Future<Output = T>>(
        &self,
        count: fn(&mut Counts) -> &mut u64,
        request: R,
    ) -> impl Future<Output = T> + use<T, R> {
        let counts = Arc::clone(&self.counts);
        let trips = {
            let mut counts = counts.lock().unwrap();
            *count(&mut counts) += 1;
            counts.trips + 1
        };
        let delay = self.delay;
        async move {
            tokio::time::sleep(delay).await;
            let answer = request.await;
            let mut counts = counts.lock().unwrap();
            counts.trips = counts.trips.max(trips);
            answer
        }
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("watched")
    }
}

fn taken(path: &Path) -> Error {
    Error::AlreadyExists { path: path.to_string(), source: "it is taken".into() }
}

#[async_trait::async_trait]
impl ObjectStore for Watched {
    async fn put_opts(&self, path: &Path, content: PutPayload, mut options: PutOptions) -> Result<PutResult> {
        if self.fault == Fault::Overwrites {
            options.mode = PutMode::Overwrite;
        }
        if self.fault == Fault::ChecksFirst {
            let head = GetOptions { head: true, ..GetOptions::default() };
            if self.objects.get_opts(path, head).await.is_ok() {
                return Err(taken(path));
            }
            options.mode = PutMode::Overwrite;
        }
        if self.fault == Fault::Conflicts && !self.refused.lock().unwrap().contains(path) {
            self.refused.lock().unwrap().push(path.clone());
            return Err(taken(path));
        }
        let put = self.request(|counts| &mut counts.puts, self.objects.put_opts(path, content, options));
        let put = put.await?;
        if self.fault == Fault::LosesAnswers { Err(taken(path)) } else { Ok(put) }
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.request(|counts| &mut counts.gets, self.objects.get_opts(path, options)).await
    }

    /// As S3 does: up to 1,000 with one request.
    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        if self.fault == Fault::DeletesNothing {
            return paths;
        }
        let deleted = self.objects.delete_stream(paths).collect::<Vec<_>>();
        let request = self.request(|counts| &mut counts.deletes, deleted);
        request.map(futures_util::stream::iter).into_stream().flatten().boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let listed = self.objects.list(prefix).try_collect::<Vec<_>>();
        let is_empty = self.fault == Fault::ListsNothing;
        let listed = self.request(|counts| &mut counts.lists, listed).map(move |listed| match listed {
            _ if is_empty => Vec::new(),
            Ok(listed) => listed.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        });
        listed.map(futures_util::stream::iter).into_stream().flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, options).await
    }
}
