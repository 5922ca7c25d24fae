//! What a run prints while it runs: a bar on a terminal, plain lines elsewhere, or JSON.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use alluvium_connectors::source::SourceError;
use alluvium_host::{ChangedParameter, CheckpointReport, Message, MessageLevel, Recovery};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use serde_json::{Value, json};

use super::bad_record::BadRecord;
use super::outcome::{Ended, Outcome};
use crate::durability::weaker;
use crate::log::{Level, log};
use crate::output::{counted, grouped, were};
use crate::shown::tell;

/// Plain lines come no faster than this; a checkpoint's warnings always do.
const LINE_INTERVAL: Duration = Duration::from_millis(500);

enum Style {
    Bar(ProgressBar),
    Lines,
    Json,
}

/// Tells how far a run is, on the standard error: the standard output is for results.
pub(super) struct Progress {
    style: Style,
    started: Instant,
    last_line: Option<Instant>,
    last_checkpoint: String,
}

impl Progress {
    pub(super) fn new(is_json: bool) -> Self {
        let style = if is_json {
            Style::Json
        } else if std::io::stderr().is_terminal() {
            Style::Bar(bar(None))
        } else {
            Style::Lines
        };
        Self { style, started: Instant::now(), last_line: None, last_checkpoint: String::new() }
    }

    /// How many bytes there are to read, if that is known.
    pub(super) fn will_read(&mut self, total_bytes: Option<u64>) {
        if let Style::Bar(shown) = &mut self.style {
            *shown = bar(total_bytes);
        }
    }

    /// The status page is there.
    pub(super) fn listening(&self, address: SocketAddr) {
        let url = format!("http://{address}/");
        self.say(&[&format!("status page at {url}")], || json!({"event": "listening", "url": url}));
    }

    /// The file system cannot keep a promise, and that was accepted.
    pub(super) fn weaker(&self, directory: &Path, promise: &str) {
        let dir = directory.display().to_string();
        self.warn(
            &[&weaker(directory, promise)],
            || json!({"event": "weaker-durability", "dir": dir, "promise": promise}),
        );
    }

    /// A parameter has another value than the recovered checkpoint was computed with.
    pub(super) fn parameter(&self, changed: &ChangedParameter) {
        let ChangedParameter { name, before, now } = changed;
        self.warn(
            &[&format!("the parameter {name} was {before} in the checkpoint, and is {now} from now on")],
            || json!({"event": "parameter", "name": name, "before": before, "now": now}),
        );
    }

    /// What opening the directory found.
    pub(super) fn opened(&mut self, directory: &Path, recovered: Option<&Recovery>, consumed: u64) {
        let dir = directory.display().to_string();
        let Some(recovery) = recovered else {
            self.say(
                &[&format!("{dir}: no checkpoint found, starting from the first record")],
                || json!({"event": "begun", "dir": dir}),
            );
            return;
        };
        for skipped in &recovery.skipped {
            let (id, reason) = (skipped.id, &skipped.reason);
            self.warn(
                &[&format!("{dir}: skipped checkpoint {id}, which is damaged: {reason}")],
                || json!({"event": "skipped", "dir": dir, "id": id, "reason": reason}),
            );
        }
        let (id, keys) = (recovery.checkpoint_id, recovery.key_count);
        let text = format!(
            "{dir}: continuing from checkpoint {id}, {} consumed, {}",
            counted(consumed, "record"),
            counted(keys, "key")
        );
        self.say(&[&text], || json!({"event": "recovered", "dir": dir, "id": id, "records": consumed, "keys": keys}));
        self.started = Instant::now();
    }

    /// Another batch is done.
    pub(super) fn processed(&mut self, outcome: Outcome, read_bytes: u64) {
        if let Style::Bar(bar) = &self.style {
            bar.set_position(read_bytes);
            bar.set_message(self.message(outcome));
        }
    }

