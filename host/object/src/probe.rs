//! Whether a store keeps the contract of a directory.

use std::sync::Arc;

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use crate::create::put_in_parts;
use crate::directory::{delete, list};
use crate::error::{directory_error, is_taken};
use crate::store::{InParts, Store};

/// The names of the probe's files begin with this. It is no name of the contract, so no checkpoint has such a file.
pub(crate) const PROBE: &str = ".alluvium-probe-";

/// How many creators race for a name.
const CREATORS: usize = 16;

/// What each creator writes differs, also in length.
fn content(creator: usize) -> Bytes {
    Bytes::from(vec![b'a' + u8::try_from(creator).unwrap_or(0); creator + 1])
}

/// Tries the store out, and deletes what that left.
pub(crate) async fn probe(store: &Arc<Store>, url: &str) -> Result<(), DirectoryError> {
    let mark = store.new_mark();
    let names: Vec<String> = ["twice", "race", "parts"].iter().map(|test| format!("{PROBE}{mark}-{test}")).collect();
    let probed = Probe { store, url }.run(&names).await;
    let deleted = delete(Arc::clone(store), names.clone()).await;
    probed?;
    deleted?;
    let left = list(Arc::clone(store)).await?;
    match left.iter().find(|entry| names.contains(&entry.path)) {
        None => Ok(()),
        Some(entry) => Err(refused(url, &format!("{} is still listed after it was deleted", entry.path))),
    }
}

fn refused(url: &str, why: &str) -> DirectoryError {
    DirectoryError::new(DirectoryErrorKind::Unsupported, Operation::Open, url).because(why)
}

struct Probe<'a> {
    store: &'a Store,
    url: &'a str,
}

impl Probe<'_> {
    async fn run(&self, names: &[String]) -> Result<(), DirectoryError> {
        let [twice, race, parts] = names else { return Ok(()) };
        self.creates_once(twice).await?;
        let raced = self.has_one_winner(race).await?;
        let mut expected = vec![(twice, 1), (race, raced)];
        if let (Some(in_parts), Some(_)) = (&self.store.in_parts, self.store.options.multipart_bytes) {
            self.completes_once(in_parts, parts).await?;
            expected.push((parts, 1));
        }
        self.lists(&expected).await
    }

    /// A second creation must fail and change nothing.
    async fn creates_once(&self, name: &str) -> Result<(), DirectoryError> {
        let path = self.store.path(name, Operation::Open)?;
        if !self.put(&path, content(0)).await? {
            return Err(self.refused("the creation of a new name was refused as taken"));
        }
        if self.put(&path, content(1)).await? {
            return Err(self.refused(
                "a second creation of the same name succeeded, so two writers could overwrite each other's checkpoints: \
                 use a store that keeps `If-None-Match` on PUT",
            ));
        }
        self.reads(&path, &content(0)).await
    }

    /// Of creators at the same time exactly one must win. Returns the length of what it wrote.
    async fn has_one_winner(&self, name: &str) -> Result<u64, DirectoryError> {
        let path = self.store.path(name, Operation::Open)?;
        let creators = (0..CREATORS).map(|creator| self.put(&path, content(creator)));
        let outcomes: Vec<_> = stream::iter(creators).buffered(CREATORS).collect().await;
        let outcomes = outcomes.into_iter().collect::<Result<Vec<bool>, _>>()?;
        let winners: Vec<usize> = (0..CREATORS).filter(|&creator| outcomes[creator]).collect();
        let [winner] = winners[..] else {
            let count = winners.len();
            let why = format!("of {CREATORS} creators of one name at the same time, {count} succeeded instead of one");
            return Err(self.refused(&why));
        };
        self.reads(&path, &content(winner)).await?;
        Ok(content(winner).len() as u64)
    }

    /// The same for uploads in parts.
    async fn completes_once(&self, in_parts: &InParts, name: &str) -> Result<(), DirectoryError> {
        let path = self.store.path(name, Operation::Open)?;
        let mark = self.store.new_mark();
        let (first, second) = (content(0), content(1));
        let put = |content| put_in_parts(self.store, in_parts, &path, content, &mark);
        put(&first).await.map_err(|error| self.failed(&error))?;
        match put(&second).await {
            Err(error) if is_taken(&error) => self.reads(&path, &first).await,
            Err(error) => Err(self.failed(&error)),
            Ok(()) => Err(self.refused(
                "a second upload in parts to the same name succeeded, because the store ignores `If-None-Match` on \
                 CompleteMultipartUpload: add ?multipart=off to the address",
            )),
        }
    }

    /// Creates an object, without a mark. Returns whether the name was free.
    async fn put(&self, path: &Path, content: Bytes) -> Result<bool, DirectoryError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.objects.put_opts(path, PutPayload::from(content), options).await {
            Ok(_) => Ok(true),
            Err(error) if is_taken(&error) => Ok(false),
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn reads(&self, path: &Path, expected: &Bytes) -> Result<(), DirectoryError> {
        let read = async { self.store.objects.get(path).await?.bytes().await };
        let found = read.await.map_err(|error| self.failed(&error))?;
        if found == expected {
            return Ok(());
        }
        Err(self.refused("an object reads as something else than what its only successful creation wrote"))
    }

    async fn lists(&self, expected: &[(&String, u64)]) -> Result<(), DirectoryError> {
        let found = self.store.objects.list(self.store.prefix()).collect::<Vec<_>>().await;
        let found = found.into_iter().collect::<Result<Vec<_>, _>>().map_err(|error| self.failed(&error))?;
        for (name, bytes) in expected {
            let is_there = |object: &object_store::ObjectMeta| {
                self.store.name(&object.location).as_ref() == Some(name) && object.size == *bytes
            };
            if !found.iter().any(is_there) {
                return Err(self.refused("an object that was created is not listed, or not with its length"));
            }
        }
        Ok(())
    }

    fn refused(&self, why: &str) -> DirectoryError {
        refused(self.url, why)
    }

    fn failed(&self, error: &Error) -> DirectoryError {
        directory_error(error, Operation::Open, self.url)
    }
}
