//! Scenarios 1 and 2: a crash at every call of every short workload, and again within recovery.
//!
//! A state is distinct by its contents: every name and every byte of the directory. One that comes
//! about in many ways is counted once, and examined once for each set of promises that it is held to.

use std::sync::Arc;

use alluvium_core::directory::SimulatedDirectory;
use alluvium_test_harness::oracle::{Action, CALM, Depth, Journal, RETAINED, SeenStates, Session, Stop, history};
use alluvium_test_harness::tally::{Budget, Tally, each_case};

/// Scenario 1 on the contract: every call of the directory, every outcome that the contract allows.
pub fn every_call_of_every_workload(budget: Budget) -> Tally {
    let mut tally = Tally::new(1, "crash at every call of the directory", "distinct crash states");
    crash_everywhere(budget, CALM, &mut tally);
    tally
}

/// Scenario 2: recovery crashes too, and the recovery after it.
pub fn recovery_crashes_twice(budget: Budget) -> Tally {
    let mut tally = Tally::new(2, "crash within recovery, and again within that", "distinct crash states");
    crash_everywhere(budget, Depth { crashes: 2, moments: 8 }, &mut tally);
    tally
}

fn crash_everywhere(budget: Budget, depth: Depth, tally: &mut Tally) {
    let known = SeenStates::default();
    each_case(&budget, tally, |case, tally| {
        let actions = history(case, &budget);
        crash_in((&actions, retained(case)), budget.seed_of(case), depth, &budget, &known, tally);
    });
}

/// How many checkpoints the case's workload keeps: every fourth only the newest.
pub(crate) fn retained(case: u64) -> usize {
    if case % 4 == 3 { 1 } else { RETAINED }
}

/// Runs a workload once for each of its calls, with the power failing there.
fn crash_in(
    (actions, retained): (&[Action], usize),
    seed: u64,
    depth: Depth,
    budget: &Budget,
    known: &SeenStates,
    tally: &mut Tally,
) {
    let start = |crash_at: Option<u64>| {
        let directory = Arc::new(SimulatedDirectory::new(seed));
        if let Some(call) = crash_at {
            directory.crash_at(call);
        }
        (directory.clone(), Session::new(directory, Journal::keeping(retained)))
    };
    let (whole, mut session) = start(None);
    // After how many calls each action was done.
    let mut ends = Vec::new();
    let outcome = actions.iter().try_for_each(|action| {
        session.act(*action)?;
        ends.push(whole.calls().len());
        Ok(())
    });
    if let Err(stop) = outcome.and_then(|()| session.check()) {
        return tally.note(Err(format!("{actions:?} without any fault: {stop:?}")));
    }
    let mut first = 0;
    for (at, end) in ends.into_iter().enumerate() {
        let calls = std::mem::replace(&mut first, end)..end;
        if !known.is_new_beginning(&(&actions[..=at], retained)) {
            continue;
        }
        for call in calls {
            if !budget.has_time() {
                return;
            }
            let (directory, mut session) = start(Some(call as u64));
            let outcome = actions.iter().try_for_each(|action| session.act(*action));
            let place = || format!("{actions:?}, crash in call {call}");
            if let Err(Stop::Violation(what)) = outcome {
                tally.note(Err(format!("{}: {what}", place())));
            }
            for state in directory.crash_states() {
                known.examine((&state, &session.journal), seed ^ call as u64, depth, tally, place);
            }
        }
    }
}
