//! Verification: reads every byte of a directory and reports what is wrong.

mod cached_directory;
mod checks;
mod report;

use rustc_hash::FxHashMap;

use crate::directory::{Directory, DirectoryErrorKind, EntryKind, Stores};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::{Name, metadata_path};
use crate::ledger::listing::Listing;
use crate::ledger::lost::check_not_lost;
use crate::ledger::metadata_reader::read_listed_metadata;
use crate::tools::verify::cached_directory::{CACHE_BYTES_MAX, CachedDirectory};
use crate::tools::verify::checks::{Checked, verify_checkpoint, verify_wal};

pub use crate::tools::verify::report::{Finding, Severity, VerifyReport};

/// Reads every file, checks every byte, recovers every checkpoint, and replays the WAL after the newest one.
///
/// Each segment is read once if the segments that several checkpoints share fit in memory. Otherwise some
/// are read again. It fails only if the directory cannot be listed; everything else is a finding.
pub async fn verify<D: Directory>(directory: &D) -> Result<VerifyReport, Error> {
    verify_with(directory, &Stores::new()).await
}

/// Does what [`verify`] does for a directory some of whose segments are in other directories: `stores` has
/// these by their ids. Of them, only these segments are read.
pub async fn verify_with<D: Directory>(directory: &D, stores: &Stores<D>) -> Result<VerifyReport, Error> {
    verify_with_cache(directory, stores, CACHE_BYTES_MAX).await
}

/// Does what [`verify`] does, with at most `most` bytes of files in memory.
async fn verify_with_cache<D: Directory>(
    directory: &D,
    stores: &Stores<D>,
    most: usize,
) -> Result<VerifyReport, Error> {
    loop {
        let listing = Listing::take_all_beside_writer(directory).await?;
        let (report, gone) = verify_listed(directory, stores, &listing, most).await;
        // If a writer has deleted every checkpoint meanwhile, it has newer ones.
        let all_gone = gone == listing.checkpoints.len() && gone > 0;
        let mut now = listing.clone();
        let was_torn = listing.check_not_lost().is_err() && check_not_lost(directory, &mut now).await.is_ok();
        if !all_gone && !was_torn {
            return Ok(report);
        }
    }
}

/// Verifies what a listing shows. Returns how many of its checkpoints a writer has deleted meanwhile, too.
async fn verify_listed<D: Directory>(
    directory: &D,
    stores: &Stores<D>,
    listing: &Listing,
    most: usize,
) -> (VerifyReport, usize) {
    let mut report = VerifyReport::default();
    let mut gone = 0;
    let held = CachedDirectory::new(directory, most);
    let source = &held;
    let stores = stores.map(|store| CachedDirectory::new(&**store, most));
    if let Err(error) = listing.check_not_lost() {
        report.find(error.place().unwrap_or_default(), Severity::Damage, error.to_string());
    }
    let mut checked = Checked::default();
    // The last checkpoint that needs each file. Checkpoints are verified from the oldest to the newest.
    let mut wanted_until: FxHashMap<String, u64> = FxHashMap::default();
    for &id in &listing.checkpoints {
        if let Ok(metadata) = read_listed_metadata(source, listing, id).await {
            for path in metadata.files() {
                wanted_until.insert(path, id);
            }
        }
    }
    for &id in &listing.checkpoints {
        let mut found = VerifyReport::default();
        verify_checkpoint(source, &stores, listing, id, &mut checked, &mut found).await;
        // Only what an existing checkpoint names is damage.
        if found.is_damaged() && is_gone(directory, id).await {
            gone += 1;
        } else {
            report.checkpoints += found.checkpoints;
            report.findings.append(&mut found.findings);
        }
        held.keep(|path| wanted_until.get(path).is_some_and(|last| *last > id));
    }
    let Checked { named, replayed, .. } = checked;
    for (name, entry) in listing.entries() {
        match *name {
            Name::Metadata(_) => {
                report.files += 1;
                report.bytes = report.bytes.saturating_add(entry.bytes);
            }
            _ if named.contains(&entry.path) => {
                report.files += 1;
                report.bytes = report.bytes.saturating_add(entry.bytes);
            }
            Name::Foreign if entry.kind == EntryKind::Temporary => {
                report.find(&entry.path, Severity::Leftover, "left by a write that was interrupted");
            }
            Name::Foreign => report.find(&entry.path, Severity::Foreign, "not written by Alluvium"),
            Name::Wal(checkpoint, sequence) => {
                report.files += 1;
                report.bytes = report.bytes.saturating_add(entry.bytes);
                if replayed.contains(&entry.path) {
                    continue;
                }
                if let Err(error) = verify_wal(directory, listing, (checkpoint, sequence), entry.bytes).await {
                    if !is_missing(directory, &entry.path).await {
                        report.find(&entry.path, Severity::Damage, error.to_string());
                    }
                } else if listing.is_orphaned(checkpoint) {
                    let what = format!("checkpoint {checkpoint} is missing, so this file is never replayed");
                    report.find(&entry.path, Severity::Orphan, what);
                } else if !listing.checkpoints.contains(&checkpoint) {
                    let what = format!("holds changes after checkpoint {checkpoint}, which was deleted");
                    report.find(&entry.path, Severity::Leftover, what);
                } else if listing.checkpoints.last().is_some_and(|newest| checkpoint < *newest) {
                    let what =
                        format!("holds changes after checkpoint {checkpoint}, which a newer checkpoint contains");
                    report.find(&entry.path, Severity::Leftover, what);
                }
            }
            Name::Deleted(_) | Name::Remains(..) | Name::Backup(_) if entry.bytes > 0 => {
                report.find(&entry.path, Severity::Damage, "a marker must be empty");
            }
            Name::Deleted(_) | Name::Remains(..) | Name::Backup(_) => {}
            Name::State(id) | Name::EmptyCheckpoint(id) if !listing.checkpoints.contains(&id) => {
                report.find(&entry.path, Severity::Leftover, format!("checkpoint {id} is partial: it has no metadata"));
            }
            Name::State(_) | Name::EmptyCheckpoint(_) => {
                report.find(&entry.path, Severity::Leftover, "no whole checkpoint names it");
            }
            Name::Segment(..) | Name::List(..) => {
                let what = "no whole checkpoint names it: it was created for the next checkpoint, or left behind";
                report.find(&entry.path, Severity::Leftover, what);
            }
        }
    }
    report.findings.sort_by(|a, b| (&a.path, a.severity, &a.what).cmp(&(&b.path, b.severity, &b.what)));
    // Several checkpoints share a file; one finding is enough.
    report.findings.dedup();
    (report, gone)
}

