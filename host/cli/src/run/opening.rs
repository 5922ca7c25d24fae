//! Taking the partitions of the inputs to where the recovered checkpoint says.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use alluvium_connectors::source::{Partition, Reader, Source};
use alluvium_host::Plugin;

use super::arguments::Run;
use super::bookmarks::{self, Bookmark};
use super::cursor::{Cursor, Kind};
use super::cursors::{Cursors, Known};
use super::input_options::Resume;
use super::inputs::{self, Input, InputSource};
use super::reading::Open;
use super::{renamed, strict};
use crate::failure::Failure;
use crate::output::counted;

/// How many files are followed at a time: each has a thread.
const FOLLOWED_MAX: usize = 256;

/// Opens the partitions of all inputs.
pub(super) fn open(inputs: &mut [Input], plugin: &mut Plugin, run: &Run) -> Result<Cursors, Failure> {
    let (mut cursors, mut all_known, mut is_known) = (Vec::new(), Known::new(), false);
    for (number, input) in inputs.iter_mut().enumerate() {
        check_count(input, input.partitions.len(), run)?;
        let (found, known) = bookmarks_of(input, plugin, run)?;
        all_known.extend(known.map(|known| (input.name().to_owned(), known)));
        is_known |= all_known.contains_key(input.name()) || is_named(input, plugin, run)?;
        for (partition, bookmark) in found {
            cursors.push(cursor(number, input, partition, bookmark, plugin, run)?);
        }
    }
    // Of several inputs, some may have been quiet until then.
    if !is_known && plugin.recovered().is_some() {
        let names: Vec<_> = inputs.iter().map(|input| format!("{:?}", input.name())).collect();
        let what = format!("its newest checkpoint says nothing of the source {}", names.join(", "));
        return Err(
            Failure::at(run.dir.display(), what).hint("it is not one that `alluvium run` took: name another directory")
        );
    }
    Ok(Cursors::new(cursors, all_known))
}

/// Whether the checkpoint names a partition of an input.
fn is_named(input: &Input, plugin: &mut Plugin, run: &Run) -> Result<bool, Failure> {
    let named = plugin.with_engine(|engine| {
        for partition in &input.partitions {
            if bookmarks::is_named(engine, input.name(), partition)? {
                return Ok(true);
            }
        }
        Ok(false)
    });
    named.map_err(|error| Failure::runtime(&run.dir, &error))
}

/// Files must be there, and not too many to follow.
pub(super) fn check_count(input: &Input, count: usize, run: &Run) -> Result<(), Failure> {
    let InputSource::Files(_) = &input.source else { return Ok(()) };
    let at = input.connected.source.display();
    if count == 0 {
        return Err(Failure::at(at, "there are no such files").hint("check the pattern, or put a file there"));
    }
    if run.reading.follow && count > FOLLOWED_MAX {
        return Err(Failure::at(at, format!("stands for {count} files, and {FOLLOWED_MAX} can be followed at a time"))
            .hint("read them without --follow, or name fewer"));
    }
    Ok(())
}

/// Partitions, each with how far it was consumed.
type Found = Vec<(Partition, Option<Bookmark>)>;

/// Returns how far each partition of an input was consumed, and for many files the names that were ever read.
fn bookmarks_of(input: &Input, plugin: &mut Plugin, run: &Run) -> Result<(Found, Option<BTreeSet<String>>), Failure> {
    let failed = |error| Failure::runtime(&run.dir, &error);
    let mut found = Vec::new();
    for partition in &input.partitions {
        let bookmark = plugin.with_engine(|engine| bookmarks::of(engine, input.name(), partition)).map_err(failed)?;
        found.push((partition.clone(), bookmark));
    }
    let is_many = matches!(input.source, InputSource::Files(_));
    let names = || input.partitions.iter().map(|partition| partition.name().to_owned());
    if plugin.recovered().is_none() {
        let known = is_many.then(|| names().collect());
        return Ok((found, known));
    }
    let (name, dir) = (input.name().to_owned(), run.dir.display());
    let known = plugin.with_engine(|engine| bookmarks::known_partitions(engine, &name)).map_err(failed)?;
    let of_whole = plugin.with_engine(|engine| bookmarks::of(engine, &name, &Partition::whole())).map_err(failed)?;
    match (&input.source, known, of_whole) {
        (InputSource::Files(_), Some(mut known), _) => {
            let earlier = known.iter().filter_map(|name| Partition::new(name.as_str()).ok()).collect();
            known.extend(names());
            renamed::settle(input, &mut found, earlier, plugin, run)?;
            return Ok((found, Some(known)));
        }
        (InputSource::Files(_), None, _) => {
            let what = "its newest checkpoint was not taken over several files, so they would be read once more";
            return Err(Failure::at(dir, what).hint("give the input that the run began with, or another --dir"));
        }
        (InputSource::One(_), Some(_), None) => {
            let what = "its newest checkpoint was taken over several files, and this input is one";
            return Err(Failure::at(dir, what).hint("give the directory or the pattern that the run began with"));
        }
        _ => {}
    }
    Ok((found, None))
}

