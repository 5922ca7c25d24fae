//! Runs a job: claims it, connects its processes, and works until the end of its inputs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use alluvium_core::directory::{Stores, block_on};
use alluvium_core::job::{JobLog, JobManifest, StoreId, ownership};
use alluvium_core::recovery::Part;
use alluvium_core::{CheckpointConfig, OpenOptions};
use serde::{Deserialize, Serialize};
use timely::communication::allocator::zero_copy::initialize::initialize_networking_from_sockets;
use timely::communication::allocator::{AllocatorBuilder, ProcessBuilder};
use timely::communication::initialize::Hooks;
use timely::worker::Worker as TimelyWorker;

use crate::committer::{Committer, Committing, FINISHED, Outputs, Watch};
use crate::dataflow::{Dataflow, Sending, build};
use crate::error::ClusterError;
use crate::failure::Failure;
use crate::inputs::{Input, Reading};
use crate::message::{Envelope, EpochEnd, Message, Piece};
use crate::network::{Connected, Processes, connect};
use crate::operator::{Build, Opening, Router};
use crate::options::JobOptions;
use crate::stash::Stash;
use crate::storage::Storage;

/// How long a worker waits for something to do.
const PAUSE: Duration = Duration::from_millis(2);
/// The annotation of the log that names the operator.
const OPERATOR: &str = "job.operator";

/// A job, and what it needs to run in this process.
pub struct Job<S, B> {
    storage: Arc<S>,
    operator: Arc<B>,
    inputs: Vec<Input>,
    /// They are handed to the thread that commits.
    outputs: Mutex<Outputs>,
    processes: Processes,
    threads: NonZeroUsize,
    options: JobOptions,
    watch: Option<Watch>,
    stop: Arc<std::sync::atomic::AtomicBool>,
}

/// What all processes must agree on. The first one decides.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Plan {
    manifest: JobManifest,
    /// The partitions of each input.
    partitions: Vec<Vec<String>>,
    is_finished: bool,
}

/// The log of a job that was claimed, and what was decided. There is no log if there is nothing to do.
type Claimed<D> = (Option<JobLog<D>>, Plan);

/// How a job ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The generation of this run. It is 0 if there was nothing to do.
    pub generation: u64,
    /// Whether all inputs have ended.
    pub is_finished: bool,
}

impl<S: Storage, B: Build<S::Directory>> Job<S, B> {
    /// Returns a job with one worker in one process.
    pub fn new(storage: S, operator: B) -> Self {
        Self {
            storage: Arc::new(storage),
            operator: Arc::new(operator),
            inputs: Vec::new(),
            outputs: Mutex::default(),
            processes: Processes::single(),
            threads: NonZeroUsize::MIN,
            options: JobOptions::default(),
            watch: None,
            stop: Arc::default(),
        }
    }

    /// Adds an input. Inputs that the operator does not know are refused by [`run`](Self::run).
    #[must_use]
    pub fn input(mut self, input: Input) -> Self {
        self.inputs.push(input);
        self
    }

    /// Connects an output of the operator with a sink. Only the first process of a job writes to it. An output that
    /// the operator does not have is [`Options`](ClusterError::Options).
    pub fn output(mut self, name: &str, sink: Box<dyn alluvium_connectors::sink::Sink>) -> Result<Self, ClusterError> {
        let outputs = self.operator.outputs();
        let number = outputs.iter().position(|output| output == name).and_then(|number| u32::try_from(number).ok());
        let number = number.ok_or_else(|| {
            ClusterError::Options(format!("the operator has no output {name:?}; its outputs: {}", outputs.join(", ")))
        })?;
        let outputs = self.outputs.get_mut().unwrap_or_else(PoisonError::into_inner);
        outputs.insert(number, (name.to_owned(), sink));
        Ok(self)
    }

    /// Sets the processes of the job.
    #[must_use]
    pub fn processes(self, processes: Processes) -> Self {
        Self { processes, ..self }
    }

    /// Sets how many workers each process has.
    #[must_use]
    pub fn threads(self, threads: NonZeroUsize) -> Self {
        Self { threads, ..self }
    }

    /// Sets the options.
    #[must_use]
    pub fn options(self, options: JobOptions) -> Self {
        Self { options, ..self }
    }

    /// Sets what is told of each committed epoch, in the first process.
    #[must_use]
    pub fn watch(self, watch: Watch) -> Self {
        Self { watch: Some(watch), ..self }
    }

