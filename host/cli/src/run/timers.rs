//! The clocks of a run, the timers that are due by them, and the end of the inputs.
//!
//! Clocks move only where the state becomes durable. So what timers do belongs to one cut of the stream, and is done
//! again after a crash, or not at all.

use alluvium_host::{Plugin, RuntimeError};

use super::progress::Progress;
use super::stream::Stream;
use crate::failure::Failure;

/// Says in checkpoints that the plugin was told of the end of its inputs.
const FINISHED: &str = "run.finished";

/// The end of the inputs, as far as the plugin is concerned.
#[derive(Debug)]
pub(super) struct End {
    /// Whether the plugin wants to know of it.
    is_wanted: bool,
    /// Whether it was told, by an earlier run too.
    pub(super) is_told: bool,
    /// Whether it was told, and no checkpoint has that yet.
    pub(super) is_new: bool,
}

impl End {
    /// Reads from the recovered checkpoint whether the plugin was told.
    pub(super) fn of(plugin: &mut Plugin, is_wanted: bool) -> Result<Self, RuntimeError> {
        Ok(Self { is_wanted, is_told: plugin.annotation(FINISHED)?.is_some(), is_new: false })
    }
}

impl Stream<'_> {
    /// Takes note of the watermark that the inputs allow now.
    pub(super) fn follow_watermark(&mut self) {
        let delay_ms = i64::try_from(self.run.watermark_delay).unwrap_or(i64::MAX);
        let times = self.cursors.watermark_ms(self.run.idle());
        self.watermark_ms = self.watermark_ms.max(times.map(|time_ms| time_ms.saturating_sub(delay_ms)));
    }

    /// Moves the clocks, and has the plugin do the work of the timers that are due.
    pub(super) fn move_clocks(&mut self) -> Result<(), Failure> {
        let (watermark_ms, now_ms) = (self.watermark_ms, self.processing_time_ms());
        let moved = self.plugin.with_engine(|engine| {
            watermark_ms.map_or(Ok(()), |watermark_ms| engine.set_watermark(watermark_ms))?;
            now_ms.map_or(Ok(()), |now_ms| engine.set_processing_time(now_ms))
        });
        moved.map_err(|error| Failure::runtime(&self.run.dir, &error))?;
        self.fire(Plugin::fire_timers)
    }

    fn fire(&mut self, fire: fn(&mut Plugin) -> Result<u64, RuntimeError>) -> Result<(), Failure> {
        if !self.plugin.description().has_timers() {
            return Ok(());
        }
        while fire(&mut self.plugin).map_err(|error| Failure::runtime(&self.run.dir, &error))? > 0 {
            self.write_emitted()?;
        }
        self.is_between = false;
        Ok(())
    }

    /// Returns the time of the machine, if the plugin needs it. Otherwise it is not stored: equal runs write equal
    /// bytes.
    fn processing_time_ms(&self) -> Option<i64> {
        let is_needed = self.plugin.description().needs_processing_time();
        is_needed.then(|| jiff::Timestamp::now().as_millisecond())
    }

    /// Whether timers are due by the time of the machine, or by a watermark that moves without records.
    pub(super) fn has_due_timers(&mut self) -> Result<bool, Failure> {
        if self.run.idle_timeout.is_some() {
            self.follow_watermark();
        } else if !self.plugin.description().needs_processing_time() {
            return Ok(false);
        }
        let (watermark_ms, now_ms) = (self.watermark_ms, self.processing_time_ms());
        let due = self.plugin.has_due_timers(watermark_ms, now_ms);
        due.map_err(|error| Failure::runtime(&self.run.dir, &error))
    }

    /// After the last record of all inputs: what the timers of event time do, whatever their times, and what the
    /// plugin does at the end. A checkpoint must follow.
    pub(super) fn finish(&mut self, progress: &mut Progress) -> Result<(), Failure> {
        if !self.end.is_wanted || self.end.is_told || self.run.no_finish {
            return Ok(());
        }
        // There are no more records, so the last one is whole without a line end.
        for (from, batch) in std::mem::take(&mut self.unfinished) {
            self.begin(from)?;
            let before = self.cursors.get(from).consumed();
            self.feed_around(from, batch, before, None, progress)?;
        }
        self.move_clocks()?;
        self.fire(Plugin::fire_all_timers)?;
        let finished = self.plugin.finish().and_then(|()| self.plugin.set_annotation(FINISHED, "1"));
        finished.map_err(|error| Failure::runtime(&self.run.dir, &error))?;
        self.write_emitted()?;
        (self.is_between, self.end.is_told, self.end.is_new) = (false, true, true);
        Ok(())
    }

    /// Refuses records that come after the end.
    pub(super) fn check_not_finished(&self, from: usize) -> Result<(), Failure> {
        if !self.end.is_told {
            return Ok(());
        }
        let source_name = &self.cursors.get(from).source_name;
        let what =
            format!("has new records, but the plugin was told of the end of its input: {}", self.run.dir.display());
        Err(Failure::at(source_name, what).hint(
            "restore a checkpoint from before the end, or begin with another --dir; --no-finish leaves a run open whose \
             input grows",
        ))
    }
}
