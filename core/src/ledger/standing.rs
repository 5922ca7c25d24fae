//! What every checkpoint of a directory repeats from the one before.

use std::collections::BTreeSet;

use crate::format::metadata::AlluviumFields;
use crate::model::hash_range::HashRange;
use crate::model::namespace::Namespaces;

/// The parts of the metadata that stay the same from checkpoint to checkpoint, until the caller changes them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    /// The namespaces of the state, beside the default one.
    pub(crate) namespaces: Namespaces,
    /// The checkpoints that retention keeps because the caller named them.
    pub(crate) kept: BTreeSet<u64>,
    /// The hashes of the keys that the directory owns. `None` means all of them.
    pub(crate) range: Option<HashRange>,
}

impl Standing {
    /// Returns what a checkpoint says of it.
    pub(crate) fn of(fields: &AlluviumFields) -> Self {
        Self { namespaces: fields.namespaces.clone(), kept: fields.kept.clone(), range: fields.range }
    }
}
