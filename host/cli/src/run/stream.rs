//! Feeding batches to the plugin and taking checkpoints between them.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use alluvium_connectors::source::{SourceError, SourceErrorKind};
use alluvium_host::{Plugin, RuntimeError};

use super::arguments::Run;
use super::cursors::Cursors;
use super::inputs::Input;
use super::metrics::Metrics;
use super::operator;
use super::outcome::{Ended, Outcome};
use super::outputs::{Outputs, Tokens};
use super::progress::Progress;
use super::reading::{Cuts, Message, Read, What};
use crate::failure::Failure;

/// How long to wait for input before looking whether the run was interrupted.
const PATIENCE: Duration = Duration::from_millis(50);

/// How many results are asked for at a time.
const RESULTS_PAGE: u32 = 10_000;

/// A plugin at work on a stream.
pub(super) struct Stream<'a> {
    run: &'a Run,
    plugin: Plugin,
    metrics: Metrics,
    interrupted: Arc<AtomicBool>,
    cursors: Cursors,
    outputs: Outputs,
    /// Records consumed by the newest checkpoint.
    checkpointed: u64,
    /// Records consumed by earlier runs.
    before: u64,
    watermark_ms: Option<i64>,
    checkpoint_id: Option<u64>,
    /// Records consumed by the newest checkpoint or log, and when it was.
    durable: (u64, Instant),
}

impl<'a> Stream<'a> {
    pub(super) fn new(
        run: &'a Run,
        mut plugin: Plugin,
        inputs: Vec<Input>,
        metrics: Metrics,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Self, Failure> {
        let watermark_ms =
            plugin.with_engine(|engine| engine.watermark()).map_err(|error| Failure::runtime(&run.dir, &error))?;
        let outputs = Outputs::open(&run.outputs(), &mut plugin, &run.dir)?;
        let cursors = Cursors::open(inputs, &mut plugin, &run.dir)?;
        let checkpoint_id = plugin.recovered().map(|recovered| recovered.checkpoint_id);
        let consumed = cursors.consumed();
        Ok(Self {
            run,
            plugin,
            metrics,
            interrupted,
            cursors,
            outputs,
            checkpointed: consumed,
            before: consumed,
            watermark_ms,
            checkpoint_id,
            durable: (consumed, Instant::now()),
        })
    }

    /// Records consumed, by earlier runs too.
    pub(super) fn consumed(&self) -> u64 {
        self.cursors.consumed()
    }

    /// How far the run is.
    pub(super) fn outcome(&self) -> Outcome {
        let consumed = self.consumed();
        Outcome { consumed, consumed_now: consumed - self.before, checkpoint_id: self.checkpoint_id }
    }

    /// Feeds the inputs to the plugin until they end or it is told to stop; what is consumed then is
    /// checkpointed.
    pub(super) fn feed(&mut self, progress: &mut Progress) -> Result<Ended, Failure> {
        let records_max = self.run.stop_after.map_or(u64::MAX, NonZeroU64::get);
        let checkpoint_every = self.run.checkpoint_every.get();
        let sync_every = self.run.sync_every.map_or(u64::MAX, NonZeroU64::get);
        let messages = self.cursors.start(&self.run.time_column, Cuts { checkpoint_every, sync_every, records_max })?;
        let ended = loop {
            if self.interrupted.load(Ordering::Relaxed) {
                break Ended::Interrupted;
            }
            if self.consumed() - self.before == records_max {
                break Ended::Enough;
            }
            let Message { from, what } = match messages.recv_timeout(PATIENCE) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break Ended::Complete,
            };
            match what {
                What::Schema(schema) => {
                    let begun = operator::begin(&mut self.plugin, self.cursors.get(from).input, &schema);
                    begun.map_err(|error| self.failed(from, &error))?;
                }
                // With several inputs the last batch may have more records than were asked for. It is left.
                What::Batch(read) if u64::from(read.batch.count()) > self.room(records_max) => break Ended::Enough,
                What::Batch(read) => {
                    self.process(from, read)?;
                    progress.processed(self.outcome(), self.cursors.read_bytes());
                    self.make_durable_if_due(progress)?;
                }
                What::SourceFailed(error) => return Err(self.source_failed(&error)),
                What::Failed(failure) => return Err(failure),
            }
        };
        if self.consumed() > self.checkpointed {
            self.checkpoint(progress)?;
        }
        self.metrics.write()?;
        Ok(ended)
    }

    /// How many records the run may still consume.
    fn room(&self, records_max: u64) -> u64 {
        records_max.saturating_sub(self.consumed() - self.before)
    }

