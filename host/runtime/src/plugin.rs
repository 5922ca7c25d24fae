//! A plugin with its state: started over a directory, fed, checkpointed, swapped, closed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::disk::{DiskBudget, DiskUse};
use crate::engine::{CheckpointInfo, CheckpointReport, Engine, Recovery, SharedEngine, lock};
use crate::error::RuntimeError;
use crate::host::{Host, Started};
use crate::identity::Identity;
use crate::limits::{Limit, Limits};
use crate::metrics::PluginMetrics;
use crate::module::Module;
use crate::operator::{Operator, Records};
use crate::plugin_options::PluginOptions;
use crate::rate_limit::RateLimit;
use alluvium::NativeDirectory;

/// A plugin at work over the state in its directory.
///
/// An error of one plugin affects no other: after an error that
/// [`is_end`](RuntimeError::is_end), its stores are gone with everything since the last checkpoint,
/// every call is [`Ended`](RuntimeError::Ended), and [`restart`](Self::restart) begins again from
/// that checkpoint.
pub struct Plugin {
    host: Host,
    module: Module,
    options: PluginOptions,
    limits: Limits,
    path: PathBuf,
    identity: Identity,
    header: Option<Vec<String>>,
    recovered: Option<Recovery>,
    running: Result<Running, String>,
    metrics: Arc<PluginMetrics>,
    rate_limit: RateLimit,
}

/// The two instances; the operator goes first, with what it holds of the engine.
struct Running {
    operator: Operator,
    engine: SharedEngine,
}

impl Plugin {
    pub(crate) fn new(
        host: Host,
        module: Module,
        options: PluginOptions,
        path: PathBuf,
        started: Started,
        metrics: Arc<PluginMetrics>,
        begun: Instant,
    ) -> Result<Self, RuntimeError> {
        let limits = host.limits(&options);
        let identity = started.operator.identity().clone();
        let (running, recovered) = of_its_own(started, &module)?;
        let rate_limit = RateLimit::new(limits.checkpoints_per_second, options.clock.monotonic_us());
        metrics.recovered(recovered.as_ref(), begun.elapsed());
        tracing::info!(plugin = %identity.name, directory = %path.display(),
            checkpoint = recovered.as_ref().map(|recovered| recovered.checkpoint_id),
            keys = recovered.as_ref().map(|recovered| recovered.key_count),
            took_us = micros(begun.elapsed()), "started");
        let running = Ok(running);
        Ok(Self {
            host,
            module,
            options,
            limits,
            path,
            identity,
            header: None,
            recovered,
            running,
            metrics,
            rate_limit,
        })
    }

    /// Its name and the version of what it keeps.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The directory of its checkpoints.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what the last start recovered; `None` for a new directory.
    pub fn recovered(&self) -> Option<&Recovery> {
        self.recovered.as_ref()
    }

    /// Whether it is there to be called.
    pub fn is_running(&self) -> bool {
        self.running.is_ok()
    }

    /// The memory of WebAssembly that plugin and engine take now.
    pub fn memory_bytes(&self) -> usize {
        self.running
            .as_ref()
            .map_or(0, |running| running.operator.memory_bytes() + lock(&running.engine).memory_bytes())
    }

    /// Calls it, and throws it away if the call ended it.
    fn call<T>(&mut self, call: impl FnOnce(&mut Running) -> Result<T, RuntimeError>) -> Result<T, RuntimeError> {
        let running = self.running.as_mut().map_err(|why| RuntimeError::Ended { why: why.clone() })?;
        let result = call(running);
        if let Err(error) = &result
            && error.is_end()
        {
            let limit = match error {
                RuntimeError::Limit { limit, .. } => Some(*limit),
                _ => None,
            };
            self.metrics.ended(limit);
            tracing::warn!(plugin = %self.identity.name, directory = %self.path.display(),
                limit = limit.map(Limit::name), "stopped: {error}");
            self.running = Err(error.to_string());
        }
        result
    }

    /// Calls the engine that keeps its state: for offsets and annotations beyond those that have a
    /// method here, and to look into the state.
    pub fn with_engine<T>(
        &mut self,
        call: impl FnOnce(&mut Engine) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        self.call(|running| call(&mut lock(&running.engine)))
    }

    /// Begins a run over a source with these columns.
    pub fn begin(&mut self, header: &[String]) -> Result<(), RuntimeError> {
        self.call(|running| running.operator.begin(header))?;
        self.header = Some(header.to_vec());
        Ok(())
    }

