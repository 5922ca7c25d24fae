//! Compiling and linking components: what of WebAssembly they may use, and what they may import.

pub(crate) mod cache;
pub(crate) mod caps;
pub(crate) mod features;
mod file;
pub(crate) mod link;
pub(crate) mod options;
pub(crate) mod precompiled;
pub(crate) mod process;
pub(crate) mod serve;
mod shape;
mod work;

use std::path::Path;

use alluvium::NativeDirectory;
use wasmtime::ProfilingStrategy;
use wasmtime::component::Component;

use crate::compiler::cache::Cache;
use crate::compiler::caps::CodeLimits;
use crate::compiler::features::CompilerSettings;
use crate::compiler::options::HostOptions;
use crate::compiler::precompiled::{Compiled, NotCompiled};
use crate::compiler::process::{CompilerProcess, Key};
use crate::deadline::{Allowance, Ticks, tick};
use crate::engine::component::{self, ComponentEngine};
use crate::engine::{EngineOptions, SharedEngine};
use crate::error::RuntimeError;
use crate::limits::Limits;
use crate::module::Module;

/// The stack of WebAssembly is a part of a thread's, which no limit makes larger than this.
const STACK_BYTES_MAX: usize = 256 << 20;

/// Compiles and links components: what is below [`Host`](crate::Host).
pub struct Runtime {
    pub(crate) limits: Limits,
    pub(crate) counts_fuel: bool,
    ticks: Ticks,
    cache: Cache,
    code: CodeLimits,
    code_in_process: CodeLimits,
    process: Option<(CompilerProcess, Key)>,
    /// For our own component.
    trusted: wasmtime::Engine,
    /// For plugins, with what its code depends on.
    limited: wasmtime::Engine,
    /// What the code of both depends on: the engine's, and that of plugins.
    pub(crate) settings: (CompilerSettings, CompilerSettings),
}

impl Runtime {
    /// A runtime with these limits for every component, keeping compiled ones in `cache`.
    pub fn new(limits: Limits, cache: Cache) -> Result<Self, RuntimeError> {
        Self::with(HostOptions { limits, cache, ..HostOptions::default() })
    }

    /// A runtime with these options.
    pub fn with(options: HostOptions) -> Result<Self, RuntimeError> {
        let HostOptions { limits, cache, fuel, pool, code, code_in_process, compiler, profile } = options;
        if limits.stack_bytes > STACK_BYTES_MAX {
            let why = format!("a stack of {} bytes: at most {STACK_BYTES_MAX} are possible", limits.stack_bytes);
            return Err(RuntimeError::Host(why));
        }
        let settings = (CompilerSettings::trusted(&limits, pool), CompilerSettings::limited(&limits, pool, fuel));
        let profiler = if profile { ProfilingStrategy::PerfMap } else { ProfilingStrategy::None };
        let trusted = settings.0.compiler(|config| settings.0.add_huge_pages(config.profiler(profiler)))?;
        let limited = settings.1.compiler(|config| {
            config.profiler(profiler);
        })?;
        let ticks = tick(&limited)?;
        let keyed = |process| Key::random().map(|key| (process, key));
        let process = compiler.map(keyed).transpose().map_err(|error| RuntimeError::Host(error.to_string()))?;
        Ok(Self { limits, counts_fuel: fuel, ticks, cache, code, code_in_process, process, trusted, limited, settings })
    }

    /// What one call of a plugin may take.
    pub(crate) fn allowance(&self, limits: &Limits) -> Allowance {
        Allowance::of(limits, self.counts_fuel, &self.ticks)
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
        let (component, _) = self.cache.component(&self.trusted, bytes, || {
            check_is_component(bytes).map_err(|why| invalid(file, why))?;
            Compiled::here(&self.trusted, bytes).map_err(|why| not_compiled(file, why))
        })?;
        link::engine(file, &component)
    }

    /// Compiles the plugin in `file`: alone, or composed with an engine if the caller says that it is.
    pub(crate) fn load_plugin(&self, file: &Path, is_composed: bool) -> Result<Module, RuntimeError> {
        let component = self.compile(file, &file::read(file, self.code.bytes)?, is_composed)?;
        link::plugin(file, &component, is_composed)
    }

    /// Compiles a plugin, if its code is within the caps: those for strangers, or those that always hold.
    fn compile(&self, file: &Path, bytes: &[u8], is_trusted: bool) -> Result<Component, RuntimeError> {
        let refused = |why: String| RuntimeError::component(file, why);
        check_is_component(bytes).map_err(refused)?;
        let shape = shape::shape(bytes).map_err(|error| invalid(file, error))?;
        self.code.check(&shape).map_err(refused)?;
        let compiled = self.cache.component(&self.limited, bytes, || {
            if let Some((process, key)) = &self.process {
                return process::compile(process, key, &self.settings.1, bytes).map_err(refused);
            }
            let in_process = |why| refused(format!("{why} without a compiler process (HostOptions::compiler)"));
            let caps = if is_trusted { &self.code } else { &self.code_in_process };
            caps.check(&shape).map_err(in_process)?;
            Compiled::here(&self.limited, bytes).map_err(|why| not_compiled(file, why))
        });
        compiled.map(|(component, _)| component)
    }
}

fn invalid(file: &Path, error: impl std::fmt::Display) -> RuntimeError {
    RuntimeError::component(file, format!("is no valid component: {error:#}"))
}

fn not_compiled(file: &Path, why: NotCompiled) -> RuntimeError {
    match why {
        NotCompiled::Unable(why) => RuntimeError::component(file, format!("was not compiled: {why}")),
        NotCompiled::Invalid(why) => invalid(file, why),
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
