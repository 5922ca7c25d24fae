//! Checks of polling in time.

use std::time::{Duration, Instant};

use super::SourceFixture;
use super::support::{TOLERANCE, create, open, read, records, soon, texts};
use crate::batch::Batch;
use crate::source::Polled;
use crate::testing::report::{Outcome, during, same};

pub(super) fn a_full_batch_gets_nothing(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    let expected = create(fixture, stream, 2);
    let mut reader = open(fixture, stream, 0)?;
    let mut batch = Batch::new(1, usize::MAX);
    reader.poll(&mut batch, soon()).map_err(during("poll"))?;
    let begun = Instant::now();
    same("a poll without room", reader.poll(&mut batch, soon()).map_err(during("poll"))?, Polled::Nothing)?;
    same("whether it waited", begun.elapsed() > TOLERANCE, false)?;
    same("the batch", &texts(&batch)[..], &expected[..1])?;
    same("the record after it", &read(&mut *reader, 1, 1)?[..], &expected[1..])
}

pub(super) fn a_deadline_in_the_past_does_not_wait(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    let expected = create(fixture, stream, 300);
    let mut reader = open(fixture, stream, 0)?;
    let mut found = Vec::new();
    let (begun, give_up) = (Instant::now(), soon());
    while found.len() < 300 && Instant::now() < give_up {
        let mut batch = Batch::new(100, usize::MAX);
        let poll_begun = Instant::now();
        reader.poll(&mut batch, begun).map_err(during("poll"))?;
        same("whether a poll waited", poll_begun.elapsed() > TOLERANCE, false)?;
        found.extend(texts(&batch));
    }
    same("the records", found, expected)
}

pub(super) fn nothing_comes_before_the_deadline(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    create(fixture, stream, 1);
    let mut reader = open(fixture, stream, 0)?;
    read(&mut *reader, 1, 1)?;
    let position = reader.position();
    for wait in [Duration::from_millis(20), Duration::ZERO] {
        let deadline = Instant::now() + wait;
        let polled = reader.poll(&mut Batch::default(), deadline).map_err(during("poll"))?;
        same("a poll of a stream at rest", polled, Polled::Nothing)?;
        same("whether it waited until the deadline", Instant::now() >= deadline, true)?;
        same("whether it waited far longer", deadline.elapsed() > TOLERANCE, false)?;
    }
    same("the position", reader.position(), position)
}

pub(super) fn a_record_that_comes_is_not_waited_for_longer(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    create(fixture, stream, 1);
    let mut reader = open(fixture, stream, 0)?;
    read(&mut *reader, 1, 1)?;
    fixture.append(stream, 0, &records(1, 2));
    let begun = Instant::now();
    let mut batch = Batch::default();
    same("a poll", reader.poll(&mut batch, soon()).map_err(during("poll"))?, Polled::Records)?;
    same("whether it waited for more", begun.elapsed() > TOLERANCE, false)?;
    same("the record", texts(&batch), records(1, 2))
}
