//! How much of the machine a component may take. Limits are on by default: wasmtime has none.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// Limits of the engine component and of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// All memories of a plugin together.
    pub plugin_memory_bytes: usize,
    /// How long one call into a plugin may take: a batch of records, or a page of results.
    pub plugin_call: Duration,
    /// All memories of the engine: the state, and what checkpoints need beside it.
    pub engine_memory_bytes: usize,
    /// Elements of all tables of one component.
    pub table_elements: usize,
    /// Core instances, memories and tables that one component may be made of, each.
    pub instances: usize,
    /// Handles that one component may hold at a time: cursors, streams, descriptors.
    pub handles: usize,
    /// How deep the stack of WebAssembly may grow.
    pub stack_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            plugin_memory_bytes: 256 << 20,
            plugin_call: Duration::from_secs(10),
            // Nearly all that 32 bits can address.
            engine_memory_bytes: (4 << 30) - (64 << 10),
            table_elements: 200_000,
            instances: 64,
            handles: 1_024,
            stack_bytes: 1 << 20,
        }
    }
}

/// Counts what one component takes, over all its memories and tables.
#[derive(Debug)]
pub(super) struct Budget {
    memory_bytes_max: usize,
    table_elements_max: usize,
    instances: usize,
    memory_bytes: usize,
    table_elements: usize,
    /// The last refusal, to explain the trap that usually follows it.
    refused: Option<String>,
}

impl Budget {
    pub(super) fn new(memory_bytes_max: usize, limits: &Limits) -> Self {
        Self {
            memory_bytes_max,
            table_elements_max: limits.table_elements,
            instances: limits.instances,
            memory_bytes: 0,
            table_elements: 0,
            refused: None,
        }
    }

    pub(super) fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
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
            self.refused = Some(format!("it asked for more than its {} MiB of memory", self.memory_bytes_max >> 20));
        }
        Ok(total.is_some())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = grown(self.table_elements, current, desired, self.table_elements_max);
        self.table_elements = total.unwrap_or(self.table_elements);
        if total.is_none() {
            self.refused = Some(format!("it asked for more than its {} table elements", self.table_elements_max));
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
        assert!(budget.refused().is_some_and(|why| why.contains("memory")));
    }
}
