//! The host: it runs the engine component over a directory and plugins over the engine's state.
//!
//! The engine alone gets the directory. A plugin gets the interface `state` and an empty shell of
//! WASI; its calls go through the host to the engine, each component in a store of its own, so that
//! one that ends takes nothing with it. [`Limits`] are on by default.
//!
//! ```no_run
//! use std::sync::Arc;
//! use alluvium_host::native::NativeDirectory;
//! use alluvium_host::runtime::{Cache, EngineOptions, Limits, Records, Runtime, lock};
//!
//! let runtime = Runtime::new(Limits::default(), Cache::of_user())?;
//! let directory = NativeDirectory::open_exclusive("checkpoints")?;
//! let engine = runtime.open_engine("alluvium_wasm.wasm".as_ref(), directory, &EngineOptions::new([7; 16]))?;
//! let mut plugin = runtime.open_plugin("plugin.wasm".as_ref(), Arc::clone(&engine))?;
//!
//! plugin.begin(&["carrier".to_owned()])?;
//! let consumed = lock(&engine).source_offset("input")?.unwrap_or(0);
//! plugin.process(&Records { first_record: consumed + 1, count: 1, field_lens: vec![2], fields: b"UA".to_vec() })?;
//!
//! // State and position become durable together.
//! let mut engine = lock(&engine);
//! engine.set_source_offset("input", consumed + 1)?;
//! let report = engine.checkpoint(0)?;
//! println!("checkpoint {}: {} bytes", report.info.id, report.bytes_written);
//! # Ok::<(), alluvium_host::runtime::RuntimeError>(())
//! ```

pub mod bindings;
mod cache;
mod engine;
mod error;
mod guest;
mod identity;
mod limits;
mod plugin;
mod precompiled;
mod shell;
mod state;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, OptLevel};

pub use self::cache::Cache;
pub use self::engine::{
    CheckpointInfo, CheckpointReport, Engine, EngineOptions, MaintenanceReport, Recovery, SkippedCheckpoint, lock,
};
pub use self::error::{EngineError, RuntimeError};
pub use self::identity::Identity;
pub use self::limits::Limits;
pub use self::plugin::{Plugin, Records};
pub use self::state::Cursor;

use self::guest::Guest;
use crate::native::NativeDirectory;

/// An engine that a plugin's `state` leads to; [`lock`] borrows it.
pub type SharedEngine = Arc<Mutex<Engine>>;

/// How often running plugins look at the time.
const EPOCH_TICK: Duration = Duration::from_millis(10);

/// Compiles and links components.
pub struct Runtime {
    limits: Limits,
    cache: Cache,
    /// For our own component, which needs no time limit: looking at the time costs it a quarter of
    /// its speed.
    trusted: wasmtime::Engine,
    /// For plugins.
    limited: wasmtime::Engine,
}

impl Runtime {
    /// A runtime with these limits for every component, keeping compiled ones in `cache`.
    pub fn new(limits: Limits, cache: Cache) -> Result<Self, RuntimeError> {
        let compiler = |has_deadlines: bool| {
            let mut config = Config::new();
            config
                .wasm_component_model(true)
                .cranelift_opt_level(OptLevel::Speed)
                .max_wasm_stack(limits.stack_bytes)
                .epoch_interruption(has_deadlines);
            wasmtime::Engine::new(&config).map_err(|error| RuntimeError::Host(format!("wasmtime: {error:#}")))
        };
        let runtime = Self { limits, cache, trusted: compiler(false)?, limited: compiler(true)? };
        tick(&runtime.limited)?;
        Ok(runtime)
    }

