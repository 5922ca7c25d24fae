//! What an operation does over a directory with many names in it, counted in calls, bytes and memory.

use std::sync::Arc;

use alluvium_core::directory::{Directory, MemoryDirectory, Operation, block_on};
use alluvium_core::tools::{inspect, verify::verify};
use alluvium_core::{IncrementalCheckpointError as Error, IncrementalCheckpointManager, gc};
use alluvium_test_harness::allocation::{blocks, bytes_asked_for};
use alluvium_test_harness::faulty::{Calls, FaultyDirectory};
use alluvium_test_harness::{Expected, Files, checkpoint, fresh_with, keep, open_with, options};

use super::Kind;

/// Work may be so many times that without the names, and so much more. The second number is for what is done
/// once for all of them, such as deleting them in one call.
const FACTOR: u64 = 10;
const MORE_CALLS: u64 = 20;

/// So many calls verification may need for a file: its head, its content, and whether it is still there.
const CALLS_PER_FILE: u64 = 3;

/// Four times the names may take six times the memory, in blocks and in bytes. Quadratic growth is sixteen times.
const GROWTH_MAX: u64 = 6;

/// Below this, a factor says nothing.
const SMALL: Memory = Memory { blocks: 1_000, bytes: 1 << 20 };

/// What one maintenance may take for the files that it deletes, of which there is a fixed number at most.
const DELETIONS: Memory = Memory { blocks: 10_000, bytes: 4 << 20 };

/// What one operation did.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) operation: &'static str,
    calls: Calls,
    /// Memory that it asked for.
    memory: Memory,
    /// How much of it was for listing the directory.
    listing: Memory,
    /// Whether its result has a part for each name.
    tells_of_all: bool,
}

/// Memory that a call asked for, in all: a measure of its work that other work on the machine does not change.
#[derive(Debug, Clone, Copy)]
struct Memory {
    blocks: u64,
    bytes: u64,
}

impl Memory {
    fn of<T>(call: impl FnOnce() -> T) -> (T, Self) {
        let ((result, blocks), bytes) = bytes_asked_for(|| blocks(call));
        (result, Self { blocks, bytes: bytes as u64 })
    }

    fn without(self, other: Self) -> Self {
        Self { blocks: self.blocks.saturating_sub(other.blocks), bytes: self.bytes.saturating_sub(other.bytes) }
    }

    /// Tells whether this is at most `factor` times the other, of which each figure counts as `small` if it is less.
    fn is_within(self, factor: u64, other: Self, small: Self) -> bool {
        self.blocks <= factor * other.blocks.max(small.blocks) && self.bytes <= factor * other.bytes.max(small.bytes)
    }
}

impl Work {
    /// Calls and bytes are bounded for every kind of name. Memory is for names that are not Alluvium's: of its
    /// own, a writer has to decide which ones stay. Only verification reads each WAL file.
    pub(super) fn is_bounded_by(&self, before: &Self, kind: Kind, names: u32) -> Result<(), String> {
        let read = if self.operation == "verify" && kind == Kind::Orphans { u64::from(names) } else { 0 };
        let limit = FACTOR * before.calls.all() as u64 + MORE_CALLS + CALLS_PER_FILE * read;
        let calls = self.calls.all() as u64;
        if calls > limit {
            return Err(format!("{calls} calls of the directory, and {} without the names", before.calls.all()));
        }
        if self.calls.bytes_read > FACTOR * before.calls.bytes_read.max(1_000) {
            return Err(format!("{} bytes read, {} without", self.calls.bytes_read, before.calls.bytes_read));
        }
        let (own, own_before) = (self.memory.without(self.listing), before.memory.without(before.listing));
        if kind.is_foreign() && !self.tells_of_all && !own.is_within(FACTOR, own_before, SMALL) {
            return Err(format!("{own:?}, and {own_before:?} without the names"));
        }
        Ok(())
    }

    /// The names are four times as many as when `fewer` was measured.
    pub(super) fn has_grown_from(&self, fewer: &Self) -> Result<(), String> {
        if self.memory.is_within(GROWTH_MAX, fewer.memory, DELETIONS) {
            return Ok(());
        }
        Err(format!("{:?}, and {:?} with a quarter of the names", self.memory, fewer.memory))
    }
}

type Counted = FaultyDirectory<MemoryDirectory>;
type Manager = IncrementalCheckpointManager<Counted>;

/// A small directory with `names` beside it, through every operation; what each did.
pub(super) fn work(names: Files) -> Result<Vec<Work>, String> {
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
    // What listing costs belongs to the directory.
    let (_, one) = Memory::of(|| block_on(directory.list()).map(drop));
    directory.take_calls();
    let (result, memory) = Memory::of(call);
    let calls = directory.take_calls();
    let lists = calls.of(Operation::List) as u64;
    let listing = Memory { blocks: lists * one.blocks, bytes: lists * one.bytes };
    done.push(Work { operation, calls, memory, listing, tells_of_all });
    result.map_err(|error| format!("{operation}: {error}"))
}
