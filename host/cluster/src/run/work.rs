//! The work of the threads of a process: each reads partitions, and keeps a part of the state.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use alluvium_core::directory::Stores;
use alluvium_core::job::{JobManifest, ownership};
use alluvium_core::recovery::Part;
use timely::communication::allocator::zero_copy::initialize::initialize_networking_from_sockets;
use timely::communication::allocator::{AllocatorBuilder, ProcessBuilder};
use timely::communication::initialize::Hooks;
use timely::worker::Worker as TimelyWorker;

use crate::committer::{Committer, Flags};
use crate::dataflow::{Dataflow, Sending, build};
use crate::error::ClusterError;
use crate::failure::{Failure, OF_NETWORK};
use crate::message::{Envelope, EpochEnd, Message};
use crate::operator::{Build, Opening, Router, Worker};
use crate::reading::Reading;
use crate::run::claim::Plan;
use crate::run::divide::divide;
use crate::run::{Ended, Job};
use crate::stash::Stash;
use crate::storage::Storage;

/// How long a worker waits for something to do.
const PAUSE: Duration = Duration::from_millis(2);

impl<S: Storage, B: Build<S::Directory>> Job<S, B> {
    /// Works in all threads of this process. Returns why the generation has ended.
    pub(super) fn work(
        self,
        sockets: Vec<Option<TcpStream>>,
        plan: Plan,
        committer: Option<Committer>,
        failure: &Failure,
    ) -> Result<Ended, ClusterError> {
        let threads = self.threads.get();
        let hooks = Hooks::default();
        let allocators = ProcessBuilder::new_typed_vector(threads, hooks.refill.clone(), hooks.spill.clone());
        let network = |error: std::io::Error| ClusterError::Network(error.to_string());
        let (builders, others): (Vec<AllocatorBuilder>, Box<dyn std::any::Any + Send>) = if sockets.len() == 1 {
            (allocators.into_iter().map(AllocatorBuilder::Process).collect(), Box::new(()))
        } else {
            let clones = sockets.iter().flatten().map(TcpStream::try_clone).collect::<Result<_, _>>();
            failure.watch(clones.map_err(network)?);
            let own = self.processes.own();
            let built = initialize_networking_from_sockets(allocators, sockets, own, threads, hooks);
            let (builders, guard) = built.map_err(network)?;
            (builders.into_iter().map(AllocatorBuilder::Tcp).collect(), Box::new(guard))
        };
        // Of the first process, for all its threads.
        let flags = committer.as_ref().map(Committer::flags).unwrap_or_default();
        let committer = Mutex::new(committer);
        let (ended, results) = channel();
        let ended = Mutex::new(ended);
        let (of_workers, job) = (failure.clone(), Arc::new(self));
        let guards = timely::execute::execute_from(builders, others, timely::WorkerConfig::default(), move |timely| {
            let is_first = timely.index() == 0;
            let committer = committer.lock().unwrap_or_else(PoisonError::into_inner).take_if(|_| is_first);
            let done = job.work_of(timely, &plan, committer, &flags, &of_workers);
            if let Err(error) = &done {
                of_workers.set(error.clone());
            }
            if of_workers.get().is_some() {
                // Nothing is waited for any more.
                timely.installed_dataflows().into_iter().for_each(|dataflow| timely.drop_dataflow(dataflow));
            }
            let _ = ended.lock().unwrap_or_else(PoisonError::into_inner).send(done);
        });
        let guards = guards.map_err(ClusterError::Network)?;
        let done: Vec<Result<Ended, ClusterError>> = results.iter().take(threads).collect();
        // All workers end with the same epoch, and so for the same reason.
        let done = done.into_iter().reduce(Result::and).unwrap_or(Err(ClusterError::Stopped));
        if failure.get().is_some() {
            // The threads of the network may have ended badly, and dropping the guards would do the same here.
            std::mem::forget(guards);
            return done;
        }
        // What was sent last is on its way, and the connections end when all processes have ended. If one of them stands
        // still, its silence closes them: everything is committed, so that is no failure any more.
        let ending = std::thread::Builder::new().name(OF_NETWORK.to_owned()).spawn(move || drop(guards));
        let _ = ending.map(std::thread::JoinHandle::join);
        failure.unwatch();
        done
    }

    /// Opens the state of a worker.
    fn open(&self, worker: u32, manifest: &JobManifest) -> Result<Box<dyn Worker>, ClusterError> {
        let store = manifest.stores[worker as usize];
        let workers = u32::try_from(manifest.stores.len()).unwrap_or(u32::MAX);
        let no_range = || ClusterError::Damaged(format!("worker {worker} of {workers} owns no keys"));
        let range = ownership::range(worker, workers).ok_or_else(no_range)?;
        let mut opened = BTreeMap::new();
        for id in manifest.needed_for(range) {
            opened.insert(id, Arc::new(self.storage.part_to_read(id)?));
        }
        let parts = manifest.sources(range).into_iter();
        let parts = parts.map(|source| Part::new(opened[&source.store].clone(), source.checkpoint, source.range));
        let opening = Opening {
            worker,
            store,
            directory: Arc::new(self.storage.part(store)?),
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
        (has_grown, newest): &Flags,
        failure: &Failure,
    ) -> Result<Ended, ClusterError> {
        let (own, workers) = (timely.index(), timely.peers());
        let number = u32::try_from(own).unwrap_or(u32::MAX);
        let state = self.open(number, &plan.manifest)?;
        let stash = Stash::new(number, state, plan.manifest.position.watermark, &self.options)?;
        let stash = Rc::new(RefCell::new(stash));
        let Dataflow { mut input, probe } = build(timely, Rc::clone(&stash), committer, failure);
        let mut reading = Vec::new();
        let all = (0..).zip(&plan.partitions).flat_map(|(input, names)| (0..).zip(names).map(move |at| (input, at)));
        for (at, (input, (partition, name))) in all.enumerate() {
            if at % workers == own {
                let from = &self.inputs[input as usize];
                let (position, leaves_out) = (&plan.manifest.position, self.options.leaves_out);
                let known_as = plan.known_as(input, name);
                reading.push(Reading::open((input, from), (partition, name), known_as, position, leaves_out)?);
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
            if self.stop.load(Ordering::Relaxed) {
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
                has_grown: own == 0 && has_grown.load(Ordering::Relaxed),
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
        let last = || stash.borrow().last();
        while !probe.done() {
            if let Some(error) = failure.get() {
                if last().is_some_and(|(epoch, _)| newest.load(Ordering::Acquire) >= epoch) {
                    // The others have done their part, and there is nothing to wait for.
                    break;
                }
                return Err(error);
            }
            timely.step_or_park(Some(PAUSE));
        }
        Ok(last().map_or(Ended::Enough, |(_, ended)| ended))
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
                    let mut unroutable = self.options.leaves_out.then(Vec::new);
                    for (to, piece) in divide(piece, router, workers, &mut unroutable)? {
                        input.send(Envelope { to, message: Message::Piece(piece) });
                    }
                    let mut left_out = partition.take_unreadable();
                    left_out.extend(unroutable.unwrap_or_default());
                    if !left_out.is_empty() {
                        input.send(Envelope { to: 0, message: Message::LeftOut(left_out) });
                    }
                }
            }
            if interval.is_some_and(|interval| begun.elapsed() >= interval) || stash.borrow().last().is_some() {
                break;
            }
            if failure.get().is_some() || self.stop.load(Ordering::Relaxed) {
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

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0)
}
