//! The report of a certification.

use std::fmt::Write;

/// At most this many violations are reported in full.
const TOLD_MAX: usize = 5;

/// The result of a certification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "an unread report tests nothing: call `assert`"]
pub struct CrashReport {
    /// How many states were checked.
    pub states: u64,
    /// How many of them break the contract.
    pub violated: u64,
    /// The first few violations, in full.
    pub violations: Vec<String>,
}

impl CrashReport {
    /// Returns how many states were checked.
    ///
    /// # Panics
    ///
    /// Panics if a state breaks the contract, naming the first violations, and if no state was checked.
    pub fn assert(&self) -> u64 {
        let mut told = String::new();
        for violation in &self.violations {
            let _ = write!(told, "\n{violation}");
        }
        assert!(self.violated == 0, "{} of {} crash states break the contract:{told}", self.violated, self.states);
        assert!(self.states > 0, "no crash state was checked: does the power ever fail?");
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
