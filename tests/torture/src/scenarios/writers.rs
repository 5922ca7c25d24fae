//! Scenario 9: two writers, the stale one resuming before every operation of the other.

use std::sync::Arc;

use alluvium_core::directory::{SimulatedDirectory, block_on};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointError as Error, IncrementalCheckpointManager};
use alluvium_test_harness::oracle::undamaged;
use alluvium_test_harness::tally::{Budget, Tally, guarded};
use alluvium_test_harness::{Expected, checkpoint, keep, open_with, options};

type Manager = IncrementalCheckpointManager<SimulatedDirectory>;

/// What the stale writer tries when it wakes up.
#[derive(Debug, Clone, Copy)]
enum Attempt {
    Checkpoint,
    /// Prepared before it fell asleep.
    Prepared,
    Cleanup,
    Collect,
    Delete,
    Restore,
}

const ATTEMPTS: [Attempt; 6] =
    [Attempt::Checkpoint, Attempt::Prepared, Attempt::Cleanup, Attempt::Collect, Attempt::Delete, Attempt::Restore];

/// How far the other writer came before the stale one resumes: checkpoints taken after it took over,
/// keeping so many.
const PROGRESS: [(u64, usize); 7] = [(0, 2), (1, 2), (2, 2), (3, 2), (5, 2), (2, 1), (8, 1)];

/// Scenario 9.
pub fn the_stale_writer_resumes(budget: Budget) -> Tally {
    let mut tally = Tally::new(9, "two writers, the stale one resuming anywhere", "resumptions");
    let all = (ATTEMPTS.len() * PROGRESS.len() * 4 * 2) as u64;
    for (cases, case) in (0..).zip(budget.order(all).iter()) {
        if !budget.allows(cases) {
            break;
        }
        let case = case as usize;
        let attempt = ATTEMPTS[case % ATTEMPTS.len()];
        let (checkpoints, retained) = PROGRESS[case / ATTEMPTS.len() % PROGRESS.len()];
        let before = (case / ATTEMPTS.len() / PROGRESS.len() % 4) as u64;
        // Where each checkpoint is the whole state, no old file is left in the way of a stale writer.
        let full = case / ATTEMPTS.len() / PROGRESS.len() / 4 == 1;
        let what = format!(
            "{attempt:?} after {before} own and {checkpoints} foreign checkpoints, {retained} kept, full: {full}"
        );
        let outcome = guarded(|| resume(attempt, before, checkpoints, &keep(retained).with_incremental(!full)));
        tally.note(outcome.map_err(|why| format!("{what}: {why}")));
    }
    tally
}

fn put(manager: &mut Manager, value: &str) -> Result<(), String> {
    manager.put(b"writer", value.as_bytes()).map_err(|error| error.to_string())
}

fn resume(attempt: Attempt, before: u64, checkpoints: u64, config: &CheckpointConfig) -> Result<(), String> {
    let directory = Arc::new(SimulatedDirectory::new(1));
    let open = || open_with(&directory, config.clone(), options()).map_err(|error| error.to_string());
    let mut stale = open()?;
    for n in 0..before {
        put(&mut stale, &format!("stale {n}"))?;
        checkpoint(&mut stale);
    }
    put(&mut stale, "stale, and never to be seen")?;
    let prepared = match attempt {
        Attempt::Prepared => Some(stale.prepare_checkpoint(stale.wal_position()).map_err(|error| error.to_string())?),
        _ => None,
    };
    let oldest = block_on(stale.list_checkpoints()).map_err(|error| error.to_string())?.last().map(|last| last.id);

    let mut newer = open()?;
    for n in 0..checkpoints {
        put(&mut newer, &format!("newer {n}"))?;
        checkpoint(&mut newer);
    }
    let promised = Expected::of(&open()?);
    let listed = block_on(newer.list_checkpoints()).map_err(|error| error.to_string())?;

    let outcome: Result<(), Error> = match (attempt, prepared) {
        (Attempt::Prepared, Some(prepared)) => block_on(prepared.write()).map(drop),
        (Attempt::Checkpoint | Attempt::Prepared, _) => {
            block_on(stale.create_checkpoint(stale.wal_position())).map(drop)
        }
        (Attempt::Cleanup, _) => block_on(stale.cleanup_old_checkpoints()).map(drop),
        (Attempt::Collect, _) => block_on(stale.collect_garbage()).map(drop),
        (Attempt::Delete, _) => match oldest {
            Some(id) => block_on(stale.delete_checkpoint(id)).map(drop),
            None => return Ok(()),
        },
        (Attempt::Restore, _) => match oldest {
            Some(id) => block_on(stale.restore_checkpoint(id)).map(drop),
            None => return Ok(()),
        },
    };
    let writes = matches!(attempt, Attempt::Checkpoint | Attempt::Prepared | Attempt::Restore);
    if writes && checkpoints > 0 {
        // The loser gets an error: it is fenced, or what it builds on is gone.
        let is_told = match &outcome {
            Err(Error::Fenced(_)) => true,
            Err(Error::NotFound(_)) => matches!(attempt, Attempt::Restore),
            _ => false,
        };
        if !is_told {
            return Err(format!("the stale writer was told {outcome:?}, not that it is fenced"));
        }
        let again = block_on(stale.create_checkpoint(stale.wal_position()));
        if !matches!(again, Err(Error::Fenced(_))) {
            return Err(format!("once fenced, it was told {again:?}"));
        }
    }
    if checkpoints == 0 {
        return undamaged(&*directory, "with no other writer");
    }
    // Nothing that counts has changed.
    let found = Expected::of(&open()?);
    if found != promised {
        return Err(format!("came back with {found:?}, and {promised:?} was promised"));
    }
    undamaged(&*directory, "after the stale writer")?;
    for metadata in &listed {
        let asked_to_go = matches!(attempt, Attempt::Delete | Attempt::Cleanup);
        if !asked_to_go && block_on(newer.load_checkpoint_metadata(metadata.id)).is_err() {
            return Err(format!("checkpoint {} of the newer writer is gone", metadata.id));
        }
    }
    // The writer that took over can continue.
    put(&mut newer, "newer, and on")?;
    block_on(newer.create_checkpoint(newer.wal_position())).map_err(|error| format!("the newer writer: {error}"))?;
    let expected = Expected::of(&newer);
    let found = Expected::of(&open()?);
    if found != expected {
        return Err(format!("the newer writer's next checkpoint came back as {found:?}"));
    }
    undamaged(&*directory, "at the end")
}
