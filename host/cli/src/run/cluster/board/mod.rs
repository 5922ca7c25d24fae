//! What a process of a job shows while it runs: `--listen ADDRESS`.

mod metrics;
mod page;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use alluvium_cluster::{Committed, Lag, WorkerEpoch};
use alluvium_core::job::JobManifest;
use alluvium_core::model::position::ByPartition;
use jiff::Timestamp;

use super::super::service::Shown;

/// How long the job may be without a committed epoch, beyond the time of an epoch and of a call of the plugin.
const EPOCH_MAX: Duration = Duration::from_mins(1);

/// What is shown of a process. Clones see the same.
#[derive(Clone)]
pub(super) struct Board(Arc<Mutex<Seen>>);

/// A process at one moment.
struct Seen {
    plugin: String,
    job: String,
    process: usize,
    /// How long the job may be without a committed epoch, if its epochs end by time.
    epoch_max: Option<Duration>,
    started: Instant,
    /// What was committed by this generation. Only the first process is told.
    committed: Option<Newest>,
}

/// The newest epoch, and sums over the generation.
struct Newest {
    manifest: JobManifest,
    at: Timestamp,
    since: Instant,
    epochs: u64,
    output_bytes: u64,
    left_out: u64,
    /// What is there of each partition and not read.
    lags: ByPartition<Lag>,
    /// By worker.
    workers: Vec<OfWorker>,
    is_finished: bool,
}

/// A worker.
#[derive(Debug, Clone, Copy, Default)]
struct OfWorker {
    /// Over the generation.
    records: u64,
    keys: u64,
    bytes: u64,
    /// In the newest epoch.
    stall: Duration,
}

impl Board {
    /// Returns the board of a process that starts. A call of the plugin may take `call`, and an epoch ends after
    /// `interval`, if it does.
    pub(super) fn new(plugin: String, job: String, process: usize, call: Duration, interval: Option<Duration>) -> Self {
        let epoch_max = interval.map(|interval| EPOCH_MAX + call + interval);
        let started = Instant::now();
        Self(Arc::new(Mutex::new(Seen { plugin, job, process, epoch_max, started, committed: None })))
    }

    /// Takes note of a committed epoch.
    pub(super) fn committed(&self, committed: &Committed) {
        let mut seen = self.lock();
        let before = seen.committed.take();
        let sums = before.as_ref().map(|newest| (newest.epochs, newest.output_bytes, newest.left_out));
        let (epochs, output_bytes, left_out) = sums.unwrap_or_default();
        let mut workers = before.map_or_else(Vec::new, |newest| newest.workers);
        workers.resize(committed.workers.len(), OfWorker::default());
        let manifest = committed.manifest.clone();
        for (worker, (WorkerEpoch { records, stall }, part)) in
            workers.iter_mut().zip(committed.workers.iter().zip(&manifest.parts))
        {
            *worker = OfWorker { records: worker.records + records, keys: part.keys, bytes: part.bytes, stall: *stall };
        }
        seen.committed = Some(Newest {
            manifest,
            at: Timestamp::now(),
            since: Instant::now(),
            epochs: epochs + 1,
            output_bytes: output_bytes + committed.output_bytes,
            left_out: left_out + committed.left_out.len() as u64,
            lags: committed.lags.clone(),
            workers,
            is_finished: committed.is_finished,
        });
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Whether this is the process that is told of epochs.
    fn is_first(&self) -> bool {
        self.process == 0
    }

    /// Why the job does not work as it should, if so: no epoch is committed any more.
    fn unhealthy(&self) -> Option<String> {
        let newest = self.committed.as_ref().filter(|newest| !newest.is_finished)?;
        let silent = newest.since.elapsed();
        // Without an interval, an epoch may take as long as it takes to read its records.
        let limit = self.epoch_max.filter(|limit| silent > *limit)?;
        let (silent, limit) = (silent.as_secs(), limit.as_secs());
        Some(format!("no epoch was committed for {silent} s, and {limit} s is the limit"))
    }

    /// Why the job commits no epochs now, if so.
    fn unready(&self) -> Option<String> {
        if self.is_first() && self.committed.is_none() {
            let seconds = self.started.elapsed().as_secs();
            return Some(format!("it waits for the other processes, or recovers the state, for {seconds} s"));
        }
        self.unhealthy()
    }
}

impl Shown for Board {
    fn page(&self) -> String {
        page::page(&self.lock())
    }

    fn metrics(&self) -> String {
        metrics::exposition(self)
    }

    fn unhealthy(&self) -> Option<String> {
        self.lock().unhealthy()
    }

    fn unready(&self) -> Option<String> {
        self.lock().unready()
    }
}
