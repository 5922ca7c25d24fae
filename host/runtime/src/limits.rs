//! How much of the machine a plugin may take. Limits are on by default: wasmtime has none.

use std::fmt;
use std::time::Duration;

use wasmtime::ResourceLimiter;

/// Limits of one plugin, and of the engine component that keeps its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// All memories of a plugin together.
    pub plugin_memory_bytes: usize,
    /// How long one call into a plugin may take: a batch of records, or a page of results.
    pub plugin_call: Duration,
    /// The same in fuel, about one for each instruction, which is the same on every machine. It counts
    /// only where [`HostOptions::fuel`](crate::HostOptions::fuel) asks for it.
    pub plugin_call_fuel: u64,
    /// All memories of the engine: the state, and what checkpoints need beside it.
    pub engine_memory_bytes: usize,
    /// Elements of all tables of one component.
    pub table_elements: usize,
    /// Core instances, memories and tables that one component may be made of, each.
    pub instances: usize,
    /// Handles that one component may hold at a time: cursors, streams, and those of its own making.
    pub handles: usize,
    /// How deep the stack of WebAssembly may grow. It is compiled in: all plugins of one
    /// [`Host`](crate::Host) have the one that the host was made with.
    pub stack_bytes: usize,
    /// What one call between plugin and host may carry: a batch applied, a page of results, a line
    /// emitted.
    pub call_bytes: usize,
    /// What a plugin may emit, all told, in one call.
    pub output_bytes: usize,
    /// The files of the plugin's directory together, all kept checkpoints among them.
    pub disk_bytes: u64,
    /// How many files these may be.
    pub disk_files: u64,
    /// Checkpoints and syncs in one second, on average.
    pub checkpoints_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            plugin_memory_bytes: 256 << 20,
            plugin_call: Duration::from_secs(10),
            plugin_call_fuel: 20_000_000_000,
            // Nearly all that 32 bits can address.
            engine_memory_bytes: (4 << 30) - (64 << 10),
            table_elements: 200_000,
            instances: 64,
            handles: 1_024,
            stack_bytes: 1 << 20,
            // The longest value, 64 MiB, and its key.
            call_bytes: 65 << 20,
            output_bytes: 16 << 20,
            disk_bytes: 64 << 30,
            disk_files: 100_000,
            checkpoints_per_second: 100,
        }
    }
}

/// Which limit a plugin has run into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::plugin_call`].
    Time,
    /// [`Limits::plugin_call_fuel`].
    Fuel,
    /// [`Limits::plugin_memory_bytes`], or for the engine [`Limits::engine_memory_bytes`].
    Memory,
    /// [`Limits::table_elements`].
    Tables,
    /// [`Limits::instances`].
    Instances,
    /// [`Limits::stack_bytes`].
    Stack,
    /// [`Limits::handles`].
    Handles,
    /// [`Limits::call_bytes`].
    CallBytes,
    /// [`Limits::output_bytes`].
    Output,
    /// [`Limits::disk_bytes`].
    DiskBytes,
    /// [`Limits::disk_files`].
    DiskFiles,
    /// [`Limits::checkpoints_per_second`]. The one limit that ends nothing: ask again later.
    CheckpointRate,
}

impl Limit {
    /// As messages and metrics call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Fuel => "fuel",
            Self::Memory => "memory",
            Self::Tables => "tables",
            Self::Instances => "instances",
            Self::Stack => "stack",
            Self::Handles => "handles",
            Self::CallBytes => "call bytes",
            Self::Output => "output",
            Self::DiskBytes => "disk bytes",
            Self::DiskFiles => "disk files",
            Self::CheckpointRate => "checkpoint rate",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A limit that the host's own side of a call ran into, on its way out through WebAssembly.
#[derive(Debug)]
pub(crate) struct Reached(pub(crate) Limit, pub(crate) String);

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

impl std::error::Error for Reached {}

/// Counts what one component takes, over all its memories and tables.
#[derive(Debug)]
pub(crate) struct Budget {
    memory_bytes_max: usize,
    table_elements_max: usize,
    instances: usize,
    memory_bytes: usize,
    table_elements: usize,
    /// The last refusal in this call, to explain the trap that usually follows it.
    refused: Option<(Limit, String)>,
}

impl Budget {
    pub(crate) fn new(memory_bytes_max: usize, limits: &Limits) -> Self {
        Self {
            memory_bytes_max,
            table_elements_max: limits.table_elements,
            instances: limits.instances,
            memory_bytes: 0,
            table_elements: 0,
            refused: None,
        }
    }

    pub(crate) fn refused(&self) -> Option<&(Limit, String)> {
        self.refused.as_ref()
    }

    /// Another call begins: what an earlier one was refused and lived with explains nothing any more.
    pub(crate) fn forget_refusal(&mut self) {
        self.refused = None;
    }

    /// All memories together.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }
}

/// The total after growing one part of it, if it stays within the limit.
fn grown(total: usize, current: usize, desired: usize, max: usize) -> Option<usize> {
    total.checked_add(desired.checked_sub(current)?).filter(|&total| total <= max)
}

impl ResourceLimiter for Budget {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = grown(self.memory_bytes, current, desired, self.memory_bytes_max);
        self.memory_bytes = total.unwrap_or(self.memory_bytes);
        if total.is_none() {
            let why = format!("it asked for more than its {} MiB of memory", self.memory_bytes_max >> 20);
            self.refused = Some((Limit::Memory, why));
        }
        Ok(total.is_some())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = grown(self.table_elements, current, desired, self.table_elements_max);
        self.table_elements = total.unwrap_or(self.table_elements);
        if total.is_none() {
            let why = format!("it asked for more than its {} table elements", self.table_elements_max);
            self.refused = Some((Limit::Tables, why));
        }
        Ok(total.is_some())
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.instances
    }

    fn memories(&self) -> usize {
        self.instances
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_counted_over_all_memories() {
        let mut budget = Budget::new(100, &Limits::default());
        let mut grow = |current, desired| budget.memory_growing(current, desired, None).expect("it answers");
        assert!(grow(0, 60), "the first memory");
        assert!(!grow(0, 50), "a second one, past the sum");
        assert!(grow(0, 40), "a second one that fits");
        assert!(!grow(60, 61), "the first again");
        assert!(!grow(0, usize::MAX), "an overflow");
        assert_eq!(budget.refused().map(|(limit, _)| *limit), Some(Limit::Memory));
        assert_eq!(budget.memory_bytes(), 100);
        budget.forget_refusal();
        assert!(budget.refused().is_none());
    }
}
