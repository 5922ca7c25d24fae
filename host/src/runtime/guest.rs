//! What every store holds beside its component, and how a call that ended badly is explained.

use std::path::Path;

use wasmtime::component::ResourceTable;
use wasmtime::{AsContext, Store, Trap};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::limits::{Budget, Limits};
use super::shell::Tail;
use super::{RuntimeError, SharedEngine};

/// The data of a store.
pub(super) struct Guest {
    who: &'static str,
    wasi: WasiCtx,
    pub(super) table: ResourceTable,
    budget: Budget,
    stderr: Tail,
    /// What a plugin's `state` leads to; the engine itself has none.
    pub(super) engine: Option<SharedEngine>,
    /// What the plugin emitted since it was last asked.
    pub(super) emitted: Vec<u8>,
}

impl Guest {
    /// A store for one instance of a component, within `limits`.
    pub(super) fn store(
        compiler: &wasmtime::Engine,
        who: &'static str,
        (wasi, stderr): (WasiCtx, Tail),
        (memory_bytes, limits): (usize, &Limits),
        engine: Option<SharedEngine>,
    ) -> Store<Self> {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let budget = Budget::new(memory_bytes, limits);
        let mut store = Store::new(compiler, Self { who, wasi, table, budget, stderr, engine, emitted: Vec::new() });
        store.limiter(|guest| &mut guest.budget);
        store
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Says why an instance of the component in `file` did not come to be: it ended while it started, or
/// its interfaces are not those that this host was built with.
pub(super) fn explain_start(store: impl AsContext<Data = Guest>, file: &Path, error: &wasmtime::Error) -> RuntimeError {
    let guest = store.as_context();
    if error.downcast_ref::<Trap>().is_some() || guest.data().budget.refused().is_some() {
        return explain(store, error);
    }
    let why = format!("was built for other interfaces than this program: {error:#}; build both from the same sources");
    RuntimeError::component(file, why)
}

/// Says why a call ended in a trap: the limit it ran into, the panic message it left, or the trap.
pub(super) fn explain(store: impl AsContext<Data = Guest>, error: &wasmtime::Error) -> RuntimeError {
    let store = store.as_context();
    let guest = store.data();
    let said = guest.stderr.text();
    let why = match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => "it took longer than one call may take".to_owned(),
        Some(Trap::StackOverflow) => "it recursed too deeply".to_owned(),
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    let details = [guest.budget.refused(), (!said.is_empty()).then_some(said.as_str())];
    let why = details.into_iter().flatten().fold(why, |why, detail| format!("{why}; {detail}"));
    RuntimeError::Trap { who: guest.who, why }
}
