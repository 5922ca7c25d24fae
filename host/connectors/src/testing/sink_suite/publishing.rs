//! Checks of publishing, without a crash.

use super::SinkFixture;
use super::support::{epoch, open, prepare, publish, records, shows, write};
use crate::opaque::{OPAQUE_BYTES_MAX, Opaque};
use crate::sink::SinkErrorKind as Kind;
use crate::testing::report::{Outcome, during, same};

pub(super) fn nothing_is_visible_before_it_is_published(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let one = records("one", 3);
    let mut sink = open(fixture, target, None)?;
    shows(fixture, target, "at first", &[])?;
    write(&mut *sink, &one)?;
    shows(fixture, target, "after a write", &[])?;
    let token = prepare(&mut *sink)?;
    shows(fixture, target, "before the commit", &[])?;
    publish(&mut *sink, &token)?;
    shows(fixture, target, "after it is published", &[&one])
}

pub(super) fn records_are_visible_once_in_order(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let mut sink = open(fixture, target, None)?;
    let mut expected: Vec<Vec<String>> = Vec::new();
    for number in 0..5 {
        let parts = [records(&format!("epoch{number}a"), 2), records(&format!("epoch{number}b"), 3)];
        parts.iter().try_for_each(|part| write(&mut *sink, part))?;
        let token = prepare(&mut *sink)?;
        publish(&mut *sink, &token)?;
        expected.extend(parts);
        let expected: Vec<&[String]> = expected.iter().map(Vec::as_slice).collect();
        shows(fixture, target, &format!("after epoch {number}"), &expected)?;
    }
    Ok(())
}

pub(super) fn publishing_again_changes_nothing(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let (one, two) = (records("one", 2), records("two", 2));
    let mut sink = open(fixture, target, None)?;
    let first = epoch(&mut *sink, &one)?;
    publish(&mut *sink, &first)?;
    publish(&mut *sink, &first)?;
    shows(fixture, target, "after one token twice", &[&one])?;
    let second = epoch(&mut *sink, &two)?;
    publish(&mut *sink, &second)?;
    publish(&mut *sink, &first)?;
    publish(&mut *sink, &second)?;
    shows(fixture, target, "after both tokens again", &[&one, &two])
}

pub(super) fn what_is_written_after_the_token_waits(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let (one, two, three) = (records("one", 2), records("two", 3), records("three", 1));
    let mut sink = open(fixture, target, None)?;
    let first = epoch(&mut *sink, &one)?;
    write(&mut *sink, &two)?;
    publish(&mut *sink, &first)?;
    shows(fixture, target, "after the first token", &[&one])?;
    // The same with a token for what came later.
    write(&mut *sink, &three)?;
    let second = prepare(&mut *sink)?;
    shows(fixture, target, "before the second commit", &[&one])?;
    publish(&mut *sink, &second)?;
    shows(fixture, target, "after the second token", &[&one, &two, &three])
}

pub(super) fn a_token_stands_for_those_before_it(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    // Two checkpoints on their way at the same time.
    let (one, two, three) = (records("one", 2), records("two", 3), records("three", 1));
    let mut sink = open(fixture, target, None)?;
    let first = epoch(&mut *sink, &one)?;
    let second = epoch(&mut *sink, &two)?;
    write(&mut *sink, &three)?;
    publish(&mut *sink, &first)?;
    shows(fixture, target, "after the first of two tokens", &[&one])?;
    publish(&mut *sink, &second)?;
    shows(fixture, target, "after the second of two tokens", &[&one, &two])?;
    let third = prepare(&mut *sink)?;
    publish(&mut *sink, &third)?;
    shows(fixture, target, "after the third token", &[&one, &two, &three])
}

pub(super) fn tokens_may_be_left_out(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    // The first checkpoint failed: what belonged to it belongs to the next one.
    let (one, two) = (records("one", 2), records("two", 3));
    let mut sink = open(fixture, target, None)?;
    epoch(&mut *sink, &one)?;
    let second = epoch(&mut *sink, &two)?;
    publish(&mut *sink, &second)?;
    shows(fixture, target, "after the second token alone", &[&one, &two])
}

pub(super) fn an_epoch_may_be_empty(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let (one, two) = (records("one", 1), records("two", 1));
    let mut sink = open(fixture, target, None)?;
    let nothing = prepare(&mut *sink)?;
    publish(&mut *sink, &nothing)?;
    shows(fixture, target, "after nothing", &[])?;
    for (records, expected) in [(&one[..], &[&one[..]][..]), (&[], &[&one]), (&two, &[&one, &two])] {
        let token = epoch(&mut *sink, records)?;
        publish(&mut *sink, &token)?;
        shows(fixture, target, "after an epoch", expected)?;
    }
    Ok(())
}

pub(super) fn an_abort_drops_what_was_not_published(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let (one, lost, two) = (records("one", 2), records("lost", 3), records("two", 2));
    let mut sink = open(fixture, target, None)?;
    let first = epoch(&mut *sink, &one)?;
    publish(&mut *sink, &first)?;
    epoch(&mut *sink, &lost)?;
    write(&mut *sink, &lost)?;
    sink.abort().map_err(during("abort"))?;
    shows(fixture, target, "after an abort", &[&one])?;
    let second = epoch(&mut *sink, &two)?;
    publish(&mut *sink, &second)?;
    shows(fixture, target, "after the epoch that follows", &[&one, &two])
}

pub(super) fn a_foreign_token_is_refused(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let one = records("one", 2);
    for bytes in [&b"not a token of this sink"[..], b"\xff\xfe", &[b'9'; OPAQUE_BYTES_MAX]] {
        let foreign = Opaque::new(bytes).map_err(during("a token"))?;
        let mut sink = fixture.open(target);
        let name = sink.name().to_owned();
        let error = sink.recover(std::slice::from_ref(&foreign)).err().ok_or(format!("{foreign:?} was accepted"))?;
        same("the kind of error", error.kind(), Kind::Token)?;
        same("the sink that the error names", error.to_string().contains(&name), true)?;
    }
    let mut sink = open(fixture, target, None)?;
    let token = epoch(&mut *sink, &one)?;
    publish(&mut *sink, &token)?;
    shows(fixture, target, "after tokens that were refused", &[&one])
}

pub(super) fn published_bytes_only_grow_by_publishing(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let mut sink = open(fixture, target, None)?;
    let before = sink.published_bytes();
    if before.is_none() {
        return Ok(());
    }
    write(&mut *sink, &records("one", 2))?;
    let token = prepare(&mut *sink)?;
    same("the bytes before it is published", sink.published_bytes(), before)?;
    publish(&mut *sink, &token)?;
    let after = sink.published_bytes();
    same("whether the bytes grew", after >= before.map(|bytes| bytes + 8), true)?;
    publish(&mut *sink, &token)?;
    same("the bytes after it is published again", sink.published_bytes(), after)
}

pub(super) fn tokens_are_short_and_depend_only_on_the_records(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let many = records("a record of some length ", 20_000);
    let mut tokens = Vec::new();
    for run in 0..2 {
        let mut sink = open(fixture, &format!("{target}-{run}"), None)?;
        let first = epoch(&mut *sink, &many[..10])?;
        publish(&mut *sink, &first)?;
        tokens.push([first, epoch(&mut *sink, &many)?]);
    }
    same("the tokens of the same run again", &tokens[1], &tokens[0])
}
