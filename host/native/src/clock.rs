//! The machine's clocks, for a core that reads none.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use alluvium_core::Clock;

/// The wall clock and the monotonic clock of this machine.
///
/// ```
/// use alluvium_core::Clock;
/// use alluvium::SystemClock;
///
/// let clock = SystemClock::new();
/// assert!(clock.monotonic_us() <= clock.monotonic_us());
/// ```
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic side starts at zero now.
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn unix_ms(&self) -> u64 {
        // A wall clock before 1970 is a wrong one: zero is as good a label as any.
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
    }

    fn monotonic_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