    fn process(&mut self, from: usize, mut read: Read) -> Result<(), Failure> {
        let batch = std::mem::take(&mut read.batch);
        let (count, cursor) = (batch.count(), self.cursors.get(from));
        let fed = operator::feed(&mut self.plugin, cursor.input, batch);
        fed.map_err(|error| self.failed(from, &error))?;
        for (output, records) in operator::take_emitted(&mut self.plugin) {
            self.outputs.write(output, &records)?;
        }
        self.cursors.advance(from, count, &read);
        self.watermark_ms = self.watermark_ms.max(self.cursors.watermark_ms());
        Ok(())
    }

    /// After a batch. With one input, batches end where checkpoints and logs fall.
    fn make_durable_if_due(&mut self, progress: &mut Progress) -> Result<(), Failure> {
        let (consumed, every) = (self.consumed(), self.run.checkpoint_every);
        if consumed / every > self.checkpointed / every {
            return self.checkpoint(progress);
        }
        let (durable, when) = self.durable;
        let is_passed = self.run.sync_every.is_some_and(|every| consumed / every > durable / every);
        let interval = self.run.sync_interval.map(|ms| Duration::from_millis(ms.get()));
        if is_passed || interval.is_some_and(|interval| when.elapsed() >= interval) {
            self.make_durable(Plugin::sync)?;
        }
        Ok(())
    }

    /// One atomic step: the state, how far the inputs are consumed, and the watermark.
    fn checkpoint(&mut self, progress: &mut Progress) -> Result<(), Failure> {
        let report = self.make_durable(Plugin::checkpoint)?;
        self.checkpointed = self.consumed();
        self.checkpoint_id = Some(report.info.id);
        progress.checkpointed(self.outcome(), self.cursors.read_bytes(), &report);
        Ok(())
    }

    /// What was emitted is made ready, then everything becomes durable with it, then it is shown.
    fn make_durable<T>(&mut self, write: impl FnOnce(&mut Plugin) -> Result<T, RuntimeError>) -> Result<T, Failure> {
        let tokens = self.outputs.prepare()?;
        let written = self.write_with(&tokens, write).map_err(|error| Failure::runtime(&self.run.dir, &error))?;
        self.outputs.publish(&tokens)?;
        self.durable = (self.consumed(), Instant::now());
        self.metrics.write_if_due()?;
        Ok(written)
    }

    fn write_with<T>(
        &mut self,
        tokens: &Tokens,
        write: impl FnOnce(&mut Plugin) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        let Self { plugin, cursors, outputs, watermark_ms, .. } = self;
        plugin.with_engine(|engine| {
            cursors.store(engine)?;
            if let Some(watermark_ms) = *watermark_ms {
                engine.set_watermark(watermark_ms)?;
            }
            outputs.store(tokens, engine)
        })?;
        write(plugin)
    }

    /// What was emitted to the first output so far, all of it backed by a checkpoint.
    pub(super) fn emitted(&self) -> Result<Vec<u8>, Failure> {
        self.outputs.shown(0)
    }

    /// The first results, or those after the last page; none is the end.
    pub(super) fn page_of_results(&mut self, is_start: bool) -> Result<Vec<String>, Failure> {
        self.plugin.results(is_start, RESULTS_PAGE).map_err(|error| Failure::runtime(&self.run.dir, &error))
    }

    /// All results, sorted by key.
    pub(super) fn results(&mut self, mut each: impl FnMut(&str) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut is_start = true;
        loop {
            let page = self.page_of_results(is_start)?;
            if page.is_empty() {
                return Ok(());
            }
            page.iter().try_for_each(|line| each(line))?;
            is_start = false;
        }
    }

    /// A refusal of the plugin is about the input, anything else about the directory.
    fn failed(&self, from: usize, error: &RuntimeError) -> Failure {
        match error {
            RuntimeError::Refused { record, text, .. } => {
                let cursor = self.cursors.get(from);
                let number = |record: u32| format!("record {}", cursor.consumed() + u64::from(record) + 1);
                let refused = record.map_or_else(|| "it".to_owned(), number);
                Failure::at(&cursor.source_name, format!("the plugin refuses {refused}: {text}"))
                    .hint("correct the input or the plugin; the records before the last checkpoint are safe")
            }
            _ => Failure::runtime(&self.run.dir, error),
        }
    }

    fn source_failed(&self, error: &SourceError) -> Failure {
        match error.kind() {
            SourceErrorKind::TooShort { records } => {
                let (consumed, dir) = (self.before, self.run.dir.display());
                let what = format!("has {records} records, but the checkpoint in {dir} has consumed {consumed}");
                Failure::at(error.source_name(), what).hint("give the input that the run began with, or another --dir")
            }
            _ => Failure::source(error),
        }
    }
}
