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
    /// Records consumed by the newest checkpoint, and when it was.
    checkpoint: (u64, Instant),
    /// Records consumed by the newest checkpoint or log, and when it was.
    synced: (u64, Instant),
}

impl Durable {
    /// What was recovered is durable.
    pub(super) fn at(consumed: u64, checkpoint_id: Option<u64>) -> Self {
        let now = (consumed, Instant::now());
        Self { checkpoint_id, checkpoint: now, synced: now }
    }

    /// Whether the newest checkpoint is older than the state.
    pub(super) fn lacks_checkpoint(&self, consumed: u64) -> bool {
        consumed > self.checkpoint.0
    }

    /// When a checkpoint is due by its interval. There is none without anything new.
    fn checkpoint_due(&self, run: &Run, consumed: u64) -> Option<Instant> {
        due(self.checkpoint, run.checkpoint_interval, consumed)
    }

    /// When something is due by an interval.
    pub(super) fn due(&self, run: &Run, consumed: u64) -> Option<Instant> {
        let sync = due(self.synced, run.sync_interval, consumed);
        sync.into_iter().chain(self.checkpoint_due(run, consumed)).min()
    }
}

/// When an interval in milliseconds is over, if there is something new.
fn due((durable, when): (u64, Instant), interval: Option<NonZeroU64>, consumed: u64) -> Option<Instant> {
    let interval = Duration::from_millis(interval?.get());
    if consumed > durable { when.checked_add(interval) } else { None }
}

impl Stream<'_> {
    /// Takes what is due. With one input, batches end where checkpoints and logs fall; with several, these come after
    /// the block in which they fall.
    pub(super) fn make_durable_if_due(&mut self, progress: &mut Progress) -> Result<(), Failure> {
        let (consumed, every, now) = (self.consumed(), self.run.checkpoint_every, Instant::now());
        let is_due = |due: Option<Instant>| due.is_some_and(|due| now >= due);
        let is_counted = self.cursors.may_count();
        let is_passed = is_counted && consumed / every > self.durable.checkpoint.0 / every;
        if is_passed || is_due(self.durable.checkpoint_due(self.run, consumed)) {
            return self.checkpoint(progress);
        }
        let has_passed = |every: NonZeroU64| consumed / every > self.durable.synced.0 / every;
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
        self.durable.checkpoint = (self.consumed(), Instant::now());
        self.durable.checkpoint_id = Some(report.info.id);
        self.status.checkpointed(&report, self.consumed());
        progress.checkpointed(self.outcome(), self.cursors.read_bytes(), &report);
        Ok(())
    }

    /// The clocks move, and what was emitted is made ready, then everything becomes durable with it, then it is shown.
    fn make_durable<T>(&mut self, write: impl FnOnce(&mut Plugin) -> Result<T, RuntimeError>) -> Result<T, Failure> {
        self.move_clocks()?;
        let tokens = self.outputs.prepare()?;
        let written = self.write_with(&tokens, write).map_err(|error| Failure::runtime(&self.run.dir, &error))?;
        self.durable.synced = (self.consumed(), Instant::now());
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
