//! Feeding what is read to the plugin, and taking checkpoints between.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alluvium_connectors::Batch;
use alluvium_connectors::source::{Schema, SourceError, SourceErrorKind};
use alluvium_host::{Plugin, RuntimeError};

use super::arguments::Run;
use super::arrivals::{Arrival, Waiting};
use super::connections::Connections;
use super::cursors::{Cursors, With};
use super::discovery::Discovery;
use super::durable::Durable;
use super::inputs::Input;
use super::opening;
use super::operator;
use super::outcome::{Ended, Outcome};
use super::outputs::Outputs;
use super::progress::Progress;
use super::reading::{Cuts, Message, What};
use super::service::{MetricsFile, Phase, Status};
use super::signals::Signals;
use super::timers::End;
use crate::failure::Failure;
use crate::output::counted;

/// How long to wait for input before looking what else is due.
const PATIENCE: Duration = Duration::from_millis(50);

/// How many results are asked for at a time.
const RESULTS_PAGE: u32 = 10_000;

/// A plugin at work on a stream.
pub(super) struct Stream<'a> {
    pub(super) run: &'a Run,
    pub(super) plugin: Plugin,
    pub(super) metrics: MetricsFile,
    pub(super) status: Status,
    pub(super) signals: Signals,
    pub(super) cursors: Cursors,
    /// Where batches end.
    pub(super) cuts: Cuts,
    pub(super) discovery: Discovery,
    pub(super) connections: Connections,
    pub(super) outputs: Outputs,
    pub(super) durable: Durable,
    /// Records consumed by earlier runs.
    before: u64,
    pub(super) watermark_ms: Option<i64>,
    /// Records that were left out by this run.
    pub(super) left_out: u64,
    /// How the plugin was told that the records of an input look.
    begun: BTreeMap<usize, Arc<Schema>>,
    /// Records after the last line end of inputs that have ended. They are in no checkpoint.
    pub(super) unfinished: Vec<(usize, Batch)>,
    pub(super) end: End,
    /// The state holds a part of what was read, and the positions do not.
    pub(super) is_between: bool,
}

impl<'a> Stream<'a> {
    pub(super) fn new(
        run: &'a Run,
        (mut plugin, is_timed): (Plugin, bool),
        (mut inputs, connections): (Vec<Input>, Connections),
        metrics: MetricsFile,
        status: Status,
        signals: Signals,
    ) -> Result<Self, Failure> {
        let watermark_ms =
            plugin.with_engine(|engine| engine.watermark()).map_err(|error| Failure::runtime(&run.dir, &error))?;
        let end = End::of(&mut plugin, is_timed).map_err(|error| Failure::runtime(&run.dir, &error))?;
        let outputs = Outputs::open(run, &connections, &mut plugin, &signals)?;
        let cursors = opening::open(&mut inputs, &mut plugin, run)?;
        let discovery = Discovery::new(inputs, run.reading.follow)?;
        let cuts = Cuts {
            checkpoint_every: run.checkpoint_every.get(),
            sync_every: run.sync_every.map_or(u64::MAX, NonZeroU64::get),
            records_max: run.stop_after.map_or(u64::MAX, NonZeroU64::get),
        };
        let checkpoint_id = plugin.recovered().map(|recovered| recovered.checkpoint_id);
        let consumed = cursors.consumed();
        Ok(Self {
            run,
            plugin,
            metrics,
            status,
            signals,
            cursors,
            cuts,
            discovery,
            connections,
            outputs,
            durable: Durable::at(consumed, checkpoint_id),
            before: consumed,
            watermark_ms,
            left_out: 0,
            begun: BTreeMap::new(),
            unfinished: Vec::new(),
            end,
            is_between: false,
        })
    }

    /// Records consumed, by earlier runs too.
    pub(super) fn consumed(&self) -> u64 {
        self.cursors.consumed()
    }

    /// How far the run is.
    pub(super) fn outcome(&self) -> Outcome {
        let consumed = self.consumed();
        let (checkpoint_id, left_out) = (self.durable.checkpoint_id, self.left_out);
        Outcome { consumed, consumed_now: consumed - self.before, checkpoint_id, left_out }
    }

    /// Feeds the inputs to the plugin until they end or it is told to stop. What is consumed then is
    /// checkpointed, also if it is an error that ends it.
    pub(super) fn feed(&mut self, progress: &mut Progress) -> Result<Ended, Failure> {
        self.show(Phase::Running);
        let fed = self.feed_all(progress).and_then(|ended| {
            if ended == Ended::Complete {
                self.finish(progress)?;
            }
            Ok(ended)
        });
        self.show(Phase::Ending);
        // The state is that after the last batch that was taken, unless the plugin has ended.
        // Results in a file are known as those of this stream only by a checkpoint.
        let has_results = matches!(fed, Ok(Ended::Complete)) && !self.run.no_results;
        let is_first = self.durable.checkpoint_id.is_none() && self.connections.first_output().is_some();
        let lacks_checkpoint =
            self.end.is_new || self.durable.lacks_checkpoint(self.consumed()) || (has_results && is_first);
        if self.plugin.is_running() && !self.is_between && lacks_checkpoint {
            let checkpointed = self.checkpoint(progress);
            // The first error is the cause.
            if fed.is_ok() {
                checkpointed?;
            }
        }
        self.show_messages(progress);
        self.metrics.write()?;
        fed
    }

    /// Shows what the plugin said.
    fn show_messages(&mut self, progress: &mut Progress) {
        for message in self.plugin.take_messages() {
            progress.said(&message);
        }
    }

