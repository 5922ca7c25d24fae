//! Compiling and linking components: what of WebAssembly they may use, and what they may import.

use std::path::Path;
#[cfg(target_os = "linux")]
use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::bindings::{VERSION, plugin};
use crate::cache::Cache;
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
use alluvium::NativeDirectory;

/// How often running plugins look at the time.
pub(crate) const EPOCH_TICK: Duration = Duration::from_millis(10);

/// No file of a component is longer: to compile it takes a multiple of that in memory.
const CODE_BYTES_MAX: u64 = 128 << 20;

/// How a [`Host`](crate::Host) compiles and runs plugins.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// What a plugin may take, unless its own options say otherwise.
    pub limits: Limits,
    /// Where compiled components are kept.
    pub cache: Cache,
    /// Count fuel, so that [`Limits::plugin_call_fuel`] ends a call at the same instruction on every
    /// machine. It costs a quarter of a plugin's speed; deadlines count all the same.
    pub fuel: bool,
    /// Reserve address space for so many plugins at once, and take instances from there: starting one
    /// is faster, and there are never more. Without it the system is asked each time.
    pub pool: Option<u32>,
}

impl Default for HostOptions {
    /// Default limits, the user's cache, no fuel, no pool.
    fn default() -> Self {
        Self { limits: Limits::default(), cache: Cache::of_user(), fuel: false, pool: None }
    }
}

/// Compiles and links components: what is below [`Host`](crate::Host).
pub struct Runtime {
    pub(crate) limits: Limits,
    pub(crate) counts_fuel: bool,
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
        Self::with(HostOptions { limits, cache, ..HostOptions::default() })
    }

    /// A runtime with these options.
    pub fn with(options: HostOptions) -> Result<Self, RuntimeError> {
        let HostOptions { limits, cache, fuel, pool } = options;
        let compiler = |config: &mut Config, memory_bytes| {
            if let Some(plugins) = pool {
                config.allocation_strategy(pooling(plugins, memory_bytes, &limits));
            }
            wasmtime::Engine::new(config).map_err(|error| RuntimeError::Host(format!("wasmtime: {error:#}")))
        };
        let mut engine_features = features(&limits);
        // A pool has memory of its own. Memory of ours cannot begin as a mapped image of the code's data.
        #[cfg(target_os = "linux")]
        if pool.is_none() {
            engine_features.with_host_memory(Arc::new(HugePages)).memory_init_cow(false);
        }
        let trusted = compiler(&mut engine_features, limits.engine_memory_bytes)?;
        // A composed plugin has the engine's memory within its own.
        let memory_bytes = limits.plugin_memory_bytes.max(limits.engine_memory_bytes);
        let limited = compiler(features(&limits).epoch_interruption(true).consume_fuel(fuel), memory_bytes)?;
        tick(&limited)?;
        Ok(Self { limits, counts_fuel: fuel, cache, trusted, limited })
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
        self.link_engine(file, &read(file)?)
    }

    /// Compiles the engine component that a program has inside.
    pub(crate) fn load_engine_inside(&self, component: &[u8]) -> Result<component::Ready, RuntimeError> {
        self.link_engine(Path::new("the engine component inside this program"), component)
    }

    fn link_engine(&self, file: &Path, bytes: &[u8]) -> Result<component::Ready, RuntimeError> {
        let component = self.compile(&self.trusted, file, bytes)?;
        let exports = exports(&component, &self.trusted);
        wants(file, &exports, "checkpoints", "the engine")?;
        let mut linker = Linker::new(&self.trusted);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker)
            .and_then(|()| disk_limit::count_writes(&mut linker))
            .map_err(|error| unlinkable(file, &error))?;
        let ready = linker.instantiate_pre(&component).map_err(|error| unlinkable(file, &error))?;
        component::Ready::of_engine(file, ready).map_err(|error| other_world(file, &error))
    }

    /// Compiles the plugin in `file`, alone or composed with an engine.
    pub(crate) fn load_plugin(&self, file: &Path) -> Result<Module, RuntimeError> {
        let component = self.compile(&self.limited, file, &read(file)?)?;
        let exports = exports(&component, &self.limited);
        wants(file, &exports, "operator", "a plugin")?;
        let is_composed = exports.contains(&interface("checkpoints"));
        let linker = linker(&self.limited, is_composed).map_err(|error| unlinkable(file, &error))?;
        // What it imports beyond the shell, or does not export, is named before anything runs.
        let ready = linker.instantiate_pre(&component).map_err(|error| unlinkable(file, &error))?;
        Module::of(file, ready, is_composed).map_err(|error| other_world(file, &error))
    }

    fn compile(&self, compiler: &wasmtime::Engine, file: &Path, bytes: &[u8]) -> Result<Component, RuntimeError> {
        let refused = |why: String| RuntimeError::component(file, why);
        check_is_component(bytes).map_err(refused)?;
        let component = self.cache.component(compiler, bytes);
        component.map(|(component, _)| component).map_err(|error| refused(format!("is no valid component: {error:#}")))
    }
}