/// Tells whether a checkpoint does not exist any more.
async fn is_gone<D: Directory>(directory: &D, id: u64) -> bool {
    is_missing(directory, &metadata_path(id)).await
}

/// Tells whether a file does not exist any more.
async fn is_missing<D: Directory>(directory: &D, path: &str) -> bool {
    let read = directory.read_range(path, 0, 0).await;
    read.is_err_and(|error| error.kind() == DirectoryErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{Operation, SimulatedDirectory, block_on};
    use crate::format::metadata::{AlluviumFields, IncrementalCheckpointMetadata};
    use crate::format::paths::metadata_path;
    use crate::format::segment::{SegmentIdentity, encode};
    use crate::ledger::live_segment::LiveSegment;
    use crate::model::hash::key_hash;
    use crate::model::record::Record;
    use crate::state::State;

    /// Two checkpoints of the same state, which share its one segment.
    fn sharing() -> SimulatedDirectory {
        let (key, value, store_id) = (b"bed", vec![7; 100_000], [7; 16]);
        let mut state = State::new();
        state.put(key, &value).unwrap();
        let identity = SegmentIdentity { store_id, number: 1, checkpoint_id: 1, ..SegmentIdentity::default() };
        let record = Record { hash: key_hash(key), key, value: Some(&value), ..Record::default() };
        let file = encode(identity, [record], 2 * value.len()).pop().unwrap();
        let segment = LiveSegment::of_encoded(&file).entry;
        let mut files = vec![(segment.path(), file.content)];
        for id in [1, 2] {
            let metadata = IncrementalCheckpointMetadata {
                key_count: 1,
                sst_files: vec![segment.path()],
                alluvium: Some(AlluviumFields {
                    store_id,
                    state_bytes: state.payload_bytes(),
                    state_digest: state.digest(),
                    segments: vec![segment.clone()],
                    ..AlluviumFields::default()
                }),
                ..IncrementalCheckpointMetadata::new(id, id)
            };
            files.push((metadata_path(id), metadata.to_json().unwrap().into_bytes()));
        }
        SimulatedDirectory::from_files(1, files.into_iter().collect())
    }

    #[test]
    fn without_room_for_shared_files_the_findings_are_the_same() {
        let verified = |most| {
            let directory = sharing();
            let report = block_on(verify_with_cache(&directory, &Stores::new(), most)).unwrap();
            (directory.calls().iter().filter(|call| **call == Operation::Read).count(), report)
        };
        let (with_room, report) = verified(CACHE_BYTES_MAX);
        assert_eq!((with_room, report.checkpoints, report.files, &report.findings[..]), (3, 2, 3, &[][..]));
        let (without_room, same) = verified(0);
        assert!(without_room > with_room, "{without_room} reads");
        assert_eq!(same, report);
    }
}
