//! Instances of the composed component, over a store of the test's own.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use alluvium_test_harness::command::built;
use alluvium_test_harness::{START_MS, STORE_ID};
use alluvium_wasi_runner::keyvalue::{self, Values, View};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};
use wasmtime::component::{Component, Linker, ResourceAny, ResourceTable};
use wasmtime::{Engine as Compiler, Store};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

/// What the composed component exports, and what the directory alone exports.
#[allow(missing_docs, clippy::pedantic, unused_qualifications, unreachable_pub, reason = "generated")]
mod bindings {
    pub(crate) mod engine {
        wasmtime::component::bindgen!({ path: "../../wasm/wit", world: "engine" });
    }
    pub(crate) mod provider {
        wasmtime::component::bindgen!({
            inline: "
                package alluvium:runner;
                world provider {
                    export alluvium:checkpoint/directory@0.2.0;
                }
            ",
            path: "../../wasm/wit",
            world: "alluvium:runner/provider",
        });
    }
}

pub(crate) use bindings::engine::alluvium::checkpoint::types::Error;
pub(crate) use bindings::engine::exports::alluvium::checkpoint::checkpoints::*;
pub(crate) use bindings::provider::Provider;
pub(crate) use bindings::provider::exports::alluvium::checkpoint::directory;

/// The directory of the tests, in a store that keeps what its user says that it keeps.
pub(crate) const TRUSTED: &str = "bucket/orders?trusted";

/// What an instance is granted: a store and clocks, and no files.
pub(crate) struct Host {
    context: WasiCtx,
    table: ResourceTable,
    values: Arc<dyn Values>,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.context, table: &mut self.table }
    }
}

/// A clock that stands still, so that equal states have equal bytes.
#[derive(Clone)]
struct Still;

impl HostWallClock for Still {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }
    fn now(&self) -> Duration {
        Duration::from_millis(START_MS)
    }
}

impl HostMonotonicClock for Still {
    fn resolution(&self) -> u64 {
        1
    }
    fn now(&self) -> u64 {
        0
    }
}

fn component(variable: &str, name: &str) -> PathBuf {
    let found = built(variable, &[&format!("wasm32-wasip2/release/{name}.wasm")]);
    found.unwrap_or_else(|missing| panic!("{missing}: `make components` builds it"))
}

/// Returns the engine that imports a directory.
pub(crate) fn engine() -> PathBuf {
    component("ALLUVIUM_ON_DIRECTORY", "alluvium_on_directory")
}

/// Returns the directory over `wasi:keyvalue`.
pub(crate) fn keyvalue_directory() -> PathBuf {
    component("ALLUVIUM_KEYVALUE_DIRECTORY", "keyvalue_directory")
}

/// Composes the engine and the directory, as `wac plug alluvium_on_directory.wasm --plug keyvalue_directory.wasm` does.
pub(crate) fn compose() -> Vec<u8> {
    let interface = |name: &str| format!("alluvium:checkpoint/{name}@0.2.0");
    let mut graph = CompositionGraph::new();
    let mut instance = |name: &str, file: PathBuf| {
        let package = Package::from_file(name, None, file, graph.types_mut()).expect("a component");
        let package = graph.register_package(package).expect("it registers");
        graph.instantiate(package)
    };
    let provider = instance("alluvium:keyvalue", keyvalue_directory());
    let engine = instance("alluvium:engine", engine());
    let directory = graph.alias_instance_export(provider, &interface("directory")).expect("it is exported");
    graph.set_instantiation_argument(engine, &interface("directory"), directory).expect("it fits");
    for name in ["checkpoints", "state", "time"].map(interface) {
        let export = graph.alias_instance_export(engine, &name).expect("it is exported");
        graph.export(export, name).expect("a name");
    }
    graph.encode(EncodeOptions::default()).expect("a component")
}

/// The composed component and the directory alone, compiled once for all tests.
pub(crate) struct Compiled {
    pub(crate) compiler: Compiler,
    pub(crate) composed: Component,
    pub(crate) provider: Component,
}

/// What names the compiled form of the composed component to a process that should not compile it again.
pub(crate) const PRECOMPILED: &str = "ALLUVIUM_PRECOMPILED";