    fn feed_all(&mut self, progress: &mut Progress) -> Result<Ended, Failure> {
        let records_max = self.cuts.records_max;
        let with = With { run: self.run, cuts: self.cuts, signals: &self.signals, status: &self.status };
        let messages = self.cursors.start(&with)?;
        loop {
            self.show(Phase::Running);
            self.show_messages(progress);
            if self.consumed() - self.before == records_max {
                return Ok(Ended::Enough);
            }
            if self.signals.take_hangup() {
                self.outputs.reopen()?;
                if self.durable.lacks_checkpoint(self.consumed()) {
                    self.checkpoint(progress)?;
                }
            }
            if self.signals.stop() {
                self.cursors.close();
            } else {
                self.discover_if_due(progress)?;
            }
            let Message { from, what } = match self.cursors.next(&messages, self.waiting()) {
                Arrival::Message(message) => message,
                Arrival::Nothing => {
                    self.make_durable_if_due(progress)?;
                    continue;
                }
                // After a signal the readers end as well, and what they have read was taken.
                Arrival::NoMore if self.signals.stop() => {
                    return Ok(if self.signals.is_terminated() { Ended::Terminated } else { Ended::Interrupted });
                }
                Arrival::NoMore => return Ok(Ended::Complete),
            };
            match what {
                What::Schema(schema) => {
                    self.cursors.set_schema(from, &schema);
                    self.begin(from)?;
                }
                // With several inputs the last batch may have more records than were asked for. It is left.
                What::Read(read) if u64::from(read.count) > self.room(records_max) => return Ok(Ended::Enough),
                What::Read(read) => {
                    self.check_not_finished(from)?;
                    self.process(from, read, progress)?;
                    progress.processed(self.outcome(), self.cursors.read_bytes());
                    self.make_durable_if_due(progress)?;
                }
                // The plugin had it at the end.
                What::Unfinished(Ok(_)) if self.end.is_told => {}
                What::Unfinished(Ok(batch)) => self.unfinished.push((from, batch)),
                What::Unfinished(Err(error)) => progress.unfinished(&error.to_string()),
                What::Ended => {
                    self.cursors.ended(from);
                    self.follow_watermark();
                    // It may end a block, too.
                    self.make_durable_if_due(progress)?;
                }
                What::Another(error) => progress.another(&error),
                What::Lost(error) => progress.lost(&error),
                What::SourceFailed(error) => return Err(self.source_failed(&error)),
                What::Failed(failure) => return Err(failure),
                What::Over => {}
            }
        }
    }

    /// Shows how far it is.
    fn show(&self, phase: Phase) {
        self.status.update(|shown| {
            shown.phase = phase;
            self.cursors.show(&mut shown.inputs);
            shown.outputs = self.outputs.status();
            shown.watermark_ms = self.watermark_ms;
            shown.memory_bytes = self.plugin.memory_bytes();
        });
    }

    /// Tells the plugin how the records of a partition look, if those of its input before looked otherwise.
    pub(super) fn begin(&mut self, from: usize) -> Result<(), Failure> {
        let cursor = self.cursors.get(from);
        let (input, Some(schema)) = (cursor.input, cursor.schema.clone()) else { return Ok(()) };
        if self.begun.get(&input) != Some(&schema) {
            operator::begin(&mut self.plugin, input, &schema).map_err(|error| self.failed(from, &error))?;
            self.begun.insert(input, schema);
        }
        Ok(())
    }

    /// How long to wait for a message: until something else is due.
    fn waiting(&self) -> Waiting {
        let due = self.durable.due(self.run, self.consumed());
        let patience = due.map_or(PATIENCE, |due| due.saturating_duration_since(Instant::now()).min(PATIENCE));
        Waiting { patience, idle: self.run.idle(), is_stopping: self.signals.stop() }
    }

    /// How many records the run may still consume.
    fn room(&self, records_max: u64) -> u64 {
        records_max.saturating_sub(self.consumed() - self.before)
    }

    /// After the last checkpoint: feeds what may be half of a record, for the results only.
    pub(super) fn feed_unfinished(&mut self, progress: &mut Progress) -> Result<(), Failure> {
        for (from, batch) in std::mem::take(&mut self.unfinished) {
            self.begin(from)?;
            match operator::feed(&mut self.plugin, self.cursors.get(from).input, batch) {
                Ok(()) => {
                    progress.unfinished("its last record has no line end: the results have it, the checkpoint has not");
                }
                Err(RuntimeError::Refused { text, .. }) => progress.unfinished(&text),
                Err(error) => return Err(self.failed(from, &error)),
            }
            // What it emits belongs to no checkpoint.
            drop(operator::take_emitted(&mut self.plugin));
        }
        Ok(())
    }

    /// What was emitted to the first output so far, all of it backed by a checkpoint.
    pub(super) fn emitted(&self) -> Result<Vec<u8>, Failure> {
        self.outputs.shown(0)
    }

    /// Gives all results to `each_page`, sorted by key, for as long as it wants more.
    pub(super) fn results(
        &mut self,
        mut each_page: impl FnMut(&[String]) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let mut is_start = true;
        loop {
            let page =
                self.plugin.results(is_start, RESULTS_PAGE).map_err(|error| Failure::runtime(&self.run.dir, &error))?;
            if page.is_empty() || !each_page(&page)? {
                return Ok(());
            }
            is_start = false;
        }
    }

    fn source_failed(&self, error: &SourceError) -> Failure {
        match error.kind() {
            SourceErrorKind::TooShort { records } => {
                let (consumed, dir) = (self.before, self.run.dir.display());
                let records = counted(records, "record");
                let what = format!("has {records}, but the checkpoint in {dir} has consumed {consumed}");
                Failure::at(error.source_name(), what).hint(
                    "give the input that the run began with, another --dir, or --resume next if this file is another \
                     one that comes after it",
                )
            }
            _ => Failure::source(error),
        }
    }
}
