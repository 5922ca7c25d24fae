//! The manager: the live state, the changelog, and the checkpoints that both go into.

mod accessors;
mod admin;
mod checkpoint;
mod mutate;
mod restore;
mod sync;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::changelog::Changelog;
use crate::clock::SharedClock;
use crate::commit::statistics::CheckpointStatistics;
use crate::config::{CheckpointConfig, OpenOptions};
use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::wal::WalPosition;
use crate::ledger::Ledger;
use crate::ledger::listing::Listing;
use crate::maintenance::MaintenanceReport;
use crate::model::position::StreamPosition;
use crate::recovery::recover::recover_listed;
use crate::recovery::types::{RecoverOptions, RecoveredCheckpoint, SkippedCheckpoint, SkippedWal};
use crate::state::State;

pub use crate::manager::sync::{PreparedSync, WrittenSync};

/// What opening a directory found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    live: LiveState,
    lineage: Lineage,
    wal: WalCursor,
    ledger: Arc<Ledger>,
    observed: Observed,
}

/// What the stream works on. A restore swaps all of it at once.
#[derive(Debug, Default)]
struct LiveState {
    state: State,
    /// The mutations since the last checkpoint was prepared.
    changes: Changelog,
    position: StreamPosition,
}

/// Which checkpoints come one after another.
#[derive(Debug, Clone, Copy, Default)]
struct Lineage {
    /// The id of the next checkpoint. `None` means that ids are used up.
    next_id: Option<u64>,
    /// The checkpoint whose state the working state continues.
    parent: Option<u64>,
    /// The checkpoint that was prepared last, or the one that was opened.
    last_prepared: Option<u64>,
    /// The newest checkpoint that is known to exist.
    latest: Option<u64>,
    /// How many checkpoints are prepared and not finished.
    in_flight: usize,
}

/// Where the WAL stands.
#[derive(Debug, Clone, Default)]
struct WalCursor {
    /// What the next WAL file follows. `None` until there is a checkpoint that it can follow.
    base: Option<WalBase>,
    /// Bytes of the WAL files after the newest checkpoint.
    bytes: u64,
    /// Where in the stream the last WAL file ended.
    synced: Option<WalPosition>,
}

/// What a WAL file follows: a checkpoint, and how many WAL files after it.
#[derive(Debug, Clone, Copy)]
struct WalBase {
    checkpoint: u64,
    sequence: u64,
}

/// What the manager has seen, for the caller to ask about.
#[derive(Debug, Default)]
struct Observed {
    recovered: Option<RecoverySummary>,
    statistics: Option<CheckpointStatistics>,
    maintenance: Option<MaintenanceReport>,
    /// When the last checkpoint was prepared, on the monotonic clock. `None` means long ago.
    last_checkpoint_us: Option<u64>,
}

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Opens a directory and recovers its newest checkpoint. Where there is none, it starts empty.
    ///
    /// Opening only reads; the first write is the first checkpoint. A damaged newest checkpoint is an
    /// error that names the place, unless the options [allow falling back](OpenOptions::allow_fallback).
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
        let ledger = Arc::new(Ledger::new(options.store_id, next_number, &listing, !config.truncate_wal));
        let mut manager = Self {
            directory,
            config,
            clock: SharedClock(options.clock),
            live: LiveState::default(),
            lineage: Lineage { next_id: listing.highest_id.checked_add(1), ..Lineage::default() },
            wal: WalCursor::default(),
            ledger,
            observed: Observed::default(),
        };
        if let Some(recovered) = recovered {
            let id = recovered.metadata.id;
            manager.ledger.lock().wal_sequence = listing.last_wal_sequence(id);
            manager.wal.bytes = listing.wal_bytes(id);
            manager.adopt(recovered);
            if listing.checkpoints.last() != Some(&id) || listing.marked.contains(&id) {
                // Recovery starts from the newest checkpoint, so a WAL file after an older one would not
                // be found. Nor may one follow a checkpoint that another writer was about to delete.
                manager.wal.base = None;
            }
        }
        Ok(manager)
    }

    /// Makes a recovered checkpoint the one that work continues from. Returns what it replaced.
    fn adopt(&mut self, recovered: RecoveredCheckpoint) -> LiveState {
        let position = recovered.position();
        let RecoveredCheckpoint { metadata, state, skipped, bytes_read, segments, wal } = recovered;
        self.observed.last_checkpoint_us = self.monotonic_us_of(metadata.timestamp_ms());
        // Behind the torn tail of a WAL no other file may come: a checkpoint must be first.
        let can_follow = metadata.alluvium.is_some() && wal.cut.is_none();
        self.wal.base = can_follow.then_some(WalBase { checkpoint: metadata.id, sequence: wal.files });
        self.observed.recovered = Some(RecoverySummary {
            checkpoint_id: metadata.id,
            skipped,
            key_count: state.len() as u64,
            bytes_read,
            wal_entries: wal.entries,
            wal_cut: wal.cut,
            is_laminar: metadata.alluvium.is_none(),
        });
        let mut changes = wal.mutations;
        changes.mark_synced();
        self.lineage.latest = Some(metadata.id);
        self.lineage.parent = Some(metadata.id);
        {
            let mut pages = self.ledger.lock();
            pages.segments = segments;
            pages.source = Some(metadata.id);
            pages.drop_unpublished();
            if let Some(fields) = metadata.alluvium {
                pages.store_id = fields.store_id;
            }
            // A restored checkpoint follows the one that was committed last.
            if pages.committed.is_none() {
                pages.committed = Some(metadata.id);
                self.lineage.last_prepared = Some(metadata.id);
            }
        }
        std::mem::replace(&mut self.live, LiveState { state, changes, position })
    }

    /// A moment of the wall clock on the monotonic clock, which alone decides from then on. A wall
    /// clock that was set back makes it "just now", never "in an hour". `None` if the interval since
    /// then is over already.
    fn monotonic_us_of(&self, timestamp_ms: u64) -> Option<u64> {
        let ago_us = self.clock.0.unix_ms().saturating_sub(timestamp_ms).saturating_mul(1_000);
        (ago_us < self.interval_us()).then(|| self.clock.0.monotonic_us().saturating_sub(ago_us))
    }
}
