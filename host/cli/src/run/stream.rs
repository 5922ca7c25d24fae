//! Feeding batches to the plugin and taking checkpoints between them.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use alluvium_host::{Engine, Plugin, RuntimeError};

use super::arguments::Run;
use super::batches::{self, Batch, Message, Plan};
use super::emissions::{self, Emissions};
use super::input::Input;
use super::metrics::Metrics;
use super::outcome::{Ended, Outcome};
use super::progress::Progress;
use crate::failure::Failure;

/// The name under which checkpoints keep how many records were consumed.
const SOURCE: &str = "input";

/// The name under which checkpoints keep where in a plain file the records consumed end.
const SOURCE_BYTE: &str = "input.byte";

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
    /// Records consumed, by earlier runs too.
    consumed: u64,
    /// Records consumed by the newest checkpoint.
    checkpointed: u64,
    /// Records consumed by earlier runs.
    before: u64,
    watermark_ms: Option<i64>,
    checkpoint_id: Option<u64>,
    /// Records consumed by the newest checkpoint or log, and when it was.
    durable: (u64, Instant),
    /// Where in a plain file the records consumed end.
    end_byte: Option<u64>,
    emissions: Emissions,
}

impl<'a> Stream<'a> {
    pub(super) fn new(
        run: &'a Run,
        mut plugin: Plugin,
        metrics: Metrics,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Self, Failure> {
        let failed = |error| Failure::runtime(&run.dir, &error);
        let offset = plugin.source_offset(SOURCE).map_err(failed)?;
        let watermark_ms = plugin.with_engine(Engine::watermark).map_err(failed)?;
        let end_byte = plugin.annotation(SOURCE_BYTE).map_err(failed)?.and_then(|byte| byte.parse().ok());
        let emissions = Emissions::open(run.output.as_deref(), &mut plugin, &run.dir)?;
        let recovered = plugin.recovered();
        if recovered.is_some() && offset.is_none() {
            return Err(Failure::at(run.dir.display(), "its newest checkpoint says nothing of the source \"input\"")
                .hint("it is not one that `alluvium run` took: name another directory"));
        }
        let consumed = offset.unwrap_or(0);
        let checkpoint_id = recovered.map(|recovered| recovered.checkpoint_id);
        Ok(Self {
            run,
            plugin,
            metrics,
            interrupted,
            consumed,
            checkpointed: consumed,
            before: consumed,
            watermark_ms,
            checkpoint_id,
            durable: (consumed, Instant::now()),
            end_byte,
            emissions,
        })
    }

    /// Records consumed, by earlier runs too.
    pub(super) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Records consumed by this run.
    fn consumed_now(&self) -> u64 {
        self.consumed - self.before
    }

    /// How far the run is.
    pub(super) fn outcome(&self) -> Outcome {
        Outcome { consumed: self.consumed, consumed_now: self.consumed_now(), checkpoint_id: self.checkpoint_id }
    }

    /// Feeds the input to the plugin until it ends or is told to stop; what is consumed then
    /// is checkpointed.
    pub(super) fn feed(&mut self, input: Input, progress: &mut Progress) -> Result<Ended, Failure> {
        let name = input.name.clone();
        let last = self.run.stop_after.map_or(u64::MAX, |count| self.consumed.saturating_add(count.get()));
        let every = self.run.checkpoint_every.get();
        let sync_every = self.run.sync_every.map_or(u64::MAX, NonZeroU64::get);
        let plan = Plan { consumed: self.consumed, end_byte: self.end_byte, checkpoint_every: every, sync_every, last };
        let messages = batches::read(input, self.run.time_column.clone(), plan)?;
        let ended = loop {
            if self.interrupted.load(Ordering::Relaxed) {
                break Ended::Interrupted;
            }
            if self.consumed == last {
                break Ended::Enough;
            }
            match messages.recv_timeout(PATIENCE) {
                Ok(Message::Header(header)) => {
                    self.plugin.begin(&header).map_err(|error| self.failed(&name, &error))?;
                }
                Ok(Message::Batch(batch)) => {
                    self.process(&name, &batch)?;
                    progress.processed(self.consumed, self.consumed_now());
                    if self.consumed.is_multiple_of(every) {
                        self.checkpoint(progress)?;
                    } else if self.is_sync_due(sync_every) {
                        self.sync()?;
                    }
                }
                Ok(Message::TooShort(count)) => return Err(self.too_short(&name, count)),
                Ok(Message::Failed(failure)) => return Err(failure),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break Ended::Complete,
            }
        };
        if self.consumed > self.checkpointed {
            self.checkpoint(progress)?;
        }
        self.metrics.write()?;
        Ok(ended)
    }

    fn process(&mut self, name: &str, batch: &Batch) -> Result<(), Failure> {
        self.plugin.feed(&batch.records).map_err(|error| self.failed(name, &error))?;
        self.emissions.emit(&self.plugin.take_emitted())?;
        self.consumed += u64::from(batch.records.count);
        self.end_byte = batch.end_byte;
        self.watermark_ms = self.watermark_ms.max(batch.time_ms);
        Ok(())
    }

    /// One atomic step: the state, how far the input is consumed, and the watermark.
    fn checkpoint(&mut self, progress: &mut Progress) -> Result<(), Failure> {
        let report = self.make_durable(Plugin::checkpoint)?;
        self.checkpointed = self.consumed;
        self.checkpoint_id = Some(report.info.id);
        progress.checkpointed(self.consumed, self.consumed_now(), &report);
        Ok(())
    }

    fn is_sync_due(&self, every: u64) -> bool {
        let (consumed, when) = self.durable;
        let interval = self.run.sync_interval.map(|ms| Duration::from_millis(ms.get()));
        self.consumed.is_multiple_of(every)
            || self.consumed - consumed >= every
            || interval.is_some_and(|interval| when.elapsed() >= interval)
    }

    /// Does the same without a checkpoint: it writes a WAL after the newest one, or the first checkpoint.
    fn sync(&mut self) -> Result<(), Failure> {
        self.make_durable(Plugin::sync)
    }

    /// What was emitted is made ready, then everything becomes durable with it, then it is shown.
    fn make_durable<T>(&mut self, write: impl FnOnce(&mut Plugin) -> Result<T, RuntimeError>) -> Result<T, Failure> {
        let token = self.emissions.prepare()?;
        let written =
            self.write_with(token.as_deref(), write).map_err(|error| Failure::runtime(&self.run.dir, &error))?;
        self.emissions.commit(token.as_deref())?;
        self.durable = (self.consumed, Instant::now());
        self.metrics.write_if_due()?;
        Ok(written)
    }

    fn write_with<T>(
        &mut self,
        token: Option<&str>,
        write: impl FnOnce(&mut Plugin) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        let (consumed, end_byte, watermark_ms) = (self.consumed, self.end_byte, self.watermark_ms);
        self.plugin.with_engine(|engine| {
            engine.set_source_offset(SOURCE, consumed)?;
            if let Some(end_byte) = end_byte {
                engine.set_annotation(SOURCE_BYTE, &end_byte.to_string())?;
            }
            if let Some(watermark_ms) = watermark_ms {
                engine.set_watermark(watermark_ms)?;
            }
            token.map_or(Ok(()), |token| engine.set_annotation(emissions::TOKEN, token))
        })?;
        write(&mut self.plugin)
    }

    /// What was emitted so far, all of it backed by a checkpoint.
    pub(super) fn emitted(&self) -> Result<Vec<u8>, Failure> {
        self.emissions.shown()
    }

    /// All results, sorted by key.
    pub(super) fn results(&mut self, mut each: impl FnMut(&str) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut is_start = true;
        loop {
            let page =
                self.plugin.results(is_start, RESULTS_PAGE).map_err(|error| Failure::runtime(&self.run.dir, &error))?;
            if page.is_empty() {
                return Ok(());
            }
            page.iter().try_for_each(|line| each(line))?;
            is_start = false;
        }
    }

    /// A refusal of the plugin is about the input, anything else about the directory.
    fn failed(&self, input: &str, error: &RuntimeError) -> Failure {
        match error {
            RuntimeError::Plugin(why) => Failure::at(input, format!("the plugin refuses it: {why}"))
                .hint("correct the input or the plugin; the records before the last checkpoint are safe"),
            _ => Failure::runtime(&self.run.dir, error),
        }
    }

    fn too_short(&self, input: &str, count: u64) -> Failure {
        let consumed = self.before;
        let dir = self.run.dir.display();
        Failure::at(input, format!("has {count} records, but the checkpoint in {dir} has consumed {consumed}"))
            .hint("give the input that the run began with, or another --dir")
    }
}
