//! The instance dies, or the store fails, at every change of the store.

use std::sync::Arc;

use alluvium_wasi_runner::keyvalue::{MemoryValues, Trouble, Values};

use crate::story::{STEPS, Told, check_clean, tell};
use crate::watched::{Moment, Watched};

/// Lets a story end at one change, and continues it. Returns false if there are not so many changes.
fn ends_at(number: usize, moment: Moment, trouble: &Trouble) -> bool {
    let inner = Arc::new(MemoryValues::default());
    let cause = trouble.clone();
    let ending = move |change, when| if (change, when) == (number, moment) { Err(cause.clone()) } else { Ok(()) };
    let watched = Watched::new(&inner, ending);
    let values: Arc<dyn Values> = watched.clone();
    let mut told = Told::default();
    let outcome = tell(&values, &mut told);
    if watched.changes() <= number {
        outcome.expect("no trouble came");
        return false;
    }
    // Maintenance after a checkpoint may meet the trouble, which is not the checkpoint's.
    assert!(outcome.is_err() || *trouble != Trouble::Dies, "{number} {moment:?}: it died and did not notice");
    let values: Arc<dyn Values> = inner.clone();
    let mut again = Told::default();
    tell(&values, &mut again).unwrap_or_else(|error| panic!("{number} {moment:?} {trouble:?}: {error:?}"));
    let recovered = again.recovered.expect("it was opened");
    let is_exact = recovered == told.durable || recovered == told.durable + 1;
    assert!(is_exact, "{number} {moment:?} {trouble:?}: {told:?}, and then {again:?}");
    assert_eq!(again.durable, STEPS);
    check_clean(&inner);
    true
}

#[test]
fn what_was_told_is_recovered_after_every_change() {
    let (dies, fails) = (Trouble::Dies, Trouble::Answers("the network is down".to_owned()));
    let mut number = 0;
    while ends_at(number, Moment::Before, &dies) {
        ends_at(number, Moment::After, &dies);
        ends_at(number, Moment::Before, &fails);
        ends_at(number, Moment::After, &fails);
        number += 1;
    }
    assert!(number > 40, "only {number} changes were seen");
}
