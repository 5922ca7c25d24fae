//! Time is passed in. Core reads no clock of its own.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The caller's clocks.
///
/// The wall clock only labels checkpoints. The monotonic clock alone decides when the next checkpoint is
/// due, so that a wall clock that is set back never delays it.
pub trait Clock {
    /// Returns the wall clock's time in milliseconds of Unix time.
    fn unix_ms(&self) -> u64;
    /// Returns the microseconds since some fixed moment. They never go backwards.
    fn monotonic_us(&self) -> u64;
}

/// A clock that moves only when it is told to. It is meant for tests and deterministic runs.
///
/// ```
/// use alluvium_core::{Clock, ManualClock};
///
/// let clock = ManualClock::new(1_700_000_000_000);
/// clock.advance_ms(1_500);
/// assert_eq!(clock.unix_ms(), 1_700_000_001_500);
/// assert_eq!(clock.monotonic_us(), 1_500_000);
/// ```
#[derive(Debug, Default)]
pub struct ManualClock {
    unix_ms: AtomicU64,
    monotonic_us: AtomicU64,
}

impl ManualClock {
    /// Returns a clock whose wall clock shows `unix_ms` and whose monotonic clock shows zero.
    pub fn new(unix_ms: u64) -> Self {
        Self { unix_ms: AtomicU64::new(unix_ms), monotonic_us: AtomicU64::new(0) }
    }

    /// Moves both clocks forward.
    pub fn advance_ms(&self, ms: u64) {
        self.unix_ms.fetch_add(ms, Ordering::Relaxed);
        self.monotonic_us.fetch_add(ms.saturating_mul(1_000), Ordering::Relaxed);
    }

    /// Sets only the wall clock. It may go backwards.
    pub fn set_unix_ms(&self, unix_ms: u64) {
        self.unix_ms.store(unix_ms, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn unix_ms(&self) -> u64 {
        self.unix_ms.load(Ordering::Relaxed)
    }
    fn monotonic_us(&self) -> u64 {
        self.monotonic_us.load(Ordering::Relaxed)
    }
}

/// The caller's clock, shared by the manager and the checkpoints in flight.
#[derive(Clone)]
pub(crate) struct SharedClock(pub(crate) Arc<dyn Clock + Send + Sync>);

impl fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