fn precompiled(compiler: &Compiler, file: &OsStr) -> Component {
    // SAFETY: the same program has written the file a moment ago, in a folder of its own.
    unsafe { Component::deserialize_file(compiler, file) }.expect("it is what this program has compiled")
}

pub(crate) fn compiled() -> &'static Compiled {
    static COMPILED: OnceLock<Compiled> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let compiler = Compiler::default();
        let composed = match std::env::var_os(PRECOMPILED) {
            Some(file) => precompiled(&compiler, &file),
            None => Component::new(&compiler, compose()).expect("it compiles"),
        };
        let provider = Component::from_file(&compiler, keyvalue_directory()).expect("it compiles");
        Compiled { compiler, composed, provider }
    })
}

fn granted(values: &Arc<dyn Values>) -> (Store<Host>, Linker<Host>) {
    let compiler = &compiled().compiler;
    let mut context = WasiCtx::builder();
    context.inherit_stderr().wall_clock(Still).monotonic_clock(Still).allow_blocking_current_thread(true);
    let host = Host { context: context.build(), table: ResourceTable::new(), values: Arc::clone(values) };
    let mut linker = Linker::new(compiler);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).expect("it links");
    let added =
        keyvalue::add_to_linker(&mut linker, |host: &mut Host| View { table: &mut host.table, values: &host.values });
    added.expect("it links");
    (Store::new(compiler, host), linker)
}

/// An instance of the directory alone.
pub(crate) fn provider(values: &Arc<dyn Values>) -> (Store<Host>, Provider) {
    let (mut store, linker) = granted(values);
    let provider = Provider::instantiate(&mut store, &compiled().provider, &linker).expect("it starts");
    (store, provider)
}

/// An instance with an open manager.
pub(crate) struct Instance {
    store: Store<Host>,
    world: bindings::engine::Engine,
    manager: ResourceAny,
}

/// Why a call did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The instance is gone.
    Died,
    /// The engine has answered with an error.
    Answered(Error),
}

/// Flattens what a call returns.
pub(crate) fn flat<T>(result: wasmtime::Result<Result<T, Error>>) -> Result<T, Failed> {
    result.map_err(|_| Failed::Died)?.map_err(Failed::Answered)
}

/// One checkpoint stays, so that each one is followed by deletions.
pub(crate) fn options(name: &str) -> OpenOptions {
    OpenOptions {
        directory: Some(name.to_owned()),
        create: true,
        begin_beside_remains: false,
        writer: None,
        store_id: Some(STORE_ID.to_vec()),
        checkpoint: None,
        allow_fallback: false,
        max_retained: 1,
        interval_ms: 60_000,
        memory_limit_bytes: None,
        max_compaction_bytes: None,
        strict: true,
    }
}

impl Instance {
    /// Opens a manager in an instance of its own, as a new process would.
    pub(crate) fn open(values: &Arc<dyn Values>, options: &OpenOptions) -> Result<Self, Failed> {
        let (mut store, linker) = granted(values);
        let world = bindings::engine::Engine::instantiate(&mut store, &compiled().composed, &linker);
        let world = world.expect("it starts");
        let opened = world.alluvium_checkpoint_checkpoints().manager().call_open(&mut store, options);
        Ok(Self { manager: flat(opened)?, store, world })
    }

    /// Calls a method of the manager.
    pub(crate) fn on<T>(
        &mut self,
        call: impl FnOnce(GuestManager<'_>, &mut Store<Host>, ResourceAny) -> wasmtime::Result<T>,
    ) -> wasmtime::Result<T> {
        call(self.world.alluvium_checkpoint_checkpoints().manager(), &mut self.store, self.manager)
    }

    pub(crate) fn put(&mut self, key: &str, value: &[u8]) {
        flat(self.on(|m, s, this| m.call_put(s, this, 0, key.as_bytes(), value))).expect("memory alone");
    }

    pub(crate) fn get(&mut self, key: &str) -> Option<Vec<u8>> {
        flat(self.on(|m, s, this| m.call_get(s, this, 0, key.as_bytes()))).expect("memory alone")
    }

    pub(crate) fn checkpoint(&mut self) -> Result<CheckpointReport, Failed> {
        flat(self.on(|m, s, this| m.call_checkpoint(s, this, 0)))
    }

    pub(crate) fn sync(&mut self) -> Result<(), Failed> {
        flat(self.on(|m, s, this| m.call_sync(s, this, 0)))
    }
}
