//! The work that follows a checkpoint: [retention], [garbage collection](gc) and [compaction]. None of
//! it can undo the commit. If a step fails, it is reported and tried again after the next checkpoint.

pub(crate) mod beginning;
pub(crate) mod compaction;
pub(crate) mod gc;
pub(crate) mod planned;
pub(crate) mod retention;

use std::fmt;
use std::sync::Arc;

use crate::directory::{Directory, DirectoryErrorKind, NewFile, Stores};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::segment::{Chunk, FILE_BYTES, RECORD_LEAD_BYTES_MAX, SegmentIdentity};
use crate::ledger::Ledger;
use crate::ledger::guards::Uncommitted;
use crate::ledger::listing::Listing;
use crate::ledger::own_file::Fingerprint;
use crate::ledger::segment_reader::SegmentSource;
use crate::maintenance::compaction::execute::{Compacted, execute};
use crate::maintenance::compaction::plan::{CompactionInput, Plan, plan};
use crate::maintenance::gc::{Retain, collect};
use crate::maintenance::retention::GarbageReport;

/// The work that a finished checkpoint leaves to be done. It may run at any time, before or after the next
/// checkpoint.
pub struct Maintenance<D> {
    pub(crate) directory: Arc<D>,
    pub(crate) stores: Stores<D>,
    pub(crate) listing: Listing,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) checkpoint_id: u64,
    pub(crate) max_retained: usize,
    pub(crate) compaction_input: CompactionInput,
}

impl<D> fmt::Debug for Maintenance<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Maintenance").field("checkpoint_id", &self.checkpoint_id).finish_non_exhaustive()
    }
}

/// What maintenance did after a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MaintenanceReport {
    /// The relative paths of the files that were deleted.
    pub deleted: Vec<String>,
    /// The total length of these files, in bytes.
    pub reclaimed_bytes: u64,
    /// The total length, in bytes, of the files that compaction created for the next checkpoint.
    pub rebased_bytes: u64,
    /// How many bytes compaction read.
    pub rebase_read_bytes: u64,
    /// What went wrong. The failed step is tried again after the next checkpoint.
    pub errors: Vec<String>,
}

impl From<GarbageReport> for MaintenanceReport {
    fn from(garbage: GarbageReport) -> Self {
        Self {
            reclaimed_bytes: garbage.reclaimed_bytes(),
            deleted: garbage.files.into_iter().filter(|file| !file.keep).map(|file| file.path).collect(),
            errors: garbage.errors,
            ..Self::default()
        }
    }
}

impl<D: Directory> Maintenance<D> {
    /// Applies retention, deletes files that no checkpoint names, and compacts where that is due. The
    /// new files are created now, behind the stream, and the next checkpoint publishes them.
    ///
    /// It never fails: what went wrong is in the report's `errors`.
    pub async fn run(self) -> MaintenanceReport {
        let retain = Retain::Newest(self.max_retained);
        let mut report = match collect(&*self.directory, &self.ledger, &self.listing, retain).await {
            Ok(garbage) => MaintenanceReport::from(garbage),
            Err(error) => MaintenanceReport { errors: vec![error.to_string()], ..MaintenanceReport::default() },
        };
        if let Err(error) = self.compact(&mut report).await {
            report.errors.push(format!("compaction: {error}"));
        }
        report
    }

    async fn compact(&self, report: &mut MaintenanceReport) -> Result<(), Error> {
        let directory = &*self.directory;
        let (segments, replacements, source, first, plan) = {
            let mut pages = self.ledger.lock();
            // If a newer checkpoint has been written meanwhile, its own maintenance will compact.
            let is_newest = pages.committed == Some(self.checkpoint_id);
            if !is_newest || pages.unpublished.is_some() || self.ledger.check().is_err() {
                return Ok(());
            }
            let plan = plan(&pages.segments, &self.compaction_input);
            if plan == Plan::Nothing {
                return Ok(());
            }
            // Segment numbers are reserved before it is known how many files there will be. These are
            // enough even if no record is dropped, and each says its lengths and its namespace.
            let encoded = |chunk: &Chunk| u64::from(chunk.bytes) + RECORD_LEAD_BYTES_MAX * u64::from(chunk.records);
            let bytes: u64 = pages.segments.iter().flat_map(|segment| &*segment.chunks).map(encoded).sum();
            let first = SegmentIdentity {
                store_id: pages.store_id,
                number: pages.take_numbers(1 + bytes / FILE_BYTES as u64)?,
                writer: pages.writer,
                checkpoint_id: self.checkpoint_id,
                ..SegmentIdentity::default()
            };
            let namespaces = pages.standing.namespaces.clone();
            (
                pages.segments.clone(),
                pages.replacements,
                SegmentSource::new(directory, &self.stores, pages.store_id, namespaces),
                first,
                plan,
            )
        };
        let compacted = execute(&source, &segments, &plan, first).await?;
        let Some(Compacted { replacement, files, bytes_read }) = compacted else { return Ok(()) };
        report.rebase_read_bytes = bytes_read;
        // The files are noted before they exist, because another checkpoint's garbage collection may run
        // meanwhile.
        let uncommitted = Uncommitted::note(&self.ledger, replacement);
        let batch: Vec<NewFile> = files.into_iter().map(Into::into).collect();
        let last = Fingerprint::of(&batch);
        let created = match directory.create(batch).await {
            Ok(()) => Ok(()),
            Err(error) => Fingerprint::settle(last, directory, first.writer, error).await,
        };
        let replacement = uncommitted.known();
        let mut pages = self.ledger.lock();
        // The replacement is still right if newer checkpoints were written meanwhile, because their deltas
        // go on top. It is wrong after a restore, which continues from other segments, and after another
        // compaction was published.
        let fits = pages.unpublished.is_none() && pages.replacements == replacements;
        if created.is_ok() && fits {
            report.rebased_bytes = replacement.bytes();
            pages.unpublished = Some(replacement);
        } else {
            pages.forget_uncommitted(&replacement);
        }
        created.inspect_err(|error| {
            // A full disk leaves nothing that counts, and the stream continues without the compaction.
            // After any other failure it is unknown what is on disk.
            if !matches!(error, Error::Io(error) if error.kind() == DirectoryErrorKind::NoSpace) {
                self.ledger.poison(error);
            }
        })
    }
}