    /// Sets a flag that stops the job between two epochs: what was committed stays, and the rest is read again.
    #[must_use]
    pub fn stop(self, stop: Arc<std::sync::atomic::AtomicBool>) -> Self {
        Self { stop, ..self }
    }

    /// Runs the job until all inputs have ended, or until it is stopped.
    ///
    /// Each process of the job calls this. The first process claims the job, which fences all earlier generations.
    /// After an error, what was committed is safe: start all processes again, with any number of workers.
    pub fn run(mut self) -> Result<Outcome, ClusterError> {
        self.check_inputs()?;
        let workers = self.processes.count() * self.threads.get();
        let mut log = None;
        let plan = || {
            let (opened, plan) = self.claim(workers)?;
            log = opened;
            Ok(plan)
        };
        let Connected { sockets, plan } =
            connect(&self.processes, self.threads.get(), plan, |plan: &Plan| plan.manifest.generation)?;
        if plan.is_finished {
            return Ok(Outcome { generation: 0, is_finished: true });
        }
        let failure = Failure::default();
        let committer = log.map(|log| self.committer(log, &plan, &failure)).transpose()?;
        let generation = plan.manifest.generation;
        let is_finished = self.work(sockets, plan, committer, &failure)?;
        Ok(Outcome { generation, is_finished })
    }

    fn check_inputs(&self) -> Result<(), ClusterError> {
        let (known, given) = (self.operator.inputs(), self.inputs.iter().map(|input| input.name().to_owned()));
        let given: Vec<String> = given.collect();
        if known != given {
            let what = format!("the operator has the inputs {}", known.join(", "));
            return Err(ClusterError::Options(format!("{what}, and these are given: {}", given.join(", "))));
        }
        Ok(())
    }

    /// Claims the job for a generation of this many workers, unless it has finished.
    fn claim(&self, workers: usize) -> Result<Claimed<S::Directory>, ClusterError> {
        let mut log = open_log(&*self.storage, self.options.max_retained)?;
        let (name, annotations) = (self.operator.name(), &log.manifest().position.annotations);
        if let Some(other) = annotations.get(OPERATOR).filter(|other| **other != name) {
            let what = format!("the job belongs to the operator {other:?}, and not to {name:?}");
            return Err(ClusterError::Options(what));
        }
        let partitions = self.inputs.iter().map(Input::partitions).collect::<Result<_, _>>()?;
        if annotations.contains_key(FINISHED) {
            let manifest = log.manifest().clone();
            return Ok((None, Plan { manifest, partitions, is_finished: true }));
        }
        let stores = (0..workers).map(|_| random().map(StoreId)).collect::<Result<_, _>>()?;
        let annotations = BTreeMap::from([(OPERATOR.to_owned(), name)]);
        let manifest = block_on(log.claim(stores, &annotations))?.clone();
        Ok((Some(log), Plan { manifest, partitions, is_finished: false }))
    }

    /// Recovers the outputs, and starts what commits.
    fn committer(
        &mut self,
        log: JobLog<S::Directory>,
        plan: &Plan,
        failure: &Failure,
    ) -> Result<Committer, ClusterError> {
        let mut outputs = std::mem::take(self.outputs.get_mut().unwrap_or_else(PoisonError::into_inner));
        for (name, sink) in outputs.values_mut() {
            let token = plan.manifest.position.sinks.get(name);
            sink.recover(token.map(std::slice::from_ref).unwrap_or_default())?;
        }
        let names = self.inputs.iter().map(|input| input.name().to_owned());
        let committing = Committing {
            log,
            storage: self.storage.clone(),
            outputs,
            partitions: names.zip(plan.partitions.iter().cloned()).collect(),
            max_retained: self.options.max_retained,
            watch: self.watch.clone(),
            commits: 0,
        };
        Committer::start(committing, failure.clone())
    }

