//! What was promised at each moment of a recorded run, and every state that a power failure at that
//! moment may leave.

use std::cell::RefCell;
use std::rc::Rc;

use super::{CALM, Journal, SeenStates};
use crate::power_failure::{FileSystem, Recorded};
use crate::tally::{Budget, Tally};

/// The journal after each number of calls; clones share it.
#[derive(Debug, Clone)]
pub struct Promises(Rc<RefCell<Vec<(usize, Journal)>>>);

impl Promises {
    /// `journal` is what was promised before the first call.
    pub fn new(journal: Journal) -> Self {
        Self(Rc::new(RefCell::new(vec![(0, journal)])))
    }

    /// Notes what is promised once `calls` calls have succeeded.
    pub fn note(&self, calls: usize, journal: &Journal) {
        self.0.borrow_mut().push((calls, journal.clone()));
    }

    /// Lets the power fail after each of `calls`, and holds every state that this may leave to what
    /// was promised by then.
    pub fn examine_all(
        &self,
        calls: &[Recorded],
        (what, seed): (&str, u64),
        budget: &Budget,
        known: &SeenStates,
        tally: &mut Tally,
    ) {
        let promises = self.0.borrow();
        let mut promises = promises.iter().peekable();
        let Some((_, first)) = promises.next() else { return };
        let mut journal = first;
        let mut files = FileSystem::new();
        for moment in 0..=calls.len() {
            if !budget.has_time() {
                return;
            }
            // What was submitted before this call may be there; what was acknowledged must be.
            while let Some((_, next)) = promises.next_if(|(count, _)| *count <= moment) {
                journal = next;
            }
            for state in files.crash_states(seed ^ moment as u64) {
                let place = || {
                    let before = &calls[moment.saturating_sub(6)..moment];
                    format!("{what}, power failing after call {moment} of {}, {before:?}", calls.len())
                };
                known.examine((&state, journal), seed.wrapping_add(moment as u64), CALM, tally, place);
            }
            if let Some(call) = calls.get(moment) {
                files.apply(call);
            }
        }
    }
}
