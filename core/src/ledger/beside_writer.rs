//! Listings beside a writer. A listing is not of one moment: it may show some names as they were before a step of the
//! writer, and others as they are after it.

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::Name;
use crate::ledger::listing::{Listing, may_be_ours};

impl Listing {
    /// Lists what a reader must know of a directory.
    ///
    /// A newer checkpoint deletes the WAL files before it. So these are listed first: if the checkpoint that they follow
    /// is the newest one afterwards, it is not found without them.
    pub(crate) async fn take_beside_writer<D: Directory>(directory: &D) -> Result<Self, Error> {
        settled(async || {
            let early = directory.list_only(may_be_wal).await?;
            let mut entries = directory.list_only(may_be_ours).await?;
            let newest = Self::of(entries.clone()).checkpoints.last().copied();
            let follows = |path: &str| matches!(Name::parse(path), Name::Wal(after, _) if Some(after) == newest);
            entries.extend(early.into_iter().filter(|entry| follows(&entry.path)));
            entries.sort_unstable();
            entries.dedup_by(|one, other| one.path == other.path);
            Ok(Self::of(entries))
        })
        .await
    }

    /// Lists a directory with everything in it for a reader.
    pub(crate) async fn take_all_beside_writer<D: Directory>(directory: &D) -> Result<Self, Error> {
        settled(async || Self::take_all(directory).await).await
    }
}

/// Takes a listing. One that shows no checkpoint may have missed both the one that went and the one that came, so it
/// is taken until nothing has changed since the one before.
async fn settled(take: impl AsyncFn() -> Result<Listing, Error>) -> Result<Listing, Error> {
    let mut listing = take().await?;
    while listing.checkpoints.is_empty() {
        let again = take().await?;
        if again.entries().eq(listing.entries()) {
            break;
        }
        listing = again;
    }
    Ok(listing)
}

/// Tells whether a path is that of a WAL file, or of the directory that holds them.
fn may_be_wal(path: &str) -> bool {
    path == "wal" || matches!(Name::parse(path), Name::Wal(..))
}
