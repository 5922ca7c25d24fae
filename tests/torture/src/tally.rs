//! How much was tried, and what was wrong: the figures that every row of the catalogue prints.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::time::Instant;

/// So many violations are told in full; the rest is counted.
const TOLD_MAX: usize = 5;

/// How long a row may go on, and where its randomness starts.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Every case follows from it.
    pub seed: u64,
    /// So many cases at the most; a case is a workload, a seed or a file, as the row has it.
    pub cases: u64,
    /// No new case is begun after this moment.
    pub deadline: Option<Instant>,
}

impl Budget {
    /// A bounded sample: the same cases on every machine, however slow.
    pub fn sample(cases: u64) -> Self {
        Self { seed: 1, cases, deadline: None }
    }

    /// Whether one more case, the `done + 1`th, may begin.
    pub fn allows(&self, done: u64) -> bool {
        done < self.cases && self.has_time()
    }

    /// Whether there is time left: for cases that are many in one.
    pub fn has_time(&self) -> bool {
        self.deadline.is_none_or(|deadline| Instant::now() < deadline)
    }
}

/// What a test of the catalogue tried and found.
#[derive(Debug, Clone)]
pub struct Tally {
    /// The row of the catalogue.
    pub row: u8,
    /// The test's name.
    pub test: &'static str,
    /// What `tried` counts.
    pub unit: &'static str,
    /// How many.
    pub tried: u64,
    /// What was wrong, the first few in full.
    pub violations: Vec<String>,
    /// How many were wrong.
    pub violated: u64,
    /// Why nothing was tried, if the machine lacks what the test needs.
    pub skipped: Option<String>,
    /// Crash states are counted once, however many ways lead to them.
    seen: BTreeSet<u64>,
}

impl Tally {
    /// Nothing tried yet.
    pub fn new(row: u8, test: &'static str, unit: &'static str) -> Self {
        let (violations, seen) = (Vec::new(), BTreeSet::new());
        Self { row, test, unit, tried: 0, violations, violated: 0, skipped: None, seen }
    }

    /// A test that cannot run here.
    #[must_use]
    pub fn skip(mut self, why: impl Into<String>) -> Self {
        self.skipped = Some(why.into());
        self
    }

    /// Notes the outcome of one try.
    pub fn note(&mut self, outcome: Result<(), String>) {
        self.tried += 1;
        if let Err(what) = outcome {
            self.violated += 1;
            if self.violations.len() < TOLD_MAX {
                self.violations.push(what);
            }
        }
    }

    /// Whether this is new; counts nothing.
    pub fn is_new(&mut self, case: &impl Hash) -> bool {
        // Keys are fixed: the same run counts the same states.
        self.seen.insert(BuildHasherDefault::<DefaultHasher>::default().hash_one(case))
    }

    /// Another part of the same test.
    pub fn add(&mut self, other: Self) {
        self.tried += other.tried;
        self.violated += other.violated;
        self.violations.extend(other.violations);
        self.violations.truncate(TOLD_MAX);
        self.skipped = self.skipped.take().or(other.skipped);
    }

    /// One line for people.
    pub fn line(&self) -> String {
        match &self.skipped {
            Some(why) => format!("row {:>2}  {:<44} SKIPPED: {why}", self.row, self.test),
            None => format!(
                "row {:>2}  {:<44} {:>9} {}, {} violations",
                self.row, self.test, self.tried, self.unit, self.violated
            ),
        }
    }

    /// Panics unless something was tried, `least` at least, and nothing was wrong.
    pub fn assert(&self, least: u64) {
        println!("{}", self.line());
        if self.skipped.is_some() {
            return;
        }
        assert!(self.violated == 0, "{}\n{}", self.line(), self.violations.join("\n"));
        assert!(self.tried >= least, "{}: fewer than {least}: it tests too little", self.line());
    }
}

/// Runs `check`, and takes a panic for what it is: a violation.
pub fn guarded(check: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(format!("panic: {text}"))
    })
}
