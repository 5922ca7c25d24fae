//! What follows a checkpoint: retention, garbage collection, rebase. None of it can undo the commit;
//! what fails is reported and tried again after the next one.

pub(crate) mod compaction;
pub(crate) mod retention;

use std::sync::{Arc, Mutex};

use crate::commit::creation_failed;
use crate::directory::{Directory, DirectoryErrorKind, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::few::Set;
use crate::format::metadata::SegmentEntry;
use crate::format::paths::{Name, deleted_path, state_path, wal_path};
use crate::format::segment::FILE_BYTES;
use crate::ledger::listing::{Listing, read_metadata};
use crate::ledger::{Ledger, SharedLedger, lock};
use crate::maintenance::compaction::{Compacted, CompactionInput, Plan};
use crate::maintenance::retention::{FileVerdict, GarbageReport, Holdings, expired, unpublish, verdicts};
use crate::seeded_defects::{self, Defect};

/// Work that a finished checkpoint leaves, to be run at leisure, before or after the next one.
#[derive(Debug)]
pub struct Maintenance {
    pub(crate) listing: Listing,
    pub(crate) ledger: SharedLedger,
    pub(crate) checkpoint_id: u64,
    pub(crate) max_retained: usize,
    pub(crate) compaction_input: CompactionInput,
}

/// What maintenance did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MaintenanceReport {
    /// Files that were deleted.
    pub deleted: Vec<String>,
    /// Bytes that they held.
    pub reclaimed_bytes: u64,
    /// Bytes of rebased files that were created, for the next checkpoint to name.
    pub rebased_bytes: u64,
    /// Bytes that the rebase read.
    pub rebase_read_bytes: u64,
    /// What went wrong; it is tried again after the next checkpoint.
    pub errors: Vec<String>,
}

impl Maintenance {
    /// Lets old checkpoints go, deletes what nobody names, and rebases where that is due: the new
    /// files are created here, behind the stream, and published with the next checkpoint.
    pub async fn run<D: Directory>(self, directory: &D) -> MaintenanceReport {
        let mut report = MaintenanceReport::default();
        match collect(directory, &self.ledger, &self.listing, Retain::Newest(self.max_retained)).await {
            Ok(garbage) => {
                report.reclaimed_bytes = garbage.reclaimed_bytes();
                report.deleted = garbage.files.into_iter().filter(|file| !file.keep).map(|file| file.path).collect();
                report.errors = garbage.errors;
            }
            Err(error) => report.errors.push(error.to_string()),
        }
        if let Err(error) = self.rebase(directory, &mut report).await {
            report.errors.push(format!("rebase: {error}"));
        }
        report
    }

    async fn rebase<D: Directory>(&self, directory: &D, report: &mut MaintenanceReport) -> Result<(), Error> {
        let (segments, store_id, first_number, plan) = {
            let mut ledger = lock(&self.ledger);
            // A newer checkpoint has been written meanwhile: its own maintenance will see to it.
            if ledger.committed != Some(self.checkpoint_id) || ledger.unpublished.is_some() || ledger.check().is_err() {
                return Ok(());
            }
            let plan = compaction::plan(&ledger.segments, &self.compaction_input);
            // Numbers are taken before the files exist: as many as if nothing fell away.
            let most: u64 =
                1 + ledger.segments.iter().map(|segment| segment.entry.bytes).sum::<u64>() / FILE_BYTES as u64;
            let first = if plan == Plan::Nothing { 0 } else { ledger.take_numbers(most)? };
            (ledger.segments.clone(), ledger.store_id, first, plan)
        };
        let carried =
            compaction::execute(directory, store_id, self.checkpoint_id, &segments, &plan, first_number).await?;
        let Some(Compacted { replacement, files, bytes_read }) = carried else { return Ok(()) };
        report.rebase_read_bytes = bytes_read;
        // Before the files are there: another checkpoint's collection may run meanwhile.
        lock(&self.ledger).uncommitted_files.extend(replacement.paths());
        let created = directory.create(files.into_iter().map(Into::into).collect()).await;
        let mut ledger = lock(&self.ledger);
        // Still right if newer checkpoints came: their deltas go on top. Not after a restore,
        // which goes on from other segments.
        let still_named =
            |entry: &SegmentEntry| ledger.segments.iter().any(|segment| segment.entry.order() == entry.order());
        let fits = ledger.unpublished.is_none() && replacement.superseded.iter().all(|(entry, _)| still_named(entry));
        if created.is_ok() && fits {
            report.rebased_bytes = replacement.bytes();
            ledger.unpublished = Some(replacement);
        } else {
            ledger.forget_uncommitted(&replacement);
        }
        created.map_err(|error| {
            let error = creation_failed(error);
            // A full disk leaves nothing that counts, and the stream goes on without the rebase. Of any
            // other failure nobody knows what it left.
            if !matches!(&error, Error::Io(error) if error.kind() == DirectoryErrorKind::NoSpace) {
                ledger.poison(&error);
            }
            error
        })
    }
}

