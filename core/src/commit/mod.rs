//! One checkpoint on its way: prepared in memory, written to the directory, finished in the manager.

use std::collections::BTreeMap;

use crate::changelog::Changelog;
use crate::clock::Clock;
use crate::directory::{Directory, DirectoryError, DirectoryErrorKind, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::few;
use crate::format::metadata::{AlluviumFields, IncrementalCheckpointMetadata, SegmentEntry, StateFile};
use crate::format::paths::{metadata_path, state_path};
use crate::format::segment::{SegmentIdentity, SegmentKind, encode};
use crate::ledger::listing::Listing;
use crate::ledger::segment_reader::LiveSegment;
use crate::ledger::{SharedLedger, lock};
use crate::maintenance::Maintenance;
use crate::maintenance::compaction::{CompactionInput, Replacement};
use crate::model::hash::checksum;
use crate::seeded_defects::{self, Defect};
use std::sync::Arc;

/// What one checkpoint cost. Durations come from the caller's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckpointStatistics {
    /// The checkpoint.
    pub id: u64,
    /// Keys that changed since the checkpoint before, tombstones included.
    pub keys_changed: u64,
    /// How many of them were deleted.
    pub tombstones: u64,
    /// Bytes of the keys and values that changed.
    pub bytes_changed: u64,
    /// Bytes of the delta that holds them.
    pub delta_bytes: u64,
    /// Bytes of rebased files that it published: created ahead of it, behind the stream.
    pub rebased_bytes: u64,
    /// Bytes of all files that were created for it, those of the rebase and the metadata included.
    pub bytes_written: u64,
    /// How long preparing took: the stall of the stream, in microseconds.
    pub freeze_us: u64,
    /// How long until it was durable and the directory had been listed again, from the start of writing,
    /// in microseconds.
    pub write_us: u64,
}

/// A checkpoint that is frozen and not yet written. It owns what it needs: puts may go on.
///
/// Checkpoints are written in the order in which they were prepared; one that is dropped instead
/// leaves a gap, and every later one is refused until the directory is opened anew.
#[derive(Debug)]
#[must_use = "a prepared checkpoint must be written: it holds the changes since the one before"]
pub struct PreparedCheckpoint {
    pub(crate) frozen: Changelog,
    /// The frozen log is the whole state, not what changed.
    pub(crate) full: bool,
    pub(crate) metadata: IncrementalCheckpointMetadata,
    pub(crate) state_bytes: u64,
    pub(crate) state_digest: u64,
    pub(crate) timestamp_ms: u64,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) state_file: Option<Vec<u8>>,
    pub(crate) follows: Option<u64>,
    pub(crate) compaction_input: CompactionInput,
    pub(crate) max_retained: usize,
    pub(crate) freeze_us: u64,
    pub(crate) ledger: SharedLedger,
    pub(crate) clock: SharedClock,
}

/// The error of a writer that finds `what` somebody else left.
pub(crate) fn fenced(what: impl std::fmt::Display) -> Error {
    Error::Fenced(format!("{what}: another writer owns the directory; stop, or open it anew and take it over"))
}

/// What a failed creation says: a name that is taken is another writer's.
pub(crate) fn creation_failed(error: DirectoryError) -> Error {
    match error.kind() {
        DirectoryErrorKind::AlreadyExists => fenced(format!("{} exists already", error.name())),
        _ => Error::from(error),
    }
}

/// The caller's clock, shared.
#[derive(Clone)]
pub(crate) struct SharedClock(pub(crate) Arc<dyn Clock + Send + Sync>);

impl std::fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// A durable checkpoint that the manager does not know of yet.
#[derive(Debug)]
#[must_use = "the manager learns of the checkpoint by finish_checkpoint"]
pub struct WrittenCheckpoint {
    pub(crate) metadata: IncrementalCheckpointMetadata,
    pub(crate) statistics: CheckpointStatistics,
    pub(crate) maintenance: Maintenance,
}

impl WrittenCheckpoint {
    /// The checkpoint's metadata, as it is on disk.
    pub fn metadata(&self) -> &IncrementalCheckpointMetadata {
        &self.metadata
    }
}

