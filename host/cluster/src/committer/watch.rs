//! What those see who watch a job.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alluvium_core::job::JobManifest;
use alluvium_core::model::position::ByPartition;

use crate::lag::Lag;
use crate::left_out::LeftOut;
use crate::message::PartDone;

/// A committed epoch, for those who watch.
#[derive(Debug, Clone)]
pub struct Committed {
    /// What was committed.
    pub manifest: JobManifest,
    /// How many records the epoch had.
    pub records: u64,
    /// What each worker did for it, by worker.
    pub workers: Vec<WorkerEpoch>,
    /// How many bytes the outputs were given.
    pub output_bytes: u64,
    /// The records that were left out, in the order of input, partition and number.
    pub left_out: Vec<LeftOut>,
    /// What is there of each partition and not read, by input.
    pub lags: ByPartition<Lag>,
    /// Whether all inputs have ended.
    pub is_finished: bool,
}

/// What one worker did for an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerEpoch {
    /// How many records it processed.
    pub records: u64,
    /// How long its work stood still while its part was frozen. The part is written while the work continues.
    pub stall: Duration,
}

/// Is told of each committed epoch.
pub type Watch = Arc<Mutex<dyn FnMut(&Committed) + Send>>;

impl WorkerEpoch {
    pub(super) fn of(done: &PartDone) -> Self {
        Self { records: done.records, stall: Duration::from_micros(done.stall_us) }
    }
}
