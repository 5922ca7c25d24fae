//! Compiling and linking components: what of WebAssembly they may use, and what they may import.

pub(crate) mod cache;
pub(crate) mod caps;
mod features;
mod file;
pub(crate) mod options;
mod precompiled;
pub(crate) mod process;
pub(crate) mod serve;
mod shape;
mod work;

use std::path::Path;
#[cfg(target_os = "linux")]
use std::sync::Arc;

use alluvium::NativeDirectory;
use wasmtime::component::{Component, HasSelf, Linker};

use crate::bindings::{VERSION, plugin};
use crate::compiler::cache::Cache;
use crate::compiler::caps::CodeLimits;
use crate::compiler::features::CompilerSettings;
use crate::compiler::options::HostOptions;
use crate::compiler::precompiled::Compiled;
use crate::compiler::process::{CompilerProcess, Key};
use crate::deadline::tick;
use crate::disk_limit;
use crate::engine::component::{self, ComponentEngine};
use crate::engine::{EngineOptions, SharedEngine};
use crate::error::RuntimeError;
use crate::limits::Limits;
#[cfg(target_os = "linux")]
use crate::linear_memory::HugePages;
use crate::module::Module;
use crate::store_data::StoreData;
use crate::wasi;

/// The stack of WebAssembly is a part of a thread's, which no limit makes larger than this.
const STACK_BYTES_MAX: usize = 256 << 20;

/// Compiles and links components: what is below [`Host`](crate::Host).
pub struct Runtime {
    pub(crate) limits: Limits,
    pub(crate) counts_fuel: bool,
    cache: Cache,
    code: CodeLimits,
    code_in_process: CodeLimits,
    process: Option<(CompilerProcess, Key)>,
    /// For our own component.
    trusted: wasmtime::Engine,
    /// For plugins, with what its code depends on.
    limited: wasmtime::Engine,
    settings: CompilerSettings,
}

impl Runtime {
    /// A runtime with these limits for every component, keeping compiled ones in `cache`.
    pub fn new(limits: Limits, cache: Cache) -> Result<Self, RuntimeError> {
        Self::with(HostOptions { limits, cache, ..HostOptions::default() })
    }

    /// A runtime with these options.
    pub fn with(options: HostOptions) -> Result<Self, RuntimeError> {
        let HostOptions { limits, cache, fuel, pool, code, code_in_process, compiler } = options;
        if limits.stack_bytes > STACK_BYTES_MAX {
            let why = format!("a stack of {} bytes: at most {STACK_BYTES_MAX} are possible", limits.stack_bytes);
            return Err(RuntimeError::Host(why));
        }
        let trusted = CompilerSettings::trusted(&limits, pool).compiler(|config| {
            // A pool has memory of its own. Memory of ours cannot begin as a mapped image of the code's data.
            #[cfg(target_os = "linux")]
            if pool.is_none() {
                config.with_host_memory(Arc::new(HugePages)).memory_init_cow(false);
            }
        })?;
        let settings = CompilerSettings::limited(&limits, pool, fuel);
        let limited = settings.compiler(|_| {})?;
        tick(&limited)?;
        let keyed = |process| Key::random().map(|key| (process, key));
        let process = compiler.map(keyed).transpose().map_err(|error| RuntimeError::Host(error.to_string()))?;
        Ok(Self { limits, counts_fuel: fuel, cache, code, code_in_process, process, trusted, limited, settings })
    }

    /// Starts the engine component in `file` over a directory, which becomes its own.
    ///
    /// The newest checkpoint of the directory is recovered; without one, the state is empty.
    pub fn open_engine(
        &self,
        file: &Path,
        directory: NativeDirectory,
        options: &EngineOptions,
    ) -> Result<SharedEngine, RuntimeError> {
        Ok(ComponentEngine::open(&self.load_engine(file)?, directory, options, &self.limits)?.0)
    }

    /// Compiles the engine component in `file`.
    pub(crate) fn load_engine(&self, file: &Path) -> Result<component::Ready, RuntimeError> {
        self.link_engine(file, &file::read(file, CodeLimits::default().bytes)?)
    }

    /// Compiles the engine component that a program has inside.
    pub(crate) fn load_engine_inside(&self, component: &[u8]) -> Result<component::Ready, RuntimeError> {
        self.link_engine(Path::new("the engine component inside this program"), component)
    }

