//! A mutation of one key, and the limits that keys and values are held to.

use crate::error::IncrementalCheckpointError as Error;

/// The longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 65_535;

/// The longest value, in bytes: 64 MiB.
pub const VALUE_BYTES_MAX: usize = 64 << 20;

/// One mutation as a segment holds it; no value is a tombstone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// [`key_hash`](crate::model::hash::key_hash) of the key.
    pub hash: u64,
    /// The key.
    pub key: &'a [u8],
    /// The value, or `None` for a tombstone.
    pub value: Option<&'a [u8]>,
}

impl Record<'_> {
    /// Bytes of key and value.
    pub fn payload_bytes(&self) -> usize {
        self.key.len() + self.value.map_or(0, <[u8]>::len)
    }
}

/// Refuses keys and values that the format has no room for.
#[inline]
pub(crate) fn check_lengths(key_bytes: usize, value_bytes: usize) -> Result<(), Error> {
    if key_bytes > KEY_BYTES_MAX {
        return Err(Error::LimitExceeded(format!("key of {key_bytes} bytes: at most {KEY_BYTES_MAX}")));
    }
    if value_bytes > VALUE_BYTES_MAX {
        return Err(Error::LimitExceeded(format!("value of {value_bytes} bytes: at most {VALUE_BYTES_MAX}")));
    }
    Ok(())
}