/// A checkpoint that is done, and what may be tidied up after it.
#[derive(Debug)]
pub struct FinishedCheckpoint {
    /// The metadata, as it is on disk.
    pub metadata: IncrementalCheckpointMetadata,
    /// What it cost.
    pub statistics: CheckpointStatistics,
    /// Retention, garbage collection and rebase: to be run at leisure. The checkpoint stands
    /// whatever becomes of it.
    pub maintenance: Maintenance,
}

/// What encoding a checkpoint gave, before any of it is created.
struct Encoded {
    metadata: IncrementalCheckpointMetadata,
    segments: Vec<LiveSegment>,
    batch: Vec<NewFile>,
    statistics: CheckpointStatistics,
    own_below: u64,
    /// The checkpoint whose files it shares.
    source: Option<u64>,
    /// The rebase that becomes part of it.
    published: Option<Replacement>,
}

impl PreparedCheckpoint {
    /// The id that the checkpoint will have.
    pub fn id(&self) -> u64 {
        self.metadata.id
    }

    /// Writes the checkpoint. When it resolves to `Ok`, it is durable.
    ///
    /// After an error the manager refuses further work until the directory is opened anew: the
    /// checkpoint may or may not exist. [`Fenced`](Error::Fenced) says that another writer has gone
    /// on: either this checkpoint does not exist, or it does and theirs was built on it.
    pub async fn write<D: Directory>(self, directory: &D) -> Result<WrittenCheckpoint, Error> {
        let ledger = self.ledger.clone();
        let written = self.write_unguarded(directory).await;
        if let Err(error) = &written {
            lock(&ledger).poison(error);
        }
        written
    }

    async fn write_unguarded<D: Directory>(self, directory: &D) -> Result<WrittenCheckpoint, Error> {
        let started_us = self.clock.0.monotonic_us();
        let id = self.metadata.id;
        let mut encoded = self.encode()?;
        let mut batch = std::mem::take(&mut encoded.batch);
        if seeded_defects::is(Defect::PublishFirst) {
            batch.rotate_right(1);
        }
        let entries = match directory.create_and_list(batch).await {
            Err(error) if error.kind() == DirectoryErrorKind::Io && seeded_defects::is(Defect::SwallowError) => {
                directory.list().await?
            }
            created => created.map_err(creation_failed)?,
        };
        encoded.statistics.write_us = self.clock.0.monotonic_us().saturating_sub(started_us);
        // The name was free, but was it because nobody was ahead? A writer that slept while others
        // committed and tidied up finds their newer ids here, and takes its own back.
        let listing = Listing::of(entries);
        // Whoever deletes a checkpoint looks for newer ones after its metadata has gone, and before its
        // files go. So either the one whose files are shared here is there still, and the deletion
        // will find this one, or this one must not count.
        let sourceless = encoded.source.filter(|source| !listing.checkpoints.contains(source));
        let sourceless = sourceless.map(|source| format!("checkpoint {source}, which {id} builds on, is gone"));
        let superseded = {
            let ledger = lock(&self.ledger);
            // A log upon this very checkpoint is of somebody who has built on it already.
            listing.superseded(id, |after, sequence| after == id || ledger.knows(after, sequence))
        };
        // Files that a rebase created ahead were named by nobody until now: whoever took the directory
        // over may have taken them for garbage.
        let gone = encoded.segments.iter().map(|segment| segment.entry.path()).find(|path| !listing.holds(path));
        let gone = gone.map(|path| format!("{path}, which {id} builds on, is gone"));
        let superseded = superseded.or(sourceless).or(gone);
        if let Some(left) = superseded.filter(|_| !seeded_defects::is(Defect::SkipFence)) {
            directory.delete(&[metadata_path(id)]).await?;
            return Err(fenced(left));
        }
        let mut ledger = lock(&self.ledger);
        ledger.committed = Some(id);
        ledger.segments = encoded.segments;
        if let Some(published) = &encoded.published {
            ledger.forget_uncommitted(published);
        }
        ledger.source = Some(id);
        ledger.own_below = encoded.own_below;
        ledger.wal_sequence = 0;
        ledger.known_wal.retain(|known| listing.wal.iter().any(|log| (log.0, log.1) == *known));
        ledger.keep(&encoded.metadata);
        drop(ledger);
        let maintenance = Maintenance {
            listing,
            ledger: self.ledger,
            checkpoint_id: id,
            max_retained: self.max_retained,
            compaction_input: CompactionInput { delta_bytes: encoded.statistics.delta_bytes, ..self.compaction_input },
        };
        Ok(WrittenCheckpoint { metadata: encoded.metadata, statistics: encoded.statistics, maintenance })
    }

