//! A plugin's instance in this process: entered call by call, each within its limits and all or nothing.

use std::sync::{Arc, Mutex};

use wasmtime::Store;
use wasmtime::component::Instance;

use crate::bindings::plugin::exports::alluvium::checkpoint::operator;
use crate::deadline::Allowance;
use crate::description::Description;
use crate::emitted::Emitted;
use crate::engine::component::{ComponentEngine, enter};
use crate::engine::{SharedEngine, lock};
use crate::error::RuntimeError;
use crate::module::Module;
use crate::store_data::StoreData;
use crate::text::{cut, printable};

/// An instance of a plugin in this process.
pub(crate) struct LocalOperator {
    pub(super) place: Place,
    /// The engine that its `state` leads to.
    pub(super) engine: SharedEngine,
    pub(super) guest: operator::Guest,
    pub(super) instance: Instance,
    pub(super) module: Module,
    pub(super) allowance: Allowance,
    pub(super) description: Description,
    /// Bytes that it emitted and that were not counted yet.
    pub(super) uncounted_bytes: u64,
}

/// Where the instance lives.
pub(super) enum Place {
    /// In a store of its own.
    Own { store: Box<Store<StoreData>>, is_dead: bool },
    /// In that of its engine: a composed plugin.
    OfEngine(Arc<Mutex<ComponentEngine>>),
}

/// Why a call refused.
pub(super) struct Refusal {
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

impl LocalOperator {
    /// Enters the plugin for at most as long as one call may take, the engine's work for it included. If it
    /// refuses, what it did to the state in this call is undone, and what it emitted is dropped.
    pub(super) fn call<T, E: Into<Refusal>>(
        &mut self,
        what: &'static str,
        call: impl FnOnce(&operator::Guest, &mut Store<StoreData>) -> wasmtime::Result<Result<T, E>>,
    ) -> Result<T, RuntimeError> {
        self.call_with(what, |_| Ok(()), |(), guest, store| call(guest, store))
    }

    /// Does the same with what is taken from the state `before` the call, as a part of it.
    pub(super) fn call_with<B, T, E: Into<Refusal>>(
        &mut self,
        what: &'static str,
        before: impl FnOnce(&SharedEngine) -> Result<B, RuntimeError>,
        call: impl FnOnce(B, &operator::Guest, &mut Store<StoreData>) -> wasmtime::Result<Result<T, E>>,
    ) -> Result<T, RuntimeError> {
        lock(&self.engine).begin_batch()?;
        lock(&self.engine).stop_when(Some(self.allowance.stop()));
        let answer =
            before(&self.engine).and_then(|before| self.call_or_undo(what, |guest, store| call(before, guest, store)));
        lock(&self.engine).stop_when(None);
        answer
    }

    fn call_or_undo<T, E: Into<Refusal>>(
        &mut self,
        what: &'static str,
        call: impl FnOnce(&operator::Guest, &mut Store<StoreData>) -> wasmtime::Result<Result<T, E>>,
    ) -> Result<T, RuntimeError> {
        let emitted_before: Vec<_> = self.guest_data(|guest| guest.emitted.iter().map(Emitted::end).collect());
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

    /// Looks at what the host keeps of the instance.
    pub(super) fn guest_data<T>(&mut self, look: impl FnOnce(&mut StoreData) -> T) -> T {
        match &mut self.place {
            Place::Own { store, .. } => look(store.data_mut()),
            Place::OfEngine(engine) => look(lock(engine).guest()),
        }
    }
}

/// An engine that cannot undo a batch ends, and the plugin with it.
fn half_undone(error: RuntimeError) -> RuntimeError {
    if error.is_end() { error } else { RuntimeError::Trap { who: "the engine", why: error.to_string() } }
}

pub(super) fn on_store<T>(
    place: &mut Place,
    call: impl FnOnce(&mut Store<StoreData>) -> wasmtime::Result<T>,
) -> Result<T, RuntimeError> {
    match place {
        Place::Own { store, is_dead } => enter(store, is_dead, call),
        Place::OfEngine(engine) => lock(engine).enter(call),
    }
}
