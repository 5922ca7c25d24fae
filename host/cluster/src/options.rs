//! How a job runs.

use std::num::NonZeroU32;
use std::time::Duration;

/// How a job runs. All processes of a job must have the same options, but for the ones that say so.
#[derive(Debug, Clone)]
pub struct JobOptions {
    pub(crate) epoch_records: u32,
    pub(crate) epoch_interval: Option<Duration>,
    pub(crate) max_retained: u32,
    pub(crate) watermark_delay_ms: i64,
    pub(crate) finish: bool,
    pub(crate) leaves_out: bool,
    pub(crate) epochs_max: Option<u64>,
    pub(crate) ahead: u64,
}

impl Default for JobOptions {
    fn default() -> Self {
        Self {
            epoch_records: 10_000,
            epoch_interval: None,
            max_retained: 3,
            watermark_delay_ms: 0,
            finish: true,
            leaves_out: false,
            epochs_max: None,
            ahead: 2,
        }
    }
}

impl JobOptions {
    /// Returns options for bounded inputs: epochs of 10,000 records of each partition, and 3 kept manifests.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many records an epoch has of each partition.
    #[must_use]
    pub fn epoch_records(self, records: NonZeroU32) -> Self {
        Self { epoch_records: records.get(), ..self }
    }

    /// Sets after how long an epoch ends that has fewer records. It is for live inputs. Without it, epochs of bounded
    /// inputs depend on their content alone, so equal inputs give equal output.
    #[must_use]
    pub fn epoch_interval(self, interval: Option<Duration>) -> Self {
        Self { epoch_interval: interval, ..self }
    }

    /// Sets how many manifests are kept, at least 1.
    #[must_use]
    pub fn max_retained(self, manifests: NonZeroU32) -> Self {
        Self { max_retained: manifests.get(), ..self }
    }

    /// Sets how far the watermark stays behind the event times, in milliseconds.
    #[must_use]
    pub fn watermark_delay_ms(self, delay_ms: i64) -> Self {
        Self { watermark_delay_ms: delay_ms, ..self }
    }

    /// Sets whether the operators are told of the end of all inputs. The default is true.
    #[must_use]
    pub fn finish(self, finish: bool) -> Self {
        Self { finish, ..self }
    }

    /// Sets whether records are left out that cannot be read or that the operator refuses. What the operator did for
    /// them is undone. [`Job::dead_letters`](crate::Job::dead_letters) keeps them. Without it, such a record stops the
    /// job, and the error names it.
    #[must_use]
    pub fn leave_out(self, leaves_out: bool) -> Self {
        Self { leaves_out, ..self }
    }

    /// Sets after how many epochs the job stops.
    #[must_use]
    pub fn epochs_max(self, epochs: Option<u64>) -> Self {
        Self { epochs_max: epochs, ..self }
    }

    /// Returns how many checkpoints a worker keeps: those that kept manifests name, and those on their way.
    pub(crate) fn part_retained(&self) -> u32 {
        self.max_retained + u32::try_from(self.ahead).unwrap_or(0) + 2
    }
}