    /// A checkpoint is durable.
    pub(super) fn checkpointed(&mut self, outcome: Outcome, read_bytes: u64, report: &CheckpointReport) {
        let info = &report.info;
        self.last_checkpoint = format!("checkpoint {}: {}", info.id, counted(report.bytes_written, "byte"));
        self.processed(outcome, read_bytes);
        for error in &report.maintenance.errors {
            // The checkpoint stands; only old files could not be deleted.
            self.warn(
                &[&format!("after checkpoint {}: {error}; it is tried again at the next one", info.id)],
                || json!({"event": "maintenance-failed", "id": info.id, "error": error}),
            );
        }
        let is_due = self.last_line.is_none_or(|last| last.elapsed() >= LINE_INTERVAL);
        match self.style {
            Style::Lines if is_due => {
                self.last_line = Some(Instant::now());
                tell(&self.message(outcome));
            }
            Style::Json => self.say(&[], || {
                json!({
                    "event": "checkpoint", "id": info.id, "records": outcome.consumed, "bytes_written": report.bytes_written,
                    "keys_changed": info.keys_changed, "freeze_us": report.freeze_us, "write_us": report.write_us,
                })
            }),
            _ => {}
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&mut self) {
        if let Style::Bar(bar) = &self.style {
            bar.finish_and_clear();
        }
    }

    /// A record is left out. On a terminal the count is enough.
    pub(super) fn left_out(&mut self, source: &str, bad: &BadRecord) {
        let BadRecord { number, error, .. } = bad;
        self.warn(
            &[&format!("{source}: left out record {number}: {error}")],
            || json!({"event": "left-out", "input": source, "record": number, "error": error}),
        );
    }

    /// The last record of an input has no line end.
    pub(super) fn unfinished(&mut self, what: &str) {
        self.warn(
            &[&format!("the input ends within a record: {what}")],
            || json!({"event": "unfinished", "what": what}),
        );
    }

    /// Another source is read in place of the one before.
    pub(super) fn another(&mut self, error: &SourceError) {
        let source = error.source_name();
        self.warn(
            &[&format!("{source}: another input is in its place; it is read from its beginning")],
            || json!({"event": "another-input", "input": source, "what": error.to_string()}),
        );
    }

    /// A file has come to those that are followed.
    pub(super) fn found(&self, source: &str) {
        self.say(&[&format!("{source}: has come, and is followed")], || json!({"event": "found", "input": source}));
    }

    /// A connection was lost.
    pub(super) fn lost(&mut self, error: &SourceError) {
        let what = error.to_string();
        self.warn(&[&format!("{what}; it is tried again")], || json!({"event": "connection-lost", "what": what}));
    }

    /// Records went to an output that leads nowhere.
    pub(super) fn dropped(&self, output: &str, records: u64) {
        let (count, were) = (counted(records, "record"), were(records));
        self.warn(
            &[&format!("{count} of the output {output} {were} dropped: --output {output}=FILE keeps them")],
            || json!({"event": "dropped", "output": output, "records": records}),
        );
    }

    /// The plugin said something.
    pub(super) fn said(&self, message: &Message) {
        let Message { level, text } = message;
        let (shown, name) = match level {
            MessageLevel::Debug => (Level::Info, "debug"),
            MessageLevel::Info => (Level::Info, "info"),
            MessageLevel::Warn => (Level::Warn, "warn"),
            MessageLevel::Error => (Level::Warn, "error"),
        };
        let event = || json!({"event": "plugin", "importance": name, "text": text});
        self.tell(shown, &[&format!("the plugin says ({name}): {text}")], event);
    }

    /// The run stopped before the end of the input.
    pub(super) fn stopped(&mut self, outcome: Outcome, ended: Ended, again: &str) {
        let (records, id) = (outcome.consumed, outcome.checkpoint_id);
        let (why, event) = match ended {
            Ended::Interrupted => ("interrupted", "interrupted"),
            Ended::Terminated => ("terminated", "terminated"),
            Ended::Enough | Ended::Complete => ("stopped as asked", "stopped"),
        };
        let checkpoint = match id {
            Some(id) => format!("checkpoint {id} holds everything"),
            None => "there is no checkpoint yet".to_owned(),
        };
        let text = format!("{why} after {}: {checkpoint}. To continue:", counted(records, "record"));
        self.say(
            &[&text, &format!("  {again}")],
            || json!({"event": event, "records": records, "id": id, "again": again}),
        );
    }

    /// The run reached the end of the input.
    pub(super) fn ended(&mut self, outcome: Outcome) {
        let (records, now, id) = (outcome.consumed, outcome.consumed_now, outcome.checkpoint_id);
        let text = match id {
            Some(id) if now == 0 => {
                let records = counted(records, "record");
                format!("nothing left to do: checkpoint {id} holds all {records}; the results again")
            }
            _ => {
                let rate = grouped(self.rate(now));
                format!("done: {}, {rate} a second; {}", counted(records, "record"), self.last_checkpoint)
            }
        };
        self.say(
            &[&text],
            || json!({"event": "done", "records": records, "records_now": now, "id": id, "left_out": outcome.left_out}),
        );
        if outcome.left_out > 0 && !matches!(self.style, Style::Json) {
            tell(&format!("{} {} left out", counted(outcome.left_out, "record"), were(outcome.left_out)));
        }
    }

    fn message(&self, outcome: Outcome) -> String {
        let rate = grouped(self.rate(outcome.consumed_now));
        let records = counted(outcome.consumed, "record");
        format!("{records}, {rate}/s, {}", self.last_checkpoint)
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    fn rate(&self, consumed_now: u64) -> u64 {
        // For people: three digits are enough, and a run of no time has no rate.
        (consumed_now as f64 / self.started.elapsed().as_secs_f64().max(1e-6)) as u64
    }

    fn say(&self, text: &[&str], event: impl FnOnce() -> Value) {
        self.tell(Level::Info, text, event);
    }

    fn warn(&self, text: &[&str], event: impl FnOnce() -> Value) {
        self.tell(Level::Warn, text, event);
    }

    fn tell(&self, level: Level, text: &[&str], event: impl FnOnce() -> Value) {
        match &self.style {
            Style::Json => log(level, event()),
            Style::Bar(bar) => bar.suspend(|| text.iter().for_each(|line| tell(line))),
            Style::Lines => text.iter().for_each(|line| tell(line)),
        }
    }
}

fn bar(total_bytes: Option<u64>) -> ProgressBar {
    let (template, bar) = match total_bytes {
        Some(total) => ("{bar:20} {percent:>3}%  {wide_msg}", ProgressBar::new(total)),
        None => ("{spinner}  {wide_msg}", ProgressBar::new_spinner()),
    };
    // A run that fails leaves no half bar before its error.
    let bar = bar.with_finish(ProgressFinish::AndClear);
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
