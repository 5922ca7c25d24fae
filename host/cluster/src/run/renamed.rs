//! Files that were read and have another name now. Without this they would be read once more.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use alluvium_connectors::Batch;
use alluvium_connectors::source::{FilePosition, Position, SourceErrorKind as Kind};

use crate::error::ClusterError;
use crate::inputs::Input;

/// How long it is waited for what comes after a position. A file that is followed may have nothing there for now. If
/// what is before the position turns out to be something else only later, reading ends with that error.
const PATIENCE: Duration = Duration::from_secs(1);

/// The names under which partitions were read before, by their names now. `None` stands for one that is read from its
/// beginning, because another file has its name now.
pub(super) type Renamed = BTreeMap<String, Option<String>>;

/// Finds the partitions of an input that were read under another name. `known` has the positions by those names.
pub(super) fn find(
    input: &Input,
    partitions: &[String],
    known: &BTreeMap<String, Position>,
) -> Result<Renamed, ClusterError> {
    let mut renamed = Renamed::new();
    let new: Vec<&String> = partitions.iter().filter(|name| !known.contains_key(*name)).collect();
    if new.is_empty() {
        return Ok(renamed);
    }
    // A new file that is called like a known one with something behind may be what was rotated away from that name.
    let may_be_rotated = |name: &String| new.iter().any(|other| other.starts_with(name.as_str()));
    let mut strayed = Vec::new();
    for (name, position) in known {
        let is_there = partitions.binary_search(name).is_ok();
        if !is_there || (may_be_rotated(name) && !fits(input, name, position)?) {
            strayed.push((name, position, is_there));
        }
    }
    for name in new {
        for at in 0..strayed.len() {
            let (earlier, position, is_there) = strayed[at];
            if fits(input, name, position)? {
                renamed.insert(name.clone(), Some(earlier.clone()));
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

/// Whether a partition has what is before a position, and is not another file.
fn fits(input: &Input, name: &str, position: &Position) -> Result<bool, ClusterError> {
    if FilePosition::read(position).and_then(|position| position.fingerprint).is_none() {
        // Nothing tells files apart but their names.
        return Ok(false);
    }
    let mut reader = input.open(name)?;
    if reader.seek(position).is_err() {
        return Ok(false);
    }
    match reader.poll(&mut Batch::new(1, usize::MAX), Instant::now() + PATIENCE) {
        Ok(_) => Ok(true),
        Err(error) => match error.kind() {
            // A bad record is behind the position.
            Kind::Record | Kind::TooLong => Ok(true),
            Kind::Replaced | Kind::TooShort { .. } | Kind::Position | Kind::Header => Ok(false),
            _ => Err(error.into()),
        },
    }
}
