//! What garbage collection would do, without doing it.

use crate::config::Counts;
use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::ledger::Ledger;
use crate::ledger::listing::Listing;
use crate::ledger::lost::check_not_lost;
use crate::ledger::standing::kept_in;
use crate::maintenance::gc::{Retain, decide, learn};
use crate::maintenance::retention::GarbageReport;

/// Returns what garbage collection would do to a directory that no writer has open. Nothing is deleted.
///
/// With `max_retained`, only that many of the newest checkpoints stay, and those that are
/// [kept](crate::IncrementalCheckpointManager::keep); with `None`, all of them stay.
/// Fails if the directory cannot be listed or read. Files of checkpoints without any checkpoint are
/// [`CheckpointsLost`](Error::CheckpointsLost).
///
/// ```
/// use alluvium_core::directory::{block_on, MemoryDirectory};
///
/// let report = block_on(alluvium_core::gc::plan(&MemoryDirectory::new(), None))?;
/// assert!(report.files.is_empty());
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
pub async fn plan<D: Directory>(directory: &D, max_retained: Option<usize>) -> Result<GarbageReport, Error> {
    let (listing, ledger) = loop {
        let mut listing = Listing::take_all_beside_writer(directory).await?;
        check_not_lost(directory, &mut listing.clone()).await?;
        let own_below = listing.highest_number.saturating_add(1);
        let ledger = Ledger::new([0; 16], own_below, &listing, false, Counts::Written);
        let damaged = learn(directory, &ledger, &listing).await?;
        // What a writer has deleted meanwhile is not damaged.
        match damaged {
            Some((id, error)) if listing.renew(directory, Some(id), &error).await => {}
            _ if listing.check_not_lost().is_err() => {}
            _ => break (listing, ledger),
        }
    };
    ledger.lock().standing.kept = kept_in(directory, &listing, listing.checkpoints.iter()).await?;
    let retain = max_retained.map_or(Retain::AllBut(None), Retain::Newest);
    let (_, files) = decide(&ledger, &listing, retain);
    Ok(GarbageReport { files, errors: Vec::new() })
}
