//! Checks of the end of a stream that ends.

use super::SourceFixture;
use super::support::{create, open, read_rest, soon};
use crate::batch::Batch;
use crate::source::Polled;
use crate::testing::report::{Outcome, during, same};

pub(super) fn the_end_stays_the_end(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    let expected = create(fixture, stream, 3);
    let mut reader = open(fixture, stream, 0)?;
    same("the records", read_rest(fixture, &mut *reader, 3)?, expected)?;
    let position = reader.position();
    for _ in 0..3 {
        let polled = reader.poll(&mut Batch::default(), soon()).map_err(during("poll"))?;
        same("a poll at the end", polled, Polled::End)?;
    }
    same("the position", reader.position(), position)
}

pub(super) fn an_empty_stream_ends(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    create(fixture, stream, 0);
    let mut reader = open(fixture, stream, 0)?;
    let start = reader.position();
    same("the records", read_rest(fixture, &mut *reader, 0)?, Vec::new())?;
    same("the position", reader.position(), start.clone())?;
    let mut again = open(fixture, stream, 0)?;
    again.seek(&start).map_err(during("seek"))?;
    same("the records after a seek to the start", read_rest(fixture, &mut *again, 0)?, Vec::new())
}
