//! Reads the clocks of WASI.

use alluvium_core::Clock;
use wasip2::clocks::{monotonic_clock, wall_clock};

/// The clocks that the host grants.
pub(super) struct WasiClock;

impl Clock for WasiClock {
    fn unix_ms(&self) -> u64 {
        let now = wall_clock::now();
        now.seconds.saturating_mul(1_000).saturating_add(u64::from(now.nanoseconds / 1_000_000))
    }

    fn monotonic_us(&self) -> u64 {
        monotonic_clock::now() / 1_000
    }
}
