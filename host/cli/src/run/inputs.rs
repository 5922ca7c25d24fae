//! The named inputs of a run: each is a source, and each of its partitions has a reader.

use std::path::Path;

use alluvium_connectors::source::{FileSource, Partition, Progress, Reader, Source};

use crate::failure::Failure;

/// An input of the plugin.
pub(super) struct Input {
    /// What the plugin and the checkpoints call it.
    pub(super) name: String,
    /// What errors call it.
    pub(super) source_name: String,
    pub(super) partitions: Vec<(Partition, Box<dyn Reader>)>,
}

/// Opens the inputs, given as names and paths; `-` is the standard input.
pub(super) fn open(inputs: &[(&str, &Path)]) -> Result<Vec<Input>, Failure> {
    let open = |(name, path): &(&str, &Path)| {
        let source = if *path == Path::new("-") { FileSource::standard_input() } else { FileSource::new(*path) };
        Input::open(name, &mut { source })
    };
    inputs.iter().map(open).collect()
}

impl Input {
    fn open(name: &str, source: &mut dyn Source) -> Result<Self, Failure> {
        let failed = |error| Failure::source(&error);
        let mut partitions = Vec::new();
        for partition in source.partitions().map_err(failed)? {
            let reader = source.open(&partition).map_err(failed)?;
            partitions.push((partition, reader));
        }
        Ok(Self { name: name.to_owned(), source_name: source.identity().name().to_owned(), partitions })
    }
}

/// The size of all inputs, if each of them knows its size.
pub(super) fn total_bytes(inputs: &[Input]) -> Option<u64> {
    let partitions = inputs.iter().flat_map(|input| &input.partitions);
    partitions.map(|(_, reader)| reader.progress()).map(|Progress { total_bytes, .. }| total_bytes).sum()
}