    /// Works a batch into the state, all or nothing.
    pub fn feed(&mut self, batch: &Records) -> Result<(), RuntimeError> {
        self.call(|running| running.operator.process(batch))?;
        self.metrics.fed(batch.count);
        Ok(())
    }

    /// What was emitted since the last call, line by line. It belongs to the next checkpoint. The crate
    /// `alluvium-connectors` has sinks for it.
    pub fn take_emitted(&mut self) -> Vec<u8> {
        self.running.as_mut().map_or_else(|_| Vec::new(), |running| running.operator.take_emitted())
    }

    /// The next page of results, from the beginning with `start`; an empty page is the end.
    pub fn results(&mut self, start: bool, limit: u32) -> Result<Vec<String>, RuntimeError> {
        self.call(|running| running.operator.results(start, limit))
    }

    /// How far a source has been consumed.
    pub fn source_offset(&mut self, source: &str) -> Result<Option<u64>, RuntimeError> {
        self.with_engine(|engine| engine.source_offset(source))
    }

    /// Moves a source's offset forward: it becomes durable with the state that it led to.
    pub fn set_source_offset(&mut self, source: &str, offset: u64) -> Result<(), RuntimeError> {
        self.with_engine(|engine| engine.set_source_offset(source, offset))
    }

    /// A text attached to the newest checkpoint or log.
    pub fn annotation(&mut self, name: &str) -> Result<Option<String>, RuntimeError> {
        self.with_engine(|engine| engine.annotation(name))
    }

    /// Attaches a text to the checkpoints and logs to come.
    pub fn set_annotation(&mut self, name: &str, value: &str) -> Result<(), RuntimeError> {
        self.with_engine(|engine| engine.set_annotation(name, value))
    }

    /// Takes a checkpoint of state, offsets and watermark, in the next epoch; when it returns, the
    /// checkpoint is durable.
    pub fn checkpoint(&mut self) -> Result<CheckpointReport, RuntimeError> {
        self.may_write()?;
        let begun = Instant::now();
        let report = self.with_engine(|engine| {
            let epoch = engine.epoch()?.saturating_add(1);
            engine.set_epoch(epoch)?;
            // The log between checkpoints is the engine's own; of the caller's there is none.
            engine.checkpoint(0)
        })?;
        self.metrics.checkpointed(&report, begun.elapsed());
        tracing::info!(plugin = %self.identity.name, directory = %self.path.display(), id = report.info.id,
            bytes_written = report.bytes_written, keys_changed = report.info.keys_changed,
            state_bytes = report.info.size_bytes, freeze_us = report.freeze_us, write_us = report.write_us,
            stall_us = micros(begun.elapsed()), "checkpoint");
        self.wrote()?;
        Ok(report)
    }

    /// Does the same without a checkpoint: it writes a WAL after the newest one, or the first checkpoint.
    pub fn sync(&mut self) -> Result<(), RuntimeError> {
        self.may_write()?;
        let begun = Instant::now();
        self.with_engine(|engine| engine.sync(0))?;
        self.metrics.synced(begun.elapsed());
        tracing::debug!(plugin = %self.identity.name, directory = %self.path.display(),
            stall_us = micros(begun.elapsed()), "sync");
        self.wrote()
    }

    /// Before anything is written: not too often, and no more than what is there leaves.
    fn may_write(&mut self) -> Result<(), RuntimeError> {
        let Self { limits, path, rate_limit, options, .. } = self;
        rate_limit.take(options.clock.monotonic_us())?;
        let budget = DiskBudget::beside(DiskUse::of(path)?, limits);
        self.with_engine(|engine| {
            engine.guest().disk = budget;
            Ok(())
        })
    }

    fn wrote(&self) -> Result<(), RuntimeError> {
        self.metrics.takes_disk(DiskUse::of(&self.path)?.bytes);
        Ok(())
    }

    /// Goes back to a kept checkpoint, which becomes the newest: state, offsets, watermark. What came
    /// after it is left behind.
    pub fn restore(&mut self, id: u64) -> Result<CheckpointInfo, RuntimeError> {
        let info = self.with_engine(|engine| engine.restore(id))?;
        // What the instance keeps outside of the state is of another time.
        self.restart()?;
        Ok(info)
    }

