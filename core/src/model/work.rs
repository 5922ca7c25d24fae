//! Counts work, so that tests can bound it without a clock. Only the feature `work-counters` and core's own
//! tests build the counters in. Without them every function here does nothing and is compiled away.

#[cfg(any(test, feature = "work-counters"))]
mod counters {
    use std::cell::Cell;

    thread_local! {
        static PROBES: Cell<u64> = const { Cell::new(0) };
        static KEYS_READ: Cell<u64> = const { Cell::new(0) };
        static NAMES_READ: Cell<u64> = const { Cell::new(0) };
    }

    /// Counts steps of searches: slots and keys that were looked at, and slots that were moved.
    #[inline]
    pub(crate) fn count_probes(steps: usize) {
        PROBES.set(PROBES.get() + steps as u64);
    }

    /// Counts keys of records that a walk read.
    #[inline]
    pub(crate) fn count_keys_read(keys: usize) {
        KEYS_READ.set(KEYS_READ.get() + keys as u64);
    }

    /// Counts names of a listing that were looked at.
    #[inline]
    pub(crate) fn count_names_read(names: usize) {
        NAMES_READ.set(NAMES_READ.get() + names as u64);
    }

    /// Returns the probes that this thread has made since the last call.
    pub fn take_probes() -> u64 {
        PROBES.take()
    }

    /// Returns how many keys walks of this thread have read since the last call.
    pub fn take_keys_read() -> u64 {
        KEYS_READ.take()
    }

    /// Returns how many names of listings this thread has looked at since the last call. A name that was looked at
    /// twice counts twice.
    pub fn take_names_read() -> u64 {
        NAMES_READ.take()
    }
}

#[cfg(any(test, feature = "work-counters"))]
pub(crate) use counters::{count_keys_read, count_names_read, count_probes};
#[cfg(any(test, feature = "work-counters"))]
pub use counters::{take_keys_read, take_names_read, take_probes};

/// Counts nothing: this build has no counters.
#[cfg(not(any(test, feature = "work-counters")))]
#[inline]
pub(crate) const fn count_probes(_steps: usize) {}

/// Counts nothing: this build has no counters.
#[cfg(not(any(test, feature = "work-counters")))]
#[inline]
pub(crate) const fn count_keys_read(_keys: usize) {}

/// Counts nothing: this build has no counters.
#[cfg(not(any(test, feature = "work-counters")))]
#[inline]
pub(crate) const fn count_names_read(_names: usize) {}
