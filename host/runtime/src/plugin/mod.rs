//! A plugin with its state: started over a directory, fed, checkpointed, swapped, closed.

mod checkpoint;
mod life;
mod output;
mod results;
mod timers;

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::bindings::engine::alluvium::checkpoint::types::PackedKeys;
use crate::description::{Description, InputFormat};
use crate::emitted::Emitted;
use crate::engine::{Engine, Recovery, SharedEngine, lock};
use crate::error::RuntimeError;
use crate::host::{Host, Started};
use crate::identity::Identity;
use crate::limits::{Limit, Limits};
use crate::messages::{self, Message};
use crate::metrics::PluginMetrics;
use crate::module::Module;
use crate::operator::{Batch, Operator};
use crate::plugin::output::OutputCount;
use crate::plugin::results::ResultsWalk;
pub use crate::plugin::timers::FiredTimers;
use crate::plugin::timers::Queues;
use crate::plugin_options::PluginOptions;
use crate::rate_limit::RateLimit;
use crate::settings::ChangedParameter;

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
    /// The directory, or what it is called if it is none of the file system.
    path: PathBuf,
    reopen: Reopen,
    /// How long the stream stood still for each checkpoint that was begun and has not been told as durable.
    stalls: VecDeque<Duration>,
    description: Description,
    headers: Headers,
    recovered: Option<Recovery>,
    running: Result<Running, String>,
    metrics: Arc<PluginMetrics>,
    rate_limit: RateLimit,
    results: ResultsWalk,
    output: OutputCount,
    /// What it said and was not taken.
    messages: Vec<Message>,
}

/// So many messages wait to be taken at most. Those after them are in the log only.
const MESSAGES_MAX: usize = 1_024;

/// Opens the plugin's directory again.
pub(crate) type Reopen = Arc<dyn Fn(&Host, &Module, &PluginOptions) -> Result<Started, RuntimeError> + Send + Sync>;

/// The columns of each input that was begun.
type Headers = BTreeMap<u32, Vec<String>>;

/// The two instances; the operator goes first, with what it holds of the engine.
struct Running {
    operator: Box<dyn Operator>,
    engine: SharedEngine,
    /// Where the plugin's timers are.
    queues: Queues,
    /// [`Limits::chained_timers`].
    chained_timers: u64,
    /// The parameters that have another value than the state was computed with.
    changed_parameters: Vec<ChangedParameter>,
}

