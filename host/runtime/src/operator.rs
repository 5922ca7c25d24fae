//! A plugin's instance: entered call by call, each within its limits.

use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::Instance;

use crate::bindings::plugin::exports::alluvium::checkpoint::operator;
use crate::compiler::EPOCH_TICK;
use crate::engine::enter;
use crate::engine::{SharedEngine, lock};
use crate::error::RuntimeError;
use crate::identity::Identity;
use crate::limits::Limits;
use crate::module::{Form, Module};
use crate::stderr_tail::Tail;
use crate::store_data::{StoreData, explain_start};
use crate::text::{escaped, json_line};
use crate::wasi;

pub use operator::Records;

/// An instance of a plugin over the state of one engine.
pub(crate) struct Operator {
    place: Place,
    /// The engine that its `state` leads to.
    engine: SharedEngine,
    guest: operator::Guest,
    instance: Instance,
    module: Module,
    allowance: Allowance,
    identity: Identity,
}

/// Where the instance lives.
enum Place {
    /// In a store of its own.
    Own { store: Box<Store<StoreData>>, is_dead: bool },
    /// In that of its engine: a composed plugin.
    OfEngine(SharedEngine),
}

/// What one call may take.
#[derive(Clone, Copy)]
struct Allowance {
    ticks: u64,
    fuel: Option<u64>,
}

impl Allowance {
    fn of(limits: &Limits, counts_fuel: bool) -> Self {
        Self { ticks: ticks(limits.plugin_call), fuel: counts_fuel.then_some(limits.plugin_call_fuel) }
    }

    fn grant(self, store: &mut Store<StoreData>) -> wasmtime::Result<()> {
        store.set_epoch_deadline(self.ticks);
        self.fuel.map_or(Ok(()), |fuel| store.set_fuel(fuel))
    }
}

fn ticks(call: Duration) -> u64 {
    let ticks = call.as_millis().div_ceil(EPOCH_TICK.as_millis()).max(1);
    u64::try_from(ticks).unwrap_or(u64::MAX / 2).min(u64::MAX / 2)
}

