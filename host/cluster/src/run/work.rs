//! The threads of a process: each opens a part of the state, reads partitions, and says how it ended.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};

use alluvium_core::directory::Stores;
use alluvium_core::job::{JobManifest, ownership};
use alluvium_core::recovery::Part;
use timely::communication::allocator::zero_copy::initialize::initialize_networking_from_sockets;
use timely::communication::allocator::{AllocatorBuilder, ProcessBuilder};
use timely::communication::initialize::Hooks;
use timely::worker::Worker as TimelyWorker;

use crate::committer::{Committer, Flags};
use crate::error::ClusterError;
use crate::failure::{Failure, OF_NETWORK};
use crate::operator::{Build, Opening, Worker};
use crate::run::claim::Plan;
use crate::run::{Ended, Job};
use crate::stash::Stash;
use crate::storage::Storage;

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
            let done = of_workers.contain(|| job.work_of(timely, &plan, committer, &flags, &of_workers));
            if let Err(error) = &done {
                of_workers.set(error.clone());
            }
            if of_workers.get().is_some() {
                // Nothing is waited for any more. The failure is known, and another one would be its consequence.
                let _ = of_workers.contain(|| {
                    timely.installed_dataflows().into_iter().for_each(|dataflow| timely.drop_dataflow(dataflow));
                    Ok(())
                });
            }
            let _ = ended.lock().unwrap_or_else(PoisonError::into_inner).send(done);
        });
        let guards = guards.map_err(ClusterError::Network)?;
        let done: Vec<Result<Ended, ClusterError>> = results.iter().take(threads).collect();
        // All workers end with the same epoch, and so for the same reason.
        let of_none = || Err(ClusterError::Panicked("no worker could begin".to_owned()));
        let done = done.into_iter().reduce(Result::and).unwrap_or_else(of_none);
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
        let number = u32::try_from(timely.index()).unwrap_or(u32::MAX);
        let state = self.open(number, &plan.manifest)?;
        let stash = Stash::new(number, state, plan.manifest.position.watermark, &self.options)?;
        let stash = Rc::new(RefCell::new(stash));
        let worked = failure.contain(|| self.epochs(timely, plan, committer, has_grown, failure, &stash));
        let last = stash.borrow().last();
        match worked {
            Err(error) => match last.filter(|(epoch, _)| newest.load(Ordering::Acquire) >= *epoch) {
                // The others have done their part, and there is nothing to wait for.
                Some((_, ended)) => Ok(ended),
                None => Err(error),
            },
            Ok(()) => Ok(last.map_or(Ended::Enough, |(_, ended)| ended)),
        }
    }
}
