//! Packs batches into one buffer, which crosses between JavaScript and wasm in one copy.
//!
//! Numbers are little-endian, and the columns follow one another. **Mutations and entries** (`apply`, pages of a
//! walk) have these columns:
//!
//! | bytes | column |
//! |---|---|
//! | 4 | count *n* |
//! | 4 | bytes of all keys *k* |
//! | 4 *n* | bytes of each key |
//! | 4 *n* | bytes of each value |
//! | *n* | operation: 0 put, 1 delete |
//! | *k* | the keys |
//! | the rest | the values |
//!
//! **Keys** (`getMany`) consist of the count, the bytes of each key (4 *n*) and the keys. **Values**, which `getMany`
//! returns, consist of the bytes of each value (4 *n*, [`ABSENT`] where there is none) and the values.

use alluvium_core::{Columns, IncrementalCheckpointError as Error};

/// The length that marks a missing value.
pub(super) const ABSENT: u32 = u32::MAX;

/// A cursor over a buffer. Its errors say what is missing.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, what: &str, bytes: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or_else(|| {
            Error::InvalidInput(format!("packed batch: {what} take {bytes} bytes and {} are left", self.0.len()))
        })?;
        self.0 = rest;
        Ok(taken)
    }

    fn numbers(&mut self, what: &str, count: usize) -> Result<Vec<u32>, Error> {
        let bytes =
            count.checked_mul(4).ok_or_else(|| Error::InvalidInput(format!("packed batch: {count} records")))?;
        let (numbers, _) = self.take(what, bytes)?.as_chunks::<4>();
        Ok(numbers.iter().map(|number| u32::from_le_bytes(*number)).collect())
    }

    fn number(&mut self, what: &str) -> Result<usize, Error> {
        Ok(self.numbers(what, 1)?[0] as usize)
    }
}

/// Reads mutations and passes them to `apply` as columns.
pub(super) fn with_mutations<T>(
    buffer: &[u8],
    apply: impl FnOnce(&Columns<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut reader = Reader(buffer);
    let count = reader.number("the count")?;
    let key_bytes = reader.number("the length of all keys")?;
    let key_lens = reader.numbers("lengths of keys", count)?;
    let value_lens = reader.numbers("lengths of values", count)?;
    let ops = reader.take("operations", count)?;
    let keys = reader.take("keys", key_bytes)?;
    apply(&Columns { ops, key_lens: &key_lens, value_lens: &value_lens, keys, values: reader.0 })
}

/// Reads keys.
pub(super) fn keys(buffer: &[u8]) -> Result<Vec<&[u8]>, Error> {
    let mut reader = Reader(buffer);
    let count = reader.number("the count")?;
    let lens = reader.numbers("lengths of keys", count)?;
    let keys = lens.into_iter().map(|len| reader.take("keys", len as usize)).collect::<Result<_, _>>()?;
    if reader.0.is_empty() {
        return Ok(keys);
    }
    Err(Error::InvalidInput(format!("packed keys: {} bytes after the last key", reader.0.len())))
}

/// Writes values. A value that does not exist is written as [`ABSENT`].
pub(super) fn values<'a>(values: &[Option<&'a [u8]>]) -> Vec<u8> {
    let bytes: usize = values.iter().flatten().map(|value| value.len()).sum();
    let mut buffer = Vec::with_capacity(values.len() * 4 + bytes);
    for value in values {
        #[allow(clippy::cast_possible_truncation, reason = "the state refuses longer values")]
        buffer.extend(value.map_or(ABSENT, |value: &'a [u8]| value.len() as u32).to_le_bytes());
    }
    for value in values.iter().flatten() {
        buffer.extend_from_slice(value);
    }
    buffer
}

/// Writes entries as a batch of puts.
#[allow(clippy::cast_possible_truncation, reason = "the state refuses longer keys and values")]
pub(super) fn entries(entries: &[(&[u8], &[u8])]) -> Vec<u8> {
    let key_bytes: usize = entries.iter().map(|(key, _)| key.len()).sum();
    let value_bytes: usize = entries.iter().map(|(_, value)| value.len()).sum();
    let mut buffer = Vec::with_capacity(8 + entries.len() * 9 + key_bytes + value_bytes);
    buffer.extend((entries.len() as u32).to_le_bytes());
    buffer.extend((key_bytes as u32).to_le_bytes());
    buffer.extend(entries.iter().flat_map(|(key, _)| (key.len() as u32).to_le_bytes()));
    buffer.extend(entries.iter().flat_map(|(_, value)| (value.len() as u32).to_le_bytes()));
    buffer.resize(buffer.len() + entries.len(), 0);
    for (key, _) in entries {
        buffer.extend_from_slice(key);
    }
    for (_, value) in entries {
        buffer.extend_from_slice(value);
    }
    buffer
}
