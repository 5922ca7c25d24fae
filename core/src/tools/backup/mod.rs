//! Backup: copies a directory into another one, beside its writer.
//!
//! The source is only read, and nothing in it is locked. The destination is an ordinary directory that is marked as a
//! backup, so that each backup into it copies only what it does not hold. The steps:
//!
//! 1. What the source holds is listed and its metadata is read. If a writer deletes the newest checkpoint meanwhile,
//!    there is a newer one, and the steps begin again. What was copied stays.
//! 2. Segments, lists and opaque states are copied.
//! 3. The whole is verified as it is in the destination: every checksum, every checkpoint recovered, the WAL replayed.
//!    A file that is damaged only in the destination is replaced. What is damaged in the source is left out.
//! 4. The WAL files are created, and then the metadata, that of the newest checkpoint first. Now the backup counts.
//! 5. What the source no longer has is deleted. If anything was left out, nothing is: the destination may have the only
//!    whole copy of it.
//!
//! A crash between any two calls leaves the backup before or the new one, and the next backup continues. A writer that
//! opens the destination makes it a directory of its own, and deletes the mark.

mod check;
mod committing;
mod copying;
mod plan;
mod relation;
mod report;
mod view;

use crate::directory::{Directory, EntryKind};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::Name;
use crate::ledger::listing::Listing;
use crate::ledger::lost::check_not_lost;
use crate::tools::backup::copying::{Copying, Newest};
use crate::tools::backup::plan::Plan;
use crate::tools::backup::relation::{Relation, admit};
use crate::tools::backup::report::BackupError::{Destination, Source};
use crate::tools::verify::{Finding, Severity};

pub use crate::tools::backup::check::{check_backup, check_backup_of};
pub use crate::tools::backup::report::{BackupCheck, BackupError, BackupReport};

/// Copies the checkpoints of `source`, and the WAL after the newest one, to `destination`. It holds at least
/// what was durable in the source before the call. The caller must be the only one that writes to the destination.
///
/// Damage in the source is a [finding](BackupReport::findings), and the rest is backed up. The errors are those of the
/// two directories, and:
///
/// - A source without any whole checkpoint is [`NotFound`](Error::NotFound), [`CheckpointsLost`](Error::CheckpointsLost)
///   or [`Corruption`](Error::Corruption). What the destination holds of checkpoints is left as it is.
/// - A source that only LaminarDB has written, or one with segments in other directories, is
///   [`InvalidInput`](Error::InvalidInput).
/// - A destination that is neither empty nor a backup of this source is [`InvalidInput`](Error::InvalidInput).
/// - A destination that holds what the source has lost is [`Lost`](BackupError::Lost).
///
/// ```
/// use std::sync::Arc;
/// use alluvium_core::directory::{MemoryDirectory, block_on};
/// use alluvium_core::tools::backup::backup;
/// use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
///
/// let source = Arc::new(MemoryDirectory::new());
/// let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true);
/// let mut manager = block_on(IncrementalCheckpointManager::open(source.clone(), CheckpointConfig::new(), options))?;
/// manager.put(b"bed", b"gravel")?;
/// block_on(manager.create_checkpoint(0))?;
///
/// let destination = MemoryDirectory::new();
/// let first = block_on(backup(&*source, &destination))?;
/// assert_eq!((first.newest, first.copied_files), (1, 2));
/// let second = block_on(backup(&*source, &destination))?;
/// assert_eq!(second.copied_files, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn backup<S: Directory, D: Directory>(source: &S, destination: &D) -> Result<BackupReport, BackupError> {
    let mut report = BackupReport::default();
    while !pass(source, destination, &mut report).await? {}
    report.findings.extend(others(source).await.map_err(Source)?);
    report.findings.sort_by(|a, b| (&a.path, a.severity, &a.what).cmp(&(&b.path, b.severity, &b.what)));
    Ok(report)
}

/// Goes through the steps once. Returns false if they must begin again.
async fn pass<S: Directory, D: Directory>(
    source: &S,
    destination: &D,
    report: &mut BackupReport,
) -> Result<bool, BackupError> {
    let mut listing = Listing::take_beside_writer(source).await.map_err(Source)?;
    check_not_lost(source, &mut listing).await.map_err(Source)?;
    let Some(mut plan) = Plan::read(source, &listing).await.map_err(Source)? else { return Ok(false) };
    let there = Listing::take_all(destination).await.map_err(Destination)?;
    admit(destination, &there, plan.store_id).await.map_err(Destination)?;
    let relation = Relation::of(destination, &there, &plan).await?;
    // They are copied when the others of the same ids have gone.
    plan.checkpoints.retain(|id, _| !relation.other.contains(id));

    let mut copying = Copying::new(source, destination, report);
    if copying.copy(&mut plan, &listing, &there).await? == Newest::HasGone
        || copying.verify(&mut plan, &listing).await? == Newest::HasGone
    {
        return Ok(false);
    }
    let Some(newest) = plan.newest() else {
        let first = plan.findings.first().map(|finding| (finding.path.clone(), finding.what.clone()));
        let (path, what) = first.unwrap_or_default();
        return Err(Source(Error::corrupt(path, format!("no checkpoint is whole: {what}"))));
    };
    copying.commit(&plan, &relation).await?;
    let is_whole = plan.findings.is_empty();
    if is_whole {
        copying.prune(&plan, &listing).await?;
    }
    let (files, pending) = (plan.files(), plan.pending());
    report.store_id = plan.store_id;
    report.newest = newest;
    report.checkpoints = plan.checkpoints.len() as u64;
    report.wal_files = plan.wal.len() as u64;
    report.files = (files.len() + pending.len()) as u64;
    report.bytes = files.values().sum::<u64>() + pending.values().map(|content| content.len() as u64).sum::<u64>();
    report.findings.clone_from(&plan.findings);
    Ok(relation.other.is_empty() || !is_whole)
}

/// Returns the files of the source that belong to no checkpoint and that no writer is about to use.
async fn others<S: Directory>(source: &S) -> Result<Vec<Finding>, Error> {
    let listing = Listing::take_all(source).await?;
    let finding = |(name, entry): &(Name, crate::directory::Entry)| {
        let (severity, what) = match *name {
            Name::Foreign if entry.kind != EntryKind::Temporary => {
                (Severity::Foreign, "not written by Alluvium, so it is not in the backup".to_owned())
            }
            Name::Wal(checkpoint, _) if listing.is_orphaned(checkpoint) => {
                let what = format!("checkpoint {checkpoint} is missing, so this file is not in the backup");
                (Severity::Orphan, what)
            }
            _ => return None,
        };
        Some(Finding { path: entry.path.clone(), severity, what })
    };
    Ok(listing.entries().filter_map(finding).collect())
}
