//! A plugin's instance: entered call by call, each within its limits and all or nothing.

mod start;

use std::sync::{Arc, Mutex};

use wasmtime::Store;
use wasmtime::component::Instance;

use crate::bindings::plugin::exports::alluvium::checkpoint::operator;
use crate::description::Description;
use crate::emitted::Emitted;
use crate::engine::component::{ComponentEngine, enter};
use crate::engine::{SharedEngine, lock};
use crate::error::RuntimeError;
use crate::identity::Identity;
use crate::module::Module;
use crate::store_data::StoreData;
use crate::text::{cut, json_line, printable};

use self::start::Allowance;
pub(crate) use operator::Context;
pub use operator::{Batch, ColumnBatch, RecordBatch};

/// What a plugin may refuse, as [`RuntimeError::Refused`] calls it.
const PARAMETERS: &str = "its parameters";
const INPUT: &str = "its input";
pub(crate) const RESULTS: &str = "to give results";
pub(crate) const MIGRATION: &str = "to migrate";

/// An instance of a plugin over the state of one engine.
pub(crate) struct Operator {
    place: Place,
    /// The engine that its `state` leads to.
    engine: SharedEngine,
    guest: operator::Guest,
    instance: Instance,
    module: Module,
    allowance: Allowance,
    description: Description,
    /// Bytes that it emitted and that were not counted yet.
    uncounted_bytes: u64,
}

/// Where the instance lives.
enum Place {
    /// In a store of its own.
    Own { store: Box<Store<StoreData>>, is_dead: bool },
    /// In that of its engine: a composed plugin.
    OfEngine(Arc<Mutex<ComponentEngine>>),
}

/// Why a call refused.
struct Refusal {
    record: Option<u32>,
    text: String,
}

impl From<String> for Refusal {
    fn from(text: String) -> Self {
        Self { record: None, text: cut(text) }
    }
}

impl From<operator::Failure> for Refusal {
    fn from(failure: operator::Failure) -> Self {
        Self { record: failure.record, text: cut(failure.text) }
    }
}

impl Operator {
    pub(crate) fn description(&self) -> &Description {
        &self.description
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.description.identity
    }

    /// Enters the plugin for at most as long as one call may take. If it refuses, what it did to the state in
    /// this call is undone, and what it emitted is dropped.
    fn call<T, E: Into<Refusal>>(
        &mut self,
        what: &'static str,
        call: impl FnOnce(&operator::Guest, &mut Store<StoreData>) -> wasmtime::Result<Result<T, E>>,
    ) -> Result<T, RuntimeError> {
        let emitted_before: Vec<_> = self.guest_data(|guest| guest.emitted.iter().map(Emitted::end).collect());
        lock(&self.engine).begin_batch()?;
        let Self { place, guest, allowance, .. } = self;
        let answer = on_store(place, |store| {
            allowance.grant(store)?;
            call(guest, store)
        })?;
        match answer {
            Ok(value) => {
                let before: usize = emitted_before.iter().map(|(_, bytes)| bytes).sum();
                let now: usize = self.guest_data(|guest| guest.emitted.iter().map(|it| it.bytes().len()).sum());
                self.uncounted_bytes = self.uncounted_bytes.saturating_add((now - before) as u64);
                Ok(value)
            }
            Err(refusal) => {
                lock(&self.engine).rollback_batch().map_err(half_undone)?;
                self.guest_data(|guest| {
                    guest.emitted.iter_mut().zip(emitted_before).for_each(|(emitted, end)| emitted.truncate(end));
                });
                let Refusal { record, text } = refusal.into();
                Err(RuntimeError::Refused { what, record, text: printable(&text).into_owned() })
            }
        }
    }

    /// Opens `state` and `sink` to the instance: it is the plugin whose state it is.
    pub(crate) fn accept(&mut self) {
        self.guest_data(|guest| guest.is_accepted = true);
    }

