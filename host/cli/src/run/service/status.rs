//! What a run shows of itself while it runs: written by its loop, read by those who ask.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use alluvium_connectors::sink::Guarantee;
use alluvium_connectors::source::{Position, Progress};
use alluvium_host::CheckpointReport;
use jiff::Timestamp;

use super::frame::position_text;

/// How many checkpoints are shown.
const CHECKPOINTS_SHOWN: usize = 20;

/// How long the loop of a run may take for one turn, beyond the time of a call of the plugin. A checkpoint of
/// a large state on a slow disk is within it.
const TURN_MAX: Duration = Duration::from_mins(1);

/// The state of a run. Clones see the same.
#[derive(Debug, Clone)]
pub(in crate::run) struct Status(Arc<Mutex<Snapshot>>);

/// A run at one moment.
#[derive(Debug, Clone)]
pub(in crate::run) struct Snapshot {
    pub(in crate::run) plugin: String,
    pub(in crate::run) dir: String,
    pub(in crate::run) phase: Phase,
    /// When the loop began its last turn, and how long one may take.
    pub(super) turned: Instant,
    pub(super) turn_max: Duration,
    pub(in crate::run) inputs: Vec<InputStatus>,
    pub(in crate::run) outputs: Vec<OutputStatus>,
    pub(in crate::run) watermark_ms: Option<i64>,
    /// The newest first.
    pub(super) checkpoints: VecDeque<Checkpoint>,
    /// When the state was made durable by a checkpoint, and by a checkpoint or a log.
    pub(super) checkpointed: Option<Timestamp>,
    pub(super) synced: Option<Timestamp>,
    /// The memory of WebAssembly that plugin and engine take.
    pub(in crate::run) memory_bytes: usize,
    /// The limits by name, as they were asked for.
    pub(in crate::run) limits: Vec<(&'static str, String)>,
}

/// What a run is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) enum Phase {
    /// It compiles the plugin and recovers the state.
    Starting,
    /// It reads and processes.
    Running,
    /// It has read everything, or was told to end.
    Ending,
}

/// A partition of an input.
#[derive(Debug, Clone)]
pub(in crate::run) struct InputStatus {
    pub(in crate::run) name: String,
    pub(in crate::run) partition: String,
    pub(in crate::run) source: String,
    /// Records consumed, by earlier runs too.
    pub(in crate::run) records: u64,
    /// And by this run.
    pub(in crate::run) records_now: u64,
    pub(in crate::run) position: Option<Position>,
    pub(in crate::run) time_ms: Option<i64>,
    /// Bytes of what was consumed. The reader is ahead of it.
    pub(in crate::run) consumed_bytes: u64,
    pub(in crate::run) reader: ReaderStatus,
    /// Records left out because they could not be read, and because the plugin refused them.
    pub(in crate::run) unreadable: u64,
    pub(in crate::run) refused: u64,
}

/// What the reader of a partition last saw.
#[derive(Debug, Clone, Default)]
pub(in crate::run) struct ReaderStatus {
    pub(in crate::run) progress: Progress,
    /// Why it has no connection.
    pub(in crate::run) trouble: Option<String>,
    /// How often a connection was lost.
    pub(in crate::run) lost: u64,
    pub(in crate::run) has_ended: bool,
    is_cut_off: bool,
}

/// An output.
#[derive(Debug, Clone)]
pub(in crate::run) struct OutputStatus {
    pub(in crate::run) name: String,
    pub(in crate::run) sink: String,
    pub(in crate::run) guarantee: Guarantee,
    /// Records emitted by this run.
    pub(in crate::run) records: u64,
    pub(in crate::run) published_bytes: Option<u64>,
}

/// A checkpoint of this run.
#[derive(Debug, Clone)]
pub(super) struct Checkpoint {
    pub(super) id: u64,
    pub(super) at: Timestamp,
    pub(super) records: u64,
    pub(super) keys: u64,
    pub(super) keys_changed: u64,
    pub(super) bytes_written: u64,
    pub(super) freeze: Duration,
    pub(super) write: Duration,
}