impl Plugin {
    pub(crate) fn new(
        host: Host,
        module: Module,
        options: PluginOptions,
        (path, reopen): (PathBuf, Reopen),
        started: Started,
        metrics: Arc<PluginMetrics>,
        begun: Instant,
    ) -> Result<Self, RuntimeError> {
        let limits = host.limits(&options);
        let description = started.operator.description().clone();
        let (running, recovered) = life::of_its_own(started, &module, &options, &limits)?;
        let rate_limit = RateLimit::new(limits.checkpoints_per_second, options.clock.monotonic_us());
        metrics.recovered(recovered.as_ref(), begun.elapsed());
        tracing::info!(plugin = %description.identity.name, directory = %path.display(),
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
            reopen,
            stalls: VecDeque::new(),
            description,
            headers: BTreeMap::new(),
            recovered,
            running,
            metrics,
            rate_limit,
            results: ResultsWalk::default(),
            output: OutputCount::default(),
            messages: Vec::new(),
        })
    }

    /// Its name and the version of what it keeps.
    pub fn identity(&self) -> &Identity {
        &self.description.identity
    }

    /// What it says of itself: its inputs, outputs, namespaces and parameters.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The directory of its checkpoints.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what the last start recovered; `None` for a new directory.
    pub fn recovered(&self) -> Option<&Recovery> {
        self.recovered.as_ref()
    }

    /// Returns the promises of durability that its directory cannot keep, one sentence each. There are some only if the
    /// directory was opened to accept that
    /// ([`accept_weaker_promises`](alluvium::NativeDirectory::accept_weaker_promises)).
    pub fn weaker_promises(&mut self) -> Result<Vec<String>, RuntimeError> {
        self.call(|running| lock(&running.engine).weaker_promises())
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
        let output = &mut self.output;
        let limits = &self.limits;
        let result = call(running).and_then(|value| {
            output.count(running.operator.count_emitted(), limits)?;
            Ok(value)
        });
        for message in messages::shown(running.operator.take_messages()) {
            messages::log(&self.description.identity.name, &message);
            if self.messages.len() < MESSAGES_MAX {
                self.messages.push(message);
            }
        }
        if let Err(error) = &result
            // A call beside these may have ended it.
            && (error.is_end() || matches!(error, RuntimeError::Ended { .. }))
        {
            let limit = match error {
                RuntimeError::Limit { limit, .. } => Some(*limit),
                _ => None,
            };
            self.metrics.ended(limit);
            tracing::warn!(plugin = %self.identity().name, directory = %self.path.display(),
                limit = limit.map(Limit::name), "stopped: {error}");
            self.running = Err(error.to_string());
        }
        result
    }

    /// Calls the engine that keeps its state: for offsets and annotations beyond those that have a
    /// method here, and to look into the state.
    pub fn with_engine<T>(
        &mut self,
        call: impl FnOnce(&mut dyn Engine) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        self.call(|running| call(&mut *lock(&running.engine)))
    }

    /// Begins an input of columns, given by its index in [`description`](Self::description), with these
    /// columns.
    pub fn begin(&mut self, input: u32, header: &[String]) -> Result<(), RuntimeError> {
        self.check_input(input, InputFormat::Columns)?;
        self.call(|running| running.operator.begin(input, header))?;
        self.headers.insert(input, header.to_vec());
        Ok(())
    }

    /// Works in a batch of an input, all or nothing: after [`Refused`](RuntimeError::Refused) the state is as
    /// it was before, and nothing of the batch was emitted.
    pub fn feed(&mut self, input: u32, batch: &Batch) -> Result<(), RuntimeError> {
        let (format, records) = match batch {
            Batch::Columns(batch) => (InputFormat::Columns, u64::from(batch.count)),
            Batch::Records(batch) => (InputFormat::Records, batch.lens.len() as u64),
        };
        self.check_input(input, format)?;
        let called = Instant::now();
        self.call(|running| running.operator.process(input, batch)).map_err(|error| within(error, records))?;
        self.metrics.fed(records, called.elapsed());
        // A component writes what was begun in pieces, and each batch brings some of them.
        self.with_engine(|engine| engine.advance_checkpoints())
    }

    fn check_input(&self, input: u32, format: InputFormat) -> Result<(), RuntimeError> {
        let inputs = &self.description.inputs;
        let wrong = match inputs.get(input as usize) {
            Some(known) if known.format == format => return Ok(()),
            Some(known) => format!("its input {:?} takes {:?}, not {format:?}", known.name, known.format),
            None => format!("it has {} inputs, so there is no input {input}, counted from 0", inputs.len()),
        };
        Err(RuntimeError::Host(format!("the plugin {:?}: {wrong}", self.identity().name)))
    }

    /// Returns what was emitted since the last call, output by output as
    /// [`description`](Self::description) has them. It belongs to the next checkpoint. The crate
    /// `alluvium-connectors` has sinks for it.
    pub fn take_emitted(&mut self) -> Vec<Emitted> {
        self.running.as_mut().map_or_else(|_| Vec::new(), |running| running.operator.take_emitted())
    }

    /// Returns the key of each record of a batch of an input, if the plugin [says so](Module::is_keyed). The state stays
    /// as it is.
    pub fn route(&mut self, input: u32, batch: &Batch) -> Result<PackedKeys, RuntimeError> {
        self.call(|running| running.operator.route(input, batch))
    }

    /// Returns what the plugin said since the last call, for the people who run it. It is in the log of the crate
    /// `tracing` as well.
    pub fn take_messages(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.messages)
    }

    /// How far a source has been consumed.
    pub fn source_offset(&mut self, source: &str) -> Result<Option<u64>, RuntimeError> {
        self.with_engine(|engine| engine.source_offset(source))
    }

    /// Moves a source's offset forward: it becomes durable with the state that it led to.
    pub fn set_source_offset(&mut self, source: &str, offset: u64) -> Result<(), RuntimeError> {
        self.with_engine(|engine| engine.set_source_offset(source, offset))
    }

    /// Returns the parameters that have another value than the recovered state was computed with. One that was left
    /// out has its default.
    pub fn changed_parameters(&self) -> &[ChangedParameter] {
        self.running.as_ref().map_or(&[], |running| &running.changed_parameters)
    }

    /// A text attached to the newest checkpoint or log.
    pub fn annotation(&mut self, name: &str) -> Result<Option<String>, RuntimeError> {
        self.with_engine(|engine| engine.annotation(name))
    }

    /// Attaches a text to the checkpoints and logs to come.
    pub fn set_annotation(&mut self, name: &str, value: &str) -> Result<(), RuntimeError> {
        self.with_engine(|engine| engine.set_annotation(name, value))
    }

    /// Ends it. What came after the last checkpoint or sync is forgotten.
    pub fn close(self) {
        tracing::info!(plugin = %self.identity().name, directory = %self.path.display(), "closed");
    }
}

/// A record that is not in the batch is none.
fn within(error: RuntimeError, records: u64) -> RuntimeError {
    match error {
        RuntimeError::Refused { what, record, text } => {
            RuntimeError::Refused { what, record: record.filter(|record| u64::from(*record) < records), text }
        }
        error => error,
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("identity", self.identity())
            .field("path", &self.path)
            .field("is_running", &self.is_running())
            .finish_non_exhaustive()
    }
}
