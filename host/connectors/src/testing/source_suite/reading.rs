//! Checks of reading a stream.

use std::time::Instant;

use super::SourceFixture;
use super::support::{create, open, read, read_rest, records, soon, texts};
use crate::batch::Batch;
use crate::source::Polled;
use crate::testing::report::{Outcome, during, same};

pub(super) fn records_come_once_in_order(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    let expected = create(fixture, stream, 500);
    for batch in [1, 7, 499, 1_000] {
        let mut reader = open(fixture, stream, 0)?;
        let mut found = read(&mut *reader, 500, batch)?;
        found.extend(read_rest(fixture, &mut *reader, 0)?);
        same(&format!("all records, in batches of {batch}"), &found, &expected)?;
    }
    Ok(())
}

pub(super) fn batches_never_have_more_than_their_room(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    create(fixture, stream, 20);
    let mut reader = open(fixture, stream, 0)?;
    for room in [1, 3, 5] {
        let mut batch = Batch::new(room, usize::MAX);
        reader.poll(&mut batch, soon()).map_err(during("poll"))?;
        same(&format!("more than {room} records"), batch.count() > room, false)?;
    }
    // Bytes may be passed by one record, and by no more.
    let mut batch = Batch::new(u32::MAX, 1);
    reader.poll(&mut batch, soon()).map_err(during("poll"))?;
    same("records in a batch of one byte", batch.count(), 1)
}

pub(super) fn records_are_added_to_those_before(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    let expected = create(fixture, stream, 3);
    let mut reader = open(fixture, stream, 0)?;
    // The first poll tells how many fields a record has.
    let mut batch = Batch::new(1, usize::MAX);
    reader.poll(&mut batch, soon()).map_err(during("poll"))?;
    batch.limit_records(3);
    while batch.has_room() {
        let before = batch.count();
        reader.poll(&mut batch, soon()).map_err(during("poll"))?;
        same("records after another poll", batch.count() > before, true)?;
    }
    same("the batch", texts(&batch), expected)
}

pub(super) fn long_records_come_whole(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    // Longer than what is read at a time, and not a multiple of it.
    let expected = vec!["a".repeat(100_003), "b".to_owned(), "c".repeat(65_536), String::from("d")];
    fixture.create(stream, std::slice::from_ref(&expected));
    let mut reader = open(fixture, stream, 0)?;
    let first = read(&mut *reader, 2, 2)?;
    let mut again = open(fixture, stream, 0)?;
    again.seek(&reader.position()).map_err(during("seek"))?;
    same("two records", &first[..], &expected[..2])?;
    same("the two after them", read(&mut *again, 2, 1)?, expected[2..].to_vec())
}

pub(super) fn the_schema_is_known_with_the_first_record(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    create(fixture, stream, 3);
    let mut reader = open(fixture, stream, 0)?;
    read(&mut *reader, 1, 1)?;
    let first = reader.schema().cloned();
    same("a schema", first.is_some(), true)?;
    read(&mut *reader, 2, 2)?;
    same("the schema later", reader.schema().cloned(), first.clone())?;
    let mut again = open(fixture, stream, 0)?;
    again.seek(&reader.position()).map_err(during("seek"))?;
    fixture.append(stream, 0, &records(3, 4));
    let mut again_after = open(fixture, stream, 0)?;
    again_after.seek(&again.position()).map_err(during("seek"))?;
    read(&mut *again_after, 1, 1)?;
    same("the schema after a seek", again_after.schema().cloned(), first)
}

pub(super) fn identity_and_partitions_stay_the_same(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    let partitions = fixture.partitions_max().min(3);
    fixture.create(stream, &vec![records(0, 2); partitions]);
    let mut first = fixture.open(stream);
    let names = first.partitions().map_err(during("partitions"))?;
    same("the number of partitions", names.len(), partitions)?;
    let mut unique = names.clone();
    unique.sort();
    unique.dedup();
    same("the number of names", unique.len(), partitions)?;
    same("a name", first.identity().name().is_empty(), false)?;
    same("the partitions, asked again", first.partitions().map_err(during("partitions"))?, names.clone())?;
    let mut second = fixture.open(stream);
    same("the identity", second.identity(), first.identity())?;
    same("the partitions of another source", second.partitions().map_err(during("partitions"))?, names)
}

pub(super) fn partitions_are_apart(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    let expected = [records(0, 5), records(100, 103)];
    fixture.create(stream, &expected);
    let (mut first, mut second) = (open(fixture, stream, 0)?, open(fixture, stream, 1)?);
    let mut found = [Vec::new(), Vec::new()];
    for _ in 0..5 {
        found[0].extend(read(&mut *first, 1, 1)?);
        if found[1].len() < 3 {
            found[1].extend(read(&mut *second, 1, 1)?);
        }
    }
    same("both partitions", found, expected)
}

pub(super) fn a_batch_has_records_of_one_schema(fixture: &mut dyn SourceFixture, stream: &str) -> Outcome {
    let expected = create(fixture, stream, 2);
    let mut reader = open(fixture, stream, 0)?;
    let (mut batch, give_up) = (Batch::default(), soon());
    while batch.count() < 2 && Instant::now() < give_up {
        reader.poll(&mut batch, give_up).map_err(during("poll"))?;
    }
    let first = reader.schema().cloned();
    let other = records(2, 4);
    fixture.append_other(stream, &other);
    while batch.has_room() && Instant::now() < give_up {
        let polled = reader.poll(&mut batch, give_up).map_err(during("poll"))?;
        same("a poll where the schema changes", polled, Polled::Nothing)?;
    }
    same("the batch with the first schema", texts(&batch), expected)?;
    same("whether it has room for more", batch.has_room(), false)?;
    same("the schema of the batch", reader.schema().cloned(), first.clone())?;
    let mut again = open(fixture, stream, 0)?;
    again.seek(&reader.position()).map_err(during("seek"))?;
    for (what, mut reader) in [("the records after them", reader), ("those after a seek", again)] {
        same(what, read(&mut *reader, 2, 2)?, other.clone())?;
        same("whether their schema is another", reader.schema() == first.as_ref(), false)?;
    }
    Ok(())
}
