//! Verifies a backup, alone or against its source.

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::{metadata_path, wal_path};
use crate::ledger::listing::Listing;
use crate::ledger::lost::check_not_lost;
use crate::tools::backup::plan::{Plan, damage};
use crate::tools::backup::report::BackupCheck;
use crate::tools::backup::report::BackupError::{self, Destination, Source};
use crate::tools::verify::{Finding, verify};

/// Verifies a backup, as [`verify`] does.
///
/// A directory that is no backup is [`InvalidInput`](Error::InvalidInput).
pub async fn check_backup<D: Directory>(destination: &D) -> Result<BackupCheck, Error> {
    let listing = Listing::take_beside_writer(destination).await?;
    let Some(store_id) = listing.backup_of.iter().next().copied() else {
        return Err(Error::InvalidInput("is no backup, or a writer has opened it since".into()));
    };
    let report = verify(destination).await?;
    let newest = listing.checkpoints.last().copied();
    Ok(BackupCheck { store_id, newest, report, ..BackupCheck::default() })
}

/// Does what [`check_backup`] does, and compares the backup with its source: what both hold must be the same, and the
/// backup must not hold what the source has lost. The source itself is not verified.
pub async fn check_backup_of<S: Directory, D: Directory>(
    destination: &D,
    source: &S,
) -> Result<BackupCheck, BackupError> {
    let mut check = check_backup(destination).await.map_err(Destination)?;
    let plan = loop {
        let mut listing = Listing::take_beside_writer(source).await.map_err(Source)?;
        check_not_lost(source, &mut listing).await.map_err(Source)?;
        if let Some(plan) = Plan::read(source, &listing).await.map_err(Source)? {
            break plan;
        }
    };
    if plan.store_id != check.store_id {
        return Err(Destination(Error::InvalidInput("is a backup of another directory".into())));
    }
    let there = Listing::take_all(destination).await.map_err(Destination)?;
    let mut differ = Vec::new();
    for &id in &there.checkpoints {
        let path = metadata_path(id);
        match plan.checkpoints.get(&id) {
            Some(planned) => differ.extend(difference(destination, &path, &planned.metadata).await),
            None if plan.has_lost(id) => {
                differ.push(damage(&path, "the source has lost this checkpoint, which the backup holds"));
            }
            None => {}
        }
    }
    let newest = plan.newest_shown;
    // If the source went back, it may hold other WAL files of the same names, and the backup is behind.
    if there.checkpoints.contains(&newest) && !plan.went_back() {
        for (sequence, _) in there.wal_after(newest) {
            let path = wal_path(newest, sequence);
            match plan.wal.get(&sequence) {
                Some(content) => differ.extend(difference(destination, &path, content).await),
                None => differ.push(damage(&path, "the source has lost this file, which the backup holds")),
            }
        }
    }
    let behind = |sequence: &&u64| !there.holds_wal(newest, **sequence);
    check.newer_wal_files = plan.wal.keys().filter(behind).count() as u64;
    check.newer = plan.checkpoints.keys().copied().filter(|id| Some(*id) > check.newest).collect();
    check.report.findings.extend(differ);
    check.report.findings.sort_by(|a, b| (&a.path, a.severity, &a.what).cmp(&(&b.path, b.severity, &b.what)));
    Ok(check)
}

/// Returns a finding if a file of the destination is not what the source holds.
async fn difference<D: Directory>(destination: &D, path: &str, content: &[u8]) -> Option<Finding> {
    // One byte more than expected shows a file that is longer.
    let is_longer = destination.read_range(path, 0, content.len() + 1).await.is_ok();
    let found = destination.read_range(path, 0, content.len()).await;
    let is_same = !is_longer && found.as_deref() == Ok(content);
    (!is_same).then(|| damage(path, "is not what the source holds under this name"))
}
