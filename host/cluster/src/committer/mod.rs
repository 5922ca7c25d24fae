//! Commits epochs, on a thread of its own: the outputs are prepared, the manifest is committed, and then the outputs
//! are shown.

mod growth;
mod names;
mod watch;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, PoisonError};

use alluvium_connectors::Batch;
use alluvium_connectors::sink::Sink;
use alluvium_core::directory::{Directory, block_on};
use alluvium_core::job::{JobLog, JobPart, StoreId, kept_manifests, unneeded};

pub(crate) use self::growth::Growth;
use self::names::lag_of_inputs;
pub use self::watch::{Committed, Watch, WorkerEpoch};
use crate::error::ClusterError;
use crate::failure::Failure;
use crate::left;
use crate::left_out::{BadRecord, DeadLetter, LeftOut};
use crate::message::{Emitted, Order, PartDone};
use crate::storage::Storage;

/// The outputs of a job: a sink for each output of the operator that is connected, by the number of the output.
pub type Outputs = BTreeMap<u32, (String, Box<dyn Sink>)>;

/// The name under which the log says that all inputs have ended and the operators were told.
pub(crate) const FINISHED: &str = "job.finished";

/// The annotation of the log that has the lag of each input, as JSON.
pub(crate) const LAG: &str = "job.lag";

/// The number under which the sink of records that are left out stands among the outputs, and its name.
pub(crate) const DEAD_LETTERS: (u32, &str) = (u32::MAX, "dead-letter");

/// After so many commits, directories that no manifest needs are deleted.
const COMMITS_PER_COLLECTION: u64 = 64;

/// The parts of an epoch, from all workers.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) epoch: u64,
    pub(crate) parts: Vec<PartDone>,
}

/// What the thread works with.
pub(crate) struct Committing<S: Storage> {
    pub(crate) log: JobLog<S::Directory>,
    pub(crate) storage: Arc<S>,
    pub(crate) outputs: Outputs,
    /// What makes the bytes of dead letters, if they are kept.
    pub(crate) dead_letter: Option<DeadLetter>,
    /// The names of the inputs, and those of their partitions.
    pub(crate) partitions: Vec<(String, Vec<String>)>,
    /// What else there is to read.
    pub(crate) growth: Growth,
    pub(crate) max_retained: u32,
    pub(crate) watch: Option<Watch>,
    pub(crate) commits: u64,
}

/// Whether there are partitions that the generation does not read, and the newest epoch that was committed.
pub(crate) type Flags = (Arc<AtomicBool>, Arc<AtomicU64>);

/// The thread, as the worker sees it that hands epochs to it.
pub(crate) struct Committer {
    requests: Sender<Request>,
    done: Receiver<u64>,
    has_grown: Arc<AtomicBool>,
    /// The newest epoch that was committed, or 0.
    committed: Arc<AtomicU64>,
}

impl Committer {
    /// Starts the thread.
    pub(crate) fn start<S: Storage>(mut committing: Committing<S>, failure: Failure) -> Result<Self, ClusterError> {
        let (requests, inbox) = channel::<Request>();
        let (outbox, done) = channel();
        let has_grown = committing.growth.flag();
        let committed = Arc::<AtomicU64>::default();
        let newest = Arc::clone(&committed);
        let work = move || {
            let done = failure.contain(|| {
                for request in inbox {
                    let epoch = request.epoch;
                    committing.commit(request)?;
                    newest.store(epoch, Ordering::Release);
                    if outbox.send(epoch).is_err() {
                        break;
                    }
                    committing.maintain();
                }
                Ok(())
            });
            if let Err(error) = done {
                failure.set(error);
            }
        };
        let started = std::thread::Builder::new().name("commits".to_owned()).spawn(work);
        started.map_err(|error| ClusterError::Options(format!("no thread for commits can be started: {error}")))?;
        Ok(Self { requests, done, has_grown, committed })
    }

    /// Hands an epoch over.
    pub(crate) fn request(&self, request: Request) {
        // If the thread has ended, the failure says why.
        let _ = self.requests.send(request);
    }

    /// Returns what the workers of the process look at.
    pub(crate) fn flags(&self) -> Flags {
        (Arc::clone(&self.has_grown), Arc::clone(&self.committed))
    }

    /// Returns the next epoch that was committed, if there is one.
    pub(crate) fn next_done(&self) -> Option<u64> {
        self.done.try_recv().ok()
    }
}