    /// Starts the engine component in `file` over a directory, which becomes its own.
    ///
    /// A directory without a checkpoint is begun anew; otherwise the newest one is recovered.
    pub fn open_engine(
        &self,
        file: &Path,
        directory: NativeDirectory,
        options: &EngineOptions,
    ) -> Result<SharedEngine, RuntimeError> {
        let component = self.load(&self.trusted, file, "checkpoints", "the engine")?;
        let mut linker = Linker::new(&self.trusted);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker).map_err(|error| unlinkable(file, &error))?;
        let ready = linker.instantiate_pre(&component).map_err(|error| unlinkable(file, &error))?;
        let ready = bindings::engine::EnginePre::new(ready).map_err(|error| other_world(file, &error))?;
        Engine::open(file, &ready, directory, options, &self.limits)
    }

    /// Starts the plugin in `file` over the state of `engine`, if that state is its own.
    pub fn open_plugin(&self, file: &Path, engine: SharedEngine) -> Result<Plugin, RuntimeError> {
        let component = self.load(&self.limited, file, "operator", "a plugin")?;
        let linker = plugin_linker(&self.limited).map_err(|error| unlinkable(file, &error))?;
        // What it imports beyond the shell, or does not export, is named before anything runs.
        let ready = linker.instantiate_pre(&component).map_err(|error| unlinkable(file, &error))?;
        let ready = bindings::plugin::PluginPre::new(ready).map_err(|error| other_world(file, &error))?;
        Plugin::open(file, &ready, engine, &self.limits)
    }

    /// Reads and compiles a component that must export `alluvium:checkpoint/{interface}`.
    fn load(
        &self,
        compiler: &wasmtime::Engine,
        file: &Path,
        interface: &str,
        role: &str,
    ) -> Result<Component, RuntimeError> {
        let refused = |why: String| RuntimeError::component(file, why);
        let bytes = std::fs::read(file).map_err(|error| refused(format!("cannot be read: {error}")))?;
        check_is_component(&bytes).map_err(refused)?;
        let (component, _) = self
            .cache
            .component(compiler, &bytes)
            .map_err(|error| refused(format!("is no valid component: {error:#}")))?;
        let wanted = format!("alluvium:checkpoint/{interface}@{}", bindings::VERSION);
        let exports: Vec<String> =
            component.component_type().exports(compiler).map(|(name, _)| name.to_owned()).collect();
        if exports.contains(&wanted) {
            return Ok(component);
        }
        let exports = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
        Err(refused(format!("is a component of another world: {role} exports {wanted}, this one {exports}")))
    }
}

/// Tells apart what people pass by mistake, before a compiler speaks of magic numbers.
fn check_is_component(bytes: &[u8]) -> Result<(), String> {
    let say = |what: &str| Err(format!("{what}, not a WebAssembly component; build one with `--target wasm32-wasip2`"));
    match bytes.get(..8) {
        Some([b'\0', b'a', b's', b'm', _, _, 1, 0]) => Ok(()),
        Some([b'\0', b'a', b's', b'm', 1, 0, 0, 0]) => say("is a core WebAssembly module"),
        _ => say("is no WebAssembly file"),
    }
}

fn unlinkable(file: &Path, error: &wasmtime::Error) -> RuntimeError {
    RuntimeError::component(file, format!("asks for what it is not given: {error:#}"))
}

fn other_world(file: &Path, error: &wasmtime::Error) -> RuntimeError {
    RuntimeError::component(file, format!("is a component of another world, or of another version of it: {error:#}"))
}

/// Everything that a plugin may import.
fn plugin_linker(compiler: &wasmtime::Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(compiler);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    shell::forbid_timers(&mut linker)?;
    bindings::plugin::alluvium::checkpoint::state::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    bindings::plugin::alluvium::checkpoint::sink::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    Ok(linker)
}

/// Lets time pass for the plugins of `compiler`, for as long as it lives.
fn tick(compiler: &wasmtime::Engine) -> Result<(), RuntimeError> {
    let compiler = compiler.weak();
    let ticking = move || {
        while let Some(compiler) = compiler.upgrade() {
            compiler.increment_epoch();
            drop(compiler);
            std::thread::sleep(EPOCH_TICK);
        }
    };
    let thread = std::thread::Builder::new().name("plugin deadlines".to_owned()).spawn(ticking);
    thread.map(drop).map_err(|error| RuntimeError::Host(format!("cannot start a thread: {error}")))
}
