//! Scenario 21: names without number, foreign ones and remains of checkpoints. What an operation does must
//! not grow with them, beyond listing them.

use std::sync::Arc;

use alluvium_core::directory::{Directory, MemoryDirectory, block_on};
use alluvium_core::tools::{inspect, verify::verify};
use alluvium_core::{IncrementalCheckpointError as Error, IncrementalCheckpointManager, gc};
use alluvium_test_harness::allocation::blocks;
use alluvium_test_harness::faulty::{Calls, FaultyDirectory};
use alluvium_test_harness::tally::{Budget, Tally};
use alluvium_test_harness::{Expected, Files, checkpoint, fresh_with, keep, open_with, options};
use fastrand::Rng;

/// Names in a sample, and in the long run.
const NAMES: [u32; 2] = [20_000, 1_000_000];

/// Work may be so many times that without the names, and so much more. The second number is for what is done
/// once for all of them, such as deleting them in one call.
const FACTOR: u64 = 10;
const MORE_CALLS: u64 = 20;

/// So many calls verification may need for a file: its head, its content, and whether it is still there.
const CALLS_PER_FILE: u64 = 3;

/// Four times the names may take eight times the processor's time, but not sixteen times.
const GROWTH_MAX: u64 = 8;

/// Below this, nothing is said about growth.
const MEASURABLE_NS: u64 = 50_000_000;

/// What the names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Files of somebody else's, beside everything.
    Foreign,
    /// Near misses of every name that Alluvium gives.
    NearMisses,
    /// Checkpoints without metadata.
    Partial,
    /// Segments that no checkpoint names.
    Segments,
    /// WAL files without their checkpoint.
    Orphans,
    /// Marks of checkpoints that were deleted.
    Marks,
}

const KINDS: [Kind; 6] = [Kind::Foreign, Kind::NearMisses, Kind::Partial, Kind::Segments, Kind::Orphans, Kind::Marks];

impl Kind {
    fn name(self, n: u32, random: &mut Rng) -> String {
        let (number, other) = (u64::from(n) + 1_000, random.u32(..));
        match self {
            Self::Foreign => format!("{}notes-{n}-{other}", ["", "segments/", "wal/"][n as usize % 3]),
            Self::NearMisses => match n % 5 {
                0 => format!("checkpoint_{number:x}/metadata.json"),
                1 => format!("checkpoint_{number:016x}/metadata.json.{other}"),
                2 => format!("segments/{number:016x}.base.{other}"),
                3 => format!("wal/{number:016x}-{other}.log"),
                _ => format!("Segments/{number:016x}.delta"),
            },
            Self::Partial => format!("checkpoint_{number:016x}/state.bin"),
            Self::Segments => format!("segments/{number:016x}.delta"),
            Self::Orphans => format!("wal/{number:016x}-{:016x}.log", 1),
            Self::Marks => format!("checkpoint_{number:016x}/deleted"),
        }
    }

    fn is_foreign(self) -> bool {
        matches!(self, Self::Foreign | Self::NearMisses)
    }

    fn files(self, count: u32, random: &mut Rng) -> Files {
        (0..count).map(|n| (self.name(n, random), Vec::new())).collect()
    }
}

/// Scenario 21.
pub fn many_names(budget: Budget) -> Tally {
    let mut tally = Tally::new(21, "a million names that mean nothing", "operations");
    let before = match work(Files::new()) {
        Ok(before) => before,
        Err(what) => {
            tally.note(Err(format!("without the names: {what}")));
            return tally;
        }
    };
    let names = NAMES[usize::from(budget.deadline.is_some())];
    for (done, at) in (0..).zip(budget.order(KINDS.len() as u64).iter()) {
        if !budget.allows(done) {
            break;
        }
        let (kind, mut random) = (KINDS[at as usize], budget.random(at));
        // Deleting a million files that are Alluvium's takes its time; the growth is seen with fewer.
        let names = if kind.is_foreign() { names } else { names / 10 };
        let mut with = |names| work(kind.files(names, &mut random));
        let measured = with(names / 4).and_then(|fewer| Ok((fewer, with(names)?)));
        let (fewer, more) = match measured {
            Ok(measured) => measured,
            Err(what) => {
                tally.note(Err(format!("{names} of {kind:?}: {what}")));
                continue;
            }
        };
        for ((before, fewer), more) in before.iter().zip(&fewer).zip(&more) {
            let outcome = more.is_bounded_by(before, kind, names).and_then(|()| more.has_grown_from(fewer));
            tally.note(outcome.map_err(|what| format!("{names} of {kind:?}: {}: {what}", more.operation)));
        }
    }
    tally
}

/// What one operation did.
#[derive(Debug)]
struct Work {
    operation: &'static str,
    calls: Calls,
    /// Blocks of memory that it asked for, without those of listing the directory.
    blocks: u64,
    /// Whether its result has a part for each name.
    tells_of_all: bool,
    cpu_ns: u64,
}

