//! Another writer works between two changes of the first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use alluvium_wasi_runner::keyvalue::{MemoryValues, Values};

use crate::story::{Told, check_clean, step_of, tell};
use crate::support::{Error, Failed, Instance, TRUSTED, options};
use crate::watched::{Moment, Watched};

/// How many checkpoints the other writer takes.
const OTHERS: u32 = 3;

/// Opens the directory, and takes checkpoints.
fn interfere(inner: &Arc<MemoryValues>) -> Result<(), Failed> {
    let values: Arc<dyn Values> = inner.clone();
    let mut instance = Instance::open(&values, &options(TRUSTED))?;
    for number in 1..=OTHERS {
        instance.put("other", &number.to_le_bytes());
        instance.checkpoint()?;
    }
    Ok(())
}

/// Lets the other writer work at one change of a story. Returns false if there are not so many changes.
fn interferes_at(number: usize, moment: Moment) -> bool {
    let inner = Arc::new(MemoryValues::default());
    let (theirs, has_worked) = (Arc::clone(&inner), Arc::new(AtomicBool::new(false)));
    let other = Arc::new(Mutex::new(None));
    let (note, once) = (Arc::clone(&other), Arc::clone(&has_worked));
    let watched = Watched::new(&inner, move |change, when| {
        if (change, when) == (number, moment) && !once.swap(true, Ordering::Relaxed) {
            *note.lock().expect("one thread") = Some(interfere(&theirs));
        }
        Ok(())
    });
    let values: Arc<dyn Values> = watched.clone();
    let mut told = Told::default();
    let outcome = tell(&values, &mut told);
    let Some(other) = other.lock().expect("one thread").take() else {
        outcome.expect("no other writer came");
        return false;
    };
    let at = format!("{number} {moment:?}: {told:?}, {outcome:?}, the other {other:?}");
    other.unwrap_or_else(|_| panic!("{at}: the other one opened last"));
    if let Err(error) = &outcome {
        // What it is told is that another writer has come, or that a file is gone that it was about to read.
        let is_expected =
            matches!(error, Failed::Answered(Error::Fenced(_) | Error::NotFound(_) | Error::Corruption(_)));
        assert!(is_expected, "{at}");
    }
    let values: Arc<dyn Values> = inner.clone();
    let mut instance = Instance::open(&values, &options(TRUSTED)).unwrap_or_else(|error| panic!("{at}: {error:?}"));
    assert_eq!(instance.get("other"), Some(OTHERS.to_le_bytes().to_vec()), "{at}");
    let step = step_of(&mut instance);
    // The other one may have recovered one step more: one that was durable and not told yet.
    assert!(step == told.durable || step == told.durable + 1, "{at}: found step {step}");
    drop(instance);
    check_clean(&inner);
    true
}

#[test]
fn what_either_writer_was_told_is_recovered() {
    let mut number = 0;
    while interferes_at(number, Moment::Before) {
        interferes_at(number, Moment::After);
        number += 1;
    }
    assert!(number > 40, "only {number} changes were seen");
}
