//! When a batch is handed on: by its records, its bytes, or its age.

use std::time::{Duration, Instant};

use crate::batch::Batch;

/// The limits of a batch.
///
/// ```
/// use std::time::Duration;
///
/// use alluvium_connectors::BatchLimits;
///
/// let limits = BatchLimits::default().records(100).age(Duration::from_millis(50));
/// assert_eq!(limits, BatchLimits::default().age(Duration::from_millis(50)).records(100));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchLimits {
    records: u32,
    bytes: usize,
    age: Duration,
}

impl Default for BatchLimits {
    /// Returns 1,000 records, 1 MiB and 200 ms.
    fn default() -> Self {
        Self { records: 1_000, bytes: 1 << 20, age: Duration::from_millis(200) }
    }
}

impl BatchLimits {
    /// A batch is handed on with this many records. Zero counts as one.
    #[must_use]
    pub fn records(self, records: u32) -> Self {
        Self { records: records.max(1), ..self }
    }

    /// A batch is handed on with this many bytes, or more by a part of its last record. Zero counts as one.
    #[must_use]
    pub fn bytes(self, bytes: usize) -> Self {
        Self { bytes: bytes.max(1), ..self }
    }

    /// A batch is handed on this long after its first record, whether or not a further record comes.
    #[must_use]
    pub fn age(self, age: Duration) -> Self {
        Self { age, ..self }
    }
}

/// Collects records to batches. It reads no clock and never waits: the caller passes the time in.
///
/// The caller polls a reader into [`batch`](Self::batch) until [`deadline`](Self::deadline), calls
/// [`filled`](Self::filled), and takes what is [`due`](Self::take_due).
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use alluvium_connectors::{BatchLimits, Batcher};
///
/// let start = Instant::now();
/// let after = |ms| start + Duration::from_millis(ms);
/// let mut batcher = Batcher::new(BatchLimits::default());
/// batcher.batch().push([&b"a record"[..]]);
/// batcher.filled(start);
/// assert_eq!(batcher.deadline(after(1_000)), after(200));
/// assert!(batcher.take_due(after(199)).is_none());
/// assert_eq!(batcher.take_due(after(200)).unwrap().count(), 1);
/// assert_eq!(batcher.deadline(after(1_000)), after(1_000));
/// ```
#[derive(Debug)]
pub struct Batcher {
    limits: BatchLimits,
    batch: Batch,
    begun: Option<Instant>,
}

impl Batcher {
    /// Returns an empty batcher.
    pub fn new(limits: BatchLimits) -> Self {
        Self { limits, batch: empty(limits), begun: None }
    }

    /// Returns the batch that records are added to.
    pub fn batch(&mut self) -> &mut Batch {
        &mut self.batch
    }

    /// Ends the current batch with this many records at the latest, because a checkpoint falls there. The
    /// limit of later batches is not changed.
    pub fn cut_at(&mut self, records: u64) {
        let records = u32::try_from(records).unwrap_or(u32::MAX);
        self.batch.limit_records(records.min(self.limits.records));
    }

    /// Returns until when to wait for records: `idle`, or earlier if the batch is due before.
    pub fn deadline(&self, idle: Instant) -> Instant {
        self.begun.and_then(|begun| begun.checked_add(self.limits.age)).map_or(idle, |due| due.min(idle))
    }

    /// Takes note that records may have been added, at this time.
    pub fn filled(&mut self, now: Instant) {
        if self.begun.is_none() && !self.batch.is_empty() {
            self.begun = Some(now);
        }
    }

    /// Takes the batch out if it is full or old enough.
    pub fn take_due(&mut self, now: Instant) -> Option<Batch> {
        let is_old = self.begun.is_some_and(|begun| now.saturating_duration_since(begun) >= self.limits.age);
        if is_old || !self.batch.has_room() { self.take() } else { None }
    }

    /// Takes the batch out as it is, if there is a record in it.
    pub fn take(&mut self) -> Option<Batch> {
        if self.batch.is_empty() {
            return None;
        }
        self.begun = None;
        Some(std::mem::replace(&mut self.batch, empty(self.limits)))
    }
}

fn empty(limits: BatchLimits) -> Batch {
    Batch::new(limits.records, limits.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(batcher: &mut Batcher, records: usize, now: Instant) {
        (0..records).for_each(|_| batcher.batch().push([&b"ten bytes!"[..]]));
        batcher.filled(now);
    }

    #[test]
    fn a_batch_is_due_by_records_bytes_or_age() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let limits = BatchLimits::default().records(3).bytes(40).age(Duration::from_millis(200));
        let mut batcher = Batcher::new(limits);
        add(&mut batcher, 2, start);
        assert_eq!(batcher.take_due(after(199)), None);
        add(&mut batcher, 1, after(199));
        assert_eq!(batcher.take_due(after(199)).map(|batch| batch.count()), Some(3), "by records");

        let mut batcher = Batcher::new(limits.bytes(20));
        add(&mut batcher, 1, start);
        assert_eq!(batcher.take_due(start), None);
        add(&mut batcher, 1, start);
        assert_eq!(batcher.take_due(start).map(|batch| batch.count()), Some(2), "by bytes");

        add(&mut batcher, 1, after(1_000));
        assert_eq!(batcher.take_due(after(1_199)), None, "the age counts from its own first record");
        assert_eq!(batcher.deadline(after(9_000)), after(1_200));
        assert_eq!(batcher.deadline(after(1_100)), after(1_100));
        assert_eq!(
            batcher.take_due(after(1_200)).map(|batch| batch.count()),
            Some(1),
            "by age, with no further record"
        );
        assert_eq!(batcher.take_due(after(9_000)), None, "nothing is never due");
    }

    #[test]
    fn a_cut_holds_for_one_batch() {
        let now = Instant::now();
        let mut batcher = Batcher::new(BatchLimits::default().records(10));
        batcher.cut_at(2);
        add(&mut batcher, 2, now);
        assert_eq!(batcher.take_due(now).map(|batch| batch.count()), Some(2));
        add(&mut batcher, 9, now);
        assert_eq!(batcher.take_due(now), None);
        batcher.cut_at(u64::MAX);
        add(&mut batcher, 1, now);
        assert_eq!(batcher.take_due(now).map(|batch| batch.count()), Some(10), "a cut never raises the limit");
    }
}
