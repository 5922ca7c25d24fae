//! The manager: the live state, the log of what changed, and the checkpoints that both go into.

mod accessors;
mod admin;
mod mutate;
mod restore;
mod sync;

pub use sync::{PreparedSync, WrittenSync};

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::changelog::Changelog;
use crate::commit::{CheckpointStatistics, FinishedCheckpoint, PreparedCheckpoint, SharedClock, WrittenCheckpoint};
use crate::config::{CheckpointConfig, OpenOptions};
use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::wal::WalPosition;
use crate::ledger::listing::Listing;
use crate::ledger::segment_reader::LiveSegment;
use crate::ledger::{Ledger, SharedLedger, lock};
use crate::maintenance::MaintenanceReport;
use crate::maintenance::compaction::CompactionInput;
use crate::recovery::{RecoverOptions, RecoveredCheckpoint, SkippedCheckpoint, SkippedWal, recover_listed};
use crate::state::State;

/// What opening a directory found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoverySummary {
    /// The checkpoint that was recovered.
    pub checkpoint_id: u64,
    /// Newer checkpoints that were passed over because they are damaged; newest first.
    pub skipped: Vec<SkippedCheckpoint>,
    /// Live keys.
    pub key_count: u64,
    /// Bytes of segments that were read.
    pub bytes_read: u64,
    /// Mutations that the log after the checkpoint added.
    pub wal_entries: u64,
    /// Where the log ended early: a torn tail, or damage that was allowed to be passed over.
    pub wal_cut: Option<SkippedWal>,
    /// The state is the caller's own, in `state.bin`: the original wrote this checkpoint.
    pub is_laminar: bool,
}

/// Memory that a manager holds, exactly as it was asked from the allocator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryUsage {
    /// For the state: records and tables.
    pub state_bytes: u64,
    /// For mutations that no checkpoint has taken yet.
    pub changelog_bytes: u64,
    /// Keys and values alone.
    pub payload_bytes: u64,
}

/// Keyed state whose checkpoints are incremental, atomic and the same everywhere.
///
/// ```
/// use std::sync::Arc;
/// use alluvium_core::directory::{block_on, MemoryDirectory};
/// use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
///
/// let directory = Arc::new(MemoryDirectory::new());
/// let options = OpenOptions::new(Arc::new(ManualClock::new(1_700_000_000_000)));
/// let mut manager = block_on(IncrementalCheckpointManager::open(directory.clone(), CheckpointConfig::new(), options.clone()))?;
/// manager.put(b"AA:JFK-LAX", b"12")?;
/// manager.set_source_offset("input", 1_000)?;
/// block_on(manager.create_checkpoint(0))?;
/// drop(manager);
///
/// let manager = block_on(IncrementalCheckpointManager::open(directory, CheckpointConfig::new(), options))?;
/// assert_eq!(manager.get(b"AA:JFK-LAX"), Some(&b"12"[..]));
/// assert_eq!(manager.source_offsets()["input"], 1_000);
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
///
/// A checkpoint is three steps, and `create_checkpoint` is the three in one call.
/// [`prepare_checkpoint`](Self::prepare_checkpoint) freezes in microseconds,
/// [`PreparedCheckpoint::write`] needs the directory and not the manager, and
/// [`finish_checkpoint`](Self::finish_checkpoint) tells the manager. Puts may run between them; they
/// belong to the next checkpoint.
#[derive(Debug)]
pub struct IncrementalCheckpointManager<D> {
    directory: Arc<D>,
    config: CheckpointConfig,
    clock: SharedClock,
    state: State,
    changelog: Changelog,
    /// Bytes of the log at which it is worth looking for mutations that later ones overwrote.
    compact_log_at: usize,
    epoch: u64,
    source_offsets: BTreeMap<String, u64>,
    watermark: Option<i64>,
    annotations: BTreeMap<String, String>,
    /// Position of the newest checkpoint, behind which the next must not be.
    wal_position: u64,
    latest: Option<u64>,
    /// The checkpoint that was prepared last, or the one that was opened.
    prepared: Option<u64>,
    /// The checkpoint whose state the working state continues.
    parent: Option<u64>,
    next_id: Option<u64>,
    in_flight: usize,
    /// What the next log follows; `None` until there is a checkpoint that it can.
    wal_base: Option<WalBase>,
    /// Bytes of the logs after the newest checkpoint.
    wal_bytes: u64,
    /// Where in the stream the last log ended.
    synced: Option<WalPosition>,
    last_checkpoint_us: Option<u64>,
    recovered: Option<RecoverySummary>,
    statistics: Option<CheckpointStatistics>,
    last_maintenance: Option<MaintenanceReport>,
    ledger: SharedLedger,
}

