//! Where plugins live: one compiled engine, many plugins.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use alluvium_core::Clock;

use super::compiler::{HostOptions, Runtime};
use super::disk::{DiskBudget, DiskUse};
use super::engine::{self, Engine};
use super::metrics::Registry;
use super::module::{Code, Form};
use super::operator::Operator;
use super::plugin::Plugin;
use super::{EngineOptions, Limits, Migrated, RuntimeError, SharedEngine, lock};
use alluvium::NativeDirectory;

/// Compiles plugins and starts them: the part of an engine that runs other people's operators.
///
/// Cloning it is free, and it may be used from any thread: every plugin has its own stores and its
/// own directory, and nothing but compiled code is shared between them.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    runtime: Runtime,
    engine: engine::Ready,
    metrics: Registry,
}

/// How one plugin is started.
#[derive(Clone)]
pub struct PluginOptions {
    /// What it may take; nothing: what the host's plugins may take.
    pub limits: Option<Limits>,
    /// How many checkpoints to keep.
    pub max_retained: u32,
    /// The identity of a directory that is begun anew; nothing: a random one.
    pub store_id: Option<[u8; 16]>,
    /// What the clocks say that checkpoints are dated by.
    pub clock: Arc<dyn Clock + Send + Sync>,
    /// Pass over damaged checkpoints to the newest whole one, and report them.
    pub allow_fallback: bool,
    /// The most memory that the state may take: past it, mutations are refused.
    pub state_memory_bytes: u64,
    /// Bytes of live records that the maintenance of one checkpoint may rewrite: it shares the plugin's
    /// thread. See [`CheckpointConfig::max_rebase_bytes`](alluvium_core::CheckpointConfig::max_rebase_bytes).
    pub max_rebase_bytes: Option<u64>,
}

impl Default for PluginOptions {
    /// The host's limits, three checkpoints, the machine's clock.
    fn default() -> Self {
        let engine = EngineOptions::new(Default::default());
        Self {
            limits: None,
            max_retained: engine.max_retained,
            store_id: None,
            clock: engine.clock,
            allow_fallback: engine.allow_fallback,
            state_memory_bytes: engine.memory_limit_bytes,
            max_rebase_bytes: engine.max_rebase_bytes,
        }
    }
}

impl PluginOptions {
    /// The defaults, with dates from a clock of the caller's.
    pub fn with_clock(clock: impl Clock + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..Self::default() }
    }

    fn engine(&self) -> Result<EngineOptions, RuntimeError> {
        Ok(EngineOptions {
            max_retained: self.max_retained,
            store_id: self.store_id.map_or_else(random_id, Ok)?,
            clock: Arc::clone(&self.clock),
            allow_fallback: self.allow_fallback,
            memory_limit_bytes: self.state_memory_bytes,
            max_rebase_bytes: self.max_rebase_bytes,
        })
    }
}

fn random_id() -> Result<[u8; 16], RuntimeError> {
    let mut id = [0; 16];
    match rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty()) {
        Ok(16) => Ok(id),
        _ => Err(RuntimeError::Host("the system gives no randomness".to_owned())),
    }
}

/// What a start gives: the engine with the state, and the plugin's instance over it.
pub(super) struct Started {
    pub(super) engine: SharedEngine,
    pub(super) operator: Operator,
}

impl Host {
    /// A host for the engine component in `engine`.
    pub fn new(engine: impl AsRef<Path>, options: HostOptions) -> Result<Self, RuntimeError> {
        let runtime = Runtime::with(options)?;
        let engine = runtime.load_engine(engine.as_ref())?;
        Ok(Self(Arc::new(Inner { runtime, engine, metrics: Registry::default() })))
    }

    /// Compiles a plugin, or takes it from the cache: seconds for a large one, milliseconds then.
    pub fn load(&self, plugin: impl AsRef<Path>) -> Result<Code, RuntimeError> {
        self.0.runtime.load_plugin(plugin.as_ref())
    }

