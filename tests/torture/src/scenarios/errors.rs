//! Scenario 3: every call of the directory fails, once and for good, with every kind of error.

use std::sync::Arc;

use alluvium_core::directory::{DirectoryErrorKind as Kind, Fault, Operation, SimulatedDirectory};
use alluvium_test_harness::oracle::{
    CALM, Journal, Session, Stop, examine, is_change, survives_error, workload, workloads,
};
use alluvium_test_harness::tally::{Budget, Tally, guarded};

/// What each operation may fail with.
fn kinds(operation: Operation) -> &'static [Kind] {
    match operation {
        Operation::List => &[Kind::Io],
        Operation::Read => &[Kind::Io, Kind::NotFound, Kind::OutOfRange, Kind::Invalid],
        _ => &[Kind::Io, Kind::NoSpace, Kind::Fenced],
    }
}

/// Scenario 3 on the contract.
pub fn every_call_fails(budget: Budget) -> Tally {
    let mut tally = Tally::new(3, "every call of the directory fails, once and lasting", "faults");
    for (cases, index) in (0..).zip(budget.order(workloads()).iter()) {
        if !budget.allows(cases) {
            break;
        }
        let Some(actions) = workload(index) else { break };
        let directory = Arc::new(SimulatedDirectory::new(index));
        let mut session = Session::new(directory.clone(), Journal::new());
        if let Err(stop) = actions.iter().try_for_each(|action| session.act(*action)) {
            tally.note(Err(format!("{actions:?} without any fault: {stop:?}")));
            continue;
        }
        for (call, operation) in directory.calls().into_iter().enumerate() {
            for kind in kinds(operation) {
                for lasting in [false, true] {
                    let fault = Fault { call: call as u64, kind: *kind, lasting };
                    let seed = budget.seed_of(index);
                    let outcome = guarded(|| one_fault(&actions, seed, fault, operation));
                    tally.note(outcome.map_err(|what| format!("{actions:?}, {operation} with {fault:?}: {what}")));
                }
            }
        }
    }
    tally
}

fn one_fault(
    actions: &[alluvium_test_harness::oracle::Action],
    seed: u64,
    fault: Fault,
    operation: Operation,
) -> Result<(), String> {
    let directory = Arc::new(SimulatedDirectory::new(seed));
    directory.inject(fault);
    let mut session = Session::new(directory.clone(), Journal::new());
    let mut refusals = 0;
    for action in actions {
        match session.act(*action) {
            Ok(()) => {}
            Err(Stop::Violation(what)) => return Err(what),
            Err(Stop::Refused(error)) => {
                refusals += 1;
                // After a failed write it is unknown what is on disk: everything else is refused too.
                if is_change(operation) && *action == alluvium_test_harness::oracle::Action::Checkpoint {
                    let again = session.act(alluvium_test_harness::oracle::Action::Checkpoint);
                    if !matches!(again, Err(Stop::Refused(_))) {
                        return Err(format!("went on after a failed write: {error}"));
                    }
                }
                break;
            }
        }
    }
    // A fault that no call reported may only have hit work that may fail without harm: tidying up.
    if refusals == 0 && operation == Operation::Create {
        return Err("a failed creation was not reported".into());
    }
    directory.restart();
    survives_error(&directory, &session.journal)?;
    examine(&directory.to_nodes(), &session.journal, seed, CALM)
}
