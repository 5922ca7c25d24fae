//! What certification found.

use std::fmt::Write;

/// So many violations are told in full.
const TOLD_MAX: usize = 5;

/// What certification tried and found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a report that nobody looks at tests nothing: call `assert`"]
pub struct CrashReport {
    /// States that were looked at.
    pub states: u64,
    /// How many of them break the contract.
    pub violated: u64,
    /// The first few, in full.
    pub violations: Vec<String>,
}

impl CrashReport {
    /// Panics, naming the first violations, unless there are none and anything was looked at. Returns
    /// how many states were.
    pub fn assert(&self) -> u64 {
        let mut told = String::new();
        for violation in &self.violations {
            let _ = write!(told, "\n{violation}");
        }
        assert!(self.violated == 0, "{} of {} crash states break the contract:{told}", self.violated, self.states);
        assert!(self.states > 0, "no crash state was looked at: does the power ever fail?");
        self.states
    }

    pub(super) fn note(&mut self, outcome: Result<(), String>) {
        self.states += 1;
        if let Err(what) = outcome {
            self.violated += 1;
            if self.violations.len() < TOLD_MAX {
                self.violations.push(what);
            }
        }
    }
}
