//! Garbage collection. It first decides which files go, without changing anything, and then deletes
//! them in a fixed order.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::directory::{Directory, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::{Name, deleted_path, wal_path};
use crate::ledger::Ledger;
use crate::ledger::listing::{BEGUN, Listing, mentioned_id};
use crate::ledger::metadata_reader::read_listed_metadata;
use crate::maintenance::beginning::{mark_begun, unmark_begun};
use crate::maintenance::retention::{FileVerdict, GarbageReport, Holdings, expired, unpublish, verdicts};
use crate::seeded_defects::{self, Defect};

/// Which checkpoints stay.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Retain {
    /// This many of the newest stay.
    Newest(usize),
    /// All of them stay, except this one.
    AllBut(Option<u64>),
}

/// Notes in the ledger which files each listed checkpoint names, and forgets checkpoints that are gone. Returns the
/// first one that cannot be read.
pub(crate) async fn learn<D: Directory>(
    directory: &D,
    ledger: &Ledger,
    listing: &Listing,
) -> Result<Option<(u64, Error)>, Error> {
    let mut damaged = None;
    let unknown: Vec<u64> = {
        let mut pages = ledger.lock();
        pages.kept.retain(|id, _| listing.checkpoints.contains(id));
        pages.going.retain(|id| listing.checkpoints.contains(id));
        listing.checkpoints.iter().filter(|id| !pages.kept.contains_key(id)).copied().collect()
    };
    for id in unknown {
        let files = match read_listed_metadata(directory, listing, id).await {
            Ok(metadata) => Some(Arc::new(metadata.files().into_iter().collect())),
            // A transient fault must not be mistaken for damage.
            Err(error) if matches!(error, Error::Io(_)) => return Err(error),
            Err(error) => {
                damaged.get_or_insert((id, error));
                None
            }
        };
        ledger.lock().kept.insert(id, files);
    }
    Ok(damaged)
}

/// Decides which files go and deletes them: first the metadata, then the files that it alone named.
///
/// If the deletion of metadata fails, no file goes, and the report says why. If one checkpoint was to be
/// deleted, the failure is an error.
pub(crate) async fn collect<D: Directory>(
    directory: &D,
    ledger: &Ledger,
    listing: &Listing,
    retain: Retain,
) -> Result<GarbageReport, Error> {
    learn(directory, ledger, listing).await?;
    let (going, files) = decide(ledger, listing, retain);
    let mut report = GarbageReport { files, errors: Vec::new() };
    let gone =
        |paths: Vec<String>| async move { if paths.is_empty() { Ok(()) } else { directory.delete(&paths).await } };
    // Only regular files are deleted. If the metadata is a link or a pipe, it stays; its checkpoint
    // cannot be read anyway.
    let is_file = |path: &String| listing.entry(path).is_some_and(|(name, _)| *name != Name::Foreign);
    let metadata: Vec<String> = unpublish(&going).into_iter().filter(is_file).collect();
    if seeded_defects::is(Defect::DeleteEarly) {
        let early = report.files.iter().filter(|file| !file.keep && !metadata.contains(&file.path));
        gone(early.map(|file| file.path.clone()).collect()).await?;
    }
    // From here on the metadata may be gone, also if this future is dropped.
    ledger.lock().source.take_if(|id| going.contains(id));
    let wal_first = wal_before_metadata(ledger, listing, &going, &report.files);
    let unpublished = async {
        gone(wal_first.clone()).await?;
        gone(metadata.clone()).await
    };
    if let Err(error) = unpublished.await {
        ledger.lock().going.retain(|id| !going.contains(id));
        if matches!(retain, Retain::AllBut(Some(_))) {
            // The caller asked for this checkpoint to go, and must not be told that it has gone.
            return Err(error.into());
        }
        // As long as a checkpoint may still exist, its files must exist.
        return Ok(nothing_goes(report, &error.to_string()));
    }
    {
        let mut pages = ledger.lock();
        for id in &going {
            // Its files still stay for as long as the working state builds on them.
            pages.kept.remove(id);
            pages.going.remove(id);
        }
    }
    let mut dead_wal = Vec::new();
    if !metadata.is_empty() {
        // Another writer may have restored a checkpoint that was about to go. Its new checkpoint then
        // shares the files. From now on no writer can restore it, because the metadata is gone.
        let now = Listing::take(directory).await?;
        let own = ledger.lock().committed.max(listing.checkpoints.last().copied());
        if let Some(id) = now.checkpoints.last().filter(|id| Some(**id) > own) {
            return Ok(nothing_goes(report, &format!("checkpoint {id} belongs to another writer")));
        }
        if now.checkpoints.is_empty() && !now.is_begun() {
            // Another writer deleted the checkpoint that was to stay. That is no loss of metadata.
            mark_begun(directory).await?;
        }
        // A WAL file may have come after the mark. Its writer is told that it does not count.
        let dead = now.wal.iter().filter(|(checkpoint, ..)| going.contains(checkpoint));
        dead_wal.extend(dead.map(|(checkpoint, sequence, _)| wal_path(*checkpoint, *sequence)));
    }
    if let Err(error) = remember(directory, listing, &mut report).await {
        report.errors.push(error.to_string());
    }
    let handled: FxHashSet<&String> = metadata.iter().chain(&wal_first).collect();
    let unneeded = report.files.iter().filter(|file| !file.keep && !handled.contains(&file.path));
    let (marks, files): (BTreeSet<String>, BTreeSet<String>) =
        unneeded.map(|file| file.path.clone()).chain(dead_wal).partition(|path| is_of_beginning(path));
    let reclaimed = async {
        gone(files.into_iter().collect()).await?;
        // What the marks say must hold for as long as they exist.
        let (begun, remains): (Vec<String>, Vec<String>) =
            marks.into_iter().partition(|path| Name::parse(path) == Name::Deleted(BEGUN));
        gone(remains).await?;
        if begun.is_empty() { Ok(()) } else { unmark_begun(directory).await }
    };
    if let Err(error) = reclaimed.await {
        report.errors.push(error.to_string());
    }
    Ok(report)
}

