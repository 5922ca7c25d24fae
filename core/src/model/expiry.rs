//! Expiry times of entries. In a namespace whose entries expire, the time is stored in front of the value.

/// The length of an expiry time in front of a value, in bytes.
pub const EXPIRY_BYTES: usize = 8;

/// The expiry time of an entry that was written before its clock showed a time. It begins to age when the clock does.
pub(crate) const UNSET_MS: i64 = i64::MAX;

/// Returns when an entry expires that is written now and stays for so long. It is never [`UNSET_MS`] if there is a
/// time.
pub(crate) fn expiry_time(now_ms: Option<i64>, after_ms: u64) -> i64 {
    now_ms.map_or(UNSET_MS, |now| now.saturating_add_unsigned(after_ms).min(UNSET_MS - 1))
}

/// Joins the expiry time, in milliseconds of Unix time, and the value of an entry that expires.
pub fn with_expiry(expiry_ms: i64, value: &[u8]) -> Vec<u8> {
    [&expiry_ms.to_le_bytes()[..], value].concat()
}

/// Splits the stored value of an entry that expires into its expiry time and the value. Returns `None` if it
/// is too short.
///
/// ```
/// use alluvium_core::model::expiry::{split_expiry, with_expiry};
///
/// assert_eq!(split_expiry(&with_expiry(-5, b"value")), Some((-5, &b"value"[..])));
/// assert_eq!(split_expiry(b"short"), None);
/// ```
pub fn split_expiry(stored: &[u8]) -> Option<(i64, &[u8])> {
    let (expiry, value) = stored.split_first_chunk::<EXPIRY_BYTES>()?;
    Some((i64::from_le_bytes(*expiry), value))
}