    /// Works in all threads of this process. Returns whether all inputs have ended.
    fn work(
        self,
        sockets: Vec<Option<std::net::TcpStream>>,
        plan: Plan,
        committer: Option<Committer>,
        failure: &Failure,
    ) -> Result<bool, ClusterError> {
        let threads = self.threads.get();
        let hooks = Hooks::default();
        let allocators = ProcessBuilder::new_typed_vector(threads, hooks.refill.clone(), hooks.spill.clone());
        let network = |error: std::io::Error| ClusterError::Network(error.to_string());
        let (builders, others): (Vec<AllocatorBuilder>, Box<dyn std::any::Any + Send>) = if sockets.len() == 1 {
            (allocators.into_iter().map(AllocatorBuilder::Process).collect(), Box::new(()))
        } else {
            let clones = sockets.iter().flatten().map(std::net::TcpStream::try_clone).collect::<Result<_, _>>();
            failure.watch(clones.map_err(network)?);
            let own = self.processes.own();
            let built = initialize_networking_from_sockets(allocators, sockets, own, threads, hooks);
            let (builders, guard) = built.map_err(network)?;
            (builders.into_iter().map(AllocatorBuilder::Tcp).collect(), Box::new(guard))
        };
        let committer = Mutex::new(committer);
        let (ended, results) = channel();
        let ended = Mutex::new(ended);
        let (of_workers, job) = (failure.clone(), Arc::new(self));
        let guards = timely::execute::execute_from(builders, others, timely::WorkerConfig::default(), move |timely| {
            let is_first = timely.index() == 0;
            let committer = committer.lock().unwrap_or_else(PoisonError::into_inner).take_if(|_| is_first);
            let done = job.work_of(timely, &plan, committer, &of_workers);
            if let Err(error) = &done {
                of_workers.set(error.clone());
                // Nothing is waited for any more.
                timely.installed_dataflows().into_iter().for_each(|dataflow| timely.drop_dataflow(dataflow));
            }
            let _ = ended.lock().unwrap_or_else(PoisonError::into_inner).send(done);
        });
        let guards = guards.map_err(ClusterError::Network)?;
        let done: Vec<Result<bool, ClusterError>> = results.iter().take(threads).collect();
        if let Some(error) = failure.get() {
            // The threads of the network may have ended badly, and dropping the guards would do the same here.
            std::mem::forget(guards);
            return Err(error);
        }
        failure.unwatch();
        drop(guards);
        Ok(done.into_iter().all(|done| done.is_ok_and(|is_finished| is_finished)))
    }

    /// Opens the state of a worker.
    fn open(&self, worker: u32, manifest: &JobManifest) -> Result<Box<dyn crate::operator::Worker>, ClusterError> {
        let store = manifest.stores[worker as usize];
        let range = ownership::ranges(u32::try_from(manifest.stores.len()).unwrap_or(u32::MAX))[worker as usize];
        let mut opened = BTreeMap::new();
        for id in manifest.needed() {
            opened.insert(id, self.storage.part(id)?);
        }
        let parts = manifest.sources(range).into_iter();
        let parts = parts.map(|source| Part::new(opened[&source.store].clone(), source.checkpoint, source.range));
        let opening = Opening {
            worker,
            store,
            directory: self.storage.part(store)?,
            parts: parts.collect(),
            stores: opened.iter().fold(Stores::new(), |stores, (id, at)| stores.with(id.0, at.clone())),
            range,
            max_retained: self.options.part_retained(),
        };
        self.operator.open(opening)
    }

