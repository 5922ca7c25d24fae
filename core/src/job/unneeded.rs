//! Which directories of workers are needed by no kept manifest.

use std::collections::BTreeSet;

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::job::log::manifest_of;
use crate::job::manifest::JobManifest;
use crate::job::store_id::StoreId;
use crate::ledger::listing::Listing;

impl JobManifest {
    /// Reads the newest manifest of a job without claiming it, or the manifest of one checkpoint of its log.
    /// Returns `None` if the log is empty and none was asked for.
    ///
    /// The errors are those of [`recover`](crate::recovery::recover). A checkpoint that is no manifest of a job is
    /// [`Deserialization`](Error::Deserialization).
    pub async fn find<D: Directory>(log: &D, checkpoint: Option<u64>) -> Result<Option<Self>, Error> {
        manifest_of(log, checkpoint).await
    }
}

/// Returns the manifests that the log keeps, oldest first. One that a writer deletes meanwhile is left out.
pub async fn kept_manifests<D: Directory>(log: &D) -> Result<Vec<JobManifest>, Error> {
    let listing = Listing::take_beside_writer(log).await?;
    let mut kept = Vec::with_capacity(listing.checkpoints.len());
    for id in &listing.checkpoints {
        match manifest_of(log, Some(*id)).await {
            Ok(manifest) => kept.extend(manifest),
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(kept)
}

/// Returns those of `existing` that neither a kept manifest nor the workers of the newest generation need.
///
/// List `existing` before you read the manifests: a directory is created only after the claim that names it, so a
/// directory that is in use is either named by them or belongs to a generation that a later claim has ended.
pub fn unneeded(existing: &BTreeSet<StoreId>, kept: &[JobManifest]) -> BTreeSet<StoreId> {
    let mut needed: BTreeSet<StoreId> = kept.iter().flat_map(JobManifest::needed).collect();
    needed.extend(kept.last().iter().flat_map(|newest| &newest.stores));
    existing.difference(&needed).copied().collect()
}
