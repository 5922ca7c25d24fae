//! The oracle: what a directory must bring back after a crash, and that it can be used from then on.

use std::sync::Arc;

use alluvium_core::directory::{Directory, Nodes, Operation, SimulatedDirectory, block_on};
use alluvium_core::tools::verify::verify;

use crate::Expected;

mod journal;
mod promises;
mod seen;
mod session;
mod subject;
mod workloads;

pub use journal::{Journal, RETAINED};
pub use promises::Promises;
pub use seen::SeenStates;
pub use session::{Session, Stop};
pub use subject::{CoreManager, Subject};
pub use workloads::{ACTIONS, Action, history, workload, workloads};

/// What recovery does in every examination: it opens, syncs, and takes two more checkpoints.
const RECOVERY: [Action; 7] =
    [Action::Reopen, Action::Put, Action::Flush, Action::Put, Action::Checkpoint, Action::Put, Action::Checkpoint];

/// How deep crashes are nested, and how many of the possible moments are tried in each recovery.
#[derive(Debug, Clone, Copy)]
pub struct Depth {
    /// 0: recovery is left alone. 1: it crashes too. 2: so does the one after it.
    pub crashes: u32,
    /// Moments of each recovery; all of them if there are fewer.
    pub moments: usize,
}

/// No crash happens in recovery.
pub const CALM: Depth = Depth { crashes: 0, moments: 0 };

/// Holds a state that a plain crash left to what was promised.
///
/// Opening must succeed and give a checkpoint of the journal, whole; every kept checkpoint must be
/// there; nothing may be damaged. Then recovery is crashed as `depth` says, and at last it is let
/// through: two more checkpoints and another opening.
pub fn examine(nodes: &Nodes, journal: &Journal, seed: u64, depth: Depth) -> Result<(), String> {
    let directory = Arc::new(SimulatedDirectory::from_nodes(seed, nodes.clone()));
    recovers(&directory, journal.clone()).map_err(|what| format!("{what}\n  in {}", names(nodes)))?;
    if depth.crashes == 0 {
        return Ok(());
    }
    let calls = directory.calls().len();
    let step = calls.div_ceil(depth.moments.max(1)).max(1);
    // Which moments are taken differs from seed to seed, so that in the long run all are.
    let first = usize::try_from(seed % step as u64).unwrap_or_default();
    for moment in (first..calls).step_by(step) {
        let again = Arc::new(SimulatedDirectory::from_nodes(seed ^ moment as u64, nodes.clone()));
        again.crash_at(moment as u64);
        let mut session = Session::new(again.clone(), journal.clone());
        match RECOVERY.iter().try_for_each(|action| session.act(*action)) {
            Err(Stop::Violation(what)) => return Err(format!("recovery crashed in call {moment}: {what}")),
            Err(Stop::Refused(error)) if !again.is_down() => return Err(format!("recovery refused: {error}")),
            Err(Stop::Refused(_)) | Ok(()) => {}
        }
        let deeper = Depth { crashes: depth.crashes - 1, moments: depth.moments.div_ceil(4) };
        for state in pick(again.crash_states(), seed, depth.moments) {
            examine(&state, &session.journal, seed.wrapping_add(moment as u64), deeper)
                .map_err(|what| format!("after recovery crashed in call {moment}: {what}"))?;
        }
    }
    Ok(())
}

/// At most `most` of the states, evenly, from a place that the seed gives.
fn pick(states: Vec<Nodes>, seed: u64, most: usize) -> Vec<Nodes> {
    let step = states.len().div_ceil(most.max(1)).max(1);
    let first = usize::try_from(seed % step as u64).unwrap_or_default();
    states.into_iter().skip(first).step_by(step).collect()
}

/// Recovery without a crash, from a directory that is not used otherwise.
fn recovers(directory: &Arc<SimulatedDirectory>, journal: Journal) -> Result<(), String> {
    let kept = journal.kept.clone();
    let mut session = Session::new(directory.clone(), journal);
    let told = |stop| match stop {
        Stop::Refused(error) => format!("after a plain crash: {error}"),
        Stop::Violation(what) => what,
    };
    session.open().map_err(told)?;
    session.check().map_err(told)?;
    undamaged(&**directory, "after the crash")?;
    let before = directory.to_nodes();
    for id in kept.keys() {
        let path = format!("checkpoint_{id:016x}/metadata.json");
        if !before.contains_key(&path) {
            return Err(format!("kept checkpoint {id} is gone"));
        }
    }
    // It is open already.
    for action in &RECOVERY[1..] {
        session.act(*action).map_err(told)?;
    }
    session.act(Action::Reopen).map_err(told)?;
    session.check().map_err(told)?;
    undamaged(&**directory, "after two more checkpoints")
}

/// Every checkpoint that is listed can be recovered.
pub fn undamaged<D: Directory>(directory: &D, when: &str) -> Result<(), String> {
    let report = block_on(verify(directory)).map_err(|error| format!("{when}: {error}"))?;
    if report.is_damaged() { Err(format!("{when}: damage: {:?}", report.findings)) } else { Ok(()) }
}

/// The names of a state, for messages.
pub fn names(nodes: &Nodes) -> String {
    let names: Vec<&str> = nodes.keys().map(String::as_str).collect();
    format!("[{}]", names.join(", "))
}

/// After an error that the caller was told of: what comes back is one of the journal's, or a typed
/// error while the cause lasts.
pub fn survives_error(directory: &Arc<SimulatedDirectory>, journal: &Journal) -> Result<Expected, String> {
    let mut session = Session::new(directory.clone(), journal.clone());
    match session.open() {
        Ok(()) => {}
        Err(Stop::Refused(error)) => return Err(format!("still refused when nothing is wrong any more: {error}")),
        Err(Stop::Violation(what)) => return Err(what),
    }
    Ok(session.journal.acceptable[0].clone())
}

/// Which calls of a run change something.
pub fn is_change(operation: Operation) -> bool {
    matches!(operation, Operation::Create | Operation::Delete)
}