/// What a restore replaces, kept until it has come to its end.
struct SetAside {
    state: State,
    changelog: Changelog,
    epoch: u64,
    source_offsets: BTreeMap<String, u64>,
    watermark: Option<i64>,
    annotations: BTreeMap<String, String>,
    wal_position: u64,
    latest: Option<u64>,
    last_checkpoint_us: Option<u64>,
    recovered: Option<RecoverySummary>,
    wal_base: Option<WalBase>,
    segments: Vec<LiveSegment>,
    source: Option<u64>,
}

/// What a log follows: a checkpoint, and so many logs after it.
#[derive(Debug, Clone, Copy)]
struct WalBase {
    checkpoint: u64,
    sequence: u64,
}

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Opens a directory and recovers its newest checkpoint, or starts anew where there is none.
    ///
    /// Reads only; the first write is the first checkpoint. A damaged newest checkpoint is an error
    /// that names the place, unless the options [allow falling back](OpenOptions::allow_fallback).
    pub async fn open(directory: Arc<D>, config: CheckpointConfig, options: OpenOptions) -> Result<Self, Error> {
        config.validate()?;
        let listing = Listing::take(&*directory).await?;
        let recover_options =
            RecoverOptions::new().checkpoint(options.checkpoint).allow_fallback(options.allow_fallback);
        let recovered = recover_listed(&*directory, &recover_options, &listing).await?;
        if recovered.is_none() && !options.create {
            return Err(Error::NotFound(
                "the directory holds no checkpoint, and creating one was not asked for".into(),
            ));
        }
        let next_number = listing
            .highest_number
            .checked_add(1)
            .ok_or_else(|| Error::LimitExceeded("segment numbers are used up".into()))?;
        let mut manager = Self {
            directory,
            config,
            clock: SharedClock(options.clock),
            state: State::new(),
            changelog: Changelog::default(),
            compact_log_at: mutate::COMPACT_LOG_BYTES,
            epoch: 0,
            source_offsets: BTreeMap::new(),
            watermark: None,
            annotations: BTreeMap::new(),
            wal_position: 0,
            latest: None,
            prepared: None,
            parent: None,
            next_id: listing.highest_id.checked_add(1),
            in_flight: 0,
            wal_base: None,
            wal_bytes: 0,
            synced: None,
            last_checkpoint_us: None,
            recovered: None,
            statistics: None,
            last_maintenance: None,
            ledger: Arc::new(Mutex::new(Ledger::new(options.store_id, next_number, &listing))),
        };
        lock(&manager.ledger).keep_wal = !manager.config.truncate_wal;
        if let Some(recovered) = recovered {
            let id = recovered.metadata.id;
            let mut ledger = lock(&manager.ledger);
            ledger.wal_sequence = listing.wal.iter().filter(|log| log.0 == id).map(|log| log.1).max().unwrap_or(0);
            drop(ledger);
            manager.wal_bytes = listing.wal_bytes(id);
            manager.adopt(recovered);
            if listing.checkpoints.last() != Some(&id) || listing.marked.contains(&id) {
                // Recovery starts from the newest: a log after an older one would not be found. Nor may
                // one come after a checkpoint that somebody was about to delete.
                manager.wal_base = None;
            }
        }
        Ok(manager)
    }

    /// Makes a recovered checkpoint the one that work goes on from.
    fn adopt(&mut self, recovered: RecoveredCheckpoint) {
        let position = recovered.position();
        let RecoveredCheckpoint { metadata, state, skipped, bytes_read, segments, wal } = recovered;
        self.recovered = Some(RecoverySummary {
            checkpoint_id: metadata.id,
            skipped,
            key_count: state.len() as u64,
            bytes_read,
            wal_entries: wal.entries,
            wal_cut: wal.cut.clone(),
            is_laminar: metadata.alluvium.is_none(),
        });
        let timestamp_ms =
            metadata.alluvium.as_ref().map_or(metadata.timestamp.saturating_mul(1_000), |fields| fields.timestamp_ms);
        // How long ago it was by the wall clock, from then on by the monotonic one. A wall clock
        // that was set back makes it "just now", never "in an hour".
        let ago_us = self.clock.0.unix_ms().saturating_sub(timestamp_ms).saturating_mul(1_000);
        self.last_checkpoint_us = Some(self.clock.0.monotonic_us().saturating_sub(ago_us));
        if ago_us >= self.interval_us() {
            self.last_checkpoint_us = None;
        }
        self.state = state;
        // Behind the torn tail of a log no other may come: then a checkpoint must be first.
        let goes_on = metadata.alluvium.is_some() && wal.cut.is_none();
        self.wal_base = goes_on.then_some(WalBase { checkpoint: metadata.id, sequence: wal.files });
        self.changelog = wal.mutations;
        self.changelog.copy_tail();
        self.epoch = position.epoch;
        self.wal_position = position.wal_position;
        self.latest = Some(metadata.id);
        self.parent = Some(metadata.id);
        self.watermark = position.watermark;
        self.source_offsets = position.source_offsets;
        self.annotations = position.annotations;
        {
            let mut ledger = lock(&self.ledger);
            ledger.segments = segments;
            ledger.source = Some(metadata.id);
            ledger.drop_unpublished();
            if let Some(fields) = metadata.alluvium {
                ledger.store_id = fields.store_id;
            }
            // A restored checkpoint follows whatever was last.
            if ledger.committed.is_none() {
                ledger.committed = Some(metadata.id);
                self.prepared = Some(metadata.id);
            }
        }
    }

    /// Freezes what changed since the last checkpoint was prepared. Takes microseconds, whatever
    /// changed; nothing is written yet.
    ///
    /// Refused, changing nothing: when [`max_in_flight`](CheckpointConfig::max_in_flight)
    /// checkpoints are prepared and not finished ([`BufferOverflow`](Error::BufferOverflow)), when
    /// epoch or position would go backwards ([`EpochMismatch`](Error::EpochMismatch)), and after a
    /// failed write.
    pub fn prepare_checkpoint(&mut self, wal_position: u64) -> Result<PreparedCheckpoint, Error> {
        self.prepare(wal_position, None)
    }

    fn prepare(&mut self, wal_position: u64, state_file: Option<Vec<u8>>) -> Result<PreparedCheckpoint, Error> {
        let started_us = self.clock.0.monotonic_us();
        lock(&self.ledger).check()?;
        if self.in_flight >= self.config.max_in_flight {
            return Err(Error::BufferOverflow(self.epoch));
        }
        if wal_position < self.wal_position {
            return Err(Error::EpochMismatch { expected: self.wal_position, found: wal_position });
        }
        let id = self.next_id.ok_or_else(|| Error::LimitExceeded("checkpoint ids are used up".into()))?;
        let mut frozen = self.changelog.freeze();
        let full = !self.config.incremental;
        if full {
            frozen = self.whole_state();
        }
        let timestamp_ms = self.clock.0.unix_ms();
        let metadata = IncrementalCheckpointMetadata {
            timestamp: timestamp_ms / 1_000,
            wal_position,
            source_offsets: self.source_offsets.clone(),
            watermark: self.watermark,
            key_count: self.state.len() as u64,
            parent_id: self.parent,
            ..IncrementalCheckpointMetadata::new(id, self.epoch)
        };
        let prepared = PreparedCheckpoint {
            frozen,
            full,
            metadata,
            state_bytes: self.state.payload_bytes(),
            state_digest: self.state.digest(),
            timestamp_ms,
            annotations: self.annotations.clone(),
            state_file,
            follows: self.prepared,
            compaction_input: CompactionInput {
                group_bytes: self.state.group_bytes().to_vec(),
                delta_bytes: 0,
                read_ratio: self.config.recovery_read_ratio,
                max_bytes: self.config.max_rebase_bytes.unwrap_or(u64::MAX),
            },
            max_retained: self.config.max_retained,
            freeze_us: self.clock.0.monotonic_us().saturating_sub(started_us),
            ledger: self.ledger.clone(),
            clock: self.clock.clone(),
        };
        self.compact_log_at = mutate::COMPACT_LOG_BYTES;
        self.wal_position = wal_position;
        self.prepared = Some(id);
        self.parent = Some(id);
        self.wal_base = None;
        self.synced = None;
        self.next_id = id.checked_add(1);
        self.in_flight += 1;
        self.last_checkpoint_us = Some(started_us);
        Ok(prepared)
    }

    /// Takes note of a checkpoint that was written. The maintenance that comes back should be run,
    /// now or later.
    pub fn finish_checkpoint(&mut self, written: WrittenCheckpoint) -> Result<FinishedCheckpoint, Error> {
        if !Arc::ptr_eq(&written.maintenance.ledger, &self.ledger) {
            return Err(Error::InvalidInput("the checkpoint was prepared by another manager".into()));
        }
        let WrittenCheckpoint { metadata, statistics, maintenance } = written;
        self.in_flight = self.in_flight.saturating_sub(1);
        self.latest = Some(metadata.id);
        self.statistics = Some(statistics);
        if self.in_flight == 0 {
            // Nothing newer is on its way: whatever the log holds came after this checkpoint.
            self.wal_base = Some(WalBase { checkpoint: metadata.id, sequence: 0 });
            self.wal_bytes = 0;
        }
        Ok(FinishedCheckpoint { metadata, statistics, maintenance })
    }

    /// Prepares, writes and finishes a checkpoint, and runs its maintenance. When it resolves to
    /// `Ok`, state, offsets, watermark, epoch and position are durable together.
    pub async fn create_checkpoint(&mut self, wal_position: u64) -> Result<IncrementalCheckpointMetadata, Error> {
        let prepared = self.prepare_checkpoint(wal_position)?;
        self.complete(prepared).await
    }

    /// As [`create_checkpoint`](Self::create_checkpoint), with an opaque state of the caller's own
    /// written verbatim to `state.bin`, and these offsets and this watermark, which become the
    /// manager's.
    pub async fn create_checkpoint_with_state(
        &mut self,
        wal_position: u64,
        source_offsets: BTreeMap<String, u64>,
        watermark: Option<i64>,
        state: &[u8],
    ) -> Result<IncrementalCheckpointMetadata, Error> {
        for (source, offset) in &source_offsets {
            self.check_source_offset(source, *offset)?;
        }
        let before = (std::mem::replace(&mut self.source_offsets, source_offsets), self.watermark);
        self.watermark = watermark;
        match self.prepare(wal_position, Some(state.to_vec())) {
            Ok(prepared) => self.complete(prepared).await,
            Err(error) => {
                (self.source_offsets, self.watermark) = before;
                Err(error)
            }
        }
    }

    async fn complete(&mut self, prepared: PreparedCheckpoint) -> Result<IncrementalCheckpointMetadata, Error> {
        let directory = self.directory.clone();
        let written = prepared.write(&*directory).await?;
        let finished = self.finish_checkpoint(written)?;
        self.last_maintenance = Some(finished.maintenance.run(&*directory).await);
        Ok(finished.metadata)
    }

    /// Makes a kept checkpoint the newest: its state, offsets, watermark, epoch and position become
    /// the manager's, by a new checkpoint that shares its files. What was not checkpointed is lost.
    ///
    /// Until it resolves to `Ok`, the manager and the directory are as they were.
    pub async fn restore_checkpoint(&mut self, id: u64) -> Result<IncrementalCheckpointMetadata, Error> {
        lock(&self.ledger).check()?;
        if self.in_flight > 0 {
            return Err(Error::InvalidInput(format!(
                "{} checkpoints are in flight: finish them first",
                self.in_flight
            )));
        }
        let listing = Listing::take(&*self.directory).await?;
        let options = RecoverOptions::new().checkpoint(Some(id));
        let recovered = recover_listed(&*self.directory, &options, &listing).await?;
        let recovered = recovered.ok_or_else(|| Error::NotFound(format!("checkpoint {id} does not exist")))?;
        let state_file = match self.load_checkpoint_state(id).await {
            Ok(state) => Some(state),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        let wal_position = recovered.metadata.wal_position;
        let before = self.set_aside();
        self.adopt(recovered);
        self.wal_base = None;
        let restored = match self.prepare(wal_position, state_file) {
            Ok(prepared) => self.complete(prepared).await,
            Err(error) => Err(error),
        };
        if restored.is_err() {
            self.put_back(before);
        }
        restored
    }

    /// Takes out what adopting another checkpoint replaces.
    fn set_aside(&mut self) -> SetAside {
        let ledger = lock(&self.ledger);
        SetAside {
            state: std::mem::take(&mut self.state),
            changelog: std::mem::take(&mut self.changelog),
            epoch: self.epoch,
            source_offsets: std::mem::take(&mut self.source_offsets),
            watermark: self.watermark,
            annotations: self.annotations.clone(),
            wal_position: self.wal_position,
            latest: self.latest,
            last_checkpoint_us: self.last_checkpoint_us,
            recovered: self.recovered.take(),
            wal_base: self.wal_base,
            segments: ledger.segments.clone(),
            source: ledger.source,
        }
    }

    fn put_back(&mut self, before: SetAside) {
        {
            let mut ledger = lock(&self.ledger);
            ledger.segments = before.segments;
            ledger.source = before.source;
        }
        self.state = before.state;
        self.changelog = before.changelog;
        self.epoch = before.epoch;
        self.source_offsets = before.source_offsets;
        self.watermark = before.watermark;
        self.annotations = before.annotations;
        self.wal_position = before.wal_position;
        self.latest = before.latest;
        self.last_checkpoint_us = before.last_checkpoint_us;
        self.recovered = before.recovered;
        self.wal_base = before.wal_base;
    }
}
