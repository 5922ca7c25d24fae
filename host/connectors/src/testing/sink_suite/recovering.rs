//! Checks of recovery itself.

use super::SinkFixture;
use super::support::{Run, STEPS, epoch, open, publish, records, shows};
use crate::opaque::Opaque;
use crate::sink::SinkErrorKind as Kind;
use crate::testing::report::{Outcome, during, same};

pub(super) fn recovering_again_changes_nothing(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let one = records("one", 3);
    let mut sink = open(fixture, target, None)?;
    let committed = epoch(&mut *sink, &one)?;
    drop(sink);
    let mut sink = open(fixture, target, Some(&committed))?;
    sink.recover(std::slice::from_ref(&committed)).map_err(during("recover again"))?;
    shows(fixture, target, "after two recoveries of one sink", &[&one])?;
    drop(sink);
    let mut sink = open(fixture, target, Some(&committed))?;
    publish(&mut *sink, &committed)?;
    shows(fixture, target, "after another, and a publication", &[&one])
}

pub(super) fn recovery_goes_on_after_a_crash_within_it(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    // Written and prepared after a recovery, in a process that dies as well.
    let one = records("one", 3);
    let mut sink = open(fixture, target, None)?;
    let committed = epoch(&mut *sink, &one)?;
    drop(sink);
    for round in 0..3 {
        let mut sink = open(fixture, target, Some(&committed))?;
        shows(fixture, target, &format!("in round {round}"), &[&one])?;
        epoch(&mut *sink, &records("lost", round))?;
    }
    open(fixture, target, Some(&committed))?;
    shows(fixture, target, "at the end", &[&one])
}

pub(super) fn an_older_checkpoint_takes_back_or_is_refused(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let (one, two, other) = (records("one", 2), records("two", 2), records("other", 1));
    let mut sink = open(fixture, target, None)?;
    let older = epoch(&mut *sink, &one)?;
    publish(&mut *sink, &older)?;
    let newer = epoch(&mut *sink, &two)?;
    publish(&mut *sink, &newer)?;
    drop(sink);
    let mut sink = fixture.open(target);
    if let Err(error) = sink.recover(std::slice::from_ref(&older)) {
        same("the kind of error", error.kind(), Kind::Ahead)?;
        return shows(fixture, target, "after the refusal", &[&one, &two]);
    }
    shows(fixture, target, "after the older checkpoint", &[&one])?;
    let token = epoch(&mut *sink, &other)?;
    publish(&mut *sink, &token)?;
    shows(fixture, target, "after the other way on", &[&one, &other])
}

pub(super) fn a_refused_token_changes_nothing(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let (one, two) = (records("one", 2), records("two", 2));
    let mut sink = open(fixture, target, None)?;
    let first = epoch(&mut *sink, &one)?;
    publish(&mut *sink, &first)?;
    let committed = epoch(&mut *sink, &two)?;
    drop(sink);
    let foreign = Opaque::new("not a token of this sink").map_err(during("a token"))?;
    let refused = fixture.open(target).recover(std::slice::from_ref(&foreign));
    same("whether it was refused", refused.is_err(), true)?;
    shows(fixture, target, "after the refusal", &[&one])?;
    open(fixture, target, Some(&committed))?;
    shows(fixture, target, "after the right token", &[&one, &two])
}

pub(super) fn a_run_with_crashes_shows_what_a_run_without_shows(
    fixture: &mut dyn SinkFixture,
    target: &str,
) -> Outcome {
    let epochs: Vec<Vec<String>> = (0..3).map(|number| records(&format!("epoch{number}-"), number + 1)).collect();
    let expected: Vec<&[String]> = epochs.iter().map(Vec::as_slice).collect();
    // Every pair of deaths.
    let moments = STEPS * epochs.len();
    for pair in 0..moments * moments {
        let target = &format!("{target}-{pair}");
        let deaths = [pair % moments, pair / moments];
        Run::dying_at(&epochs, &deaths).finish(fixture, target)?;
        shows(fixture, target, &format!("at the end, after deaths at the moments {deaths:?}"), &expected)?;
    }
    Ok(())
}