    /// Puts the frozen log in order and everything into files. Pure, but for the numbers it takes.
    fn encode(&self) -> Result<Encoded, Error> {
        let mut ledger = lock(&self.ledger);
        ledger.check()?;
        if ledger.committed != self.follows {
            let name = |id: Option<u64>| id.map_or("none".into(), |id| id.to_string());
            return Err(Error::InvalidInput(format!(
                "checkpoint {} must be written after {}, and {} was last: write them in order and drop none",
                self.metadata.id,
                name(self.follows),
                name(ledger.committed)
            )));
        }
        let store_id = ledger.store_id;
        if self.full {
            ledger.drop_unpublished();
        }
        let published = ledger.unpublished.take();
        // Where there is nothing yet, what changed is the whole state.
        let kind = if self.full || ledger.segments.is_empty() { SegmentKind::Base } else { SegmentKind::Delta };
        let first = SegmentIdentity { store_id, kind, number: ledger.next_number, checkpoint_id: self.metadata.id };
        let (mut keys_changed, mut tombstones, mut bytes_changed) = (0, 0, 0);
        let records = self.frozen.newest().filter(|record| {
            keys_changed += 1;
            tombstones += u64::from(record.value.is_none());
            bytes_changed += record.payload_bytes() as u64;
            kind == SegmentKind::Delta || record.value.is_some()
        });
        let delta = encode(first, records, self.frozen.encoded_bytes());
        ledger.take_numbers(delta.len() as u64)?;

        let mut segments = match &published {
            _ if self.full => Vec::new(),
            Some(replacement) => replacement.apply(&ledger.segments),
            None => ledger.segments.clone(),
        };
        segments.extend(delta.iter().map(LiveSegment::of_encoded));
        few::sort(&mut segments, |a, b| a.entry.order().cmp(&b.entry.order()));
        let own_below = ledger.next_number;
        let source = ledger.source.filter(|_| !self.full);
        drop(ledger);

        let delta_bytes = delta.iter().map(|file| file.content.len() as u64).sum();
        let rebased_bytes = published.as_ref().map_or(0, Replacement::bytes);
        let state_file =
            self.state_file.as_ref().map(|state| StateFile { bytes: state.len() as u64, checksum: checksum(state, 0) });
        let state_file_bytes = state_file.map_or(0, |file| file.bytes);
        let entries: Vec<SegmentEntry> = segments.iter().map(|segment| segment.entry.clone()).collect();
        let metadata = IncrementalCheckpointMetadata {
            size_bytes: entries.iter().map(|entry| entry.bytes).sum::<u64>() + state_file_bytes,
            is_incremental: entries.iter().any(|entry| entry.checkpoint_id != self.metadata.id),
            sst_files: entries.iter().map(SegmentEntry::path).collect(),
            alluvium: Some(AlluviumFields {
                store_id,
                timestamp_ms: self.timestamp_ms,
                keys_changed,
                tombstones,
                bytes_changed,
                bytes_written: delta_bytes + rebased_bytes + state_file_bytes,
                state_bytes: self.state_bytes,
                state_digest: self.state_digest,
                segments: entries,
                state_file,
                annotations: self.annotations.clone(),
            }),
            ..self.metadata.clone()
        };
        let json = metadata.to_json()?;
        let mut statistics = CheckpointStatistics {
            id: metadata.id,
            keys_changed,
            tombstones,
            bytes_changed,
            delta_bytes,
            rebased_bytes,
            bytes_written: delta_bytes + rebased_bytes + state_file_bytes,
            freeze_us: self.freeze_us,
            write_us: 0,
        };
        let mut batch: Vec<NewFile> = delta.into_iter().map(Into::into).collect();
        if let Some(state) = &self.state_file {
            batch.push(NewFile { path: state_path(metadata.id), content: state.clone() });
        }
        // Metadata last: its creation is the commit.
        statistics.bytes_written += json.len() as u64;
        batch.push(NewFile { path: metadata_path(metadata.id), content: json.into_bytes() });
        Ok(Encoded { metadata, segments, batch, statistics, own_below, source, published })
    }
}