/// Tells whether a path is that of a mark of how the directory began.
fn is_of_beginning(path: &str) -> bool {
    matches!(Name::parse(path), Name::Deleted(BEGUN) | Name::Remains(..))
}

/// Tells whether the caller asked for garbage to be collected, and for nothing else.
fn is_explicit(retain: Retain) -> bool {
    matches!(retain, Retain::AllBut(None))
}

/// Returns the WAL files that are deleted before any metadata or marker is. A WAL file that outlived what says
/// that its checkpoint was deleted on purpose would be taken for an orphan.
///
/// The WAL files of the newest checkpoint are not among them: as long as it exists, they count. If the caller
/// keeps WAL files with their checkpoints, they count for older checkpoints too.
fn wal_before_metadata(
    ledger: &Ledger,
    listing: &Listing,
    going: &BTreeSet<u64>,
    files: &[FileVerdict],
) -> Vec<String> {
    let keeps_wal = ledger.lock().keep_wal;
    let newest = listing.checkpoints.last();
    let deleted = |path: &str| if let Name::Wal(checkpoint, _) = Name::parse(path) { Some(checkpoint) } else { None };
    let goes_first = |checkpoint: u64| {
        let is_known = listing.checkpoints.contains(&checkpoint);
        Some(&checkpoint) != newest
            && if is_known { !keeps_wal && !going.is_empty() } else { listing.marked.contains(&checkpoint) }
    };
    let gone = files.iter().filter(|file| !file.keep && deleted(&file.path).is_some_and(goes_first));
    gone.map(|file| file.path.clone()).collect()
}

/// Changes a report so that every file stays, and says why.
fn nothing_goes(mut report: GarbageReport, why: &str) -> GarbageReport {
    for file in report.files.iter_mut().filter(|file| !file.keep) {
        (file.keep, file.why) = (true, format!("stays for now: {why}"));
    }
    report.errors.push(why.to_owned());
    report
}

/// Creates a marker for the highest id if the last names that mention the id are about to go, because an
/// id must never be given twice. If that fails, these files stay.
async fn remember<D: Directory>(directory: &D, listing: &Listing, report: &mut GarbageReport) -> Result<(), Error> {
    let id = listing.highest_id;
    let mentions = |file: &&mut FileVerdict| mentioned_id(Name::parse(&file.path)) == Some(id);
    if listing.marked.contains(&id) || listing.checkpoints.contains(&id) {
        return Ok(());
    }
    let mut traces: Vec<&mut FileVerdict> = report.files.iter_mut().filter(mentions).collect();
    if traces.is_empty() || traces.iter().any(|file| file.keep) {
        return Ok(());
    }
    let created = directory.create(vec![NewFile { path: deleted_path(id), content: Vec::new() }]).await;
    created.map_err(|error| {
        for file in &mut traces {
            (file.keep, file.why) = (true, format!("stays for now: {error}"));
        }
        Error::from(error)
    })
}

/// Decides which checkpoints go, and the verdict on each file. Nothing is changed. The ledger is not locked for as
/// long as this takes, which grows with the directory.
pub(crate) fn decide(ledger: &Ledger, listing: &Listing, retain: Retain) -> (BTreeSet<u64>, Vec<FileVerdict>) {
    let (holdings, going) = {
        let mut pages = ledger.lock();
        let going = match retain {
            Retain::Newest(count) => {
                let mut going = expired(&pages.kept, &listing.marked, &pages.standing.kept, count);
                going.retain(|id| pages.restoring != Some(*id));
                going
            }
            Retain::AllBut(id) => id.into_iter().collect(),
        };
        // From here on, no checkpoint that goes can be kept.
        pages.going.extend(&going);
        let mut working: FxHashSet<String> = pages.segments.iter().map(|segment| segment.entry.path()).collect();
        working.extend(pages.list.iter().map(|list| list.file.path()));
        let superseded = pages.unpublished.iter().flat_map(|unpublished| &unpublished.superseded);
        working.extend(superseded.map(|(entry, _)| entry.path()));
        let holdings = Holdings {
            kept: pages.kept.clone(),
            working,
            uncommitted_files: pages.uncommitted_files.clone(),
            settled_id: pages.opened_at_id.max(pages.committed.unwrap_or(0)),
            own_below: pages.own_below,
            keep_wal: pages.keep_wal,
            leftovers: pages.leftovers.clone(),
            is_explicit: is_explicit(retain),
        };
        (holdings, going)
    };
    let files = verdicts(listing, &holdings, &going);
    (going, files)
}
