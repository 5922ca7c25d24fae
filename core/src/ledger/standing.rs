//! What every checkpoint of a directory repeats from the one before.

use std::collections::BTreeSet;

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::{AlluviumFields, IncrementalCheckpointMetadata};
use crate::ledger::listing::Listing;
use crate::ledger::metadata_reader::read_listed_metadata;
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

/// Returns what the newest of these `ids` says that can be read. Kept checkpoints that do not exist are left out.
pub(crate) async fn standing_in<D: Directory>(
    directory: &D,
    listing: &Listing,
    ids: impl DoubleEndedIterator<Item = &u64>,
) -> Result<Standing, Error> {
    for id in ids.rev() {
        match read_listed_metadata(directory, listing, *id).await {
            Ok(IncrementalCheckpointMetadata { alluvium: Some(fields), .. }) => {
                let kept = fields.kept.intersection(&listing.checkpoints).copied().collect();
                return Ok(Standing { kept, ..Standing::of(&fields) });
            }
            Err(error) if matches!(error, Error::Io(_)) => return Err(error),
            // LaminarDB says none of it. What damaged metadata said, the one before it said too, or it is lost.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(Standing::default())
}

/// Returns which checkpoints are kept by their names, as [`standing_in`] does.
pub(crate) async fn kept_in<D: Directory>(
    directory: &D,
    listing: &Listing,
    ids: impl DoubleEndedIterator<Item = &u64>,
) -> Result<BTreeSet<u64>, Error> {
    standing_in(directory, listing, ids).await.map(|standing| standing.kept)
}

/// Fails if the directory would forget with a checkpoint that another one is kept, of those that are.
pub(crate) async fn check_still_said<D: Directory>(
    directory: &D,
    kept: &BTreeSet<u64>,
    listing: &Listing,
    id: u64,
) -> Result<(), Error> {
    if kept.is_empty() || listing.checkpoints.last() != Some(&id) {
        return Ok(());
    }
    let said = kept_in(directory, listing, listing.checkpoints.iter()).await?;
    let others = listing.checkpoints.iter().filter(|other| **other != id);
    let left = kept_in(directory, listing, others).await?;
    match said.intersection(kept).find(|other| !left.contains(other)) {
        Some(other) => Err(Error::InvalidInput(format!(
            "only checkpoint {id} says that checkpoint {other} is kept: take another checkpoint before you delete it"
        ))),
        None => Ok(()),
    }
}
