//! Files that were read and have another name now. Without this they would be read once more.

use std::time::{Duration, Instant};

use alluvium_connectors::source::{
    FilePosition, Partition, Polled, Position, Source, SourceError, SourceErrorKind as Kind,
};
use alluvium_connectors::{BatchLimits, Batcher};
use alluvium_host::Plugin;

use super::arguments::Run;
use super::bookmarks::{self, Bookmark};
use super::input_options::InputOptions;
use super::inputs::{self, Input};
use crate::failure::Failure;

/// How long one poll of a file may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Gives the bookmark of a file that was read to the new name of that file. `known` are the names that were read.
pub(super) fn settle(
    input: &Input,
    found: &mut [(Partition, Option<Bookmark>)],
    known: Vec<Partition>,
    plugin: &mut Plugin,
    run: &Run,
) -> Result<(), Failure> {
    if found.iter().all(|(_, bookmark)| bookmark.is_some()) {
        return Ok(());
    }
    // Those whose file is gone, or is another one now.
    let mut strayed = Vec::new();
    for partition in known {
        let bookmark = plugin.with_engine(|engine| bookmarks::of(engine, input.name(), &partition));
        let Some(bookmark) = bookmark.map_err(|error| Failure::runtime(&run.dir, &error))? else { continue };
        let is_there = found.iter().any(|(there, _)| *there == partition);
        if !is_there || (may_be_rotated(&partition, found) && !fits(input, &partition, &bookmark.position, run)?) {
            strayed.push((partition, bookmark));
        }
    }
    let is_new = |at: &usize| found[*at].1.is_none();
    let new: Vec<usize> = (0..found.len()).filter(is_new).collect();
    for at in new {
        let mut place = None;
        for (number, (_, bookmark)) in strayed.iter().enumerate() {
            if fits(input, &found[at].0, &bookmark.position, run)? {
                place = Some(number);
                break;
            }
        }
        let Some(place) = place else { continue };
        let (earlier, bookmark) = strayed.swap_remove(place);
        found[at].1 = Some(bookmark);
        // If its old name stands for another file now, that one begins.
        if let Some((_, replaced)) = found.iter_mut().find(|(there, _)| *there == earlier) {
            *replaced = None;
        }
    }
    Ok(())
}

/// Whether a new file is called like this one with something behind, as after a rotation.
fn may_be_rotated(partition: &Partition, found: &[(Partition, Option<Bookmark>)]) -> bool {
    found.iter().any(|(there, bookmark)| bookmark.is_none() && there.name().starts_with(partition.name()))
}

/// Whether the file of a partition has what is before a position, and is not another file.
pub(super) fn fits(input: &Input, partition: &Partition, position: &Position, run: &Run) -> Result<bool, Failure> {
    let fingerprint = FilePosition::read(position).and_then(|position| position.fingerprint);
    if fingerprint.is_none() {
        // Nothing tells files apart but their names.
        return Ok(false);
    }
    // It is read as it is, and not followed to where it may have been rotated to.
    let options = InputOptions { follow: false, ..run.reading.clone() };
    let failed = |error: SourceError| Failure::source(&error);
    let mut reader = inputs::file(&input.path(partition), &options, input.connected.takes_columns)?
        .open(&Partition::whole())
        .map_err(failed)?;
    if reader.seek(position).is_err() {
        return Ok(false);
    }
    let mut batcher = Batcher::new(BatchLimits::default());
    loop {
        match reader.poll(batcher.batch(), Instant::now() + PATIENCE) {
            Ok(Polled::Nothing) => {}
            // A bad record is behind the position.
            Ok(_) => return Ok(true),
            Err(error) => match error.kind() {
                Kind::Record | Kind::TooLong => return Ok(true),
                Kind::Replaced | Kind::TooShort { .. } | Kind::Position | Kind::Header => return Ok(false),
                _ => return Err(failed(error)),
            },
        }
    }
}
