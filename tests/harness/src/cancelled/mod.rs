//! Futures that are dropped at every await: no operation may leave a manager that cannot continue, a state that was
//! not asked for, or a directory that cannot be opened.

mod directory;
mod histories;
mod operations;
mod steps;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use alluvium_core::directory::block_on;
use alluvium_core::{IncrementalCheckpointError as Error, Reaction};

use self::directory::SlowDirectory;
use self::histories::{HISTORIES, History, Scene, open};
use self::operations::{Manager, OPERATIONS, Operation, Promised, run};
use crate::Expected;
use crate::oracle::undamaged;
use crate::tally::{Budget, Tally, guarded};

/// What follows the dropped operation.
#[derive(Debug, Clone, Copy)]
enum Next {
    Checkpoint,
    Sync,
    /// The same operation, this time to its end.
    Again,
}

const NEXT: [Next; 3] = [Next::Checkpoint, Next::Sync, Next::Again];

/// How many operations in how many histories there are.
pub const PAIRS: u64 = (OPERATIONS.len() * HISTORIES.len()) as u64;

/// Scenario 24: begins every operation in every history, drops its future at every await, and continues.
///
/// A case of the budget is one operation in one history with one operation after it. The first [`PAIRS`] cases have
/// every operation in every history, and three times as many are all that there are. What is counted is dropped
/// futures.
pub fn every_await_of_every_operation(budget: Budget) -> Tally {
    let mut tally = Tally::new(24, "futures dropped at every await", "dropped futures");
    let places = (0..PAIRS * NEXT.len() as u64).take_while(|place| budget.allows(*place));
    for case in places.filter_map(|place| case_at(&budget, place)).map(|case| case as usize) {
        let pair = case % PAIRS as usize;
        let operation = OPERATIONS[pair % OPERATIONS.len()];
        let history = HISTORIES[pair / OPERATIONS.len()];
        let next = NEXT[(pair + case / PAIRS as usize) % NEXT.len()];
        for polls in 0.. {
            let mut is_done = true;
            let outcome = guarded(|| {
                is_done = drop_after(polls, operation, history, next)?;
                Ok(())
            });
            tally.note(outcome.map_err(|what| {
                format!("{operation:?} in {history:?}, dropped after {polls} polls, then {next:?}: {what}")
            }));
            if is_done {
                break;
            }
        }
    }
    tally
}

/// Returns the case at a place of the seed's order. Each [`PAIRS`] places have every operation in every history.
fn case_at(budget: &Budget, place: u64) -> Option<u64> {
    Some(place / PAIRS * PAIRS + budget.order(PAIRS).at(place % PAIRS)?)
}

/// Polls the operation so many times, drops it, and continues. Returns whether the operation came to its end.
fn drop_after(polls: usize, operation: Operation, history: History, next: Next) -> Result<bool, String> {
    let Scene { directory, manager, checkpoints, mut promised } = history.play();
    let mut manager = Some(manager).filter(|_| !operation.is_cold());
    let latest = manager.as_ref().and_then(Manager::latest_checkpoint_id);
    directory.take_began_commit();
    let ended = {
        let mut future = pin!(run(operation, &directory, manager.as_mut(), &checkpoints, &mut promised));
        let mut context = Context::from_waker(Waker::noop());
        (0..polls).any(|_| match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(Ok(())) => true,
            std::task::Poll::Ready(Err(error)) => panic!("refused: {error}"),
            std::task::Poll::Pending => false,
        })
    };
    let Some(mut manager) = manager else {
        goes_on_after_reopening(&directory, &promised)?;
        return Ok(ended);
    };
    let committed = manager.latest_checkpoint_id() != latest;
    if let Some(instead) = promised.instead.take().filter(|_| committed) {
        promised.live = instead.clone();
        promised.acceptable = vec![instead];
    }
    let live = Expected::of(&manager).state;
    if live != promised.live.state {
        return Err(format!("the live state is {live:?}, not {:?}", promised.live.state));
    }
    // A commit that was cut short leaves its outcome unknown. Nothing else is a reason to refuse.
    let may_refuse = directory.take_began_commit() && !ended && !committed;
    match goes_on(next, operation, &mut manager, &directory, &checkpoints, &mut promised) {
        Ok(()) => {
            let found = Expected::of(&open(&directory)?);
            if found != promised.live {
                return Err(format!("came back with {found:?}, not {:?}", promised.live));
            }
            promised.acceptable = vec![found];
        }
        Err(error) if error.reaction() == Reaction::Reopen && may_refuse => {}
        Err(error) => return Err(format!("refused: {error} (a commit was cut short: {may_refuse})")),
    }
    drop(manager);
    goes_on_after_reopening(&directory, &promised)?;
    Ok(ended)
}

