//! Partitions that were read and have another name now. Without this they would be read once more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::{FilePosition, Polled, Position, Reader, SourceError, SourceErrorKind as Kind};
use crate::batch::Batch;

/// How long one poll may take.
const POLL: Duration = Duration::from_secs(2);

/// The names under which partitions were read before, by their names now. `None` stands for one that is read from its
/// beginning, because another partition has its name now.
pub type Renamed = BTreeMap<String, Option<String>>;

/// Finds the partitions that were read under another name. `known` has the positions by those names, and `fits` says
/// whether a partition has what is before a position, as [`fits`] does.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use alluvium_connectors::source::{Position, renamed};
///
/// // What is in each file is told by its position here. `log` was rotated away, and another file has its name.
/// let files = BTreeMap::from([("log", 2), ("log.1", 1), ("other", 3)]);
/// let known = BTreeMap::from([("log".to_owned(), Position::Offset(1))]);
/// let fits = |name: &str, position: &Position| Ok::<bool, ()>(*position == Position::Offset(files[name]));
/// let found = renamed(files.keys().copied(), &known, fits).unwrap();
/// assert_eq!(found, BTreeMap::from([("log".to_owned(), None), ("log.1".to_owned(), Some("log".to_owned()))]));
/// ```
pub fn renamed<'p, E>(
    partitions: impl IntoIterator<Item = &'p str>,
    known: &BTreeMap<String, Position>,
    mut fits: impl FnMut(&str, &Position) -> Result<bool, E>,
) -> Result<Renamed, E> {
    let partitions: BTreeSet<&str> = partitions.into_iter().collect();
    let new: Vec<&str> = partitions.iter().copied().filter(|name| !known.contains_key(*name)).collect();
    let mut renamed = Renamed::new();
    if new.is_empty() {
        return Ok(renamed);
    }
    // A new partition that is called like a known one with something behind may be what was rotated away from that name.
    let may_be_rotated = |name: &String| new.iter().any(|other| other.starts_with(name.as_str()));
    let mut strayed = Vec::new();
    for (name, position) in known {
        let is_there = partitions.contains(name.as_str());
        if !is_there || (may_be_rotated(name) && !fits(name, position)?) {
            strayed.push((name, position, is_there));
        }
    }
    for name in new {
        for at in 0..strayed.len() {
            let (earlier, position, is_there) = strayed[at];
            if fits(name, position)? {
                renamed.insert(name.to_owned(), Some(earlier.clone()));
                if is_there {
                    renamed.insert(earlier.clone(), None);
                }
                strayed.swap_remove(at);
                break;
            }
        }
    }
    Ok(renamed)
}

/// Does something with a reader that hands out, or passes over, as many records as `step` returns. If the reader leaves a
/// file for the next one there, the end of that file is added to `left`.
pub fn noting_left<T>(
    reader: &mut dyn Reader,
    left: &mut Vec<Position>,
    step: impl FnOnce(&mut dyn Reader) -> (T, u32),
) -> T {
    let before = reader.position();
    let (done, added) = step(reader);
    if FilePosition::has_left(&before, &reader.position(), added) {
        left.push(before);
    }
    done
}

/// Passes over a bad record as [`Reader::pass_over`] does, with what [`noting_left`] notes.
pub fn pass_over_noting_left(reader: &mut dyn Reader, left: &mut Vec<Position>) -> Option<Vec<u8>> {
    noting_left(reader, left, |reader| {
        let text = reader.pass_over();
        let passed = text.is_some().into();
        (text, passed)
    })
}

/// Returns the first of these ends of files that fits, or none: a file that was left for the next one is known by its end,
/// whatever its name is now. `fits` is as in [`renamed`], for one partition.
pub fn left_at<'e, E>(
    ends: impl IntoIterator<Item = &'e Position>,
    mut fits: impl FnMut(&Position) -> Result<bool, E>,
) -> Result<Option<Position>, E> {
    for end in ends {
        if fits(end)? {
            return Ok(Some(end.clone()));
        }
    }
    Ok(None)
}

/// Whether a partition has what is before a position, and is not another one. `open` returns a reader of it.
///
/// A partition may have nothing after the position for now. After `patience`, it fits then; if what is before the
/// position turns out to be something else only later, reading ends with that error. Without it, this waits until the
/// reader has come to the position.
pub fn fits<E: From<SourceError>>(
    position: &Position,
    patience: Option<Duration>,
    open: impl FnOnce() -> Result<Box<dyn Reader>, E>,
) -> Result<bool, E> {
    if FilePosition::read(position).and_then(|position| position.fingerprint).is_none() {
        // Nothing tells files apart but their names.
        return Ok(false);
    }
    let mut reader = open()?;
    if reader.seek(position).is_err() {
        return Ok(false);
    }
    loop {
        match reader.poll(&mut Batch::default(), Instant::now() + patience.unwrap_or(POLL)) {
            Ok(Polled::Nothing) if patience.is_none() => {}
            Ok(_) => return Ok(true),
            Err(error) => match error.kind() {
                // A bad record is behind the position.
                Kind::Record | Kind::TooLong => return Ok(true),
                Kind::Replaced | Kind::TooShort { .. } | Kind::Position | Kind::Header => return Ok(false),
                _ => return Err(error.into()),
            },
        }
    }
}