    /// Starts a plugin over the directory at `path`, which is begun where there is none, and is the
    /// plugin's alone for as long as it lives.
    ///
    /// A state that is another plugin's, or of another version, is
    /// [`OtherPlugin`](RuntimeError::OtherPlugin).
    pub fn start(&self, code: &Code, path: impl AsRef<Path>, options: &PluginOptions) -> Result<Plugin, RuntimeError> {
        NativeDirectory::create(path.as_ref())?;
        self.start_in(code, NativeDirectory::open_exclusive(path.as_ref())?, options)
    }

    /// Starts a plugin over a directory that is opened already.
    pub fn start_in(
        &self,
        code: &Code,
        directory: NativeDirectory,
        options: &PluginOptions,
    ) -> Result<Plugin, RuntimeError> {
        let begun = Instant::now();
        let path = directory.path().to_owned();
        let started = self.open(code, directory, options)?;
        let metrics = self.0.metrics.add(&started.operator.identity().name, &path.display().to_string());
        Plugin::new(self.clone(), code.clone(), options.clone(), path, started, metrics, begun)
    }

    /// Starts engine and operator, without asking whose state it is.
    pub(super) fn open(
        &self,
        code: &Code,
        directory: NativeDirectory,
        options: &PluginOptions,
    ) -> Result<Started, RuntimeError> {
        let (limits, how) = (self.limits(options), options.engine()?);
        let (engine, inside) = match code.form() {
            Form::Alone(_) => (Engine::open(&self.0.engine, directory, &how, &limits)?.0, None),
            Form::Composed(ready) => {
                let (engine, instance) = Engine::open(ready, directory, &how, &limits)?;
                (engine, Some(instance))
            }
        };
        // Opening itself writes what it must to find out what the directory can do.
        let budget = DiskBudget::beside(DiskUse::of(lock(&engine).directory().path())?, &limits);
        lock(&engine).guest().disk = budget;
        let operator = Operator::start(code, &engine, inside, &limits, self.0.runtime.counts_fuel)?;
        Ok(Started { engine, operator })
    }

    /// Another instance over a state that is in memory already.
    pub(super) fn another(
        &self,
        code: &Code,
        engine: &SharedEngine,
        options: &PluginOptions,
    ) -> Result<Operator, RuntimeError> {
        Operator::start(code, engine, None, &self.limits(options), self.0.runtime.counts_fuel)
    }

    pub(super) fn limits(&self, options: &PluginOptions) -> Limits {
        options.limits.unwrap_or(self.0.runtime.limits)
    }

    /// What the host counted of its plugins, in Prometheus's text form: checkpoints, their bytes and
    /// durations, stalls, the size of the state, recoveries, and what ended plugins.
    pub fn metrics(&self) -> String {
        self.0.metrics.text()
    }

    /// Brings the state in a directory to the schema version of `code`, by its own migration: from the
    /// newest checkpoint to a new one, with the same offsets and watermark. After an error the old
    /// checkpoint is the newest still, and nothing has changed. None where nothing is to be done:
    /// there is no state, or it is of that version already.
    pub fn migrate(
        &self,
        code: &Code,
        directory: NativeDirectory,
        options: &PluginOptions,
    ) -> Result<Option<Migrated>, RuntimeError> {
        let Started { engine, mut operator } = self.open(code, directory, options)?;
        let migrated = super::migrate::migrate(&mut operator, &engine);
        // The operator first: what it holds of the engine goes with it.
        drop(operator);
        let path = lock(&engine).directory().path().to_owned();
        if let Ok(Some(migrated)) = &migrated {
            tracing::info!(directory = %path.display(), plugin = %migrated.plugin, from = migrated.from,
                to = migrated.to, checkpoint = migrated.checkpoint, "migrated");
        }
        migrated
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("limits", &self.0.runtime.limits).finish_non_exhaustive()
    }
}
