//! Where plugins live: one compiled engine, many plugins.

use std::path::Path;
use std::sync::Arc;

use alluvium::NativeDirectory;

use crate::compiler::Runtime;
use crate::compiler::options::HostOptions;
use crate::engine::component::{ComponentEngine, Ready};
use crate::engine::{EngineOptions, NativeEngine, SharedEngine, lock};
use crate::error::RuntimeError;
use crate::isolated::Isolation;
use crate::isolated::process::WorkerProcess;
use crate::limits::Limits;
use crate::metrics::Registry;
use crate::module::{Form, Module};
use crate::operator::{LocalOperator, Operator};
use crate::plugin_options::PluginOptions;

/// Compiles plugins and starts them: the part of an engine that runs other people's operators.
///
/// Cloning it is free, and it may be used from any thread: every plugin has its own stores and its
/// own directory, and nothing but compiled code is shared between them.
#[derive(Clone)]
pub struct Host(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    runtime: Arc<Runtime>,
    /// The engine component; none if core is the engine.
    engine: Option<Arc<Ready>>,
    pub(crate) metrics: Arc<Registry>,
    /// How plugins run in processes of their own; none if they run in this one.
    isolation: Option<Isolation>,
}

impl Inner {
    fn new(runtime: Runtime, engine: Option<Ready>) -> Arc<Self> {
        Arc::new(Self {
            runtime: Arc::new(runtime),
            engine: engine.map(Arc::new),
            metrics: Arc::default(),
            isolation: None,
        })
    }
}

/// What a start gives: the engine with the state, and the plugin's instance over it.
pub(crate) struct Started {
    pub(crate) engine: SharedEngine,
    pub(crate) operator: Box<dyn Operator>,
}

/// A directory for a start.
pub(crate) enum Opened<'a> {
    /// A directory of the file system.
    Files(NativeDirectory),
    /// Any other, which the native engine opens.
    Other(&'a OpenOther),
}

/// Opens a directory of another kind with the native engine.
pub(crate) type OpenOther = dyn Fn(&EngineOptions) -> Result<SharedEngine, RuntimeError> + Send + Sync;

impl Host {
    /// A host for the engine component in `engine`.
    pub fn new(engine: impl AsRef<Path>, options: HostOptions) -> Result<Self, RuntimeError> {
        let runtime = Runtime::with(options)?;
        let engine = Some(runtime.load_engine(engine.as_ref())?);
        Ok(Self(Inner::new(runtime, engine)))
    }

    /// As [`new`](Self::new), with the bytes of an engine component: for a program that has it inside.
    pub fn with_engine(component: &[u8], options: HostOptions) -> Result<Self, RuntimeError> {
        let runtime = Runtime::with(options)?;
        let engine = Some(runtime.load_engine_inside(component)?);
        Ok(Self(Inner::new(runtime, engine)))
    }

    /// A host whose engine is core in this process: for directories of any kind, for states larger than the memory
    /// of a component, and for checkpoints that are written while the plugin works on.
    ///
    /// It writes the bytes that the engine component writes. Plugins are in their sandboxes as ever. A composed
    /// plugin keeps the engine that it has inside.
    pub fn native(options: HostOptions) -> Result<Self, RuntimeError> {
        let runtime = Runtime::with(options)?;
        Ok(Self(Inner::new(runtime, None)))
    }

    /// The same host, whose plugins run with their engines in worker processes: one for each, behind a wall of the
    /// kernel's.
    ///
    /// A worker has the plugin's directory and nothing else of the file system, no network, the system calls that the
    /// runtime makes, and so much memory as its limits add up to. If code escapes from the sandbox of WebAssembly, it is
    /// there. Methods of a [`Plugin`](crate::Plugin) are the same as without workers, and so are the bytes in its
    /// directory; each call costs a message there and back. A worker that ends, or that does not answer in time, ends
    /// its plugin: the call returns an error that [`is_end`](RuntimeError::is_end), and
    /// [`restart`](crate::Plugin::restart) starts another.
    ///
    /// Directories of other kinds ([`start_over`](Self::start_over)) are refused. Code is compiled before a worker
    /// starts, so set [`HostOptions::compiler`] as well.
    ///
    /// Fails if this system lacks a part of the wall: landlock (Linux 6.2) or seccomp.
    pub fn isolated(&self, worker: WorkerProcess) -> Result<Self, RuntimeError> {
        let Inner { runtime, engine, metrics, .. } = &*self.0;
        let isolation = Some(Isolation::new(worker, engine.as_deref())?);
        let (runtime, engine, metrics) = (Arc::clone(runtime), engine.clone(), Arc::clone(metrics));
        Ok(Self(Arc::new(Inner { runtime, engine, metrics, isolation })))
    }

