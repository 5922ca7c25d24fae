//! A mutation of one key, and the limits of keys and values.

use crate::error::IncrementalCheckpointError as Error;

/// The longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 65_535;

/// The longest value, in bytes: 64 MiB.
pub const VALUE_BYTES_MAX: usize = 64 << 20;

/// One call reads at most so many keys.
pub const KEYS_AT_ONCE_MAX: usize = 1 << 20;

/// One mutation as a segment holds it: a put, or a tombstone, which has no value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// The [`key_hash`](crate::model::hash::key_hash) of the key, or of its
    /// [route](crate::model::namespace::Namespace::route) in a declared namespace.
    pub hash: u64,
    /// The namespace of the key.
    pub namespace: u32,
    /// The key.
    pub key: &'a [u8],
    /// The value, or `None` for a tombstone.
    pub value: Option<&'a [u8]>,
}

impl<'a> Record<'a> {
    /// Returns what records are ordered by in every file. It is different for each key of a state.
    #[inline]
    pub fn order(&self) -> (u64, u32, &'a [u8]) {
        (self.hash, self.namespace, self.key)
    }

    /// Returns the bytes of the key and the value.
    pub fn payload_bytes(&self) -> usize {
        self.key.len() + self.value.map_or(0, <[u8]>::len)
    }
}

/// Checks the lengths of a key and a value. Those beyond the format's limits are
/// [`LimitExceeded`](Error::LimitExceeded).
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