/// Which checkpoints stay.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Retain {
    /// So many of the newest.
    Newest(usize),
    /// All of them, but for this one.
    AllBut(Option<u64>),
}

/// Learns of checkpoints that are there and not in the ledger, and forgets those that are gone.
async fn learn<D: Directory>(directory: &D, ledger: &SharedLedger, listing: &Listing) -> Result<(), Error> {
    let unknown: Vec<u64> = {
        let mut ledger = lock(ledger);
        ledger.kept.retain(|id, _| listing.checkpoints.contains(id));
        listing.checkpoints.iter().filter(|id| !ledger.kept.contains_key(id)).copied().collect()
    };
    for id in unknown {
        let files = match read_metadata(directory, id).await {
            Ok(metadata) => Some(metadata.files().into_iter().collect()),
            // Passing faults must not be mistaken for damage.
            Err(error) if error.is_transient() => return Err(error),
            Err(_) => None,
        };
        lock(ledger).kept.insert(id, files);
    }
    Ok(())
}

/// Decides and deletes: metadata first, then what it alone named.
pub(crate) async fn collect<D: Directory>(
    directory: &D,
    ledger: &SharedLedger,
    listing: &Listing,
    retain: Retain,
) -> Result<GarbageReport, Error> {
    learn(directory, ledger, listing).await?;
    let (going, files) = decide(ledger, listing, retain);
    let mut report = GarbageReport { files, errors: Vec::new() };
    let gone =
        |paths: Vec<String>| async move { if paths.is_empty() { Ok(()) } else { directory.delete(&paths).await } };
    // What is no file is never deleted, whatever its name: its checkpoint cannot be read as it is.
    let is_file =
        |path: &String| listing.entries.iter().any(|(name, entry)| *name != Name::Foreign && entry.path == *path);
    let metadata: Vec<String> = unpublish(&going).into_iter().filter(is_file).collect();
    if seeded_defects::is(Defect::DeleteEarly) {
        let early = report.files.iter().filter(|file| !file.keep && !metadata.contains(&file.path));
        gone(early.map(|file| file.path.clone()).collect()).await?;
    }
    if let Err(error) = gone(metadata.clone()).await {
        if matches!(retain, Retain::AllBut(Some(_))) {
            // Whoever asked for this one to go must not be told that it has gone.
            return Err(error.into());
        }
        // While a checkpoint may still exist, its files must.
        return Ok(nothing_goes(report, &error.to_string()));
    }
    {
        let mut ledger = lock(ledger);
        for id in &going {
            ledger.kept.remove(id);
        }
        // Its files stay for as long as the working state builds on them.
        ledger.source = ledger.source.filter(|id| !going.contains(id));
    }
    let mut dead_wal = Vec::new();
    if !metadata.is_empty() {
        // Another writer may have restored what was about to go: then its checkpoint shares the files.
        // From now on nobody can, since the metadata is gone.
        let now = Listing::take(directory).await?;
        let own = lock(ledger).committed.max(listing.checkpoints.last().copied());
        if let Some(id) = now.checkpoints.last().filter(|id| Some(**id) > own) {
            return Ok(nothing_goes(report, &format!("checkpoint {id} is another writer's")));
        }
        // A log that came after the mark: its writer is told that it does not count.
        let dead = now.wal.iter().filter(|(checkpoint, ..)| going.contains(checkpoint));
        dead_wal.extend(dead.map(|(checkpoint, sequence, _)| wal_path(*checkpoint, *sequence)));
    }
    if let Err(error) = remember(directory, listing, &mut report).await {
        report.errors.push(error.to_string());
    }
    let unneeded = report.files.iter().filter(|file| !file.keep && !metadata.contains(&file.path));
    let reclaim = unneeded.map(|file| file.path.clone()).chain(dead_wal).collect::<Set<_>>().into_vec();
    if let Err(error) = gone(reclaim).await {
        report.errors.push(error.to_string());
    }
    Ok(report)
}