impl Operator {
    /// Starts an instance over the engine's state; a composed plugin's is `inside` the engine's own.
    pub(crate) fn start(
        module: &Module,
        engine: &SharedEngine,
        inside: Option<Instance>,
        limits: &Limits,
        counts_fuel: bool,
    ) -> Result<Self, RuntimeError> {
        let allowance = Allowance::of(limits, counts_fuel);
        let file = module.file();
        let load = |store: &mut Store<StoreData>, instance: &Instance| module.operator().load(store, instance);
        let (mut place, instance, guest) = match (module.form(), inside) {
            (Form::Alone(ready), _) => {
                let stderr = Tail::default();
                let wasi = (wasi::of_plugin(stderr.clone()), stderr);
                let granted = (limits.plugin_memory_bytes, limits);
                let mut store =
                    Box::new(StoreData::store(ready.engine(), "the plugin", wasi, granted, Some(engine.clone())));
                store.set_hostcall_fuel(limits.call_bytes);
                let started = |store: &mut Store<StoreData>| {
                    allowance.grant(store)?;
                    let instance = ready.instantiate(&mut *store)?;
                    load(store, &instance).map(|guest| (instance, guest))
                };
                let (instance, guest) = started(&mut store).map_err(|error| explain_start(&*store, file, &error))?;
                (Place::Own { store, is_dead: false }, instance, guest)
            }
            (Form::Composed(_), Some(instance)) => {
                let guest = lock(engine).enter(|store| load(store, &instance));
                let guest = guest.map_err(|error| RuntimeError::component(file, format!("has another world: {error}")));
                (Place::OfEngine(engine.clone()), instance, guest?)
            }
            (Form::Composed(_), None) => {
                return Err(RuntimeError::component(file, "has an engine inside: it cannot be put over another one"));
            }
        };
        let described = on_store(&mut place, |store| {
            allowance.grant(store)?;
            guest.call_describe(&mut *store)
        })?;
        let identity = Identity::described(described).map_err(|why| RuntimeError::component(file, why))?;
        Ok(Self { place, engine: engine.clone(), guest, instance, module: module.clone(), allowance, identity })
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Enters the plugin for at most as long as one call may take. If it refuses, what it did to the state in
    /// this call is undone, and what it emitted is dropped.
    fn call<T>(
        &mut self,
        call: impl FnOnce(&operator::Guest, &mut Store<StoreData>) -> wasmtime::Result<Result<T, String>>,
    ) -> Result<T, RuntimeError> {
        let emitted_before = self.guest_data(|guest| guest.emitted.len());
        lock(&self.engine).begin_batch()?;
        let Self { place, guest, allowance, .. } = self;
        let answer = on_store(place, |store| {
            allowance.grant(store)?;
            call(guest, store)
        })?;
        match answer {
            Ok(value) => Ok(value),
            Err(why) => {
                lock(&self.engine).rollback_batch()?;
                self.guest_data(|guest| guest.emitted.truncate(emitted_before));
                Err(RuntimeError::Plugin(escaped(&why)))
            }
        }
    }

    pub(crate) fn begin(&mut self, header: &[String]) -> Result<(), RuntimeError> {
        self.call(|operator, store| operator.call_open(store, header))
    }

    pub(crate) fn process(&mut self, batch: &Records) -> Result<(), RuntimeError> {
        self.call(|operator, store| operator.call_process(store, batch))
    }

    pub(crate) fn results(&mut self, start: bool, limit: u32) -> Result<Vec<String>, RuntimeError> {
        let page = self.call(|operator, store| operator.call_results(store, start, limit))?;
        page.into_iter().map(json_line).collect::<Result<_, String>>().map_err(|line| {
            let why = format!("one of its results holds a control character: {}", escaped(&line));
            RuntimeError::Plugin(why)
        })
    }

    /// Rewrites the state that an older version has left; the code has a migration.
    pub(crate) fn migrate(&mut self, from: u32) -> Result<(), RuntimeError> {
        let lacks = || RuntimeError::component(self.module.file(), "exports no migration");
        let migrate = self.module.migrate().ok_or_else(lacks)?;
        let instance = self.instance;
        self.call(|_, store| {
            let migrate = instance.get_typed_func::<(u32,), (Result<(), String>,)>(&mut *store, migrate)?;
            Ok(migrate.call(&mut *store, (from,))?.0)
        })
    }

    /// Looks at what the host keeps of the instance.
    fn guest_data<T>(&mut self, look: impl FnOnce(&mut StoreData) -> T) -> T {
        match &mut self.place {
            Place::Own { store, .. } => look(store.data_mut()),
            Place::OfEngine(engine) => look(lock(engine).guest()),
        }
    }

    pub(crate) fn take_emitted(&mut self) -> Vec<u8> {
        self.guest_data(|guest| std::mem::take(&mut guest.emitted))
    }

    /// Goes on where another instance leaves off: what that one emitted is not forgotten.
    pub(crate) fn take_over(&mut self, old: &mut Self) {
        let emitted = old.take_emitted();
        self.guest_data(|guest| guest.emitted.splice(..0, emitted).for_each(drop));
    }

    /// The memory of WebAssembly that it takes, beside its engine's.
    pub(crate) fn memory_bytes(&self) -> usize {
        match &self.place {
            Place::Own { store, .. } => store.data().budget.memory_bytes(),
            Place::OfEngine(_) => 0,
        }
    }
}

fn on_store<T>(
    place: &mut Place,
    call: impl FnOnce(&mut Store<StoreData>) -> wasmtime::Result<T>,
) -> Result<T, RuntimeError> {
    match place {
        Place::Own { store, is_dead } => enter(store, is_dead, call),
        Place::OfEngine(engine) => lock(engine).enter(call),
    }
}