    /// Declares the plugin's namespaces to the engine, for its `state` to know.
    pub(crate) fn declare_namespaces(&mut self) -> Result<(), RuntimeError> {
        let mut numbers = Vec::new();
        for declaration in &self.description.namespaces {
            let number = lock(&self.engine).declare_namespace(declaration)?;
            numbers.push((declaration.name.clone(), number));
        }
        self.guest_data(|guest| guest.namespaces = numbers);
        Ok(())
    }

    pub(crate) fn open(&mut self, context: &Context) -> Result<(), RuntimeError> {
        self.call(PARAMETERS, |operator, store| operator.call_open(store, context))
    }

    pub(crate) fn begin(&mut self, input: u32, header: &[String]) -> Result<(), RuntimeError> {
        self.call(INPUT, |operator, store| operator.call_begin(store, input, header))
    }

    pub(crate) fn process(&mut self, input: u32, batch: &Batch) -> Result<(), RuntimeError> {
        self.call(INPUT, |operator, store| operator.call_process(store, input, batch))
    }

    pub(crate) fn results(&mut self, start: bool, limit: u32) -> Result<Vec<String>, RuntimeError> {
        let page = self.call(RESULTS, |operator, store| operator.call_results(store, start, limit))?;
        page.iter().map(|line| json_line(line)).collect::<Result<_, String>>().map_err(|line| {
            let text = format!("one of them holds a control character: {}", printable(&line));
            RuntimeError::Refused { what: RESULTS, record: None, text }
        })
    }

    /// Rewrites the state that an older version has left; the code has a migration.
    pub(crate) fn migrate(&mut self, from: u32) -> Result<(), RuntimeError> {
        let lacks = || RuntimeError::component(self.module.file(), "exports no migration");
        let migrate = self.module.migrate().ok_or_else(lacks)?;
        let instance = self.instance;
        self.call(MIGRATION, |_, store| {
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

    /// Returns what was emitted to each output since the last call.
    pub(crate) fn take_emitted(&mut self) -> Vec<Emitted> {
        let fresh = self.fresh_outputs();
        self.guest_data(|guest| std::mem::replace(&mut guest.emitted, fresh))
    }

    /// Returns how many bytes it emitted since this was last asked.
    pub(crate) fn count_emitted(&mut self) -> u64 {
        std::mem::take(&mut self.uncounted_bytes)
    }

    fn fresh_outputs(&self) -> Vec<Emitted> {
        self.description.outputs.iter().map(Emitted::to).collect()
    }

    /// Goes on where another instance leaves off: what that one emitted, and was not taken yet, is this one's.
    /// If this one lacks the output for it, that is an error, and nothing has changed.
    pub(crate) fn take_over(&mut self, old: &mut Self) -> Result<(), RuntimeError> {
        let old_outputs = old.description.outputs.clone();
        let places: Vec<_> = old_outputs
            .iter()
            .map(|was| self.description.outputs.iter().position(|is| is.name == was.name && is.format == was.format))
            .collect();
        let waiting: Vec<_> = old.guest_data(|guest| guest.emitted.iter().map(Emitted::len).collect());
        for ((output, place), waiting) in old_outputs.iter().zip(&places).zip(waiting) {
            if place.is_none() && waiting > 0 {
                let name = printable(&output.name);
                let why = format!("{waiting} records wait for the output {name}, which the new code does not have");
                return Err(RuntimeError::Host(format!("{why}: take them first")));
            }
        }
        let taken = old.take_emitted();
        self.guest_data(|guest| {
            for (place, emitted) in places.into_iter().zip(taken) {
                if let Some(own) = place.and_then(|place| guest.emitted.get_mut(place)) {
                    own.prepend(emitted);
                }
            }
        });
        Ok(())
    }

    /// The memory of WebAssembly that it takes, beside its engine's.
    pub(crate) fn memory_bytes(&self) -> usize {
        match &self.place {
            Place::Own { store, .. } => store.data().budget.memory_bytes(),
            Place::OfEngine(_) => 0,
        }
    }
}

/// An engine that cannot undo a batch ends, and the plugin with it.
fn half_undone(error: RuntimeError) -> RuntimeError {
    if error.is_end() { error } else { RuntimeError::Trap { who: "the engine", why: error.to_string() } }
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
