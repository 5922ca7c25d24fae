//! The calls of `wasi:keyvalue`, with its errors as those of the directory.

use std::ops::Range;

use super::bindings::wasi::keyvalue::{atomics, batch, store};
use super::wit::Error;
use crate::keys::{PART_BYTES, Place};

/// The number of parts that one call reads, so that its answer has at most 4 MiB.
const READ_AT_ONCE: u32 = 16;

/// The number of keys that one call deletes.
const DELETED_AT_ONCE: usize = 1_024;

/// The keys of a directory in a bucket.
pub(super) struct Store {
    pub(super) place: Place,
    bucket: store::Bucket,
}

fn failed(error: store::Error) -> Error {
    match error {
        store::Error::NoSuchStore => Error::NotFound("the host knows no such store".to_owned()),
        store::Error::AccessDenied => Error::Io("the host denies access to the store".to_owned()),
        store::Error::Other(text) => Error::Io(text),
    }
}

impl Store {
    pub(super) fn open(place: Place) -> Result<Self, Error> {
        let bucket = store::open(&place.bucket).map_err(failed)?;
        Ok(Self { place, bucket })
    }

    /// Adds to a counter and returns its value then.
    pub(super) fn increment(&self, key: &str, delta: u64) -> Result<u64, Error> {
        atomics::increment(&self.bucket, key, delta).map_err(failed)
    }

    pub(super) fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        self.bucket.set(key, value).map_err(failed)
    }

    pub(super) fn set_many(&self, pairs: &[(String, Vec<u8>)]) -> Result<(), Error> {
        if pairs.is_empty() { Ok(()) } else { batch::set_many(&self.bucket, pairs).map_err(failed) }
    }

    pub(super) fn delete_many(&self, keys: &[String]) -> Result<(), Error> {
        keys.chunks(DELETED_AT_ONCE).try_for_each(|keys| batch::delete_many(&self.bucket, keys)).map_err(failed)
    }

    /// Returns values in the order of their keys.
    pub(super) fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let found = batch::get_many(&self.bucket, keys).map_err(failed)?;
        let is_answer = found.len() == keys.len()
            && found.iter().zip(keys).all(|(pair, key)| pair.as_ref().is_none_or(|(found, _)| found == key));
        if !is_answer {
            return Err(Error::Io("the store has answered with other keys than those it was asked for".to_owned()));
        }
        Ok(found.into_iter().map(|pair| pair.map(|(_, value)| value)).collect())
    }

    /// Returns every key of the bucket.
    pub(super) fn list_keys(&self) -> Result<Vec<String>, Error> {
        let (mut keys, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.bucket.list_keys(cursor).map_err(failed)?;
            keys.extend(page.keys);
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(keys);
            }
        }
    }

    /// Reads a range of a file that has it. It returns none if a part is missing.
    pub(super) fn read(&self, path: &str, count: u64, range: Range<u64>) -> Result<Option<Vec<u8>>, Error> {
        let part_bytes = PART_BYTES as u64;
        let (first, end) = (range.start / part_bytes, range.end.div_ceil(part_bytes));
        let mut content = Vec::new();
        for from in (first..end).step_by(READ_AT_ONCE as usize) {
            let numbers = from..end.min(from + u64::from(READ_AT_ONCE));
            let keys: Vec<String> = numbers.clone().map(|number| self.place.part(path, count, number)).collect();
            for (number, part) in numbers.zip(self.get_many(&keys)?) {
                let Some(part) = part else { return Ok(None) };
                let within = |at: u64| usize::try_from(at.saturating_sub(number * part_bytes)).unwrap_or(usize::MAX);
                let wanted = within(range.start)..within(range.end).min(PART_BYTES);
                let Some(part) = part.get(wanted) else {
                    return Err(Error::Io(format!("{path}: part {number} has {} bytes", part.len())));
                };
                content.extend_from_slice(part);
            }
        }
        Ok(Some(content))
    }
}
