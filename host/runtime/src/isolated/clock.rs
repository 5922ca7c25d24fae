//! The host's clock, as a worker knows it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use alluvium_core::Clock;

use crate::isolated::message::Now;

/// A clock that is set with each question.
///
/// Checkpoints are dated by the wall clock, which stands at the time of the question until the next one. Durations are
/// measured in between.
#[derive(Debug)]
pub(super) struct SetClock(Mutex<(Now, Instant)>);

impl SetClock {
    pub(super) fn at(now: Now) -> Self {
        Self(Mutex::new((now, Instant::now())))
    }

    pub(super) fn set(&self, now: Now) {
        *self.last() = (now, Instant::now());
    }

    fn last(&self) -> MutexGuard<'_, (Now, Instant)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for SetClock {
    fn unix_ms(&self) -> u64 {
        self.last().0.unix_ms
    }

    fn monotonic_us(&self) -> u64 {
        let (now, then) = *self.last();
        now.monotonic_us.saturating_add(u64::try_from(then.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}