/// Works on with the same manager, and makes everything durable.
fn goes_on(
    next: Next,
    operation: Operation,
    manager: &mut Manager,
    directory: &Arc<SlowDirectory>,
    checkpoints: &[(u64, Expected)],
    promised: &mut Promised,
) -> Result<(), Error> {
    if let Next::Again = next {
        let kept = promised.live.clone();
        match block_on(run(operation, directory, Some(manager), checkpoints, promised)) {
            // The first time it was deleted already, or restored and then retained away.
            Err(Error::NotFound(_)) => promised.instead = None,
            done => done?,
        }
        promised.live = promised.instead.take().unwrap_or(Expected { state: promised.live.state.clone(), ..kept });
    }
    manager.put(b"next", b"later")?;
    promised.live.state.insert(b"next".to_vec(), b"later".to_vec());
    let position = manager.wal_position() + 1;
    promised.live = Expected { wal_position: position, state: promised.live.state.clone(), ..Expected::of(manager) };
    promised.acceptable.push(promised.live.clone());
    match next {
        Next::Sync => block_on(manager.sync(position)),
        Next::Checkpoint | Next::Again => block_on(manager.create_checkpoint(position)).map(drop),
    }
}

/// Opens the directory, finds what was promised, and takes a checkpoint that leaves nothing behind.
fn goes_on_after_reopening(directory: &Arc<SlowDirectory>, promised: &Promised) -> Result<(), String> {
    let mut manager = open(directory)?;
    let mut live = Expected::of(&manager);
    if !promised.acceptable.contains(&live) {
        return Err(format!("reopened with {live:?}, not one of {:?}", promised.acceptable));
    }
    undamaged(&**directory, "after reopening")?;
    manager.put(b"reopened", b"1").map_err(|error| error.to_string())?;
    live.state.insert(b"reopened".to_vec(), b"1".to_vec());
    let created = block_on(manager.create_checkpoint(live.wal_position));
    created.map_err(|error| format!("a checkpoint after reopening: {error}"))?;
    // The first collection deletes what was left behind, so the second finds nothing.
    block_on(manager.collect_garbage()).map_err(|error| error.to_string())?;
    let again = block_on(manager.collect_garbage()).map_err(|error| error.to_string())?;
    if let Some(left) = again.files.iter().find(|verdict| !verdict.keep) {
        return Err(format!("{} is left behind: {}", left.path, left.why));
    }
    drop(manager);
    let found = Expected::of(&open(directory)?);
    if found != live {
        return Err(format!("after reopening and a checkpoint it holds {found:?}, not {live:?}"));
    }
    undamaged(&**directory, "at the end")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_seed_begins_with_another_case_and_comes_by_all() {
        let mut first = BTreeSet::new();
        for seed in 0..50 {
            let budget = Budget { seed, ..Budget::sample(PAIRS) };
            first.insert(case_at(&budget, 0));
            let pairs: BTreeSet<_> = (0..PAIRS).filter_map(|place| case_at(&budget, place)).collect();
            assert_eq!(pairs, (0..PAIRS).collect());
            let last = PAIRS * (NEXT.len() as u64 - 1);
            let third: BTreeSet<_> = (last..last + PAIRS).filter_map(|place| case_at(&budget, place)).collect();
            assert_eq!(third, (last..last + PAIRS).collect());
        }
        assert!(first.len() > 10, "{first:?}");
    }
}
