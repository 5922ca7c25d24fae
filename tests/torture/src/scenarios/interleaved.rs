//! Scenario 9, call by call: while one writer works, another takes over before any one of its calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alluvium_core::IncrementalCheckpointError as Error;
use alluvium_core::directory::{SimulatedDirectory, block_on};
use alluvium_test_harness::faulty::FaultyDirectory;
use alluvium_test_harness::oracle::undamaged;
use alluvium_test_harness::tally::{Budget, Tally, guarded};
use alluvium_test_harness::{Expected, checkpoint, keep, open_with, options};

/// What the one who took over found when it opened, and what it was promised in the end.
type Other = Arc<Mutex<Option<Result<Seized, String>>>>;

#[derive(Debug)]
struct Seized {
    opened: Expected,
    promised: Expected,
    /// It has committed something, so that the other writer has lost.
    wins: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the one who takes over does at once.
#[derive(Debug, Clone, Copy)]
struct Takeover {
    /// Makes the oldest checkpoint the newest.
    restores: bool,
    /// Takes so many checkpoints of its own.
    checkpoints: u64,
}

/// The writer that is taken over.
#[derive(Debug, Clone, Copy)]
struct Writer {
    retained: usize,
    /// Each checkpoint is the whole state, so that its files are its own and go with it.
    full: bool,
    /// Large values lead to a rebase, after which only old checkpoints name some files.
    value_bytes: usize,
    checkpoints: u64,
}

fn takeovers() -> Vec<Takeover> {
    let takeover = |(restores, checkpoints)| Takeover { restores, checkpoints };
    [(false, 0), (false, 1), (false, 2), (false, 5), (true, 0), (true, 1), (true, 5)].map(takeover).to_vec()
}

fn writers() -> Vec<Writer> {
    let shapes = [(false, 8, 3), (true, 8, 3), (false, 200_000, 6)];
    let writer =
        |retained| shapes.map(|(full, value_bytes, checkpoints)| Writer { retained, full, value_bytes, checkpoints });
    [1, 2, 5].into_iter().flat_map(writer).collect()
}

/// Scenario 9.
pub fn taken_over_at_every_call(budget: Budget) -> Tally {
    let mut tally = Tally::new(9, "taken over before every call of a writer", "interleavings");
    let mut cases = 0;
    let (writers, takeovers) = (writers(), takeovers());
    for pair in budget.order((writers.len() * takeovers.len()) as u64).iter() {
        let (writer, takeover) = (writers[pair as usize / takeovers.len()], takeovers[pair as usize % takeovers.len()]);
        // Not before the first call: a writer that opens after the other one is not stale.
        for call in 1.. {
            if !budget.allows(cases) {
                return tally;
            }
            cases += 1;
            let mut happened = false;
            let outcome = guarded(|| interleave(writer, takeover, call, &mut happened));
            tally.note(outcome.map_err(|why| format!("{writer:?}, before call {call} {takeover:?}: {why}")));
            if !happened {
                break;
            }
        }
    }
    tally
}

/// One writer takes a few checkpoints; before its call `call` another opens the same directory.
fn interleave(writer: Writer, takeover: Takeover, call: u64, happened: &mut bool) -> Result<(), String> {
    let config = keep(writer.retained).with_incremental(!writer.full);
    let told = |error: Error| error.to_string();
    let storage = Arc::new(SimulatedDirectory::new(1));
    let directory = Arc::new(FaultyDirectory::over(storage.clone()));
    let other = Other::default();
    {
        let (storage, config, other) = (storage.clone(), config.clone(), other.clone());
        let happen = move || {
            let seize = || -> Result<Seized, String> {
                let mut manager = open_with(&storage, config, options()).map_err(told)?;
                let opened = Expected::of(&manager);
                let oldest = block_on(manager.list_checkpoints()).map_err(told)?.last().map(|oldest| oldest.id);
                if let (true, Some(oldest)) = (takeover.restores, oldest) {
                    block_on(manager.restore_checkpoint(oldest)).map_err(told)?;
                }
                for n in 0..takeover.checkpoints {
                    manager.put(b"other", &n.to_be_bytes()).map_err(told)?;
                    checkpoint(&mut manager);
                }
                let wins = takeover.checkpoints > 0 || (takeover.restores && oldest.is_some());
                Ok(Seized { opened, promised: Expected::of(&manager), wins })
            };
            *locked(&other) = Some(seize());
        };
        directory.before_call(call, happen);
    }
    let mut acknowledged = Expected::default();
    let mut submitted = Vec::new();
    let mut acknowledged_after = false;
    let mut refusal = None;
    let mut work = || -> Result<(), Error> {
        let mut manager = open_with(&directory, config.clone(), options())?;
        for n in 1..=writer.checkpoints {
            manager.put(b"one", &vec![n as u8; writer.value_bytes])?;
            manager.set_source_offset("input", n)?;
            let expected = Expected { wal_position: n, ..Expected::of(&manager) };
            submitted.push(expected.clone());
            let interrupted = locked(&other).is_some();
            block_on(manager.create_checkpoint(n))?;
            // Begun and acknowledged after the other one came.
            acknowledged_after |= interrupted;
            acknowledged = expected;
        }
        Ok(())
    };
    if let Err(error) = work() {
        refusal = Some(error);
    }
    let other = locked(&other).take();
    let Some(other) = other else {
        // The writer came to its end before this call: it was not taken over.
        return refusal.map_or(Ok(()), |error| Err(format!("alone, and refused: {error}")));
    };
    *happened = true;
    let Seized { opened, promised, wins } = other.map_err(|error| format!("the one who took over: {error}"))?;
    match refusal {
        None | Some(Error::Fenced(_) | Error::AlreadyExists(_)) => {}
        // It builds on files that the other one has tidied up: told, and harmless.
        Some(Error::NotFound(_) | Error::Corruption { .. } | Error::Poisoned(_)) if wins => {}
        Some(error) => return Err(format!("the loser was told {error:?}")),
    }
    if acknowledged_after && wins {
        return Err("a checkpoint begun after the takeover was acknowledged".into());
    }
    undamaged(&*storage, "after both")?;
    let found = Expected::of(&open_with(&storage, config, options()).map_err(told)?);
    // With a checkpoint of the other one, only that may come back; without, whatever was
    // acknowledged or submitted since it opened.
    let fine =
        if wins { found == promised } else { found == acknowledged || submitted.contains(&found) || found == opened };
    if fine { Ok(()) } else { Err(format!("came back with {found:?}; {promised:?} was promised")) }
}