/// Opens a partition. One that is read in turn is opened when its turn comes.
pub(super) fn cursor(
    number: usize,
    input: &mut Input,
    partition: Partition,
    bookmark: Option<Bookmark>,
    plugin: &mut Plugin,
    run: &Run,
) -> Result<Cursor, Failure> {
    let is_address = inputs::address(&input.connected.source).is_some();
    let decodes = run.reading.decodes_json(input.connected.takes_columns, !is_address);
    let columns = plugin.with_engine(|engine| bookmarks::columns(engine, input.name(), &partition));
    let columns = columns.map_err(|error| Failure::runtime(&run.dir, &error))?;
    let left = plugin.with_engine(|engine| bookmarks::left(engine, input.name(), &partition));
    let left = left.map_err(|error| Failure::runtime(&run.dir, &error))?;
    let source_name = input.source_name(&partition);
    let taken_there = {
        let (options, how, dir) = (run.reading.clone(), run.resume, run.dir.clone());
        let (source_name, bookmark) = (source_name.clone(), bookmark.clone());
        move |mut reader: Box<dyn Reader>| -> Result<Box<dyn Reader>, Failure> {
            if decodes {
                reader = inputs::decode(reader, &source_name, &options, columns);
            }
            if let Some(bookmark) = &bookmark {
                resume(&mut *reader, bookmark, &source_name, how, &dir)?;
            }
            Ok(reader)
        }
    };
    let is_file_of_many = matches!(input.source, InputSource::Files(_));
    let is_in_turn = is_file_of_many && !run.reading.follow;
    let (open, total_bytes, kind): (Open, _, _) = if is_in_turn {
        let total_bytes = std::fs::metadata(&source_name).ok().map(|found| found.len());
        let mut file = inputs::file(source_name.as_ref(), &run.reading, input.connected.takes_columns)?;
        let open = move || {
            let reader = file.open(&Partition::whole()).map_err(|error| Failure::source(&error))?;
            taken_there(reader)
        };
        (Box::new(open), total_bytes, Kind::InTurn)
    } else {
        let reader = input.reader(&partition)?;
        if run.strict {
            strict::check_reader(&source_name, &*reader)?;
        }
        let reader = taken_there(reader)?;
        let total_bytes = reader.progress().total_bytes;
        let kind = match (run.reading.follow, is_address) {
            (true, _) if is_file_of_many => Kind::Followed,
            (true, _) | (_, true) => Kind::Live,
            _ if reader.is_seekable() => Kind::File,
            _ => Kind::Pipe,
        };
        (Box::new(move || Ok(reader)), total_bytes, kind)
    };
    Ok(Cursor {
        input: number,
        input_name: input.name().to_owned(),
        time_column: input.connected.time_column.clone(),
        source_name,
        partition,
        bookmark,
        schema: None,
        finds_columns: decodes && run.reading.columns.is_none(),
        kind,
        total_bytes,
        read_bytes: 0,
        consumed_now: 0,
        has_ended: false,
        lane: None,
        last_read: Instant::now(),
        unreadable: 0,
        refused: 0,
        left,
        open: Some(open),
    })
}

/// Takes a reader to where an earlier run stopped.
fn resume(
    reader: &mut dyn Reader,
    bookmark: &Bookmark,
    source_name: &str,
    how: Option<Resume>,
    dir: &Path,
) -> Result<(), Failure> {
    match how {
        _ if reader.is_seekable() => {}
        Some(Resume::Skip) => {}
        Some(Resume::Continue) => return Ok(()),
        Some(Resume::Next) | None => {
            let (records, dir) = (counted(bookmark.records, "record"), dir.display());
            let what = format!(
                "cannot go back, and the checkpoint in {dir} has consumed {records}: nothing says with which \
                 record it begins now"
            );
            return Err(Failure::at(source_name, what).hint(
                "say --resume skip if it begins with the same records again, --resume continue if with new ones",
            ));
        }
    }
    reader.seek(&bookmark.position).map_err(|error| Failure::source(&error))
}
