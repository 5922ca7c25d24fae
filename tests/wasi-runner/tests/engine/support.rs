//! An instance of the engine over a directory of the test's own.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use alluvium_test_harness::{START_MS, STORE_ID};
use wasmtime::component::{Component, Linker, ResourceAny, ResourceTable};
use wasmtime::{Engine as Compiler, Store};
use wasmtime_wasi::{FsPerms, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

/// The world `engine`, from the host's side.
#[allow(missing_docs, clippy::pedantic, unused_qualifications, unreachable_pub, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({ path: "../../wasm/wit", world: "engine" });
}

pub(crate) use bindings::alluvium::checkpoint::types::{Columns, Error, PackedKeys};
pub(crate) use bindings::exports::alluvium::checkpoint::checkpoints::*;
pub(crate) use bindings::exports::alluvium::checkpoint::state;

pub(crate) struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Wasi {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.context, table: &mut self.table }
    }
}

/// A clock that moves when the test says so.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub(crate) fn advance_ms(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }

    fn elapsed_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl HostWallClock for TestClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(START_MS + self.elapsed_ms())
    }
}

impl HostMonotonicClock for TestClock {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        self.elapsed_ms() * 1_000_000
    }
}

/// The component, compiled once for all tests.
pub(crate) fn component() -> &'static (Compiler, Component) {
    static COMPILED: OnceLock<(Compiler, Component)> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("wasm32-wasip2/release/alluvium_wasm.wasm");
        let path = std::env::var_os("ALLUVIUM_ENGINE").map_or(built, PathBuf::from);
        assert!(path.is_file(), "{} is not there: `make components` builds it", path.display());
        let compiler = Compiler::default();
        let component = Component::from_file(&compiler, &path).expect("the engine compiles");
        (compiler, component)
    })
}

/// An instance of the engine: what it is granted, and its exports.
pub(crate) struct Engine {
    pub(crate) store: Store<Wasi>,
    pub(crate) world: bindings::Engine,
    pub(crate) clock: TestClock,
}

/// An instance over `directory`, which the guest knows as `data`.
pub(crate) fn engine(directory: &Path) -> Engine {
    engine_with(&[(directory, "data", FsPerms::ReadWrite)])
}

/// An instance with these directories granted.
pub(crate) fn engine_with(granted: &[(&Path, &str, FsPerms)]) -> Engine {
    engine_linked(granted, |_| {})
}

/// The same, with what `link` puts in the place of WASI's own.
pub(crate) fn engine_linked(granted: &[(&Path, &str, FsPerms)], link: impl FnOnce(&mut Linker<Wasi>)) -> Engine {
    let (compiler, component) = component();
    let clock = TestClock::default();
    let mut context = WasiCtx::builder();
    context.inherit_stderr().wall_clock(clock.clone()).monotonic_clock(clock.clone());
    context.allow_blocking_current_thread(true);
    for (path, name, permissions) in granted {
        context.preopened_dir(path, *name, *permissions).expect("the directory opens");
    }
    let mut store = Store::new(compiler, Wasi { context: context.build(), table: ResourceTable::new() });
    let mut linker = Linker::new(compiler);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).expect("it links");
    link(&mut linker);
    let world = bindings::Engine::instantiate(&mut store, component, &linker).expect("the engine starts");
    Engine { store, world, clock }
}

/// A new directory is begun under a fixed id, three checkpoints stay.
pub(crate) fn options() -> OpenOptions {
    OpenOptions {
        directory: None,
        create: true,
        begin_beside_remains: false,
        writer: None,
        store_id: Some(STORE_ID.to_vec()),
        checkpoint: None,
        allow_fallback: false,
        max_retained: 3,
        interval_ms: 60_000,
        memory_limit_bytes: None,
        max_compaction_bytes: None,
        strict: true,
    }
}

impl Engine {
    pub(crate) fn open(&mut self, options: &OpenOptions) -> Result<ResourceAny, Error> {
        self.world.alluvium_checkpoint_checkpoints().manager().call_open(&mut self.store, options).expect("no trap")
    }

    pub(crate) fn import(&mut self, archive: &[u8], options: &OpenOptions) -> Result<ResourceAny, Error> {
        let manager = self.world.alluvium_checkpoint_checkpoints().manager();
        manager.call_import_checkpoint(&mut self.store, archive, options).expect("no trap")
    }

    /// Calls a method of a manager.
    pub(crate) fn on<T>(
        &mut self,
        manager: ResourceAny,
        call: impl FnOnce(GuestManager<'_>, &mut Store<Wasi>, ResourceAny) -> wasmtime::Result<T>,
    ) -> T {
        call(self.world.alluvium_checkpoint_checkpoints().manager(), &mut self.store, manager).expect("no trap")
    }

    /// Calls a function of `state`.
    pub(crate) fn state<T>(&mut self, call: impl FnOnce(&state::Guest, &mut Store<Wasi>) -> wasmtime::Result<T>) -> T {
        call(self.world.alluvium_checkpoint_state(), &mut self.store).expect("no trap")
    }

    pub(crate) fn put(&mut self, manager: ResourceAny, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.on(manager, |manager, store, this| manager.call_put(store, this, 0, key, value))
    }

    pub(crate) fn get(&mut self, manager: ResourceAny, key: &[u8]) -> Option<Vec<u8>> {
        self.on(manager, |manager, store, this| manager.call_get(store, this, 0, key)).expect("namespace 0")
    }

    pub(crate) fn checkpoint(&mut self, manager: ResourceAny) -> Result<CheckpointReport, Error> {
        self.on(manager, |manager, store, this| manager.call_checkpoint(store, this, 0))
    }

    /// The whole state, walked in pages of `limit`.
    pub(crate) fn walk(&mut self, cursor: ResourceAny, limit: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = Vec::new();
        loop {
            let page = self.state(|state, store| state.cursor().call_next(store, cursor, limit)).expect("a page");
            assert!(page.ops.len() <= limit as usize && page.ops.iter().all(|op| *op == 0));
            if page.ops.is_empty() {
                return found;
            }
            found.extend(entries(&page));
        }
    }
}

/// The entries of a page.
pub(crate) fn entries(page: &Columns) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut keys, mut values) = (page.keys.as_slice(), page.values.as_slice());
    let mut take = |key_len: &u32, value_len: &u32| {
        let (key, value);
        (key, keys) = keys.split_at(*key_len as usize);
        (value, values) = values.split_at(*value_len as usize);
        (key.to_vec(), value.to_vec())
    };
    page.key_lens.iter().zip(&page.value_lens).map(|(key, value)| take(key, value)).collect()
}

/// A batch of puts and deletes as columns.
pub(crate) fn columns(mutations: &[(&[u8], Option<&[u8]>)]) -> Columns {
    let len = |bytes: &[u8]| u32::try_from(bytes.len()).expect("short");
    Columns {
        ops: mutations.iter().map(|(_, value)| value.is_none().into()).collect(),
        key_lens: mutations.iter().map(|(key, _)| len(key)).collect(),
        value_lens: mutations.iter().map(|(_, value)| len(value.unwrap_or_default())).collect(),
        keys: mutations.iter().flat_map(|(key, _)| key.to_vec()).collect(),
        values: mutations.iter().flat_map(|(_, value)| value.unwrap_or_default().to_vec()).collect(),
    }
}

pub(crate) fn packed(keys: &[&[u8]]) -> PackedKeys {
    PackedKeys { lens: keys.iter().map(|key| u32::try_from(key.len()).expect("short")).collect(), bytes: keys.concat() }
}
