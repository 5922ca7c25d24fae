//! What one component takes of memory and tables, counted while it grows.

use wasmtime::ResourceLimiter;

use crate::limits::{Limit, Limits};

/// Counts what one component takes, over all its memories and tables.
#[derive(Debug)]
pub(crate) struct Budget {
    memory_bytes_max: usize,
    table_elements_max: usize,
    instances: usize,
    memories: usize,
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
            memories: limits.memories,
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
        self.memories
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