impl Status {
    /// A run that starts. One call of the plugin may take `call`.
    pub(in crate::run) fn new(plugin: &Path, dir: &Path, call: Duration) -> Self {
        Self(Arc::new(Mutex::new(Snapshot {
            plugin: plugin.display().to_string(),
            dir: dir.display().to_string(),
            phase: Phase::Starting,
            turned: Instant::now(),
            turn_max: call + TURN_MAX,
            inputs: Vec::new(),
            outputs: Vec::new(),
            watermark_ms: None,
            checkpoints: VecDeque::new(),
            checkpointed: None,
            synced: None,
            memory_bytes: 0,
            limits: Vec::new(),
        })))
    }

    /// Changes what is shown. It counts as a turn of the loop.
    pub(in crate::run) fn update(&self, change: impl FnOnce(&mut Snapshot)) {
        let mut snapshot = self.lock();
        snapshot.turned = Instant::now();
        change(&mut snapshot);
    }

    /// Takes note of what the reader of a partition saw. It is no turn of the loop.
    pub(in crate::run) fn read(&self, number: usize, change: impl FnOnce(&mut ReaderStatus)) {
        if let Some(input) = self.lock().inputs.get_mut(number) {
            change(&mut input.reader);
        }
    }

    /// The state is durable by a log.
    pub(in crate::run) fn synced(&self) {
        self.update(|snapshot| snapshot.synced = Some(Timestamp::now()));
    }

    /// The state is durable by a checkpoint, with `records` of all inputs consumed.
    pub(in crate::run) fn checkpointed(&self, report: &CheckpointReport, records: u64) {
        let (at, info) = (Timestamp::now(), &report.info);
        self.update(|snapshot| {
            (snapshot.checkpointed, snapshot.synced) = (Some(at), Some(at));
            snapshot.checkpoints.truncate(CHECKPOINTS_SHOWN - 1);
            snapshot.checkpoints.push_front(Checkpoint {
                id: info.id,
                at,
                records,
                keys: info.key_count,
                keys_changed: info.keys_changed,
                bytes_written: report.bytes_written,
                freeze: Duration::from_micros(report.freeze_us),
                write: Duration::from_micros(report.write_us),
            });
        });
    }

    /// Returns the run as it is now.
    pub(super) fn snapshot(&self) -> Snapshot {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snapshot {
    /// Why the run does not work as it should, if so: its loop hangs.
    pub(super) fn is_unhealthy(&self) -> Option<String> {
        let silent = self.turned.elapsed();
        let hangs = self.phase == Phase::Running && silent > self.turn_max;
        hangs.then(|| {
            format!("nothing has happened for {} s, and {} s is the limit", silent.as_secs(), self.turn_max.as_secs())
        })
    }

    /// Why the run does not process records now, if so.
    pub(super) fn is_unready(&self) -> Option<String> {
        match self.phase {
            Phase::Starting => return Some("it starts: the state is being recovered".to_owned()),
            Phase::Ending => return Some("it ends".to_owned()),
            Phase::Running => {}
        }
        let lost = self.inputs.iter().find_map(|input| input.reader.trouble.clone());
        lost.or_else(|| self.is_unhealthy())
    }
}

impl ReaderStatus {
    /// Takes note that there is no connection, and why.
    pub(in crate::run) fn cut_off(&mut self, why: String) {
        self.lost += u64::from(!self.is_cut_off);
        (self.is_cut_off, self.trouble) = (true, Some(why));
    }

    /// Takes note that it can read, or that it has ended.
    pub(in crate::run) fn reads(&mut self, has_ended: bool) {
        (self.is_cut_off, self.trouble, self.has_ended) = (false, None, has_ended);
    }
}

impl InputStatus {
    /// Bytes that are there and not consumed, if the source knows.
    pub(super) fn lag_bytes(&self) -> Option<u64> {
        self.reader.progress.total_bytes.map(|total| total.saturating_sub(self.consumed_bytes))
    }

    /// What `position` says, for people: text as it is, and other bytes in hexadecimal.
    pub(super) fn position_text(&self) -> String {
        match &self.position {
            None => "the beginning".to_owned(),
            Some(position) => position_text(position),
        }
    }
}
