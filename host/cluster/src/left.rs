//! Files that readers left for the next ones, as files are that were rotated away. What the log remembers of them are their
//! ends: by these they are known under any name, and are not read once more.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use alluvium_connectors::source::{Position, Renamed, left_at};
use alluvium_core::job::JobManifest;

use crate::error::ClusterError;
use crate::inputs::Input;

/// How many files are remembered for each input.
const LEFT_MAX: usize = 256;

fn annotation(input: &str) -> String {
    format!("job.left.{input}")
}

fn of_input(input: &str, annotations: &BTreeMap<String, String>) -> Result<VecDeque<Position>, ClusterError> {
    let name = annotation(input);
    let Some(text) = annotations.get(&name) else { return Ok(VecDeque::new()) };
    serde_json::from_str(text)
        .map_err(|error| ClusterError::Damaged(format!("the annotation {name:?} of the log has no positions: {error}")))
}

/// Adds the ends of files that were left in an epoch to what the log remembers.
pub(crate) fn remember<'e>(
    ends: impl IntoIterator<Item = (&'e str, &'e Position)>,
    manifest: &JobManifest,
    annotations: &mut BTreeMap<String, String>,
) -> Result<(), ClusterError> {
    let mut all = BTreeMap::<&str, VecDeque<Position>>::new();
    for (input, end) in ends {
        if !all.contains_key(input) {
            all.insert(input, of_input(input, &manifest.position.annotations)?);
        }
        all.entry(input).or_default().push_front(end.clone());
    }
    for (input, mut ends) in all {
        ends.truncate(LEFT_MAX);
        // Positions are always JSON.
        annotations.insert(annotation(input), serde_json::to_string(&ends).unwrap_or_default());
    }
    Ok(())
}

/// Finds the new partitions of an input that were left under another name, and puts their ends into the manifest, from
/// which reading continues.
pub(crate) fn find(
    input: &Input,
    partitions: &[String],
    renamed: &Renamed,
    manifest: &mut JobManifest,
) -> Result<(), ClusterError> {
    let left = of_input(input.name(), &manifest.position.annotations)?;
    if left.is_empty() {
        return Ok(());
    }
    let positions = manifest.position.positions.entry(input.name().to_owned()).or_default();
    let known: BTreeSet<String> = positions.keys().cloned().collect();
    for name in partitions.iter().filter(|name| !known.contains(*name) && !renamed.contains_key(*name)) {
        if let Some(end) = left_at(&left, |end| input.fits(name, end))? {
            positions.insert(name.clone(), end);
        }
    }
    Ok(())
}