/// Every file stays, and the report says why.
fn nothing_goes(mut report: GarbageReport, why: &str) -> GarbageReport {
    for file in report.files.iter_mut().filter(|file| !file.keep) {
        (file.keep, file.why) = (true, format!("stays for now: {why}"));
    }
    report.errors.push(why.to_owned());
    report
}

/// Before the last trace of the highest id goes, a marker must remember that it was given.
async fn remember<D: Directory>(directory: &D, listing: &Listing, report: &mut GarbageReport) -> Result<(), Error> {
    let (trace, path) = (state_path(listing.highest_id), deleted_path(listing.highest_id));
    let is_there = |path: &str| listing.entries.iter().any(|(_, entry)| entry.path == path);
    let Some(file) = report.files.iter_mut().find(|file| !file.keep && file.path == trace) else { return Ok(()) };
    if is_there(&path) {
        return Ok(());
    }
    let created = directory.create(vec![NewFile { path, content: Vec::new() }]).await;
    created.map_err(|error| {
        (file.keep, file.why) = (true, format!("stays for now: {error}"));
        Error::from(error)
    })
}

fn decide(ledger: &SharedLedger, listing: &Listing, retain: Retain) -> (Vec<u64>, Vec<FileVerdict>) {
    let ledger = lock(ledger);
    let going = match retain {
        Retain::Newest(count) => expired(&ledger.kept, &listing.marked, count),
        Retain::AllBut(id) => id.into_iter().collect(),
    };
    let mut working: Set<String> = ledger.segments.iter().map(|segment| segment.entry.path()).collect();
    working.extend(
        ledger.unpublished.iter().flat_map(|unpublished| unpublished.superseded.iter().map(|(entry, _)| entry.path())),
    );
    let holdings = Holdings {
        kept: &ledger.kept,
        working: &working,
        uncommitted_files: &ledger.uncommitted_files,
        settled_id: ledger.opened_at_id.max(ledger.committed.unwrap_or(0)),
        own_below: ledger.own_below,
        keep_wal: ledger.keep_wal,
        leftovers: &ledger.leftovers,
    };
    let files = verdicts(listing, &holdings, &going);
    (going, files)
}

/// What garbage collection would do to a directory that nobody has open: nothing is deleted.
///
/// ```
/// use alluvium_core::directory::{block_on, MemoryDirectory};
///
/// let report = block_on(alluvium_core::gc::plan(&MemoryDirectory::new(), None))?;
/// assert!(report.files.is_empty());
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
pub async fn plan<D: Directory>(directory: &D, max_retained: Option<usize>) -> Result<GarbageReport, Error> {
    let listing = Listing::take(directory).await?;
    let own_below = listing.highest_number.saturating_add(1);
    let ledger: SharedLedger = Arc::new(Mutex::new(Ledger::new([0; 16], own_below, &listing)));
    learn(directory, &ledger, &listing).await?;
    let retain = max_retained.map_or(Retain::AllBut(None), Retain::Newest);
    let (_, files) = decide(&ledger, &listing, retain);
    Ok(GarbageReport { files, errors: Vec::new() })
}
