//! What every store holds beside its component, and how a call that ended badly is explained.
//!
//! This module and `engine` use each other, because what they describe does: a plugin's store holds the
//! engine that its `state` leads to, and an engine holds a store. One type serves for both, since a
//! composed plugin has its engine in its own store.

use std::path::Path;

use alluvium_core::model::stop::Stop;
use wasmtime::component::{ResourceTable, ResourceTableError};
use wasmtime::{AsContext, PoolConcurrencyLimitError, Store, Trap};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::budget::Budget;
use crate::deadline::past;
use crate::disk::DiskBudget;
use crate::emitted::Emitted;
use crate::engine::SharedEngine;
use crate::error::RuntimeError;
use crate::limits::{Limit, Limits, Reached};
use crate::messages::Messages;
use crate::stderr_tail::Tail;
use crate::syncs::Syncs;
use crate::system_error::{self, is_out_of_memory};

/// The data of a store.
pub(crate) struct StoreData {
    who: &'static str,
    wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) budget: Budget,
    stderr: Tail,
    /// How deep the stack of WebAssembly may grow.
    pub(crate) stack_bytes: usize,
    /// Whether the plugin is the one whose state it is. Before that, it gets no answer and nothing is taken from it.
    pub(crate) is_accepted: bool,
    /// What a plugin's `state` leads to; the engine itself has none.
    pub(crate) engine: Option<SharedEngine>,
    /// The numbers of the namespaces that the plugin has declared, by name.
    pub(crate) namespaces: Vec<(String, u32)>,
    /// What the plugin said since it was last asked.
    pub(crate) messages: Messages,
    /// What the plugin emitted since it was last asked, to each output.
    pub(crate) emitted: Vec<Emitted>,
    /// The most that this may be.
    pub(crate) output_bytes_max: usize,
    /// What an engine may still write to its directory.
    pub(crate) disk: DiskBudget,
    /// What of it is being made durable.
    pub(crate) syncs: Syncs,
    /// Says when the call of a plugin is over that an engine works for.
    pub(crate) stop: Option<Stop>,
}

impl StoreData {
    /// A store for one instance of a component, within `limits`.
    pub(crate) fn store(
        compiler: &wasmtime::Engine,
        who: &'static str,
        (wasi, stderr): (WasiCtx, Tail),
        (memory_bytes, limits): (usize, &Limits),
        engine: Option<SharedEngine>,
    ) -> Store<Self> {
        // The engine holds one of its own for each cursor of a plugin, and its files: of these two the
        // plugin's limit is the one to be reached.
        let handles = if engine.is_some() { limits.handles } else { limits.handles.saturating_add(2_048) };
        let mut table = ResourceTable::new();
        table.set_max_capacity(handles);
        let guest = Self {
            who,
            wasi,
            table,
            budget: Budget::new(memory_bytes, limits),
            stderr,
            stack_bytes: limits.stack_bytes,
            is_accepted: false,
            engine,
            namespaces: Vec::new(),
            messages: Messages::default(),
            emitted: Vec::new(),
            output_bytes_max: limits.output_bytes,
            disk: DiskBudget::default(),
            syncs: Syncs::default(),
            stop: None,
        };
        let mut store = Store::new(compiler, guest);
        store.limiter(|guest| &mut guest.budget);
        store.set_max_component_handles(handles);
        store
    }
}

impl StoreData {
    /// Fails if the call of a plugin is over that an engine works for.
    pub(crate) fn check_time(&self) -> Result<(), RuntimeError> {
        if self.stop.as_ref().is_some_and(Stop::must_end) { Err(past()) } else { Ok(()) }
    }

    /// Refuses code that asks for something before its identity was accepted: while it starts, or while it describes
    /// itself. It may be anybody's code until then.
    pub(crate) fn check_accepted(&self, interface: &str) -> wasmtime::Result<()> {
        if self.is_accepted {
            return Ok(());
        }
        Err(wasmtime::Error::msg(format!("it called {interface} before its identity was accepted")))
    }
}

impl WasiView for StoreData {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Says why an instance of the component in `file` did not come to be: it ended while it started, the system refused
/// what it needs, or its interfaces are not those that this host was built with.
pub(crate) fn explain_start(
    store: impl AsContext<Data = StoreData>,
    file: &Path,
    error: &wasmtime::Error,
) -> RuntimeError {
    if is_out_of_memory(error) {
        let why = format!("{OUT_OF_MEMORY}: {error:#}");
        return RuntimeError::Host(format!("{why}; close plugins, or raise what this process may have"));
    }
    if error.downcast_ref::<Trap>().is_some() || limit_of(store.as_context().data(), error).is_some() {
        return explain(store, error);
    }
    if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
        return RuntimeError::Host(format!(
            "the host's pool is full ({error:#}): close plugins, or give it a larger pool"
        ));
    }
    if let Some(refused) = system_error::refused(file, error) {
        return refused;
    }
    let why = format!("was built for other interfaces than this program: {error:#}; build both from the same sources");
    RuntimeError::component(file, why)
}

const OUT_OF_MEMORY: &str = "the system has no more memory, address space or mappings";

/// The limit behind a call that ended badly, if it was one.
fn limit_of(guest: &StoreData, error: &wasmtime::Error) -> Option<(Limit, String)> {
    if let Some(Reached(limit, why)) = error.downcast_ref::<Reached>() {
        return Some((*limit, why.clone()));
    }
    let said = |limit, why: &str| Some((limit, why.to_owned()));
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => return said(Limit::Time, "it took longer than one call may take"),
        Some(Trap::OutOfFuel) => return said(Limit::Fuel, "it took more fuel than one call may take"),
        Some(Trap::StackOverflow) => return said(Limit::Stack, "it recursed too deeply"),
        _ => {}
    }
    if matches!(error.downcast_ref::<ResourceTableError>(), Some(ResourceTableError::Full)) {
        return said(Limit::Handles, "it holds more handles than it may");
    }
    if is_out_of_memory(error) {
        return said(Limit::Memory, OUT_OF_MEMORY);
    }
    // These have no type that could be asked for.
    let text = error.root_cause().to_string();
    for (mark, limit, why) in [
        ("store handle limit exceeded", Limit::Handles, "it holds more handles than it may"),
        ("fuel allocated for hostcalls", Limit::CallBytes, "one of its calls carried more than it may"),
        ("count too high at", Limit::Instances, "it is made of more instances, memories or tables than it may"),
    ] {
        if text.contains(mark) {
            return said(limit, why);
        }
    }
    // A program that is refused memory as a rule ends by itself: by a trap, or by an exit.
    guest.budget.refused().cloned()
}

/// Says why a call ended in a trap: the limit it ran into, the panic message it left, or the trap.
pub(crate) fn explain(store: impl AsContext<Data = StoreData>, error: &wasmtime::Error) -> RuntimeError {
    let store = store.as_context();
    let guest = store.data();
    let said = guest.stderr.text();
    let and_said = |why: String| if said.is_empty() { why } else { format!("{why}; {said}") };
    if let Some((limit, why)) = limit_of(guest, error) {
        return RuntimeError::Limit { who: guest.who, limit, why: and_said(why) };
    }
    let why = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    RuntimeError::Trap { who: guest.who, why: and_said(why) }
}
