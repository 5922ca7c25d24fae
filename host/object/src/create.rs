//! Exclusive creation: with one request, or in parts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Entry, EntryKind, NewFile, Operation, check_names};
use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{Error, MultipartId, PutMode, PutMultipartOptions, PutOptions, PutPayload};

use crate::directory::list;
use crate::error::{directory_error, is_outcome_unknown, is_taken};
use crate::store::{InParts, Owner, Store};

/// How often a creation is repeated whose outcome is unknown, or that met another one that then failed.
const REPEATS_MAX: usize = 3;

/// S3 has no smaller parts, except for the last.
const PART_BYTES_MIN: u64 = 5 << 20;

/// S3 has no more parts.
const PARTS_MAX: u64 = 10_000;

/// Creates all files but the last in parallel, then the last, which is the commit.
pub(crate) async fn create(store: Arc<Store>, mut batch: Vec<NewFile>) -> Result<(), DirectoryError> {
    check_names(&batch, |_| Ok(false))?;
    let Some(last) = batch.pop() else { return Ok(()) };
    let parallel = store.options.parallel_requests;
    // All of them are awaited: after an error, no request may still be on its way when the caller looks.
    let created: Vec<_> = stream::iter(batch).map(|file| create_one(&store, file)).buffered(parallel).collect().await;
    created.into_iter().collect::<Result<(), _>>()?;
    create_one(&store, last).await
}

/// Creates all files and lists meanwhile, all of it in parallel. The files are in the listing.
pub(crate) async fn create_unordered_and_list(
    store: Arc<Store>,
    batch: Vec<NewFile>,
) -> Result<Vec<Entry>, DirectoryError> {
    check_names(&batch, |_| Ok(false))?;
    let new: Vec<Entry> = batch.iter().map(entry).collect();
    let parallel = store.options.parallel_requests;
    let created = stream::iter(batch).map(|file| create_one(&store, file)).buffered(parallel).collect::<Vec<_>>();
    // All of them are awaited: after an error, no request may still be on its way when the caller looks.
    let (created, listed) = futures_util::join!(created, list(Arc::clone(&store)));
    created.into_iter().collect::<Result<(), _>>()?;
    let mut entries: BTreeMap<String, Entry> = listed?.into_iter().map(|entry| (entry.path.clone(), entry)).collect();
    entries.extend(new.into_iter().map(|entry| (entry.path.clone(), entry)));
    Ok(entries.into_values().collect())
}

fn entry(file: &NewFile) -> Entry {
    Entry { path: file.path.clone(), bytes: file.content.len() as u64, kind: EntryKind::File }
}

/// Why a creation failed, and whether to try again.
struct Failed {
    error: DirectoryError,
    is_repeatable: bool,
}

/// Creates one file. The content is shared with every attempt.
pub(crate) async fn create_one(store: &Store, file: NewFile) -> Result<(), DirectoryError> {
    let path = store.path(&file.path, Operation::Create)?;
    let (name, content, mark) = (file.path, Bytes::from(file.content), store.new_mark());
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_times(REPEATS_MAX)
        .with_jitter();
    let attempt = || attempt(store, &path, &name, &content, &mark);
    let created = attempt.retry(pauses).when(|failed: &Failed| failed.is_repeatable).await;
    created.map_err(|failed| failed.error)
}

/// Tries to create a file, and finds out whose it is if its name is taken.
async fn attempt(store: &Store, path: &Path, name: &str, content: &Bytes, mark: &str) -> Result<(), Failed> {
    let error = match put(store, path, content, mark).await {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    let failed = |is_repeatable| Failed { error: directory_error(&error, Operation::Create, name), is_repeatable };
    if is_outcome_unknown(&error) {
        return Err(failed(store.options.marks_objects));
    }
    // An upload in parts that was completed by an attempt before is not found any more.
    if !is_taken(&error) && !matches!(error, Error::NotFound { .. }) {
        return Err(failed(false));
    }
    match store.owner(path, mark, name).await.map_err(|error| Failed { error, is_repeatable: false })? {
        Owner::ThisCreation => Ok(()),
        Owner::Other => {
            let error = DirectoryError::new(DirectoryErrorKind::AlreadyExists, Operation::Create, name);
            Err(Failed { error, is_repeatable: false })
        }
        // S3 refuses one of two creations at the same time even if the other one fails then.
        Owner::None => Err(failed(is_taken(&error))),
    }
}

async fn put(store: &Store, path: &Path, content: &Bytes, mark: &str) -> Result<(), Error> {
    match (&store.in_parts, store.options.multipart_bytes) {
        (Some(in_parts), Some(most)) if content.len() as u64 > most => {
            put_in_parts(store, in_parts, path, content, mark).await
        }
        _ => {
            let attributes = store.marked(mark);
            let options = PutOptions { mode: PutMode::Create, attributes, ..PutOptions::default() };
            store.objects.put_opts(path, PutPayload::from(content.clone()), options).await.map(drop)
        }
    }
}

/// Uploads parts in parallel, and completes them if the name is free.
pub(crate) async fn put_in_parts(
    store: &Store,
    in_parts: &InParts,
    path: &Path,
    content: &Bytes,
    mark: &str,
) -> Result<(), Error> {
    let options = PutMultipartOptions { attributes: store.marked(mark), ..PutMultipartOptions::default() };
    let upload = in_parts.parts.create_multipart_opts(path, options).await?;
    let done = async {
        let parts = upload_parts(store, in_parts, path, &upload, content).await?;
        in_parts.completing.complete_multipart(path, &upload, parts).await.map(drop)
    };
    let done = done.await;
    if done.is_err() {
        // What is left is invisible, and a rule of the bucket can delete it.
        let _ = in_parts.parts.abort_multipart(path, &upload).await;
    }
    done
}

async fn upload_parts(
    store: &Store,
    in_parts: &InParts,
    path: &Path,
    upload: &MultipartId,
    content: &Bytes,
) -> Result<Vec<PartId>, Error> {
    let bytes = content.len() as u64;
    let asked = store.options.multipart_bytes.unwrap_or(PART_BYTES_MIN).max(PART_BYTES_MIN);
    let part_bytes = usize::try_from(asked.max(bytes.div_ceil(PARTS_MAX))).unwrap_or(usize::MAX);
    let starts = (0..content.len()).step_by(part_bytes).enumerate();
    let upload_part = |(number, start): (usize, usize)| {
        let part = content.slice(start..content.len().min(start.saturating_add(part_bytes)));
        in_parts.parts.put_part(path, upload, number, PutPayload::from(part))
    };
    stream::iter(starts).map(upload_part).buffered(store.options.parallel_requests).try_collect().await
}
