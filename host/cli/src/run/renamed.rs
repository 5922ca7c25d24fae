//! Files that were read and have another name now. Without this they would be read once more.

use std::collections::BTreeMap;

use alluvium_connectors::source::{self, Partition, Position, Source};
use alluvium_host::Plugin;

use super::arguments::Run;
use super::bookmarks::{self, Bookmark};
use super::input_options::InputOptions;
use super::inputs::{self, Input};
use crate::failure::Failure;

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
    let of_found = found.iter().filter_map(|(there, bookmark)| Some((there.name().to_owned(), bookmark.clone()?)));
    let mut marked: BTreeMap<String, Bookmark> = of_found.collect();
    let mut left = Vec::new();
    for partition in known {
        let failed = |error| Failure::runtime(&run.dir, &error);
        let bookmark = plugin.with_engine(|engine| bookmarks::of(engine, input.name(), &partition));
        if let Some(bookmark) = bookmark.map_err(failed)? {
            marked.insert(partition.name().to_owned(), bookmark);
        }
        left.extend(plugin.with_engine(|engine| bookmarks::left(engine, input.name(), &partition)).map_err(failed)?);
    }
    let names: BTreeMap<&str, &Partition> = found.iter().map(|(there, _)| (there.name(), there)).collect();
    let positions = marked.iter().map(|(name, bookmark)| (name.clone(), bookmark.position.clone())).collect();
    let is_same = |name: &str, position: &Position| fits(input, names[name], position, run);
    let renamed = source::renamed(names.keys().copied(), &positions, is_same)?;
    for (there, bookmark) in found {
        if let Some(earlier) = renamed.get(there.name()) {
            *bookmark = earlier.as_ref().and_then(|earlier| marked.get(earlier).cloned());
        } else if bookmark.is_none() {
            // It may have been left for the next one.
            *bookmark = source::left_at(&left, |end| fits(input, there, end, run))?.map(Bookmark::of_left);
        }
    }
    Ok(())
}

/// Whether the file of a partition has what is before a position, and is not another file.
pub(super) fn fits(input: &Input, partition: &Partition, position: &Position, run: &Run) -> Result<bool, Failure> {
    // It is read as it is, and not followed to where it may have been rotated to.
    let options = InputOptions { follow: false, ..run.reading.clone() };
    source::fits(position, None, || {
        let mut file = inputs::file(&input.path(partition), &options, input.connected.takes_columns)?;
        Ok(file.open(&Partition::whole())?)
    })
}
