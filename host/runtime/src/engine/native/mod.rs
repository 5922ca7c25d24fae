//! Core itself as an engine, in the host's process: for any directory, and for states that a component's memory
//! has no room for.

mod calls;
mod convert;
mod limited;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alluvium::NativeDirectory;
use alluvium::background::BackgroundWriter;
use alluvium_core::directory::{Directory, block_on};
use alluvium_core::job::JobPart;
use alluvium_core::model::stop::Stop;
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError, IncrementalCheckpointManager, MaintenanceReport, OpenOptions, Walk,
};

use self::limited::Limited;
use crate::deadline::past;
use crate::engine::{CheckpointReport, EngineOptions, PartsStart};
use crate::error::{EngineError, RuntimeError};

/// Core's manager over a directory whose size is limited.
type Manager<D> = IncrementalCheckpointManager<Limited<D>>;

/// Core in this process, at work over one directory.
///
/// It writes the bytes that the [component](crate::ComponentEngine) writes. It has no sandbox and needs none: the
/// engine is not other people's code. Its state may be as large as the machine's memory.
pub struct NativeEngine<D> {
    manager: Manager<D>,
    directory: Arc<Limited<D>>,
    /// Writes the checkpoints that were begun, from the first of them on.
    writer: Option<BackgroundWriter<Limited<D>>>,
    /// What has become durable and was not asked for yet.
    finished: Vec<CheckpointReport>,
    /// The walks that have not ended, and the number of the next.
    walks: HashMap<u64, Walk>,
    next_walk: u64,
    /// Says when the call of a plugin is over that the engine works for.
    stop: Option<Stop>,
    /// The promises that the directory cannot keep, and that were accepted.
    weaker_promises: Vec<String>,
    /// The parts of a job that have become durable and were not asked for yet, if it keeps one.
    parts: Option<Vec<JobPart>>,
}

impl<D: Directory + Send + Sync + 'static> NativeEngine<D> {
    /// Opens a directory and recovers its newest checkpoint.
    pub fn open(directory: Arc<D>, options: &EngineOptions) -> Result<Self, RuntimeError> {
        let directory = Arc::new(Limited::new(directory));
        let (config, how) = settings(options);
        let manager = block_on(Manager::open(directory.clone(), config, how)).map_err(convert::error)?;
        Ok(Self::over(manager, directory))
    }

    /// Opens an empty directory whose state is made of parts of others, as
    /// [`open_parts`](IncrementalCheckpointManager::open_parts) says.
    pub(crate) fn open_parts(start: &PartsStart<D>, options: &EngineOptions) -> Result<Self, RuntimeError> {
        let limited = |directory: &Arc<D>| Arc::new(Limited::new(Arc::clone(directory)));
        let directory = limited(&start.directory);
        let parts: Vec<_> = start.parts.iter().map(|part| part.map(limited)).collect();
        let stores = start.stores.map(|directory| Limited::new(Arc::clone(directory)));
        let (config, how) = settings(options);
        let how = how.named_elsewhere(true);
        let opened = Manager::open_parts(directory.clone(), &parts, stores, start.range, config, how);
        let opened = block_on(opened).map_err(convert::error)?;
        Ok(Self { parts: Some(Vec::new()), ..Self::over(opened, directory) })
    }

    fn over(manager: Manager<D>, directory: Arc<Limited<D>>) -> Self {
        Self {
            manager,
            directory,
            writer: None,
            finished: Vec::new(),
            walks: HashMap::new(),
            next_walk: 0,
            stop: None,
            weaker_promises: Vec::new(),
            parts: None,
        }
    }
}

impl NativeEngine<NativeDirectory> {
    /// Does what [`open`](Self::open) does for a directory of the file system, whose weaker promises it answers with.
    pub(crate) fn open_files(directory: NativeDirectory, options: &EngineOptions) -> Result<Self, RuntimeError> {
        let weaker_promises = directory.weaker_promises();
        Ok(Self { weaker_promises, ..Self::open(Arc::new(directory), options)? })
    }
}

impl<D: Directory + Send + Sync + 'static> NativeEngine<D> {
    /// Shares it with a plugin.
    pub(crate) fn shared(self) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(self))
    }

    /// Works for a plugin, for as long as its call may take. Core stops long work at the deadline.
    fn on_time<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, IncrementalCheckpointError>,
    ) -> Result<T, RuntimeError> {
        let is_late = |engine: &Self| engine.stop.as_ref().is_some_and(Stop::must_end);
        if is_late(self) {
            return Err(past());
        }
        work(self).map_err(|error| if is_late(self) { past() } else { convert::error(error) })
    }

    /// Takes note of the checkpoints that have become durable; with `wait`, of all that were begun.
    fn settle(&mut self, wait: bool) -> Result<(), RuntimeError> {
        let Self { manager, writer, finished, directory, parts, .. } = self;
        let Some(writer) = writer else { return Ok(()) };
        let durable = if wait { writer.wait(manager) } else { writer.poll(manager) };
        let durable = within_disk(directory, durable)?;
        // The maintenance of a checkpoint comes after it, so it is told with the next one that is asked for.
        let mut maintenance = MaintenanceReport::default();
        while let Some(report) = writer.next_report() {
            maintenance.deleted.extend(report.deleted);
            maintenance.reclaimed_bytes += report.reclaimed_bytes;
            maintenance.errors.extend(report.errors);
        }
        for error in &maintenance.errors {
            tracing::warn!("maintenance: {error}; it is tried again at the next checkpoint");
        }
        for checkpoint in durable {
            let done = std::mem::take(&mut maintenance);
            if let Some(parts) = parts {
                parts.push(JobPart::of(&checkpoint.metadata, manager.owned_range()).map_err(convert::error)?);
            }
            finished.push(convert::report(&checkpoint.metadata, &checkpoint.statistics, done));
        }
        Ok(())
    }
}

/// Returns how core opens a directory.
fn settings(options: &EngineOptions) -> (CheckpointConfig, OpenOptions) {
    let config = CheckpointConfig::new()
        .with_max_retained(options.max_retained as usize)
        .with_interval(Duration::from_mins(1))
        .with_memory_limit_bytes(Some(options.memory_limit_bytes))
        .with_max_rebase_bytes(options.max_compaction_bytes);
    let how = OpenOptions::new(options.clock.clone())
        .create(options.create)
        .store_id(options.store_id)
        .writer(options.writer)
        .allow_fallback(options.allow_fallback);
    (config, how)
}

/// Tells a limit of the directory from a full disk, which is what core was told.
fn within_disk<D, T>(directory: &Limited<D>, result: Result<T, IncrementalCheckpointError>) -> Result<T, RuntimeError> {
    let refused = directory.take_refusal();
    match (result.map_err(convert::error), refused) {
        (Err(RuntimeError::Engine(EngineError::NoSpace(_))), Some((limit, why))) => {
            Err(RuntimeError::Limit { who: "the plugin", limit, why })
        }
        (result, _) => result,
    }
}

impl<D> std::fmt::Debug for NativeEngine<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeEngine").field("next_walk", &self.next_walk).finish_non_exhaustive()
    }
}
