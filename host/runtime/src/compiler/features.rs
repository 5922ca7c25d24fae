//! What of WebAssembly components may use, and how they are compiled.

#[cfg(target_os = "linux")]
use std::sync::Arc;

use wasmtime::{Config, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::error::RuntimeError;
use crate::limits::Limits;
#[cfg(target_os = "linux")]
use crate::linear_memory::HugePages;

/// Everything that compiled code depends on. A process that compiles for a host needs the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct CompilerSettings {
    /// How deep the stack of WebAssembly may grow.
    stack_bytes: usize,
    /// Whether calls are ended by time and, with `fuel`, by what they did.
    is_limited: bool,
    fuel: bool,
    pool: Option<Pool>,
}

/// Address space that is reserved at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Pool {
    plugins: u32,
    instances: u32,
    memories: u32,
    memory_bytes: usize,
    table_elements: usize,
}

impl CompilerSettings {
    /// For our own component, which needs no time limit: looking at the time costs it a quarter of its speed.
    pub(crate) fn trusted(limits: &Limits, pool: Option<u32>) -> Self {
        Self {
            stack_bytes: limits.stack_bytes,
            is_limited: false,
            fuel: false,
            pool: pool.map(|plugins| Pool::of(plugins, limits.engine_memory_bytes, limits)),
        }
    }

    /// For plugins.
    pub(crate) fn limited(limits: &Limits, pool: Option<u32>, fuel: bool) -> Self {
        // A composed plugin has the engine's memory within its own.
        let memory_bytes = limits.plugin_memory_bytes.max(limits.engine_memory_bytes);
        Self {
            is_limited: true,
            fuel,
            pool: pool.map(|plugins| Pool::of(plugins, memory_bytes, limits)),
            ..Self::trusted(limits, None)
        }
    }

    /// The same for a process that runs one plugin.
    pub(crate) fn for_one(mut self) -> Self {
        if let Some(pool) = &mut self.pool {
            pool.plugins = 1;
        }
        self
    }

    /// Has the engine's memory lie in huge pages.
    pub(crate) fn add_huge_pages(&self, config: &mut Config) {
        // A pool has memory of its own. Memory of ours cannot begin as a mapped image of the code's data.
        #[cfg(target_os = "linux")]
        if self.pool.is_none() {
            config.with_host_memory(Arc::new(HugePages)).memory_init_cow(false);
        }
    }

    /// The compiler, after `change` had its say about what does not change the code.
    pub(crate) fn compiler(&self, change: impl FnOnce(&mut Config)) -> Result<wasmtime::Engine, RuntimeError> {
        let mut config = features(self.stack_bytes);
        config.epoch_interruption(self.is_limited).consume_fuel(self.fuel);
        if let Some(pool) = &self.pool {
            config.allocation_strategy(pool.strategy());
        }
        change(&mut config);
        wasmtime::Engine::new(&config).map_err(|error| RuntimeError::Host(format!("wasmtime: {error:#}")))
    }
}

/// What components may be made of: no more of WebAssembly than the toolchains that we know need.
///
/// Threads, garbage collection, exceptions and the component model's asynchronous part are not even
/// compiled into this program; a test holds them all off. That a module has more than one memory is found by
/// [`shape`](crate::compiler::shape), since wasmtime makes such modules itself between two components.
fn features(stack_bytes: usize) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        // The bits of a NaN that is computed differ between processors; state and checkpoints must not.
        .cranelift_nan_canonicalization(true)
        .cranelift_opt_level(OptLevel::Speed)
        // Nothing here is asynchronous, but the one must not be larger than the other.
        .async_stack_size(stack_bytes.saturating_add(1 << 20))
        .max_wasm_stack(stack_bytes);
    config
}

impl Pool {
    fn of(plugins: u32, memory_bytes: usize, limits: &Limits) -> Self {
        let bounded = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let (instances, memories) = (bounded(limits.instances), bounded(limits.memories));
        Self { plugins, instances, memories, memory_bytes, table_elements: limits.table_elements }
    }

    /// Room for so many instances: address space, of which only what is touched becomes memory. No plugin can take
    /// what another needs: there is room for all of them at their limits.
    fn strategy(&self) -> InstanceAllocationStrategy {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(self.plugins)
            .total_core_instances(self.plugins.saturating_mul(self.instances))
            .total_memories(self.plugins.saturating_mul(self.memories))
            .total_tables(self.plugins.saturating_mul(4))
            .max_core_instances_per_component(self.instances)
            .max_memories_per_component(self.memories)
            .max_tables_per_component(4)
            .max_memory_size(self.memory_bytes)
            .table_elements(self.table_elements);
        InstanceAllocationStrategy::Pooling(pool)
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::component::Component;

    use super::*;

    /// A component around this core module.
    #[track_caller]
    fn check(feature: &str, module: &str) {
        let compiler = wasmtime::Engine::new(&features(1 << 20)).expect("a compiler");
        let bytes = wat::parse_str(format!("(component (core module {module}))")).expect("text");
        let refused = Component::from_binary(&compiler, &bytes).err();
        let refused = format!("{:#}", refused.unwrap_or_else(|| panic!("{feature} is not off")));
        assert!(refused.contains(feature), "{refused}");
    }

    #[test]
    fn what_no_toolchain_of_ours_needs_is_off() {
        let compiler = wasmtime::Engine::new(&features(1 << 20)).expect("a compiler");
        let plain = wat::parse_str("(component (core module (memory 1) (func (drop (i32.const 1)))))").expect("text");
        Component::from_binary(&compiler, &plain).expect("a plain module is fine");
        check("threads", "(memory 1 1 shared)");
        check("memory64", "(memory i64 1)");
        check("gc", "(type (struct (field i32)))");
        check("exceptions", "(tag (param i32))");
        check("relaxed SIMD", "(func (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_s (local.get 0)))");
        check("tail calls", "(func $f (return_call $f))");
    }
}
