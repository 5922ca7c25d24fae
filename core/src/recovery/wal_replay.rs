//! Replays the WAL files that follow a checkpoint, in order of their sequence. After each file, the state
//! must be the one that the file says it leaves.

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::wal_path;
use crate::format::segment::{HEADER_BYTES, claimed_bytes};
use crate::format::version::FormatVersion;
use crate::format::wal::{WalFault, WalIdentity, decode};
use crate::ledger::listing::Listing;
use crate::ledger::prefetch::{AHEAD_BYTES, Prefetch};
use crate::ledger::segment_reader::WHOLE_BYTES;
use crate::model::wanted::Wanted;
use crate::namespaces::{Totals, apply};
use crate::recovery::digest::check_state;
use crate::recovery::types::{RecoverOptions, RecoveredCheckpoint, SkippedWal};
use crate::seeded_defects::{self, Defect};

/// Replays the WAL files after the checkpoint of `recovered`, for the records that it was recovered for.
pub(crate) async fn replay<D: Directory>(
    directory: &D,
    options: &RecoverOptions,
    listing: &Listing,
    wanted: Wanted,
    ahead: ReadAhead,
    recovered: &mut RecoveredCheckpoint,
) -> Result<(), Error> {
    let Some(fields) = &recovered.metadata.alluvium else { return Ok(()) };
    let (format, store_id, namespaces) = (fields.format, fields.store_id, fields.namespaces.clone());
    let id = recovered.metadata.id;
    let sequences: Vec<(u64, u64)> = listing.wal_after(id).collect();
    let mut ahead = ahead.into_iter();
    for (index, &(sequence, bytes)) in sequences.iter().enumerate() {
        let path = wal_path(id, sequence);
        let expected = index as u64 + 1;
        if sequence != expected {
            let error = Error::Wal(format!("{}: missing, although {path} exists", wal_path(id, expected)));
            return end_replay(options, recovered, path, error);
        }
        let content = match ahead.next() {
            Some(content) => content,
            None => read_wal(directory, format, &path, bytes).await,
        };
        let content = match content {
            Ok(content) => content,
            Err(error) => return end_replay(options, recovered, path, error),
        };
        let is_last = index + 1 == sequences.len();
        let wal = match decode(WalIdentity { format, store_id, checkpoint: id, sequence }, &content) {
            Ok(wal) => wal,
            // A crash can have cut only the last file short. An earlier file that is short is damaged.
            Err(WalFault::Torn(error))
                if (is_last || seeded_defects::is(Defect::AcceptTornTail)) && options.repair_wal =>
            {
                recovered.wal.cut = Some(SkippedWal { path, reason: error.to_string() });
                return Ok(());
            }
            Err(WalFault::Torn(error) | WalFault::Damaged(error)) => {
                return end_replay(options, recovered, path, error);
            }
        };
        let mut records = match wal.records(&namespaces) {
            Ok(records) => records,
            Err(error) => return end_replay(options, recovered, path, error),
        };
        // Mutations of all groups are counted, so that `max_wal_entries` ends at the same WAL file in every
        // instance.
        let entries = records.len() as u64;
        records.retain(|record| wanted.contains(record.hash));
        apply(&mut recovered.state, &mut recovered.spaces, &records)?;
        for record in &records {
            recovered.wal.mutations.push(*record);
        }
        let end = wal.position;
        if wanted == Wanted::ALL {
            let (keys, bytes, digest) = (end.key_count, end.state_bytes, end.state_digest);
            check_state(&path, Totals { keys, bytes, digest }, Totals::of(&recovered.state, &recovered.spaces))?;
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

/// WAL files that were read while the checkpoint before them was, from the first one on.
pub(crate) type ReadAhead = Vec<Result<Vec<u8>, Error>>;

/// Reads the first WAL files after a checkpoint, as many as may be in memory beside it.
pub(crate) async fn read_ahead<D: Directory>(
    directory: &D,
    format: FormatVersion,
    listing: &Listing,
    id: u64,
) -> ReadAhead {
    let mut left = AHEAD_BYTES;
    let fits = |(_, bytes): &(u64, u64)| {
        let fits = *bytes <= left;
        left = left.saturating_sub(*bytes);
        fits
    };
    let read =
        |(sequence, bytes)| (bytes, async move { read_wal(directory, format, &wal_path(id, sequence), bytes).await });
    let mut files = Prefetch::new(listing.wal_after(id).take_while(fits).map(read));
    let mut contents = ReadAhead::new();
    while let Some(content) = files.next().await {
        contents.push(content);
    }
    contents
}

/// Reads a WAL file that was listed with this many bytes. A longer one than its header says is damage, and is not
/// read.
pub(crate) async fn read_wal<D: Directory>(
    directory: &D,
    format: FormatVersion,
    path: &str,
    bytes: u64,
) -> Result<Vec<u8>, Error> {
    // A short file is read at once, because a second read would cost more than it saves.
    if bytes > WHOLE_BYTES {
        let head = directory.read_range(path, 0, HEADER_BYTES).await?;
        let claimed = u64::from(claimed_bytes(format, &head).unwrap_or_default());
        if bytes > claimed {
            return Err(Error::corrupt(path, format!("{bytes} bytes long, not {claimed}")));
        }
    }
    Ok(directory.read(path).await?)
}

/// Ends the replay at a damaged WAL file, if the caller allowed falling back. Otherwise it is an error,
/// because what follows in the WAL was durable and would be lost.
fn end_replay(
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
