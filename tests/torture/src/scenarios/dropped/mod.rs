//! Scenario 24 over random histories: one future is dropped at one of its awaits, and the same manager
//! works on. Every operation at every await, one by one, is in the test harness.
//!
//! A call that the future waits for may be made or not. A caller that continues repeats the operation, or
//! does the next one, or loses power.

mod subject;

use std::sync::Arc;

use alluvium_core::Reaction;
use alluvium_core::directory::SimulatedDirectory;
use alluvium_test_harness::faulty::FaultyDirectory;
use alluvium_test_harness::oracle::{Action, CALM, Journal, Session, Stop, examine, history};
use alluvium_test_harness::tally::{Budget, Order, Seen, Tally, each_case, guarded};

use crate::scenarios::crash::retained;
use subject::{Cancelling, Told};

/// How often an action is tried: at first, after it was dropped, and after its manager was opened again.
const TRIES: usize = 3;

/// Scenario 24.
pub fn dropped_at_every_await(budget: Budget) -> Tally {
    let mut tally = Tally::new(24, "a future dropped in a random history", "dropped futures");
    let known = Seen::default();
    each_case(&budget, &mut tally, |case, tally| {
        let (actions, seed) = (history(case, &budget), budget.seed_of(case));
        let play = |drop_at| play((&actions, retained(case)), seed, drop_at, &known);
        let awaits = match guarded(|| play(None).map(|awaits| awaits.to_string()).and_then(Err)) {
            Err(told) => told.parse::<u64>().map_err(|_| told),
            Ok(()) => unreachable!("the number of awaits is told as text"),
        };
        match awaits {
            Err(what) => tally.note(Err(format!("{actions:?} with nothing dropped: {what}"))),
            Ok(awaits) => {
                for drop_at in Order::new(seed, awaits).iter() {
                    if !budget.has_time() {
                        return;
                    }
                    let outcome = guarded(|| play(Some(drop_at)).map(drop));
                    tally.note(outcome.map_err(|what| format!("{actions:?}, dropped at await {drop_at}: {what}")));
                }
            }
        }
    });
    tally
}

/// Plays a history, drops the future that waits at await `drop_at`, and continues. Returns how many awaits
/// there were.
fn play((actions, retained): (&[Action], usize), seed: u64, drop_at: Option<u64>, known: &Seen) -> Result<u64, String> {
    let storage = Arc::new(SimulatedDirectory::new(seed));
    let directory = Arc::new(FaultyDirectory::over(storage.clone()).giving_way_around());
    let subject = Cancelling::new(directory, retained, drop_at);
    let mut session = Session::over(subject, Journal::keeping(retained));
    let repeats = drop_at.is_none_or(|at| (seed ^ at).is_multiple_of(2));
    for action in actions {
        let dropped = act(&mut session, &storage, *action, repeats)?;
        // The power may fail right then, too.
        if dropped && known.is_new(&(storage.to_nodes(), &session.journal)) {
            examine(&storage.to_nodes(), &session.journal, seed, CALM)
                .map_err(|what| format!("{action:?} was dropped, and the power failed: {what}"))?;
        }
    }
    checked(&mut session).map_err(|what| format!("at the end: {what}"))?;
    examine(&storage.to_nodes(), &session.journal, seed, CALM).map_err(|what| format!("at the end: {what}"))?;
    Ok(session.subject().awaits())
}

/// Acts, and continues if the future was dropped. Returns whether it was.
fn act(
    session: &mut Session<Cancelling>,
    storage: &SimulatedDirectory,
    action: Action,
    repeats: bool,
) -> Result<bool, String> {
    let mut dropped = false;
    for _ in 0..TRIES {
        match session.act(action) {
            Ok(()) => return Ok(dropped | session.subject().take_dropped()),
            Err(Stop::Refused(Told::Dropped)) => {
                dropped |= session.subject().take_dropped();
                // The last call of a commit may have been made, or none of a deletion.
                if let Some(id) = newest(storage) {
                    session
                        .counts(id)
                        .map_err(|stop| format!("{action:?} was dropped, and {id} is there: {stop:?}"))?;
                }
                checked(session).map_err(|what| format!("{action:?} was dropped: {what}"))?;
                if !repeats {
                    return Ok(dropped);
                }
            }
            Err(Stop::Refused(Told::Refused(error))) => {
                if error.reaction() != Reaction::Reopen || !session.subject().take_may_refuse() {
                    return Err(format!("{action:?}: refused although nothing is unknown: {error}"));
                }
                session.subject().says_reopen().map_err(|what| format!("{action:?}: {what}"))?;
                session.act(Action::Reopen).map_err(|stop| format!("{action:?}: opened again: {stop:?}"))?;
            }
            Err(Stop::Refused(Told::Wrong(what)) | Stop::Violation(what)) => return Err(format!("{action:?}: {what}")),
        }
    }
    Err(format!("{action:?}: refused for ever"))
}

/// The id of the newest checkpoint that is there, unless it is marked: a checkpoint that is being deleted does not
/// count as one that stays.
fn newest(storage: &SimulatedDirectory) -> Option<u64> {
    let nodes = storage.to_nodes();
    let ids = nodes.keys().filter_map(|path| path.strip_prefix("checkpoint_")?.strip_suffix("/metadata.json"));
    let newest = ids.max()?;
    let is_marked = nodes.contains_key(&format!("checkpoint_{newest}/deleted"));
    u64::from_str_radix(newest, 16).ok().filter(|_| !is_marked)
}

/// The live state is what it was, and so is each kept checkpoint.
fn checked(session: &mut Session<Cancelling>) -> Result<(), String> {
    match session.check() {
        Ok(()) => Ok(()),
        Err(Stop::Violation(what)) => Err(what),
        Err(Stop::Refused(told)) => Err(format!("refused: {told:?}")),
    }
}
