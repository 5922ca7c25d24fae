//! The keys of timers: a time, and the key that the timer is for. The bytes of timers of one key are in the
//! order of their times.

/// The length of the time in front of a timer's key, in bytes.
pub const TIME_BYTES: usize = 8;

/// A timer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer {
    /// The time for which it is set, in milliseconds of its clock.
    pub at_ms: i64,
    /// The key that it is for.
    pub key: Vec<u8>,
}

/// Returns the key of a timer that fires at `at_ms`, in milliseconds of its clock.
///
/// The time is a big-endian number whose sign bit is flipped, so that earlier times come first.
///
/// ```
/// use alluvium_core::model::timer::timer_key;
///
/// assert_eq!(timer_key(1, b"k"), b"\x80\0\0\0\0\0\0\x01k");
/// assert!(timer_key(-1, b"k") < timer_key(0, b"k"));
/// ```
pub fn timer_key(at_ms: i64, key: &[u8]) -> Vec<u8> {
    [&(at_ms ^ i64::MIN).to_be_bytes()[..], key].concat()
}

/// Splits the key of a timer into its time and the key that it is for. Returns `None` if it is too short.
///
/// ```
/// use alluvium_core::model::timer::{split_timer_key, timer_key};
///
/// assert_eq!(split_timer_key(&timer_key(i64::MIN, b"k")), Some((i64::MIN, &b"k"[..])));
/// assert_eq!(split_timer_key(b"short"), None);
/// ```
pub fn split_timer_key(stored: &[u8]) -> Option<(i64, &[u8])> {
    let (time, key) = stored.split_first_chunk::<TIME_BYTES>()?;
    Some((i64::from_be_bytes(*time) ^ i64::MIN, key))
}
