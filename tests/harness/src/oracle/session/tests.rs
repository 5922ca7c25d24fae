//! The oracle's own model: what it promises must be what the engine promises.

use std::sync::Arc;

use alluvium_core::directory::SimulatedDirectory;

use super::{Session, Stop};
use crate::oracle::{Action, CALM, Journal, Subject, examine};

/// Two checkpoints and a WAL file after the newest.
const BEFORE: [Action; 6] =
    [Action::Put, Action::Checkpoint, Action::Put, Action::Checkpoint, Action::Put, Action::Flush];

/// What a session does after it was started again.
const AFTER: [Action; 6] =
    [Action::Checkpoint, Action::Put, Action::Flush, Action::Checkpoint, Action::DeleteCheckpoint, Action::Checkpoint];

/// Runs the deletion of checkpoint 2 until it crashes in `call`.
fn cut_short(call: Option<u64>) -> (Arc<SimulatedDirectory>, Journal, usize) {
    let directory = Arc::new(SimulatedDirectory::new(1));
    if let Some(call) = call {
        directory.crash_at(call);
    }
    let mut session = Session::new(directory.clone(), Journal::new());
    BEFORE.iter().try_for_each(|action| session.act(*action)).expect("the crash comes later");
    let first = directory.calls().len();
    let outcome = session.act(Action::DeleteCheckpoint);
    // A crash while the files of the deleted checkpoint go is no failure of the deletion.
    let is_allowed = outcome.is_ok() || (call.is_some() && matches!(outcome, Err(Stop::Refused(_))));
    assert!(is_allowed, "{outcome:?}");
    (directory, session.journal, first)
}

/// A checkpoint comes back if its deletion was cut short. It then counts for retention like any other: the
/// older one may go. A model that knows only its WAL still asks for the older one.
#[test]
fn a_checkpoint_whose_deletion_was_cut_short_is_kept_beside_its_wal() {
    let (whole, _, first) = cut_short(None);
    let mut came_back = 0;
    for call in first..whole.calls().len() {
        let (directory, journal, _) = cut_short(Some(call as u64));
        for state in directory.crash_states() {
            let again = Arc::new(SimulatedDirectory::from_nodes(1, state));
            let mut session = Session::new(again.clone(), journal.clone());
            session.act(Action::Reopen).unwrap_or_else(|stop| panic!("crash in call {call}: {stop:?}"));
            if session.subject.latest().expect("a listing") == Some(2) {
                came_back += 1;
                let bare = session.subject.content_of(2).expect("it is listed");
                let journal = &session.journal;
                assert_ne!(bare, session.expected, "its WAL holds more");
                assert_eq!(journal.kept.get(&2), Some(&bare), "crash in call {call}");
                assert!(journal.tails[&2].contains(&session.expected), "crash in call {call}");
            }
            for action in AFTER {
                session.act(action).unwrap_or_else(|stop| panic!("crash in call {call}, then {action:?}: {stop:?}"));
                examine(&again.to_nodes(), &session.journal, 1, CALM)
                    .unwrap_or_else(|what| panic!("crash in call {call}, then {action:?}: {what}"));
            }
        }
    }
    assert!(came_back > 0, "the deletion was never cut short before the metadata went");
}