    /// Restarts it from its newest checkpoint: after it has ended, or to drop what came after the checkpoint.
    pub fn restart(&mut self) -> Result<(), RuntimeError> {
        let module = self.module.clone();
        self.start_again(&module)
    }

    fn start_again(&mut self, module: &Module) -> Result<(), RuntimeError> {
        let begun = Instant::now();
        // The directory has one writer at a time: this one goes first.
        self.running = Err("it is being restarted".to_owned());
        let again = || -> Result<_, RuntimeError> {
            let directory = NativeDirectory::open_exclusive(&self.path)?;
            let mut started = self.host.open(module, directory, &self.options)?;
            let identity = started.operator.identity().clone();
            if let Some(header) = &self.header {
                started.operator.begin(header)?;
            }
            Ok((identity, of_its_own(started, module)?))
        };
        let (identity, (running, recovered)) = again().inspect_err(|error| {
            tracing::warn!(directory = %self.path.display(), "not restarted: {error}");
        })?;
        self.metrics.restarted();
        self.metrics.recovered(recovered.as_ref(), begun.elapsed());
        (self.identity, self.running, self.recovered, self.module) = (identity, Ok(running), recovered, module.clone());
        Ok(())
    }

    /// Goes on with other code, a later build of the same plugin as a rule, over the same state.
    ///
    /// Code of the same schema version takes over at once, between two batches. Code of another one
    /// needs a migration, and the state so far is checkpointed first: then the new code continues from
    /// a checkpoint of its own, or, after an error, the old code from the one before.
    pub fn swap(&mut self, module: &Module) -> Result<(), RuntimeError> {
        if module.is_composed() || self.module.is_composed() {
            // An engine inside cannot be put over a state that is in memory.
            self.checkpoint()?;
            return self.start_again(module).or_else(|error| self.restart().and(Err(error)));
        }
        let (host, options, header) = (self.host.clone(), self.options.clone(), self.header.clone());
        let engine = match &self.running {
            Ok(running) => running.engine.clone(),
            Err(why) => return Err(RuntimeError::Ended { why: why.clone() }),
        };
        let mut fresh = host.another(module, &engine, &options)?;
        let (state, plugin) = (self.identity.clone(), fresh.identity().clone());
        if plugin != state {
            if plugin.name != state.name || !module.migrates() {
                return Err(RuntimeError::OtherPlugin { state, plugin, migrates: false });
            }
            self.checkpoint()?;
            // From here on the state in memory may be of neither version, until it is checkpointed.
            let migrated = crate::migrate::migrate(&mut fresh, &engine);
            if let Err(error) = migrated {
                drop((fresh, engine));
                return self.restart().and(Err(error));
            }
        }
        if let Some(header) = &header
            && let Err(error) = fresh.begin(header)
        {
            drop((fresh, engine));
            // Of the same version nothing has happened; a migrated state is the new code's already.
            return if plugin == state { Err(error) } else { self.start_again(module).and(Err(error)) };
        }
        tracing::info!(plugin = %plugin.name, directory = %self.path.display(),
            schema_version = plugin.schema_version, "swapped");
        self.call(|running| {
            let mut old = std::mem::replace(&mut running.operator, fresh);
            running.operator.take_over(&mut old);
            Ok(())
        })?;
        (self.module, self.identity) = (module.clone(), plugin);
        Ok(())
    }

    /// Ends it. What came after the last checkpoint or sync is forgotten.
    pub fn close(self) {
        tracing::info!(plugin = %self.identity.name, directory = %self.path.display(), "closed");
    }
}

/// Holds a start to the state's name, and names it for the checkpoints to come.
fn of_its_own(started: Started, module: &Module) -> Result<(Running, Option<Recovery>), RuntimeError> {
    let Started { engine, operator } = started;
    let identity = operator.identity().clone();
    let mut opened = lock(&engine);
    match Identity::of_state(&mut opened)? {
        Some(state) if state != identity => {
            let migrates = module.migrates() && state.name == identity.name;
            return Err(RuntimeError::OtherPlugin { state, plugin: identity, migrates });
        }
        Some(_) => {}
        None => identity.name_state(&mut opened)?,
    }
    let recovered = opened.recovered()?;
    drop(opened);
    Ok((Running { operator, engine }, recovered))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("identity", &self.identity)
            .field("path", &self.path)
            .field("is_running", &self.is_running())
            .finish_non_exhaustive()
    }
}
