//! How a lost connection is tried again.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::address::{self, Address, AddressError};

/// How often and for how long a lost connection is tried again.
///
/// The pauses between two attempts double, up to a longest one, and vary by chance. When the connection has
/// been lost for longer than the patience, polls and publications return the error, which
/// [is transient](crate::source::SourceError::is_transient): the next call tries again.
///
/// ```
/// use std::time::Duration;
///
/// use alluvium_connectors::Retry;
///
/// let retry = Retry::default().patience(Duration::from_secs(5));
/// assert_eq!(retry, Retry::default().patience(Duration::from_secs(5)).longest_pause(Duration::from_secs(2)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retry {
    longest_pause: Duration,
    patience: Duration,
}

/// The pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

impl Default for Retry {
    /// Returns pauses of at most 2 s, and a patience of a minute.
    fn default() -> Self {
        Self { longest_pause: Duration::from_secs(2), patience: Duration::from_mins(1) }
    }
}

impl Retry {
    /// Sets the longest pause between two attempts.
    #[must_use]
    pub fn longest_pause(self, longest_pause: Duration) -> Self {
        Self { longest_pause, ..self }
    }

    /// Sets for how long an outage is no error.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Returns how long one attempt may take if it is to end within the patience, and a second at least.
    #[cfg(feature = "kafka")]
    pub(crate) fn attempt_time(self) -> Duration {
        self.patience.max(Duration::from_secs(1))
    }

    #[cfg(feature = "http")]
    pub(crate) fn pause_max(self) -> Duration {
        self.longest_pause
    }

    /// Takes the option `retry-for`, the patience.
    pub(crate) fn take_from(address: &mut Address) -> Result<Self, AddressError> {
        let patience = address.take_parsed::<address::Duration>("retry-for", "a time, as 500ms, 30s or 5m")?;
        Ok(patience.map_or_else(Self::default, |patience| Self::default().patience(patience.0)))
    }
}

/// An outage that may be going on.
#[derive(Debug)]
pub(crate) struct Outage {
    retry: Retry,
    since: Option<Instant>,
    pauses: ExponentialBackoff,
}

impl Outage {
    pub(crate) fn new(retry: Retry) -> Self {
        Self { retry, since: None, pauses: pauses(retry) }
    }

    /// Takes note of a failure, and returns how long to wait before the next attempt.
    pub(crate) fn failed(&mut self, now: Instant) -> Duration {
        self.since.get_or_insert(now);
        self.pauses.next().unwrap_or(self.retry.longest_pause).min(self.retry.longest_pause)
    }

    /// Whether there is one.
    #[cfg(feature = "socket")]
    pub(crate) fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// The same, if the server asks to wait for some time. It is heard as far as the patience goes.
    #[cfg(feature = "http")]
    pub(crate) fn failed_until(&mut self, now: Instant, retry_after: Option<Duration>) -> Duration {
        let asked = retry_after.unwrap_or_default().min(self.retry.patience);
        self.failed(now).max(asked)
    }

    /// Whether it has been going on for longer than the patience.
    pub(crate) fn is_too_long(&self, now: Instant) -> bool {
        self.since.is_some_and(|since| now.saturating_duration_since(since) >= self.retry.patience)
    }

    /// Takes note of a failure. Returns how long to wait before the next attempt, or the failure if the outage has been
    /// going on for too long.
    #[cfg(any(feature = "kafka", feature = "nats"))]
    pub(crate) fn pause_after<E>(&mut self, failure: E) -> Result<Duration, E> {
        let now = Instant::now();
        let pause = self.failed(now);
        if self.is_too_long(now) { Err(failure) } else { Ok(pause) }
    }

    /// Takes note that it is over.
    pub(crate) fn is_over(&mut self) {
        if self.since.take().is_some() {
            self.pauses = pauses(self.retry);
        }
    }
}

fn pauses(retry: Retry) -> ExponentialBackoff {
    let first = FIRST_PAUSE.min(retry.longest_pause);
    let builder = ExponentialBuilder::default().with_min_delay(first).with_max_delay(retry.longest_pause);
    builder.with_jitter().without_max_times().build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_begin_again_after_the_outage() {
        let retry = Retry::default().longest_pause(Duration::from_millis(400)).patience(Duration::from_secs(3));
        let mut outage = Outage::new(retry);
        let start = Instant::now();
        let pauses: Vec<Duration> = (0..20).map(|_| outage.failed(start)).collect();
        assert!(pauses[0] >= FIRST_PAUSE && pauses[0] < FIRST_PAUSE * 3, "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_millis(400)), "{pauses:?}");
        assert_eq!(pauses[19], Duration::from_millis(400));
        assert!(!outage.is_too_long(start + Duration::from_millis(2_999)));
        assert!(outage.is_too_long(start + Duration::from_secs(3)));
        outage.is_over();
        assert!(!outage.is_too_long(start + Duration::from_secs(9)));
        assert!(outage.failed(start) < FIRST_PAUSE * 3);
    }
}
