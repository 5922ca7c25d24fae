//! Reading objects, long ones in parallel.

use std::ops::Range;
use std::sync::Arc;

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange};

use crate::error::directory_error;
use crate::store::Store;

/// No store has an object this long, so a range behind it needs no request to be refused as one.
const OBJECT_BYTES_MAX: u64 = 1 << 50;

/// Reads a whole file.
pub(crate) async fn read(store: Arc<Store>, name: String) -> Result<Vec<u8>, DirectoryError> {
    let whole = read_at_most(store, name, u64::MAX).await?;
    Ok(whole.unwrap_or_default())
}

/// Reads a whole file that has at most this many bytes. The length comes before the content.
pub(crate) async fn read_at_most(
    store: Arc<Store>,
    name: String,
    most: u64,
) -> Result<Option<Vec<u8>>, DirectoryError> {
    let failed = |error: Error| directory_error(&error, Operation::Read, &name);
    let path = store.path(&name, Operation::Read)?;
    let whole = store.objects.get_opts(&path, GetOptions::default()).await.map_err(failed)?;
    let bytes = whole.meta.size;
    if bytes > most {
        return Ok(None);
    }
    if bytes <= store.options.read_bytes.saturating_mul(2) {
        return Ok(Some(whole.bytes().await.map_err(failed)?.into()));
    }
    // The answer that has begun is not read to its end: the parts come faster together.
    drop(whole);
    read_parts(&store, &path, &name, 0..bytes, Vec::new()).await.map(Some)
}

/// Reads a range of a file.
pub(crate) async fn read_range(
    store: Arc<Store>,
    name: String,
    offset: u64,
    length: usize,
) -> Result<Vec<u8>, DirectoryError> {
    let path = store.path(&name, Operation::Read)?;
    let end = offset.saturating_add(length as u64);
    if length == 0 || offset >= OBJECT_BYTES_MAX {
        check_range(&store, &path, &name, offset, length).await?;
        return Ok(Vec::new());
    }
    let first = offset..end.min(offset.saturating_add(store.options.read_bytes.max(1)));
    let options = GetOptions { range: Some(GetRange::Bounded(first.clone())), ..GetOptions::default() };
    let found = match store.objects.get_opts(&path, options).await {
        Ok(found) => found,
        Err(error @ Error::NotFound { .. }) => return Err(directory_error(&error, Operation::Read, &name)),
        // A range behind the end is refused in as many ways as there are stores.
        Err(error) => {
            check_range(&store, &path, &name, offset, length).await?;
            return Err(directory_error(&error, Operation::Read, &name));
        }
    };
    if end > found.meta.size {
        return Err(out_of_range(&name, offset, length, found.meta.size));
    }
    let content = found.bytes().await.map_err(|error| directory_error(&error, Operation::Read, &name))?;
    check_length(&name, &first, content.len())?;
    if first.end == end {
        return Ok(content.into());
    }
    read_parts(&store, &path, &name, first.end..end, content.into()).await
}

/// Reads a range of an object that has it, in parallel, behind what was read already.
async fn read_parts(
    store: &Store,
    path: &Path,
    name: &str,
    range: Range<u64>,
    mut content: Vec<u8>,
) -> Result<Vec<u8>, DirectoryError> {
    let no_memory =
        |why: &dyn std::fmt::Display| DirectoryError::new(DirectoryErrorKind::Io, Operation::Read, name).because(why);
    let length = usize::try_from(range.end - range.start).map_err(|error| no_memory(&error))?;
    content.try_reserve_exact(length).map_err(|error| no_memory(&error))?;
    let part_bytes = store.options.read_bytes.max(1);
    let starts = (0..(range.end - range.start).div_ceil(part_bytes)).map(|part| range.start + part * part_bytes);
    let parts = starts.map(|start| start..range.end.min(start + part_bytes)).map(|part| async move {
        let options = GetOptions { range: Some(GetRange::Bounded(part.clone())), ..GetOptions::default() };
        let read = async { store.objects.get_opts(path, options).await?.bytes().await };
        let bytes = read.await.map_err(|error| directory_error(&error, Operation::Read, name))?;
        check_length(name, &part, bytes.len())?;
        Ok::<_, DirectoryError>(bytes)
    });
    let mut parts = stream::iter(parts).buffered(store.options.parallel_requests);
    while let Some(bytes) = parts.try_next().await? {
        content.extend_from_slice(&bytes);
    }
    Ok(content)
}

/// Checks that a file has a range, by its length alone.
async fn check_range(store: &Store, path: &Path, name: &str, offset: u64, length: usize) -> Result<(), DirectoryError> {
    let head = GetOptions { head: true, ..GetOptions::default() };
    let found = store.objects.get_opts(path, head).await;
    let bytes = found.map_err(|error| directory_error(&error, Operation::Read, name))?.meta.size;
    match offset.checked_add(length as u64) {
        Some(end) if end <= bytes => Ok(()),
        _ => Err(out_of_range(name, offset, length, bytes)),
    }
}

fn out_of_range(name: &str, offset: u64, length: usize, bytes: u64) -> DirectoryError {
    DirectoryError::new(DirectoryErrorKind::OutOfRange, Operation::Read, name)
        .because(format!("{length} bytes at {offset} of a file of {bytes}"))
}

/// Refuses an answer of another length than asked for.
fn check_length(name: &str, asked: &Range<u64>, found: usize) -> Result<(), DirectoryError> {
    if asked.end - asked.start == found as u64 {
        return Ok(());
    }
    let why = format!("the store answered with {found} bytes for the range from {} to {}", asked.start, asked.end);
    Err(DirectoryError::new(DirectoryErrorKind::Io, Operation::Read, name).because(why))
}
