//! States that were examined already, so that each is examined once.

use std::hash::Hash;

use alluvium_core::directory::Nodes;

use super::{Depth, Journal, examine};
use crate::tally::{Seen, Tally, guarded};

/// What was examined already, whichever workload led to it.
#[derive(Debug, Default)]
pub struct SeenStates {
    /// Contents of directories: what is counted.
    contents: Seen,
    /// The same with what was promised, each of which is examined.
    promised: Seen,
    /// Beginnings of workloads.
    beginnings: Seen,
}

impl SeenStates {
    /// Whether no workload began like this before: workloads that begin alike do so with the same calls.
    pub fn is_new_beginning(&self, beginning: &impl Hash) -> bool {
        self.beginnings.is_new(beginning)
    }

    /// Examines a state unless it was, under the same promises. It counts once, whatever was promised.
    pub fn examine(
        &self,
        (state, journal): (&Nodes, &Journal),
        seed: u64,
        depth: Depth,
        tally: &mut Tally,
        place: impl Fn() -> String,
    ) {
        if !self.promised.is_new(&(state, journal)) {
            return;
        }
        let checked = guarded(|| examine(state, journal, seed, depth));
        let outcome = checked.map_err(|what| format!("{}: {what}", place()));
        if self.contents.is_new(state) { tally.note(outcome) } else { tally.note_again(outcome) }
    }
}