    /// Compiles a plugin, or takes it from the cache: seconds for a large one, milliseconds then.
    ///
    /// Fails if the file is no regular file, is not a plugin of this version of the interface, or is past the caps
    /// on code of [`HostOptions`]. A component that brings an engine of its own is refused, too: see
    /// [`load_composed`](Self::load_composed).
    pub fn load(&self, plugin: impl AsRef<Path>) -> Result<Module, RuntimeError> {
        self.0.runtime.load_plugin(plugin.as_ref(), false)
    }

    /// Compiles a plugin that was composed with an engine, as [`load`](Self::load) compiles one without.
    ///
    /// Its engine is part of it, and with it what decides about its directory, its state and whose state it is.
    /// This is for plugins that the caller composed, never for a stranger's file. Its calls have the plugin's
    /// deadline, and what it writes is held to the limits of the disk.
    pub fn load_composed(&self, plugin: impl AsRef<Path>) -> Result<Module, RuntimeError> {
        self.0.runtime.load_plugin(plugin.as_ref(), true)
    }

    /// Starts engine and operator, without asking whose state it is.
    pub(crate) fn open(
        &self,
        module: &Module,
        directory: Opened<'_>,
        options: &PluginOptions,
    ) -> Result<Started, RuntimeError> {
        let (limits, how) = (self.limits(options), options.engine()?);
        if let Some(isolation) = &self.0.isolation {
            let Opened::Files(directory) = directory else {
                let why = "an isolated plugin keeps its files in a directory of the file system";
                return Err(RuntimeError::Host(format!("{why}: for others, use Host::native without workers")));
            };
            let below = (&*self.0.runtime, self.0.engine.as_deref());
            return isolation.open(below, module, directory, &how, &limits);
        }
        let (engine, inside): (SharedEngine, _) = match (module.form(), &self.0.engine, directory) {
            (Form::Alone(_), Some(ready), Opened::Files(directory)) => {
                (ComponentEngine::open(ready, directory, &how, &limits)?.0, None)
            }
            (Form::Alone(_), None, Opened::Files(directory)) => {
                (NativeEngine::open_files(directory, &how)?.shared(), None)
            }
            (Form::Alone(_), None, Opened::Other(open)) => (open(&how)?, None),
            (Form::Composed(ready), _, Opened::Files(directory)) => {
                let (engine, instance) = ComponentEngine::open(ready, directory, &how, &limits)?;
                (engine.clone(), Some((engine, instance)))
            }
            (_, _, Opened::Other(_)) => {
                let why = "an engine component keeps its files in a directory of the file system";
                return Err(RuntimeError::Host(format!("{why}: for others, use Host::native and a plugin alone")));
            }
        };
        // Opening itself writes what it must to find out what the directory can do.
        lock(&engine).hold_to_disk_limits(&limits)?;
        let operator = LocalOperator::start(module, &engine, inside, &limits, self.0.runtime.allowance(&limits))?;
        Ok(Started { engine, operator: Box::new(operator) })
    }

    pub(crate) fn limits(&self, options: &PluginOptions) -> Limits {
        // How deep the stack may grow is compiled in.
        let stack_bytes = self.0.runtime.limits.stack_bytes;
        Limits { stack_bytes, ..options.limits.unwrap_or(self.0.runtime.limits) }
    }

    /// What the host counted of its plugins, in Prometheus's text form: checkpoints, their bytes and
    /// durations, stalls, the size of the state, recoveries, and what ended plugins.
    pub fn metrics(&self) -> String {
        self.0.metrics.text()
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("limits", &self.0.runtime.limits).finish_non_exhaustive()
    }
}