impl Work {
    /// Calls and bytes are bounded for every kind of name. Memory is for names that are not Alluvium's: of its
    /// own, a writer has to decide which ones stay. Only verification reads each WAL file.
    fn is_bounded_by(&self, before: &Self, kind: Kind, names: u32) -> Result<(), String> {
        let read = if self.operation == "verify" && kind == Kind::Orphans { u64::from(names) } else { 0 };
        let limit = FACTOR * before.calls.all() as u64 + MORE_CALLS + CALLS_PER_FILE * read;
        let calls = self.calls.all() as u64;
        if calls > limit {
            return Err(format!("{calls} calls of the directory, and {} without the names", before.calls.all()));
        }
        if self.calls.bytes_read > FACTOR * before.calls.bytes_read.max(1_000) {
            return Err(format!("{} bytes read, {} without", self.calls.bytes_read, before.calls.bytes_read));
        }
        if kind.is_foreign() && !self.tells_of_all && self.blocks > FACTOR * before.blocks.max(1_000) {
            return Err(format!("{} blocks of memory, and {} without the names", self.blocks, before.blocks));
        }
        Ok(())
    }

    /// With four times the names it must not take sixteen times as long.
    fn has_grown_from(&self, fewer: &Self) -> Result<(), String> {
        if self.cpu_ns < MEASURABLE_NS || self.cpu_ns <= GROWTH_MAX * fewer.cpu_ns {
            return Ok(());
        }
        Err(format!("{} ms, and {} ms with a quarter of the names", self.cpu_ns / 1_000_000, fewer.cpu_ns / 1_000_000))
    }
}

/// The time that this thread had the processor, in nanoseconds: what other programs do does not count.
fn cpu_ns() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or_default()
}

type Counted = FaultyDirectory<MemoryDirectory>;
type Manager = IncrementalCheckpointManager<Counted>;

/// A small directory with `names` beside it, through every operation; what each did.
fn work(names: Files) -> Result<Vec<Work>, String> {
    let told = |error: Error| error.to_string();
    let (directory, mut manager) = fresh_with(keep(3));
    for round in 0..3_u8 {
        manager.put(&[round], b"before the names").map_err(told)?;
        checkpoint(&mut manager);
    }
    manager.put(b"synced", b"before the names").map_err(told)?;
    block_on(manager.sync(9)).map_err(told)?;
    let expected = Expected::of(&manager);
    drop(manager);
    let mut files = directory.to_files();
    files.extend(names);
    let directory = Arc::new(FaultyDirectory::holding(files));

    let mut done = Vec::new();
    let mut manager = measure(&mut done, &directory, "open", false, || open_with(&directory, keep(3), options()))?;
    if Expected::of(&manager) != expected {
        return Err(format!("opened with {:?}", Expected::of(&manager)));
    }
    let run = |manager: &mut Manager,
               done: &mut Vec<Work>,
               operation: &'static str,
               of_all,
               call: fn(&mut Manager) -> Result<(), Error>| {
        manager.put(operation.as_bytes(), b"after the names").map_err(told)?;
        measure(done, &directory, operation, of_all, || call(manager))
    };
    let created = |manager: &mut Manager| block_on(manager.create_checkpoint(10)).map(drop);
    run(&mut manager, &mut done, "the first checkpoint", true, created)?;
    run(&mut manager, &mut done, "the next checkpoint", false, created)?;
    run(&mut manager, &mut done, "sync", false, |manager| block_on(manager.sync(10)))?;
    run(&mut manager, &mut done, "list_checkpoints", false, |manager| block_on(manager.list_checkpoints()).map(drop))?;
    run(&mut manager, &mut done, "restore", true, |manager| {
        let oldest = block_on(manager.list_checkpoints())?.last().map_or(0, |oldest| oldest.id);
        block_on(manager.restore_checkpoint(oldest)).map(drop)
    })?;
    run(&mut manager, &mut done, "delete_checkpoint", true, |manager| {
        let newest = manager.latest_checkpoint_id().unwrap_or_default();
        block_on(manager.delete_checkpoint(newest)).map(drop)
    })?;
    measure(&mut done, &directory, "inspect", true, || block_on(inspect::list_checkpoints(&*directory)))?;
    measure(&mut done, &directory, "gc::plan", true, || block_on(gc::plan(&*directory, None)))?;
    measure(&mut done, &directory, "verify", true, || block_on(verify(&*directory)))?;
    run(&mut manager, &mut done, "collect_garbage", true, |manager| block_on(manager.collect_garbage()).map(drop))?;
    Ok(done)
}

/// Runs an operation and notes what it did.
fn measure<T>(
    done: &mut Vec<Work>,
    directory: &Arc<Counted>,
    operation: &'static str,
    tells_of_all: bool,
    call: impl FnOnce() -> Result<T, Error>,
) -> Result<T, String> {
    // What listing costs belongs to the directory, and is taken off.
    let (_, listing) = blocks(|| block_on(directory.list()).map(drop));
    directory.take_calls();
    let started = cpu_ns();
    let (result, blocks) = blocks(call);
    let cpu_ns = cpu_ns() - started;
    let calls = directory.take_calls();
    let lists = calls.of(alluvium_core::directory::Operation::List) as u64;
    done.push(Work { operation, calls, blocks: blocks.saturating_sub(lists * listing), tells_of_all, cpu_ns });
    result.map_err(|error| format!("{operation}: {error}"))
}