    /// Does the work of one worker: it reads its partitions, and keeps its part of the state.
    fn work_of(
        &self,
        timely: &mut TimelyWorker,
        plan: &Plan,
        committer: Option<Committer>,
        failure: &Failure,
    ) -> Result<bool, ClusterError> {
        let (own, workers) = (timely.index(), timely.peers());
        let number = u32::try_from(own).unwrap_or(u32::MAX);
        let state = self.open(number, &plan.manifest)?;
        let (delay_ms, finish) = (self.options.watermark_delay_ms, self.options.finish);
        let stash = Stash::new(number, state, plan.manifest.position.watermark, delay_ms, finish)?;
        let stash = Rc::new(RefCell::new(stash));
        let Dataflow { mut input, probe } = build(timely, Rc::clone(&stash), committer, failure);
        let mut reading = Vec::new();
        let all = (0..).zip(&plan.partitions).flat_map(|(input, names)| (0..).zip(names).map(move |at| (input, at)));
        for (at, (input, (partition, name))) in all.enumerate() {
            if at % workers == own {
                let from = &self.inputs[input as usize];
                reading.push(Reading::open((input, from), (partition, name), &plan.manifest.position)?);
            }
        }
        let mut router = self.operator.router()?;
        let first = plan.manifest.position.epoch + 1;
        let mut epoch = first;
        input.advance_to(epoch);
        let last = |epoch: u64| self.options.epochs_max.is_some_and(|most| epoch - first >= most);
        loop {
            if let Some(error) = failure.get() {
                return Err(error);
            }
            if self.stop.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(ClusterError::Stopped);
            }
            if stash.borrow().last().is_some() || last(epoch) {
                break;
            }
            // A worker reads only so far ahead of what is committed.
            if epoch - first >= self.options.ahead && probe.less_than(&(epoch - self.options.ahead + 1)) {
                timely.step_or_park(Some(PAUSE));
                continue;
            }
            self.read_epoch(&mut reading, &mut *router, timely, &mut input, failure, &stash)?;
            let end = EpochEnd {
                partitions: reading.iter_mut().map(Reading::end_epoch).collect(),
                now_ms: (own == 0).then(now_ms),
            };
            for to in 0..workers {
                let to = u32::try_from(to).unwrap_or(u32::MAX);
                input.send(Envelope { to, message: Message::End(end.clone()) });
            }
            epoch += 1;
            input.advance_to(epoch);
            timely.step();
        }
        input.close();
        while !probe.done() {
            if let Some(error) = failure.get() {
                return Err(error);
            }
            timely.step_or_park(Some(PAUSE));
        }
        let is_finished = stash.borrow().last().is_some();
        Ok(is_finished)
    }

    /// Reads an epoch of the worker's partitions and sends the records to their owners.
    fn read_epoch(
        &self,
        reading: &mut [Reading],
        router: &mut dyn Router,
        timely: &mut TimelyWorker,
        input: &mut Sending,
        failure: &Failure,
        stash: &RefCell<Stash>,
    ) -> Result<(), ClusterError> {
        let records = self.options.epoch_records;
        let begun = Instant::now();
        let interval = self.options.epoch_interval;
        while reading.iter().any(|partition| !partition.is_done(records)) {
            let mut found = false;
            for partition in reading.iter_mut().filter(|partition| !partition.is_done(records)) {
                if let Some(piece) = partition.read(records)? {
                    found = true;
                    let workers = u32::try_from(timely.peers()).unwrap_or(u32::MAX);
                    for (to, piece) in divide(&piece, router, workers)? {
                        input.send(Envelope { to, message: Message::Piece(piece) });
                    }
                }
            }
            if interval.is_some_and(|interval| begun.elapsed() >= interval) || stash.borrow().last().is_some() {
                break;
            }
            if failure.get().is_some() || self.stop.load(std::sync::atomic::Ordering::Relaxed) {
                break;
            }
            if found {
                timely.step()
            } else {
                timely.step_or_park(Some(PAUSE))
            };
        }
        Ok(())
    }
}

/// Claims a job without working on it: no process that runs it now can commit any more. Returns the generation.
pub fn claim<S: Storage>(storage: &S) -> Result<u64, ClusterError> {
    let mut log = open_log(storage, 3)?;
    Ok(block_on(log.claim(vec![StoreId(random()?)], &BTreeMap::new()))?.generation)
}

fn open_log<S: Storage>(storage: &S, max_retained: u32) -> Result<JobLog<S::Directory>, ClusterError> {
    let config = CheckpointConfig::new().with_max_retained(max_retained as usize);
    let options = OpenOptions::new(Arc::new(alluvium::SystemClock::new()));
    let options = options.store_id(random()?).writer(u64::from_le_bytes(random()?));
    Ok(block_on(JobLog::open(storage.log()?, config, options))?)
}

/// Divides records among their owners.
fn divide(piece: &Piece, router: &mut dyn Router, workers: u32) -> Result<BTreeMap<u32, Piece>, ClusterError> {
    if piece.count() == 0 {
        return Ok(BTreeMap::new());
    }
    let hashes = router.route(piece)?;
    let mut divided: BTreeMap<u32, Piece> = BTreeMap::new();
    for ((number, lens, bytes), hash) in piece.records().zip(hashes) {
        let owner = ownership::owner(hash, workers);
        divided.entry(owner).or_insert_with(|| piece.empty_like()).push(number, lens, bytes);
    }
    Ok(divided)
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES], ClusterError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| ClusterError::Options(format!("no randomness: {error}")))?;
    Ok(bytes)
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0)
}
