//! Scenario 8: retention, garbage collection and rebase with crashes: nothing that a kept checkpoint
//! reaches is ever deleted.

use std::sync::Arc;

use alluvium_core::directory::{SimulatedDirectory, block_on};
use alluvium_core::{IncrementalCheckpointError as Error, IncrementalCheckpointManager};
use alluvium_test_harness::oracle::{CALM, Journal, examine, undamaged};
use alluvium_test_harness::tally::{Budget, Order, Tally, guarded};
use alluvium_test_harness::{Expected, keep, open_with, options};

type Manager = IncrementalCheckpointManager<SimulatedDirectory>;

/// Enough checkpoints for a rebase, a merge of small deltas and many rounds of retention.
const CHECKPOINTS: u64 = 40;

/// Scenario 8.
pub fn nothing_kept_is_deleted(budget: Budget) -> Tally {
    let mut tally = Tally::new(8, "retention and rebase with crashes", "crashes");
    let mut cases = 0;
    for number in 0.. {
        if !budget.allows(cases) {
            break;
        }
        let seed = budget.seed_of(number);
        let whole = Arc::new(SimulatedDirectory::new(seed));
        if let Err(error) = life(&whole, &mut Journal::new(), seed) {
            tally.note(Err(format!("seed {seed} without any fault: {error}")));
            return tally;
        }
        every_call(&budget, seed, whole.calls().len() as u64, &mut cases, &mut tally);
    }
    tally
}

/// Crashes one life in each of its calls.
fn every_call(budget: &Budget, seed: u64, calls: u64, cases: &mut u64, tally: &mut Tally) {
    for call in Order::new(seed, calls).iter() {
        if !budget.allows(*cases) {
            return;
        }
        *cases += 1;
        let outcome = guarded(|| {
            let directory = Arc::new(SimulatedDirectory::new(seed));
            directory.crash_at(call);
            let mut journal = Journal::new();
            // The crash ends it; what counts is what is there then.
            let _ = life(&directory, &mut journal, seed);
            for state in directory.crash_states() {
                examine(&state, &journal, seed, CALM)?;
            }
            directory.restart();
            undamaged(&*directory, "after the restart")
        });
        tally.note(outcome.map_err(|what| format!("seed {seed}, crash in call {call}: {what}")));
    }
}

/// A directory's life: checkpoints with large and small changes, deletes, cleanups, garbage
/// collection, and the maintenance of one checkpoint run after the next.
fn life(directory: &Arc<SimulatedDirectory>, journal: &mut Journal, seed: u64) -> Result<(), Error> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut manager: Manager = open_with(directory, keep(3), options())?;
    for epoch in 1..=CHECKPOINTS {
        let size = if random.u8(0..6) == 0 { 60_000 } else { 40 };
        manager.put(format!("key {}", random.u8(0..12)).as_bytes(), &vec![random.u8(..); size])?;
        manager.delete(format!("key {}", random.u8(0..12)).as_bytes())?;
        manager.set_epoch(epoch)?;
        let expected = Expected { wal_position: epoch, ..Expected::of(&manager) };
        journal.submit(&expected);
        journal.keep(2);
        if random.bool() {
            let id = block_on(manager.create_checkpoint(epoch))?.id;
            journal.acknowledge(&expected);
            journal.kept.insert(id, expected);
        } else {
            // In three steps, and what is left to do only after puts that belong to the next one.
            let prepared = manager.prepare_checkpoint(epoch)?;
            let written = block_on(prepared.write())?;
            let id = written.metadata().id;
            journal.acknowledge(&expected);
            journal.kept.insert(id, expected);
            let finished = manager.finish_checkpoint(written)?;
            manager.put(b"meanwhile", &epoch.to_be_bytes())?;
            let _ = block_on(finished.maintenance.run());
        }
        match random.u8(0..8) {
            0 => {
                journal.keep(1);
                block_on(manager.cleanup_old_checkpoints_keep(1))?;
            }
            1 => drop(block_on(manager.collect_garbage())?),
            2 if journal.kept.len() > 1 => {
                let (id, _) = journal.kept.pop_first().unwrap_or_default();
                block_on(manager.delete_checkpoint(id))?;
            }
            _ => {}
        }
        if random.u8(0..10) == 0 {
            manager = open_with(directory, keep(3), options())?;
        }
    }
    Ok(())
}
