//! From one instance of a plugin to the next: restarted, restored, swapped.

use std::time::Instant;

use crate::engine::{CheckpointInfo, Recovery, SharedEngine, lock};
use crate::error::RuntimeError;
use crate::host::Started;
use crate::identity::Identity;
use crate::limits::Limits;
use crate::module::Module;
use crate::operator::{Operator, take_over};
use crate::plugin::timers::Queues;
use crate::plugin::{Headers, Plugin, Running};
use crate::plugin_options::PluginOptions;
use crate::settings::{self, ChangedParameter};

impl Plugin {
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
        self.stalls.clear();
        self.output.at_checkpoint();
        let again = || -> Result<_, RuntimeError> {
            let started = (self.reopen)(&self.host, module, &self.options)?;
            let (mut running, recovered) = of_its_own(started, module, &self.options, &self.limits)?;
            begin_all(&mut *running.operator, &self.headers)?;
            Ok((running, recovered))
        };
        let (running, recovered) = again().inspect_err(|error| {
            tracing::warn!(directory = %self.path.display(), "not restarted: {error}");
        })?;
        self.metrics.restarted();
        self.metrics.recovered(recovered.as_ref(), begun.elapsed());
        self.description = running.operator.description().clone();
        (self.running, self.recovered, self.module) = (Ok(running), recovered, module.clone());
        Ok(())
    }

    /// Continues with other code, a later build of the same plugin as a rule, over the same state.
    ///
    /// Code of the same schema version takes over at once, between two batches. If it fails after it was let at
    /// the state, the old code restarts from its newest checkpoint: compare
    /// [`source_offset`](Self::source_offset). Code of another schema version needs a migration, and the state so
    /// far is checkpointed first: then the new code continues from a checkpoint of its own, or, after an error, the
    /// old code from the one before. Code that is not the same plugin is refused before it is let at the state.
    pub fn swap(&mut self, module: &Module) -> Result<(), RuntimeError> {
        if module.is_composed() || self.module.is_composed() {
            // An engine inside cannot be put over a state that is in memory.
            self.checkpoint()?;
            return self.start_again(module).or_else(|error| self.restart().and(Err(error)));
        }
        let (options, headers) = (self.options.clone(), self.headers.clone());
        let running = self.running.as_ref().map_err(|why| RuntimeError::Ended { why: why.clone() })?;
        let engine = running.engine.clone();
        let mut fresh = match running.operator.another(module, &self.limits) {
            Ok(fresh) => fresh,
            Err(error) => {
                // In a process of its own, the new code may have ended the old with it: asking tells.
                drop(engine);
                let _ = self.with_engine(|engine| engine.epoch());
                return Err(error);
            }
        };
        let (state, plugin) = (self.identity().clone(), fresh.identity().clone());
        if plugin != state {
            if plugin.name != state.name || !module.migrates() {
                return Err(RuntimeError::OtherPlugin { state, plugin, migrates: false });
            }
            self.checkpoint()?;
            fresh.accept()?;
            // From here on the state in memory may be of neither version, until it is checkpointed.
            let migrated = crate::migrate::migrate(&mut *fresh, &engine);
            if let Err(error) = migrated {
                drop((fresh, engine));
                return self.restart().and(Err(error));
            }
        }
        let begun = (|| {
            fresh.accept()?;
            let running = self.running.as_mut().map_err(|why| RuntimeError::Ended { why: why.clone() })?;
            let numbers = fresh.declare_namespaces()?;
            let queues = Queues::of(fresh.description(), &numbers);
            open(&mut *fresh, &running.engine, &options)?;
            begin_all(&mut *fresh, &headers)?;
            take_over(&mut *fresh, &mut *running.operator)?;
            Ok(queues)
        })();
        let queues = match begun {
            Ok(queues) => queues,
            Err(error) => {
                drop((fresh, engine));
                // The new code may have changed the state by now. What is durable is the old code's, or was migrated.
                return if plugin == state { self.restart() } else { self.start_again(module) }.and(Err(error));
            }
        };
        tracing::info!(plugin = %plugin.name, directory = %self.path.display(),
            schema_version = plugin.schema_version, "swapped");
        (self.module, self.description) = (module.clone(), fresh.description().clone());
        self.call(|running| {
            (running.operator, running.queues) = (fresh, queues);
            Ok(())
        })
    }
}

/// Holds a start to the state's name, names it for the checkpoints to come, and opens the operator.
pub(super) fn of_its_own(
    started: Started,
    module: &Module,
    options: &PluginOptions,
    limits: &Limits,
) -> Result<(Running, Option<Recovery>), RuntimeError> {
    let Started { engine, mut operator } = started;
    let identity = operator.identity().clone();
    let mut opened = lock(&engine);
    match Identity::of_state(&mut *opened)? {
        Some(state) if state != identity => {
            let migrates = module.migrates() && state.name == identity.name;
            return Err(RuntimeError::OtherPlugin { state, plugin: identity, migrates });
        }
        Some(_) => {}
        None => identity.name_state(&mut *opened)?,
    }
    let recovered = opened.recovered()?;
    drop(opened);
    operator.accept()?;
    let numbers = operator.declare_namespaces()?;
    let queues = Queues::of(operator.description(), &numbers);
    let changed_parameters = open(&mut *operator, &engine, options)?;
    let chained_timers = limits.chained_timers;
    Ok((Running { operator, engine, queues, chained_timers, changed_parameters }, recovered))
}

/// Starts the operator's run with its parameters, and keeps these for the checkpoints to come. Returns those that have
/// another value than before.
fn open(
    operator: &mut dyn Operator,
    engine: &SharedEngine,
    options: &PluginOptions,
) -> Result<Vec<ChangedParameter>, RuntimeError> {
    let context = settings::context(operator.description(), &options.parameters, &mut *lock(engine))?;
    operator.open(&context)?;
    settings::keep(&context, &mut *lock(engine))?;
    Ok(settings::changed(&context))
}

fn begin_all(operator: &mut dyn Operator, headers: &Headers) -> Result<(), RuntimeError> {
    headers.iter().try_for_each(|(&input, header)| operator.begin(input, header))
}
