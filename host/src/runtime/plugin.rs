//! A plugin at work: an instance of its own, thrown away with everything that it held.

use std::path::Path;
use std::sync::Arc;

use wasmtime::Store;

use super::bindings::plugin as bindings;
use super::bindings::plugin::exports::alluvium::checkpoint::operator;
use super::guest::{Guest, explain, explain_start};
use super::limits::Limits;
use super::shell::{self, Tail};
use super::{EPOCH_TICK, Identity, RuntimeError, SharedEngine, lock};

pub use operator::Records;

/// An instance of a plugin over the state of one engine.
pub struct Plugin {
    store: Store<Guest>,
    instance: bindings::Plugin,
    call_ticks: u64,
    identity: Identity,
    /// Set when a call has trapped: the instance must not be entered again.
    is_dead: bool,
}

impl Plugin {
    pub(super) fn open(
        file: &Path,
        ready: &bindings::PluginPre<Guest>,
        engine: SharedEngine,
        limits: &Limits,
    ) -> Result<Self, RuntimeError> {
        let stderr = Tail::default();
        let granted = (limits.plugin_memory_bytes, limits);
        let wasi = (shell::of_plugin(stderr.clone()), stderr);
        let of_state = Arc::clone(&engine);
        let migrates = has_migration(ready);
        let mut store = Guest::store(ready.engine(), "the plugin", wasi, granted, Some(engine));
        let ticks = limits.plugin_call.as_millis().div_ceil(EPOCH_TICK.as_millis()).max(1);
        let call_ticks = u64::try_from(ticks).unwrap_or(u64::MAX / 2).min(u64::MAX / 2);
        store.set_epoch_deadline(call_ticks);
        let instance = ready.instantiate(&mut store).map_err(|error| explain_start(&store, file, &error))?;
        let identity = describe(file, &mut store, &instance)?;
        let mut engine = lock(&of_state);
        match Identity::of_state(&mut engine)? {
            Some(state) if state != identity => {
                return Err(RuntimeError::OtherPlugin { state, plugin: identity, migrates });
            }
            _ => identity.name_state(&mut engine)?,
        }
        drop(engine);
        Ok(Self { store, instance, call_ticks, identity, is_dead: false })
    }

    /// Its name and the version of what it keeps.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Enters the plugin for at most as long as one call may take.
    fn call<T>(
        &mut self,
        call: impl FnOnce(&operator::Guest, &mut Store<Guest>) -> wasmtime::Result<Result<T, String>>,
    ) -> Result<T, RuntimeError> {
        if std::mem::replace(&mut self.is_dead, true) {
            return Err(RuntimeError::Trap { who: "the plugin", why: "an earlier call ended it".to_owned() });
        }
        self.store.set_epoch_deadline(self.call_ticks);
        let result = call(self.instance.alluvium_checkpoint_operator(), &mut self.store);
        self.is_dead = result.is_err();
        match result {
            Ok(answer) => answer.map_err(RuntimeError::Plugin),
            // What ended the engine in mid-call is told as it is, not as the plugin's own end.
            Err(error) => match error.downcast::<RuntimeError>() {
                Ok(of_engine) => Err(of_engine),
                Err(error) => Err(explain(&self.store, &error)),
            },
        }
    }

    /// Begins a run over a source with these columns.
    pub fn begin(&mut self, header: &[String]) -> Result<(), RuntimeError> {
        self.call(|operator, store| operator.call_open(store, header))
    }

    /// Works a batch into the state, all or nothing.
    pub fn process(&mut self, batch: &Records) -> Result<(), RuntimeError> {
        self.call(|operator, store| operator.call_process(store, batch))
    }

    /// What was emitted since the last call, line by line. It belongs to the next checkpoint.
    pub fn take_emitted(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.store.data_mut().emitted)
    }

    /// The next page of results, from the beginning with `start`; an empty page is the end.
    pub fn results(&mut self, start: bool, limit: u32) -> Result<Vec<String>, RuntimeError> {
        self.call(|operator, store| operator.call_results(store, start, limit))
    }
}

/// Asks it who it is.
fn describe(file: &Path, store: &mut Store<Guest>, instance: &bindings::Plugin) -> Result<Identity, RuntimeError> {
    let described = instance.alluvium_checkpoint_operator().call_describe(&mut *store);
    let described = described.map_err(|error| explain_start(&*store, file, &error))?;
    Identity::described(described).map_err(|why| RuntimeError::component(file, why))
}

/// Whether it exports the interface `migration`.
fn has_migration(ready: &bindings::PluginPre<Guest>) -> bool {
    let name = format!("alluvium:checkpoint/migration@{}", super::bindings::VERSION);
    ready.instance_pre().component().get_export_index(None, &name).is_some()
}
