//! Checks of positions.

use super::SourceFixture;
use super::support::{create, open, poll, read, read_rest, records};
use crate::opaque::{OPAQUE_BYTES_MAX, Opaque};
use crate::source::{Position, SourceErrorKind as Kind};
use crate::testing::report::{Outcome, during, same};

pub(super) fn reading_continues_at_every_position(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    let expected = create(fixture, stream, 9);
    for stop in 0..=9 {
        let mut reader = open(fixture, stream, 0)?;
        same(&format!("the first {stop}"), &read(&mut *reader, stop, 4)?[..], &expected[..stop])?;
        let position = reader.position();
        drop(reader);
        let mut reader = open(fixture, stream, 0)?;
        reader.seek(&position).map_err(during("seek"))?;
        let rest = read_rest(fixture, &mut *reader, 9 - stop)?;
        same(&format!("the rest after {stop}"), &rest[..], &expected[stop..])?;
    }
    Ok(())
}

pub(super) fn a_position_does_not_depend_on_the_batches(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    create(fixture, stream, 12);
    let positions = |fixture: &mut dyn SourceFixture, batch: usize| -> Result<Vec<Position>, String> {
        let mut reader = open(fixture, stream, 0)?;
        let mut found = vec![reader.position()];
        for _ in 0..12 / batch {
            read(&mut *reader, batch, batch)?;
            found.push(reader.position());
        }
        Ok(found)
    };
    let one_by_one = positions(fixture, 1)?;
    for pair in one_by_one.windows(2) {
        same("positions that are the same", pair[0] == pair[1], false)?;
    }
    for batch in [2, 3, 12] {
        let expected: Vec<Position> = one_by_one.iter().step_by(batch).cloned().collect();
        same(&format!("positions in batches of {batch}"), positions(fixture, batch)?, expected)?;
    }
    // Also after a seek.
    let mut reader = open(fixture, stream, 0)?;
    reader.seek(&one_by_one[5]).map_err(during("seek"))?;
    read(&mut *reader, 2, 2)?;
    same("the position two after the fifth", reader.position(), one_by_one[7].clone())
}

pub(super) fn a_position_holds_at_once(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    create(fixture, stream, 4);
    let mut reader = open(fixture, stream, 0)?;
    read(&mut *reader, 4, 4)?;
    let position = reader.position();
    let mut again = open(fixture, stream, 0)?;
    again.seek(&position).map_err(during("seek"))?;
    same("the position after a seek", again.position(), position.clone())?;
    same("records after the last", read_rest(fixture, &mut *again, 0)?, Vec::new())?;
    same("the position after that", again.position(), position)
}

pub(super) fn a_reader_seeks_forward_and_back(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    let expected = create(fixture, stream, 8);
    let mut reader = open(fixture, stream, 0)?;
    let start = reader.position();
    read(&mut *reader, 2, 2)?;
    let second = reader.position();
    read(&mut *reader, 4, 4)?;
    let sixth = reader.position();
    for (position, at) in [(&second, 2), (&sixth, 6), (&start, 0), (&sixth, 6), (&sixth, 6), (&second, 2)] {
        reader.seek(position).map_err(during("seek"))?;
        same(&format!("the record after {at}"), &read(&mut *reader, 1, 1)?[..], &expected[at..=at])?;
    }
    // From the end as well.
    read_rest(fixture, &mut *reader, 5)?;
    reader.seek(&sixth).map_err(during("seek"))?;
    same("the last two", &read_rest(fixture, &mut *reader, 2)?[..], &expected[6..])
}

pub(super) fn one_reader_does_not_move_another(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    let expected = create(fixture, stream, 6);
    let mut source = fixture.open(stream);
    let partition = source.partitions().map_err(during("partitions"))?.remove(0);
    let mut first = source.open(&partition).map_err(during("open"))?;
    let start = first.position();
    same("the first record", &read(&mut *first, 1, 1)?[..], &expected[..1])?;
    let mut second = source.open(&partition).map_err(during("open again"))?;
    same("the others, read by another reader", &read(&mut *second, 6, 6)?, &expected)?;
    second.seek(&start).map_err(during("seek"))?;
    read(&mut *second, 1, 1)?;
    same("the rest of the first reader", &read_rest(fixture, &mut *first, 5)?[..], &expected[1..])
}

pub(super) fn records_after_the_position_are_found_later(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    create(fixture, stream, 3);
    let mut reader = open(fixture, stream, 0)?;
    read_rest(fixture, &mut *reader, 3)?;
    let position = reader.position();
    drop(reader);
    let later = records(3, 6);
    fixture.append(stream, 0, &later);
    let mut reader = open(fixture, stream, 0)?;
    reader.seek(&position).map_err(during("seek"))?;
    same("what was appended", read_rest(fixture, &mut *reader, 3)?, later)
}

pub(super) fn a_position_of_nothing_is_refused(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    let expected = create(fixture, stream, 2);
    let name = fixture.open(stream).identity().name().to_owned();
    for bytes in [&b""[..], b"\xff\x00 no position", &[b'9'; OPAQUE_BYTES_MAX]] {
        let mut reader = open(fixture, stream, 0)?;
        read(&mut *reader, 1, 1)?;
        let before = reader.position();
        let foreign = Position::Opaque(Opaque::new(bytes).map_err(during("a token"))?);
        let error = reader.seek(&foreign).err().ok_or(format!("{foreign} was accepted"))?;
        same("the kind of error", error.kind(), Kind::Position)?;
        same("the source that the error names", error.to_string().contains(&name), true)?;
        same("the position after it", reader.position(), before)?;
        same("the record after it", &read(&mut *reader, 1, 1)?[..], &expected[1..])?;
    }
    Ok(())
}

pub(super) fn a_position_past_the_end_is_an_error(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    let long = format!("{stream}-long");
    create(fixture, &long, 9);
    let mut reader = open(fixture, &long, 0)?;
    read(&mut *reader, 9, 9)?;
    let position = reader.position();
    create(fixture, stream, 4);
    let name = fixture.open(stream).identity().name().to_owned();
    let mut reader = open(fixture, stream, 0)?;
    let polled = reader.seek(&position).and_then(|()| poll(&mut *reader));
    let error = polled.map_or_else(Ok, |polled| Err(format!("no error, but {polled:?}")))?;
    let is_meant = matches!(error.kind(), Kind::Position | Kind::TooShort { .. });
    same(&format!("whether the kind is right of: {error}"), is_meant, true)?;
    same("the source that the error names", error.to_string().contains(&name), true)
}