/// Reads the file of a component, unless it is too long to be one.
fn read(file: &Path) -> Result<Vec<u8>, RuntimeError> {
    let refused = |why: String| RuntimeError::component(file, why);
    let unreadable = |error| refused(format!("cannot be read: {error}; check its path and that this user may read it"));
    let length = std::fs::metadata(file).map_err(unreadable)?.len();
    if length > CODE_BYTES_MAX {
        return Err(refused(format!("has {length} bytes: a component has at most {CODE_BYTES_MAX}")));
    }
    std::fs::read(file).map_err(unreadable)
}

/// What components may be made of: no more of WebAssembly than the toolchains that we know need.
///
/// Threads, garbage collection, exceptions and the component model's asynchronous part are not even
/// compiled into this program; a test holds them all off.
fn features(limits: &Limits) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .cranelift_opt_level(OptLevel::Speed)
        .max_wasm_stack(limits.stack_bytes);
    config
}

/// Room for so many instances: address space, of which only what is touched becomes memory.
fn pooling(plugins: u32, memory_bytes: usize, limits: &Limits) -> InstanceAllocationStrategy {
    let each = u32::try_from(limits.instances).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(plugins)
        .total_core_instances(plugins.saturating_mul(each))
        // One memory is what toolchains make, two what a composed plugin has.
        .total_memories(plugins.saturating_mul(2))
        .total_tables(plugins.saturating_mul(4))
        .max_core_instances_per_component(each)
        .max_memories_per_component(each)
        .max_tables_per_component(each)
        .max_memory_size(memory_bytes)
        .table_elements(limits.table_elements);
    InstanceAllocationStrategy::Pooling(pool)
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
fn linker(compiler: &wasmtime::Engine, is_composed: bool) -> wasmtime::Result<Linker<StoreData>> {
    let mut linker = Linker::new(compiler);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    wasi::forbid_timers(&mut linker)?;
    if is_composed {
        disk_limit::count_writes(&mut linker)?;
    } else {
        plugin::alluvium::checkpoint::state::add_to_linker::<_, HasSelf<StoreData>>(&mut linker, |guest| guest)?;
    }
    plugin::alluvium::checkpoint::sink::add_to_linker::<_, HasSelf<StoreData>>(&mut linker, |guest| guest)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A component around this core module.
    #[track_caller]
    fn check(feature: &str, module: &str) {
        let compiler = wasmtime::Engine::new(&features(&Limits::default())).expect("a compiler");
        let bytes = wat::parse_str(format!("(component (core module {module}))")).expect("text");
        let refused = Component::from_binary(&compiler, &bytes).err();
        let refused = format!("{:#}", refused.unwrap_or_else(|| panic!("{feature} is not off")));
        assert!(refused.contains(feature), "{refused}");
    }

    #[test]
    fn what_no_toolchain_of_ours_needs_is_off() {
        let compiler = wasmtime::Engine::new(&features(&Limits::default())).expect("a compiler");
        let plain = wat::parse_str("(component (core module (memory 1) (func (drop (i32.const 1)))))").expect("text");
        Component::from_binary(&compiler, &plain).expect("a plain module is fine");
        check("threads", "(memory 1 1 shared)");
        check("memory64", "(memory i64 1)");
        check("gc", "(type (struct (field i32)))");
        check("exceptions", "(tag (param i32))");
        check("relaxed SIMD", "(func (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_s (local.get 0)))");
        check("tail calls", "(func $f (return_call $f))");
    }

    #[test]
    fn a_file_too_long_for_code_is_not_even_read() {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let path = scratch.path().join("long.wasm");
        std::fs::File::create(&path).and_then(|file| file.set_len(CODE_BYTES_MAX + 1)).expect("a sparse file");
        let runtime = Runtime::new(Limits::default(), Cache::none()).expect("a runtime");
        let error = runtime.load_plugin(&path).expect_err("it is refused").to_string();
        assert!(error.contains("long.wasm: has 134217729 bytes"), "{error}");
    }
}