impl<S: Storage> Committing<S> {
    fn commit(&mut self, request: Request) -> Result<(), ClusterError> {
        let Request { epoch, mut parts } = request;
        parts.sort_unstable_by_key(|done| done.worker);
        let opened: Vec<u64> = parts.iter().filter_map(|done| done.opened).collect();
        if opened.len() == parts.len() {
            let digest = opened.iter().fold(0_u64, |sum, digest| sum.wrapping_add(*digest));
            let committed = self.log.manifest().digest();
            if digest != committed {
                let what = format!("the parts that were opened have the digest {digest:016x} together");
                return Err(ClusterError::Damaged(format!("{what}, and {committed:016x} was committed")));
            }
        }
        let workers: Vec<WorkerEpoch> = parts.iter().map(WorkerEpoch::of).collect();
        let records = workers.iter().map(|worker| worker.records).sum();
        let mut position = parts.iter_mut().find_map(|done| done.position.take()).unwrap_or_default();
        let mut emitted: Vec<Emitted> = parts.iter_mut().flat_map(|done| std::mem::take(&mut done.emitted)).collect();
        let output_bytes = emitted.iter().map(|record| record.bytes.len() as u64).sum();
        let mut bad: Vec<BadRecord> = parts.iter_mut().flat_map(|done| std::mem::take(&mut done.left_out)).collect();
        bad.sort_unstable();
        let left_out: Vec<LeftOut> = bad.into_iter().filter_map(|record| self.left_out(epoch, record)).collect();
        if let Some(bytes_of) = &self.dead_letter {
            let dead = (0..).zip(&left_out).map(|(number, record)| Emitted {
                output: DEAD_LETTERS.0,
                order: Order::Record(0, 0, number, 0),
                bytes: bytes_of(record),
            });
            emitted.extend(dead);
        }
        emitted.sort_unstable();
        let tokens = self.prepare(&emitted)?;
        let is_finished = position.is_finished;
        let lags = self.by_partition(position.lags.clone());
        let ends = std::mem::take(&mut position.left);
        let mut commit = self.at(position);
        let ends = ends.iter().filter_map(|(input, end)| Some((self.partitions.get(*input as usize)?.0.as_str(), end)));
        left::remember(ends, self.log.manifest(), &mut commit.annotations)?;
        commit.epoch = epoch;
        commit.parts = parts.into_iter().map(|done| done.part).collect::<Vec<JobPart>>();
        commit.sinks = tokens.iter().map(|(name, token)| (name.clone(), token.as_bytes().to_vec())).collect();
        commit.annotations.insert(LAG.to_owned(), lag_of_inputs(&lags));
        if is_finished {
            commit.annotations.insert(FINISHED.to_owned(), "1".to_owned());
        }
        let manifest = block_on(self.log.commit(commit))?.clone();
        for (name, sink) in self.outputs.values_mut() {
            if let Some(token) = tokens.get(name) {
                sink.publish(token)?;
            }
        }
        self.commits += 1;
        if let Some(watch) = &self.watch {
            let committed = Committed { manifest, records, workers, output_bytes, left_out, lags, is_finished };
            (watch.lock().unwrap_or_else(PoisonError::into_inner))(&committed);
        }
        Ok(())
    }

    /// Gives the outputs their records, and makes them durable where they are not seen.
    fn prepare(&mut self, emitted: &[Emitted]) -> Result<BTreeMap<String, alluvium_connectors::Opaque>, ClusterError> {
        let mut tokens = BTreeMap::new();
        for (number, (name, sink)) in &mut self.outputs {
            let records = emitted.iter().filter(|record| record.output == *number);
            let batch = Batch::of_raw(records.map(|record| record.bytes.as_slice()));
            if !batch.is_empty() {
                sink.write(&batch)?;
            }
            tokens.insert(name.clone(), sink.prepare()?);
        }
        Ok(tokens)
    }

    /// Applies retention to the log, and deletes the directories that no manifest needs any more.
    fn maintain(&mut self) {
        if let Some(report) = block_on(self.log.maintain()) {
            for error in report.errors {
                tracing::warn!("maintenance of the log: {error}; it is tried again after the next commit");
            }
        }
        // The manifests of the generation before are gone after this many commits.
        let is_due =
            self.commits == u64::from(self.max_retained) + 1 || self.commits.is_multiple_of(COMMITS_PER_COLLECTION);
        if is_due && let Err(error) = collect(&*self.storage, &**self.log.directory(), false) {
            tracing::warn!("directories of earlier generations: {error}; it is tried again later");
        }
    }
}

/// Returns the directories of workers that no kept manifest and no worker needs, and deletes them unless it is only a
/// look.
pub(crate) fn collect<S: Storage, D: Directory>(
    storage: &S,
    log: &D,
    only_look: bool,
) -> Result<Vec<StoreId>, ClusterError> {
    // The order matters: see `unneeded`.
    let existing = storage.parts()?;
    let kept = block_on(kept_manifests(log))?;
    let gone: Vec<StoreId> = unneeded(&existing, &kept).into_iter().collect();
    if !only_look {
        gone.iter().try_for_each(|id| storage.remove(*id))?;
    }
    Ok(gone)
}
