//! Many runs: cells in an order that the seed gives, by several workers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use alluvium_test_harness::tally::{Budget, Order, guarded};

use crate::cells::{Cell, Change, all};
use crate::program::Program;
use crate::run::{Failed, Happened, run};
use crate::servers::Servers;

/// A process that is faster than its interruption is tried again, with half of the time.
const HASTE_MAX: u32 = 6;

/// What runs came to.
#[derive(Debug, Default)]
pub struct Report {
    /// For each row and each column: runs, interrupted processes, and interruptions of the other side.
    counts: BTreeMap<String, (u64, u64, u64)>,
    /// What was broken, each with how to run it again.
    pub broken: Vec<String>,
    /// How many runs there were.
    pub runs: u64,
    /// How long each took, the longest first.
    slowest: Vec<(Duration, String)>,
}

/// The names of the row and of the columns of a cell.
fn names(cell: &Cell) -> [String; 4] {
    let change = match cell.change {
        Change::Nothing => "Nothing".to_owned(),
        change => format!("{change:?} {:?}", cell.when),
    };
    [cell.row.to_string(), format!("end {:?}", cell.end), format!("load {:?}", cell.load), format!("change {change}")]
}

impl Report {
    fn add(&mut self, cell: &Cell, happened: Happened, took: Duration) {
        self.runs += 1;
        for name in names(cell) {
            let (runs, ends, changes) = self.counts.entry(name).or_default();
            (*runs, *ends, *changes) = (*runs + 1, *ends + happened.ends, *changes + happened.changes);
        }
        self.slowest.push((took, cell.to_string()));
        self.slowest.sort_by(|one, other| other.cmp(one));
        self.slowest.truncate(5);
    }

    /// The counts as a table.
    pub fn table(&self) -> String {
        let mut table = format!("{:<40} {:>8} {:>12} {:>20}\n", "", "runs", "interrupted", "of the other side");
        for (name, (runs, ends, changes)) in &self.counts {
            let _ = writeln!(table, "{name:<40} {runs:>8} {ends:>12} {changes:>20}");
        }
        for (took, cell) in &self.slowest {
            let _ = writeln!(table, "slowest: {:>6.1} s {cell}", took.as_secs_f64());
        }
        table
    }

    /// The names of rows and columns that no run had.
    pub fn missing(&self) -> Vec<String> {
        let all: BTreeSet<String> = all().iter().flat_map(names).collect();
        all.into_iter().filter(|name| !self.counts.contains_key(name)).collect()
    }
}

/// Returns cells in which every row meets every change that it knows, and every way to end and to come is there.
pub fn sample(seed: u64) -> Vec<Cell> {
    let cells = all();
    let mut met = BTreeSet::new();
    let order = Order::new(seed, cells.len() as u64);
    let drawn = order.iter().map(|at| cells[at as usize]);
    drawn.filter(|cell| met.insert((cell.row, cell.change, cell.when))).collect()
}

/// One run, again with more haste if its process was faster than its interruption.
fn try_cell(cell: Cell, seed: u64, program: &Program, servers: &Rc<Servers>) -> Result<Happened, String> {
    for haste in 0..HASTE_MAX {
        let outcome = guarded(|| match run(cell, seed, haste, program, servers) {
            Ok(happened) => Ok(Some(happened)),
            Err(Failed::NotInterrupted) => Ok(None),
            Err(Failed::Broken(what)) => Err(what),
        });
        if let Some(happened) = outcome? {
            return Ok(happened);
        }
    }
    Err(format!("it was not interrupted in {HASTE_MAX} attempts"))
}

/// Runs these cells `runs` times in all, by so many workers, each with servers of its own. The seed of each run
/// follows from `seed` and its number, unless there is one cell: then it is `seed` itself.
pub fn tour(cells: &[Cell], runs: usize, seed: u64, workers: usize, program: &Program) -> Report {
    let report = Mutex::new(Report::default());
    let next = AtomicUsize::new(0);
    let budget = Budget { seed, ..Budget::sample(runs as u64) };
    let work = || {
        let servers = Rc::new(Servers::default());
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= runs {
                return;
            }
            let cell = cells[number % cells.len()];
            let seed = if cells.len() == 1 { seed + number as u64 } else { budget.seed_of(number as u64) };
            let started = Instant::now();
            let outcome = try_cell(cell, seed, program, &servers);
            let mut report = report.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            match outcome {
                Ok(happened) => report.add(&cell, happened, started.elapsed()),
                Err(what) => {
                    let broken =
                        format!("{cell}: seed {seed}\n  again: service-matrix --cell '{cell}' --seed {seed}\n  {what}");
                    eprintln!("{broken}");
                    report.broken.push(broken);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    report.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}
