//! Rows 1 and 2: a crash at every call of every short workload, and again within recovery.

use std::sync::Arc;

use alluvium_core::directory::SimulatedDirectory;

use crate::journal::Journal;
use crate::oracle::{CALM, Depth, examine};
use crate::session::{Action, Session, Stop, history};
use crate::tally::{Budget, Tally, guarded};

/// Row 1 on the contract: every call of the directory, every outcome that the contract allows.
pub fn every_call_of_every_workload(budget: Budget) -> Tally {
    let mut tally = Tally::new(1, "crash at every call of the directory", "distinct crash states");
    crash_everywhere(budget, CALM, &mut tally);
    tally
}

/// Row 2: recovery crashes too, and the recovery after it.
pub fn recovery_crashes_twice(budget: Budget) -> Tally {
    let mut tally = Tally::new(2, "crash within recovery, and again within that", "distinct crash states");
    crash_everywhere(budget, Depth { crashes: 2, moments: 8 }, &mut tally);
    tally
}

fn crash_everywhere(budget: Budget, depth: Depth, tally: &mut Tally) {
    let mut cases = 0;
    while budget.allows(cases) {
        let actions = history(cases, budget.seed);
        crash_in(&actions, budget.seed.wrapping_add(cases), depth, &budget, tally);
        cases += 1;
    }
}

/// Runs a workload once for each of its calls, with the power failing there.
fn crash_in(actions: &[Action], seed: u64, depth: Depth, budget: &Budget, tally: &mut Tally) {
    let run = |crash_at: Option<u64>| {
        let directory = Arc::new(SimulatedDirectory::new(seed));
        if let Some(call) = crash_at {
            directory.crash_at(call);
        }
        let mut session = Session::new(directory.clone(), Journal::new());
        let outcome = actions.iter().try_for_each(|action| session.act(*action));
        let outcome = outcome.and_then(|()| if crash_at.is_none() { session.check() } else { Ok(()) });
        (directory, session.journal, outcome)
    };
    let (whole, _, outcome) = run(None);
    if let Err(stop) = outcome {
        return tally.note(Err(format!("{actions:?} without any fault: {stop:?}")));
    }
    for call in 0..whole.calls().len() as u64 {
        if !budget.has_time() {
            return;
        }
        let (directory, journal, outcome) = run(Some(call));
        if let Err(Stop::Violation(what)) = outcome {
            tally.note(Err(format!("{actions:?}, crash in call {call}: {what}")));
        }
        for state in directory.crash_states() {
            if tally.is_new(&(&state, &journal.acceptable.iter().map(|t| &t.state).collect::<Vec<_>>())) {
                let checked = guarded(|| examine(&state, &journal, seed ^ call, depth));
                tally.note(checked.map_err(|what| format!("{actions:?}, crash in call {call}: {what}")));
            }
        }
    }
}
