//! When a run makes its state durable, and how.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use alluvium_host::{Plugin, RuntimeError};

use super::arguments::Run;
use super::outputs::Tokens;
use super::progress::Progress;
use super::stream::Stream;
use crate::failure::Failure;

/// How far the state is durable.
pub(super) struct Durable {
    /// The newest checkpoint.
    pub(super) checkpoint_id: Option<u64>,
    checkpoint: Cut,
    /// The newest checkpoint or log.
    synced: Cut,
}

/// A state that is durable.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// Records that it has consumed.
    consumed: u64,
    /// When it began to be made durable.
    begun: Instant,
    /// How long that took.
    took: Duration,
}

impl Durable {
    /// What was recovered is durable.
    pub(super) fn at(consumed: u64, checkpoint_id: Option<u64>) -> Self {
        let now = Cut { consumed, begun: Instant::now(), took: Duration::ZERO };
        Self { checkpoint_id, checkpoint: now, synced: now }
    }

    /// Whether the newest checkpoint is older than the state.
    pub(super) fn lacks_checkpoint(&self, consumed: u64) -> bool {
        consumed > self.checkpoint.consumed
    }

    /// When a checkpoint is due by its interval. There is none without anything new.
    fn checkpoint_due(&self, run: &Run, consumed: u64) -> Option<Instant> {
        self.checkpoint.next(run.checkpoint_interval, consumed)
    }

    /// When something is due by an interval.
    pub(super) fn due(&self, run: &Run, consumed: u64) -> Option<Instant> {
        let sync = self.synced.next(run.sync_interval, consumed);
        sync.into_iter().chain(self.checkpoint_due(run, consumed)).min()
    }
}

impl Cut {
    /// When the next one is due by an interval in milliseconds, if there is something new.
    ///
    /// The interval is from beginning to beginning: a record waits for the interval and for one sync, not for two. On a
    /// slow disk, half of the time at least is left for records.
    fn next(&self, interval: Option<NonZeroU64>, consumed: u64) -> Option<Instant> {
        let interval = Duration::from_millis(interval?.get());
        let due = || self.begun.checked_add(interval.max(self.took.saturating_mul(2)));
        if consumed > self.consumed { due() } else { None }
    }
}

impl Stream<'_> {
    /// Takes what is due. With one input, batches end where checkpoints and logs fall; with several, these come after
    /// the block in which they fall.
    pub(super) fn make_durable_if_due(&mut self, progress: &mut Progress) -> Result<(), Failure> {
        let (consumed, every, now) = (self.consumed(), self.run.checkpoint_every, Instant::now());
        let is_due = |due: Option<Instant>| due.is_some_and(|due| now >= due);
        let is_counted = self.cursors.may_count();
        let is_passed = is_counted && consumed / every > self.durable.checkpoint.consumed / every;
        if is_passed || is_due(self.durable.checkpoint_due(self.run, consumed)) {
            return self.checkpoint(progress);
        }
        let has_passed = |every: NonZeroU64| consumed / every > self.durable.synced.consumed / every;
        let is_passed = is_counted && self.run.sync_every.is_some_and(has_passed);
        if is_passed || is_due(self.durable.due(self.run, consumed)) || self.has_due_timers()? {
            self.make_durable(Plugin::sync)?;
            self.status.synced();
        }
        Ok(())
    }

    /// One atomic step: the state, how far the inputs are consumed, and the watermark.
    pub(super) fn checkpoint(&mut self, progress: &mut Progress) -> Result<(), Failure> {
        let report = self.make_durable(Plugin::checkpoint)?;
        self.durable.checkpoint = self.durable.synced;
        self.durable.checkpoint_id = Some(report.info.id);
        self.status.checkpointed(&report, self.consumed());
        progress.checkpointed(self.outcome(), self.cursors.read_bytes(), &report);
        Ok(())
    }

    /// The clocks move, and what was emitted is made ready, then everything becomes durable with it, then it is shown.
    fn make_durable<T>(&mut self, write: impl FnOnce(&mut Plugin) -> Result<T, RuntimeError>) -> Result<T, Failure> {
        let begun = Instant::now();
        self.move_clocks()?;
        let tokens = self.outputs.prepare()?;
        let written = self.write_with(&tokens, write).map_err(|error| Failure::runtime(&self.run.dir, &error))?;
        self.durable.synced = Cut { consumed: self.consumed(), begun, took: begun.elapsed() };
        self.outputs.publish(&tokens)?;
        self.metrics.write_if_due()?;
        Ok(written)
    }

    fn write_with<T>(
        &mut self,
        tokens: &Tokens,
        write: impl FnOnce(&mut Plugin) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        let Self { plugin, cursors, outputs, .. } = self;
        plugin.with_engine(|engine| {
            cursors.store(engine)?;
            outputs.store(tokens, engine)
        })?;
        write(plugin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_from_beginning_to_beginning_and_leave_time_for_records() {
        let begun = Instant::now();
        let check = |took_ms, interval_ms, expected_ms| {
            let cut = Cut { consumed: 5, begun, took: Duration::from_millis(took_ms) };
            let due = cut.next(NonZeroU64::new(interval_ms), 6);
            assert_eq!(due, Some(begun + Duration::from_millis(expected_ms)), "{took_ms} ms, every {interval_ms} ms");
            assert_eq!(cut.next(NonZeroU64::new(interval_ms), 5), None, "there is nothing new");
        };
        check(0, 100, 100);
        check(30, 100, 100);
        check(80, 100, 160);
        let cut = Cut { consumed: 5, begun, took: Duration::ZERO };
        assert_eq!(cut.next(None, 6), None, "there is no interval");
    }
}
