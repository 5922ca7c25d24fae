//! How much was tried, and what was wrong: the figures that every scenario of the catalogue prints.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

pub use crate::budget::{Budget, Order};

/// This many violations are reported in full. The rest is only counted.
const TOLD_MAX: usize = 5;

/// What a test of the catalogue tried and found.
#[derive(Debug, Clone)]
pub struct Tally {
    /// The scenario of the catalogue.
    pub scenario: u8,
    /// The test's name.
    pub test: &'static str,
    /// What `tried` counts.
    pub unit: &'static str,
    /// How many cases were tried.
    pub tried: u64,
    /// The first few violations, in full.
    pub violations: Vec<String>,
    /// How many cases violated a promise.
    pub violated: u64,
    /// With how many seeds something was tried, where there was more than one.
    pub seeds: u64,
    /// Why nothing was tried, if the machine lacks what the test needs.
    pub skipped: Option<String>,
}

impl Tally {
    /// Nothing tried yet.
    pub fn new(scenario: u8, test: &'static str, unit: &'static str) -> Self {
        Self { scenario, test, unit, tried: 0, violations: Vec::new(), violated: 0, seeds: 0, skipped: None }
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

    /// Notes the outcome of something that was tried before under other promises: it counts when wrong.
    pub fn note_again(&mut self, outcome: Result<(), String>) {
        self.note(outcome);
        self.tried -= 1;
    }

    /// Another part of the same test.
    pub fn add(&mut self, other: Self) {
        self.tried += other.tried;
        self.violated += other.violated;
        self.violations.extend(other.violations);
        self.violations.truncate(TOLD_MAX);
        self.skipped = self.skipped.take().or(other.skipped);
    }

    /// The same test with another seed.
    pub fn add_seed(&mut self, seed: u64, mut other: Self) {
        for violation in &mut other.violations {
            *violation = format!("seed {seed}: {violation}");
        }
        self.seeds += u64::from(other.tried > 0);
        self.add(other);
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let outcome = match &self.skipped {
            Some(why) => format!("SKIPPED: {why}"),
            None => format!("{:>9} {}, {} violations", self.tried, self.unit, self.violated),
        };
        line(self.scenario.into(), self.test, &outcome)
    }

    /// The scenario of a report; `seed` is the first of its seeds.
    pub fn to_json(&self, seed: u64) -> serde_json::Value {
        let mut scenario = serde_json::json!({
            "scenario": self.scenario,
            "test": self.test,
            "unit": self.unit,
            "tried": self.tried,
            "violations": self.violated,
            "seed": seed,
            "seeds": self.seeds.max(1),
        });
        if let Some(why) = &self.skipped {
            scenario["skipped"] = serde_json::json!(why);
        }
        scenario
    }

    /// Adds the scenario to the file that `ALLUVIUM_REPORT` names, if it does: for tests that the `torture`
    /// program cannot run itself, and whose figures belong into the same report.
    pub fn report(&self, seed: u64) {
        let Some(path) = std::env::var_os("ALLUVIUM_REPORT").filter(|path| !path.is_empty()) else { return };
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        let written = file.and_then(|mut file| writeln!(file, "{}", self.to_json(seed)));
        written.unwrap_or_else(|error| panic!("ALLUVIUM_REPORT={}: {error}", path.display()));
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

/// A test's line for people.
pub fn line(scenario: u64, test: &str, outcome: &str) -> String {
    format!("scenario {scenario:>2}  {test:<44} {outcome}")
}

/// Runs `check`, and takes a panic for what it is: a violation. Returns what `check` does.
pub fn guarded<T>(check: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(format!("panic: {text}"))
    })
}

/// What was seen already, by all threads together; distinguished by 64 bits of a hash of the contents.
#[derive(Debug, Default)]
pub struct Seen(Mutex<HashSet<u64, BuildHasherDefault<DefaultHasher>>>);

impl Seen {
    /// Whether this is new.
    pub fn is_new(&self, case: &impl Hash) -> bool {
        // Keys are fixed: the same run counts the same states.
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(case);
        // A set that lost one insertion to a panic is a set still.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(hash)
    }
}

/// Goes through the cases from 0 on, each by one thread, until the budget is used up.
///
/// A case follows from its number and the seed alone, so which thread takes it changes nothing but
/// the order. Samples have one thread: a seeded defect is its thread's own, and tests run beside
/// each other anyway.
pub fn each_case(budget: &Budget, tally: &mut Tally, try_case: impl Fn(u64, &mut Tally) + Sync) {
    let next = AtomicU64::new(0);
    let work = |tally: &mut Tally| {
        loop {
            let case = next.fetch_add(1, Ordering::Relaxed);
            if !budget.allows(case) {
                return;
            }
            try_case(case, tally);
        }
    };
    let threads = match budget.deadline {
        Some(_) => std::thread::available_parallelism().map_or(1, usize::from),
        None => 1,
    };
    if threads == 1 {
        return work(tally);
    }
    let empty = Tally::new(tally.scenario, tally.test, tally.unit);
    let parts: Vec<Tally> = std::thread::scope(|scope| {
        let start = |_| {
            scope.spawn(|| {
                let mut part = empty.clone();
                work(&mut part);
                part
            })
        };
        let started: Vec<_> = (0..threads).map(start).collect();
        let told = |part: std::thread::ScopedJoinHandle<'_, Tally>| {
            part.join().unwrap_or_else(|_| {
                let mut failed = empty.clone();
                failed.note(Err("a thread of the test itself panicked".into()));
                failed
            })
        };
        started.into_iter().map(told).collect()
    });
    for part in parts {
        tally.add(part);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn every_case_is_tried_once_whatever_the_threads() {
        let seen = Seen::default();
        let mut tally = Tally::new(0, "cases", "cases");
        let budget =
            Budget { deadline: Some(Instant::now() + std::time::Duration::from_mins(10)), ..Budget::sample(1_000) };
        each_case(&budget, &mut tally, |case, tally| {
            tally.note(if seen.is_new(&case) { Ok(()) } else { Err(format!("{case} twice")) });
        });
        tally.assert(1_000);
        assert_eq!(tally.tried, 1_000);
    }
}