    fn link_engine(&self, file: &Path, bytes: &[u8]) -> Result<component::Ready, RuntimeError> {
        let compiled = self.cache.component(&self.trusted, bytes, || {
            check_is_component(bytes).map_err(wasmtime::Error::msg)?;
            Compiled::here(&self.trusted, bytes)
        });
        let (component, _) = compiled.map_err(|error: wasmtime::Error| invalid(file, &error))?;
        let exports = exports(&component, &self.trusted);
        wants(file, &exports, "checkpoints", "the engine")?;
        let mut linker = Linker::new(&self.trusted);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker)
            .and_then(|()| disk_limit::count_writes(&mut linker, &component))
            .map_err(|error| unlinkable(file, &error))?;
        let ready = linker.instantiate_pre(&component).map_err(|error| unlinkable(file, &error))?;
        component::Ready::of_engine(file, ready).map_err(|error| other_world(file, &error))
    }

    /// Compiles the plugin in `file`: alone, or composed with an engine if the caller says that it is.
    pub(crate) fn load_plugin(&self, file: &Path, is_composed: bool) -> Result<Module, RuntimeError> {
        let component = self.compile(file, &file::read(file, self.code.bytes)?, is_composed)?;
        let exports = exports(&component, &self.limited);
        wants(file, &exports, "operator", "a plugin")?;
        if is_composed {
            wants(file, &exports, "checkpoints", "a plugin that is composed with an engine")?;
        } else if exports.contains(&interface("checkpoints")) {
            return Err(RuntimeError::component(file, COMPOSED));
        }
        let linker = linker(&self.limited, &component, is_composed).map_err(|error| unlinkable(file, &error))?;
        // What it imports beyond the shell, or does not export, is named before anything runs.
        let ready = linker.instantiate_pre(&component).map_err(|error| unlinkable(file, &error))?;
        Module::of(file, ready, is_composed).map_err(|error| other_world(file, &error))
    }

    /// Compiles a plugin, if its code is within the caps: those for strangers, or those that always hold.
    fn compile(&self, file: &Path, bytes: &[u8], is_trusted: bool) -> Result<Component, RuntimeError> {
        let refused = |why: String| RuntimeError::component(file, why);
        check_is_component(bytes).map_err(refused)?;
        let shape = shape::shape(bytes).map_err(|error| invalid(file, &error.into()))?;
        self.code.check(&shape).map_err(refused)?;
        let compiled = self.cache.component(&self.limited, bytes, || {
            if let Some((process, key)) = &self.process {
                let compiled = process::compile(process, key, &self.settings, bytes);
                return compiled.map_err(|why| Uncompiled(refused(why)));
            }
            let in_process = |why| refused(format!("{why} without a compiler process (HostOptions::compiler)"));
            let caps = if is_trusted { &self.code } else { &self.code_in_process };
            caps.check(&shape).map_err(in_process)?;
            Compiled::here(&self.limited, bytes).map_err(|error| Uncompiled(invalid(file, &error)))
        });
        compiled.map(|(component, _)| component).map_err(|Uncompiled(error)| error)
    }
}

/// Why there is no code.
struct Uncompiled(RuntimeError);

impl From<RuntimeError> for Uncompiled {
    fn from(error: RuntimeError) -> Self {
        Self(error)
    }
}

impl From<wasmtime::Error> for Uncompiled {
    fn from(error: wasmtime::Error) -> Self {
        Self(RuntimeError::Host(format!("compiled code cannot be loaded: {error:#}")))
    }
}

/// Why a plugin with an engine inside is not taken as it is.
const COMPOSED: &str = "exports an engine of its own, which would have a directory and a clock without the host's \
    engine in between: if it is yours, load it with Host::load_composed (the command: --composed)";

fn invalid(file: &Path, error: &wasmtime::Error) -> RuntimeError {
    RuntimeError::component(file, format!("is no valid component: {error:#}"))
}

fn interface(name: &str) -> String {
    format!("alluvium:checkpoint/{name}@{VERSION}")
}

fn exports(component: &Component, compiler: &wasmtime::Engine) -> Vec<String> {
    component.component_type().exports(compiler).map(|(name, _)| name.to_owned()).collect()
}

/// Refuses a component that does not export what its role asks for.
fn wants(file: &Path, exports: &[String], name: &str, role: &str) -> Result<(), RuntimeError> {
    let wanted = interface(name);
    if exports.contains(&wanted) {
        return Ok(());
    }
    let exports = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
    let why = format!("is a component of another world: {role} exports {wanted}, this one {exports}");
    Err(RuntimeError::component(file, why))
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

/// Everything that a plugin may import. A composed one has its engine, and with it the state, inside.
fn linker(
    compiler: &wasmtime::Engine,
    component: &Component,
    is_composed: bool,
) -> wasmtime::Result<Linker<StoreData>> {
    let mut linker = Linker::new(compiler);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    wasi::forbid_timers(&mut linker)?;
    wasi::bound_chance(&mut linker)?;
    if is_composed {
        disk_limit::count_writes(&mut linker, component)?;
    } else {
        plugin::alluvium::checkpoint::state::add_to_linker::<_, HasSelf<StoreData>>(&mut linker, |guest| guest)?;
    }
    plugin::alluvium::checkpoint::sink::add_to_linker::<_, HasSelf<StoreData>>(&mut linker, |guest| guest)?;
    Ok(linker)
}
