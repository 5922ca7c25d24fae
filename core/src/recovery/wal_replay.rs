//! Replaying the logs that follow a checkpoint: in order of their sequence, each held to the state
//! that it says it leaves.

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::wal_path;
use crate::format::wal::{WalFault, decode};
use crate::ledger::listing::Listing;
use crate::model::key_groups::KeyGroups;
use crate::model::key_groups::group_of;
use crate::recovery::digest::check_state;
use crate::recovery::types::{RecoverOptions, RecoveredCheckpoint, SkippedWal};
use crate::seeded_defects::{self, Defect};

/// Replays what follows `recovered`'s checkpoint, for the key groups that it was recovered for.
pub(crate) async fn replay<D: Directory>(
    directory: &D,
    options: &RecoverOptions,
    listing: &Listing,
    groups: KeyGroups,
    recovered: &mut RecoveredCheckpoint,
) -> Result<(), Error> {
    let Some(store_id) = recovered.metadata.alluvium.as_ref().map(|fields| fields.store_id) else { return Ok(()) };
    let id = recovered.metadata.id;
    let logs: Vec<u64> = listing.wal.iter().filter(|(checkpoint, ..)| *checkpoint == id).map(|log| log.1).collect();
    for (index, &sequence) in logs.iter().enumerate() {
        let path = wal_path(id, sequence);
        let expected = index as u64 + 1;
        if sequence != expected {
            let error = Error::Wal(format!("{}: missing, though {path} is there", wal_path(id, expected)));
            return pass_over(options, recovered, path, error);
        }
        let content = directory.read(&path).await?;
        let is_last = index + 1 == logs.len();
        let log = match decode(store_id, id, sequence, &content) {
            Ok(log) => log,
            // Only the last one can have been cut short by a crash; before it, it is damage.
            Err(WalFault::Torn(error))
                if (is_last || seeded_defects::is(Defect::AcceptTornTail)) && options.repair_wal =>
            {
                recovered.wal.cut = Some(SkippedWal { path, reason: error.to_string() });
                return Ok(());
            }
            Err(WalFault::Torn(error) | WalFault::Damaged(error)) => {
                return pass_over(options, recovered, path, error);
            }
        };
        let mut records = match log.records() {
            Ok(records) => records,
            Err(error) => return pass_over(options, recovered, path, error),
        };
        // All of them, whatever the groups: `max_wal_entries` must end every part at the same log.
        let entries = records.len() as u64;
        records.retain(|record| groups.contains(group_of(record.hash)));
        recovered.state.apply(&records)?;
        for record in &records {
            recovered.wal.mutations.push(record.hash, record.key, record.value);
        }
        let end = log.position;
        if groups == KeyGroups::ALL {
            check_state(&path, end.key_count, end.state_bytes, end.state_digest, &recovered.state)?;
        }
        recovered.bytes_read += content.len() as u64;
        recovered.wal.files += 1;
        recovered.wal.entries += entries;
        recovered.wal.end = Some(end);
        if options.has_enough(recovered.wal.entries) {
            return Ok(());
        }
    }
    Ok(())
}

/// Damage in the log loses what was durable: only when the caller said so.
fn pass_over(
    options: &RecoverOptions,
    recovered: &mut RecoveredCheckpoint,
    path: String,
    error: Error,
) -> Result<(), Error> {
    if !options.allow_fallback || matches!(error, Error::Io(_)) {
        return Err(error);
    }
    recovered.wal.cut = Some(SkippedWal { path, reason: error.to_string() });
    Ok(())
}
