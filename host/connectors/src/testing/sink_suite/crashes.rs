//! Checks of crashes between the steps of a checkpoint.

use super::SinkFixture;
use super::support::{epoch, open, publish, records, shows, write};
use crate::opaque::Opaque;
use crate::sink::Publication;
use crate::testing::report::{Outcome, during, same};

/// A run that shows `one` and whose checkpoint holds the token.
fn one_is_shown(fixture: &mut dyn SinkFixture, target: &str) -> Result<(Vec<String>, Opaque), String> {
    let one = records("one", 3);
    let mut sink = open(fixture, target, None)?;
    let token = epoch(&mut *sink, &one)?;
    publish(&mut *sink, &token)?;
    Ok((one, token))
}

/// The run goes on after the crash, and ends.
fn goes_on(fixture: &mut dyn SinkFixture, target: &str, committed: Option<&Opaque>, shown: &[&[String]]) -> Outcome {
    let mut sink = open(fixture, target, committed)?;
    shows(fixture, target, "after the crash", shown)?;
    let last = records("last", 2);
    let token = epoch(&mut *sink, &last)?;
    publish(&mut *sink, &token)?;
    shows(fixture, target, "at the end", &[shown, &[&last]].concat())
}

pub(super) fn what_was_written_is_forgotten(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let mut sink = open(fixture, target, None)?;
    write(&mut *sink, &records("lost", 2))?;
    drop(sink);
    goes_on(fixture, target, None, &[])?;

    let target = &format!("{target}-later");
    let (one, token) = one_is_shown(fixture, target)?;
    let mut sink = open(fixture, target, Some(&token))?;
    write(&mut *sink, &records("lost", 2))?;
    drop(sink);
    goes_on(fixture, target, Some(&token), &[&one])
}

pub(super) fn what_was_prepared_without_a_commit_is_forgotten(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let mut sink = open(fixture, target, None)?;
    epoch(&mut *sink, &records("lost", 2))?;
    drop(sink);
    goes_on(fixture, target, None, &[])?;

    let target = &format!("{target}-later");
    let (one, token) = one_is_shown(fixture, target)?;
    let mut sink = open(fixture, target, Some(&token))?;
    epoch(&mut *sink, &records("lost", 2))?;
    drop(sink);
    goes_on(fixture, target, Some(&token), &[&one])
}

pub(super) fn what_was_committed_is_published_by_recovery(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let (one, token) = one_is_shown(fixture, target)?;
    let two = records("two", 2);
    let mut sink = open(fixture, target, Some(&token))?;
    let committed = epoch(&mut *sink, &two)?;
    drop(sink);
    let found = fixture.open(target).recover(std::slice::from_ref(&committed)).map_err(during("recover"))?;
    same("what recovery says", found, vec![Publication::Now])?;
    shows(fixture, target, "after recovery", &[&one, &two])?;
    goes_on(fixture, target, Some(&committed), &[&one, &two])
}

pub(super) fn what_was_published_is_not_published_again(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let (one, token) = one_is_shown(fixture, target)?;
    let found = fixture.open(target).recover(std::slice::from_ref(&token)).map_err(during("recover"))?;
    same("what recovery says", found, vec![Publication::Before])?;
    goes_on(fixture, target, Some(&token), &[&one])
}

pub(super) fn of_two_epochs_only_the_committed_one_is_recovered(
    fixture: &mut dyn SinkFixture,
    target: &str,
) -> Outcome {
    let (one, token) = one_is_shown(fixture, target)?;
    let two = records("two", 2);
    for prepares_the_second in [false, true] {
        let target = &format!("{target}-{prepares_the_second}");
        let (_, token) = one_is_shown(fixture, target)?;
        let mut sink = open(fixture, target, Some(&token))?;
        let committed = epoch(&mut *sink, &two)?;
        write(&mut *sink, &records("lost", 3))?;
        if prepares_the_second {
            sink.prepare().map_err(during("prepare"))?;
        }
        drop(sink);
        goes_on(fixture, target, Some(&committed), &[&one, &two])?;
    }
    // And after the first of the two was published.
    let mut sink = open(fixture, target, Some(&token))?;
    let committed = epoch(&mut *sink, &two)?;
    epoch(&mut *sink, &records("lost", 3))?;
    publish(&mut *sink, &committed)?;
    drop(sink);
    goes_on(fixture, target, Some(&committed), &[&one, &two])
}

pub(super) fn a_commit_without_its_predecessor_published_recovers_both(
    fixture: &mut dyn SinkFixture,
    target: &str,
) -> Outcome {
    let (two, three) = (records("two", 2), records("three", 2));
    for published in [false, true] {
        let target = &format!("{target}-{published}");
        let (one, token) = one_is_shown(fixture, target)?;
        let mut sink = open(fixture, target, Some(&token))?;
        let second = epoch(&mut *sink, &two)?;
        let third = epoch(&mut *sink, &three)?;
        if published {
            publish(&mut *sink, &second)?;
        }
        drop(sink);
        goes_on(fixture, target, Some(&third), &[&one, &two, &three])?;
    }
    Ok(())
}
