//! Scenario 4: seeded simulation against a model, with crashes and errors on the way. The same seed gives
//! the same bytes.

use std::sync::Arc;

use alluvium_core::directory::{DirectoryErrorKind, Fault, Nodes, SimulatedDirectory};
use alluvium_test_harness::oracle::{ACTIONS, Action, CALM, Journal, Session, Stop, examine, undamaged};
use alluvium_test_harness::tally::{Budget, Tally, guarded};

/// Lives of a directory in one seed, each ended by a crash, an error or a plain exit.
const LIVES: u64 = 6;

/// Scenario 4.
pub fn seeds(budget: Budget) -> Tally {
    let mut tally = Tally::new(4, "seeded simulation against a model, faults included", "seeds");
    let mut cases = 0;
    while budget.allows(cases) {
        let seed = budget.seed_of(cases);
        cases += 1;
        let outcome = guarded(|| {
            let first = play(seed)?;
            // Replaying costs as much as another seed: every eighth is.
            if cases % 8 == 0 && play(seed)? != first {
                return Err("the same seed gave other bytes".into());
            }
            Ok(())
        });
        tally.note(outcome.map_err(|what| format!("seed {seed}: {what}")));
    }
    tally
}

/// One seed; gives what it left.
pub fn play(seed: u64) -> Result<Nodes, String> {
    let mut random = fastrand::Rng::with_seed(seed);
    let directory = Arc::new(SimulatedDirectory::new(seed));
    let mut journal = Journal::new();
    for life in 0..LIVES {
        // Calls are counted from zero in each life.
        let moment = random.u64(0..60);
        match random.u8(0..4) {
            0 | 1 => directory.crash_at(moment),
            2 => {
                let kinds = [DirectoryErrorKind::Io, DirectoryErrorKind::NoSpace, DirectoryErrorKind::Fenced];
                let fault = Fault { call: moment, kind: kinds[random.usize(0..3)], lasting: random.bool() };
                directory.inject(fault);
            }
            _ => {}
        }
        let mut session = Session::new(directory.clone(), journal);
        for _ in 0..random.u32(1..25) {
            // Puts and checkpoints more often than the rest, as in life.
            let action = match random.u8(0..10) {
                0..4 => Action::Put,
                4..6 => Action::Checkpoint,
                _ => ACTIONS[random.usize(0..ACTIONS.len())],
            };
            match session.act(action) {
                Ok(()) => {}
                Err(Stop::Refused(_)) => break,
                Err(Stop::Violation(what)) => return Err(format!("life {life}: {what}")),
            }
        }
        let at_exit = session.check();
        if let Err(Stop::Violation(what)) = at_exit {
            return Err(format!("at the end of life {life}: {what}"));
        }
        journal = session.journal;
        directory.restart();
        examine(&directory.to_nodes(), &journal, seed, CALM).map_err(|what| format!("after life {life}: {what}"))?;
    }
    undamaged(&*directory, "at the end")?;
    Ok(directory.to_nodes())
}
