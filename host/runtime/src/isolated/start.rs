//! Starting a plugin in a worker, as its host does it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex};

use alluvium::NativeDirectory;

use crate::compiler::Runtime;
use crate::engine::EngineOptions;
use crate::engine::component::Ready;
use crate::error::RuntimeError;
use crate::host::Started;
use crate::isolated::code::SharedCode;
use crate::isolated::engine::RemoteEngine;
use crate::isolated::message::{Described, EngineKind, Now, Opening, Rooms, Start};
use crate::isolated::operator::{DESCRIPTION, RemoteOperator};
use crate::isolated::process::WorkerProcess;
use crate::isolated::starter::Starter;
use crate::isolated::wall;
use crate::isolated::worker::{Room, Worker};
use crate::limits::Limits;
use crate::module::Module;
use crate::operator::INPUT;
use crate::threads::cannot_start;

/// Address space beside the memory that is used: each memory of WebAssembly reserves some GiB.
const ADDRESS_BYTES: u64 = 128 << 30;

/// Descriptors that a worker may have open: an engine reads and writes a few files at a time.
const DESCRIPTORS: u64 = 1_024;

/// How a host runs its plugins in worker processes.
pub(crate) struct Isolation {
    process: WorkerProcess,
    starter: Starter,
    /// The code of the engine component; none if core is the engine.
    engine: Option<SharedCode>,
}

impl Isolation {
    /// Fails if this system has no such wall.
    pub(crate) fn new(process: WorkerProcess, engine: Option<&Ready>) -> Result<Self, RuntimeError> {
        let missing = |error: io::Error| {
            let why = "plugins cannot be isolated here, and none is run without the wall that was asked for";
            RuntimeError::Host(format!("{why}: this system lacks {error}"))
        };
        wall::check_files().map_err(missing)?;
        wall::check_calls().map_err(missing)?;
        let failed = |error: io::Error| RuntimeError::Host(format!("a worker process: {error}"));
        let engine = engine.map(|ready| SharedCode::of(ready.component())).transpose().map_err(failed)?;
        let starter = Starter::new(process.clone());
        let starter = starter.map_err(|error| RuntimeError::Host(cannot_start("a thread for workers", &error)))?;
        Ok(Self { process, starter, engine })
    }

    /// Starts a worker with engine and operator over a directory.
    pub(crate) fn open(
        &self,
        (runtime, engine): (&Runtime, Option<&Ready>),
        module: &Module,
        directory: NativeDirectory,
        how: &EngineOptions,
        limits: &Limits,
    ) -> Result<Started, RuntimeError> {
        let engine = match engine {
            _ if module.is_composed() => EngineKind::Inside,
            Some(ready) => EngineKind::Component(ready.file().to_owned()),
            None => EngineKind::Native,
        };
        let wall = self.rooms(&engine, how, limits);
        let start = Start {
            now: Now::of(&*how.clock),
            host: rustix::process::getpid().as_raw_nonzero().get(),
            wall,
            trusted: runtime.settings.0.for_one(),
            limited: runtime.settings.1.for_one(),
            limits: *limits,
            counts_fuel: runtime.counts_fuel,
            directory: directory.path().to_owned(),
            has_lock: directory.lock().is_some(),
            accepts_weaker_promises: directory.accepts_weaker_promises(),
            engine,
            plugin: module.file().to_owned(),
            options: Opening::of(how),
        };
        let code = module.shared_code()?;
        let program = self.process.program.display();
        let unstarted = |error| RuntimeError::Host(cannot_start(&program, &error));
        let started = self.starter.start().map_err(unstarted)?;
        let allowed = (self.process.grace, wall.memory_bytes);
        let clock = Arc::clone(&how.clock);
        let mut worker = Worker::new(started, self.starter.clone(), directory, clock, *limits, allowed);
        let described = worker.start(&start, self.engine.as_ref(), code)?;
        let worker = Arc::new(Mutex::new(worker));
        let operator = RemoteOperator::of(Arc::clone(&worker), 0, module, described, limits)?;
        Ok(Started { engine: Arc::new(Mutex::new(RemoteEngine::of(worker))), operator: Box::new(operator) })
    }

    /// How much a worker needs if plugin and engine take all that they may.
    fn rooms(&self, engine: &EngineKind, how: &EngineOptions, limits: &Limits) -> Rooms {
        let engine = match engine {
            // A state, its changes, and the files that they are written to.
            EngineKind::Native => how.memory_limit_bytes.saturating_mul(3),
            _ => limits.engine_memory_bytes as u64,
        };
        // While code is swapped, there are two instances.
        let plugins = (limits.plugin_memory_bytes as u64).saturating_mul(2);
        // A question and an answer, each as it comes and as it is read.
        let messages = (limits.call_bytes as u64).saturating_add(limits.output_bytes as u64).saturating_mul(4);
        let stacks = (limits.stack_bytes as u64).saturating_mul(4);
        let parts = [engine, plugins, messages, stacks];
        let memory_bytes = parts.into_iter().fold(self.process.memory_bytes, u64::saturating_add);
        let address_bytes = memory_bytes.saturating_add(ADDRESS_BYTES);
        Rooms { memory_bytes, address_bytes, file_bytes: limits.disk_bytes, descriptors: DESCRIPTORS }
    }
}

impl Worker {
    /// Hands over what the worker is to run, and returns what the plugin says of itself.
    fn start(
        &mut self,
        start: &Start,
        engine: Option<&SharedCode>,
        code: &SharedCode,
    ) -> Result<Described, RuntimeError> {
        let copy = |descriptor: BorrowedFd<'_>| {
            descriptor.try_clone_to_owned().map_err(|error| RuntimeError::Host(format!("a descriptor: {error}")))
        };
        let (directory, lock) = (copy(self.directory.as_fd())?, self.directory.lock().map(copy).transpose()?);
        let mut descriptors = vec![directory.as_fd()];
        descriptors.extend(lock.as_ref().map(AsFd::as_fd));
        if matches!(start.engine, EngineKind::Component(_)) {
            descriptors.extend(engine.map(AsFd::as_fd));
        }
        descriptors.push(code.as_fd());
        // Opening reads the whole state. An instance is one call to start, and one to describe itself.
        let time = start.limits.engine_call.saturating_add(start.limits.plugin_call.saturating_mul(2));
        self.say(start, &descriptors, Room { time, size: DESCRIPTION, stop: None }, INPUT)
    }
}
