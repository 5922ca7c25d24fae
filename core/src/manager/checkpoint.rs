//! The steps of a checkpoint that need the manager: it freezes the changes, and it takes note of what was
//! written.

use std::collections::BTreeMap;

use crate::changelog::Changelog;
use crate::commit::durable::{FinishedCheckpoint, WrittenCheckpoint};
use crate::commit::held::Held;
use crate::commit::in_flight::Taken;
use crate::commit::prepared::PreparedCheckpoint;
use crate::commit::statistics::CheckpointStatistics;
use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::maintenance::compaction::plan::CompactionInput;
use crate::manager::live_state::LiveState;
use crate::manager::mutate::whole;
use crate::manager::types::IncrementalCheckpointManager;
use crate::namespaces::Totals;

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Freezes what changed since the last checkpoint was prepared. This takes microseconds, no matter how
    /// much changed. Nothing is written yet.
    ///
    /// An error changes nothing:
    ///
    /// - [`BufferOverflow`](Error::BufferOverflow) if
    ///   [`max_in_flight`](crate::CheckpointConfig::max_in_flight) checkpoints are prepared and not
    ///   finished;
    /// - [`EpochMismatch`](Error::EpochMismatch) if `wal_position` would go backwards;
    /// - [`Fenced`](Error::Fenced) or [`Poisoned`](Error::Poisoned) after a failed write.
    pub fn prepare_checkpoint(&mut self, wal_position: u64) -> Result<PreparedCheckpoint<D>, Error> {
        self.prepare(wal_position, None)
    }

    /// Prepares a checkpoint with the opaque state `state_file`, if there is one.
    pub(super) fn prepare(
        &mut self,
        wal_position: u64,
        state_file: Option<Vec<u8>>,
    ) -> Result<PreparedCheckpoint<D>, Error> {
        let started_us = self.clock.0.monotonic_us();
        self.next_checkpoint_id()?;
        self.live.position.check_wal_position(wal_position)?;
        self.live.undo.close();
        let id = self.next_checkpoint_id()?;
        self.live.position.wal_position = wal_position;
        let taken = Taken { changes: self.live.changes.freeze(), ..self.before(id) };
        let full = !self.config.incremental;
        let instead = full.then(|| whole(&self.live));
        let prepared = self.prepared(taken, instead, &self.live, state_file, started_us);
        self.goes_on_after(id, started_us);
        Ok(prepared)
    }

    /// Returns the id of the next checkpoint, if one may be prepared now.
    pub(super) fn next_checkpoint_id(&mut self) -> Result<u64, Error> {
        self.ledger.check()?;
        self.settle();
        if self.in_flight.unfinished() >= self.config.max_in_flight {
            return Err(Error::BufferOverflow(self.live.position.epoch));
        }
        self.lineage.next_id.ok_or_else(|| Error::LimitExceeded("checkpoint ids are used up".into()))
    }

    /// Returns a checkpoint of `live`, which is the live state or is about to be.
    pub(super) fn prepared(
        &self,
        taken: Taken,
        instead: Option<Changelog>,
        live: &LiveState,
        state_file: Option<Vec<u8>>,
        started_us: u64,
    ) -> PreparedCheckpoint<D> {
        let mut group_bytes = live.state.group_bytes().to_vec();
        live.spaces.add_group_bytes(&mut group_bytes);
        PreparedCheckpoint {
            directory: self.directory.clone(),
            stores: self.stores.clone(),
            ledger: self.ledger.clone(),
            clock: self.clock.clone(),
            id: taken.id,
            held: Held::join(&self.in_flight, taken),
            instead,
            full: !self.config.incremental,
            foundation: None,
            position: live.position.clone(),
            namespaces: live.spaces.declared().clone(),
            totals: Totals::of(&live.state, &live.spaces),
            timestamp_ms: self.clock.0.unix_ms(),
            state_file,
            compaction_input: CompactionInput {
                group_bytes,
                delta_bytes: 0,
                read_ratio: self.config.recovery_read_ratio,
                max_bytes: self.config.max_rebase_bytes.unwrap_or(u64::MAX),
            },
            max_retained: self.config.max_retained,
            freeze_us: self.clock.0.monotonic_us().saturating_sub(started_us),
        }
    }

    /// Returns what is to come back if checkpoint `id` is dropped, beside its changes.
    pub(super) fn before(&self, id: u64) -> Taken {
        Taken {
            changes: Changelog::default(),
            id,
            parent: self.lineage.parent,
            wal_base: self.wal.base,
            synced: self.wal.synced.clone(),
            last_checkpoint_us: self.observed.last_checkpoint_us,
        }
    }

    /// Notes that checkpoint `id` is on its way, and that the working state continues it.
    pub(super) fn goes_on_after(&mut self, id: u64, started_us: u64) {
        self.lineage.parent = Some(id);
        self.lineage.next_id = id.checked_add(1);
        self.wal.base = None;
        self.wal.synced = None;
        self.observed.last_checkpoint_us = Some(started_us);
    }

    /// Takes note of a checkpoint that was written. Returns its metadata and its maintenance, to be run now
    /// or later.
    ///
    /// A checkpoint that another manager prepared is [`InvalidInput`](Error::InvalidInput).
    pub fn finish_checkpoint(&mut self, written: WrittenCheckpoint<D>) -> Result<FinishedCheckpoint<D>, Error> {
        let WrittenCheckpoint { metadata, unfinished, maintenance } = written;
        if !unfinished.is_of(&self.in_flight) {
            return Err(Error::InvalidInput("the checkpoint was prepared by another manager".into()));
        }
        let statistics = unfinished.finish();
        self.settle();
        self.note_durable(statistics);
        Ok(FinishedCheckpoint { metadata, statistics, maintenance })
    }

    /// Prepares, writes and finishes a checkpoint, and runs its maintenance. When it resolves to `Ok`, state,
    /// offsets, watermark, epoch and position are durable together.
    ///
    /// The errors are those of [`prepare_checkpoint`](Self::prepare_checkpoint) and
    /// [`PreparedCheckpoint::write`]. A failure of maintenance is not an error; see
    /// [`last_maintenance`](Self::last_maintenance).
    pub async fn create_checkpoint(&mut self, wal_position: u64) -> Result<IncrementalCheckpointMetadata, Error> {
        let prepared = self.prepare_checkpoint(wal_position)?;
        self.complete(prepared).await
    }

    /// Creates a checkpoint as [`create_checkpoint`](Self::create_checkpoint) does, with an opaque
    /// state that is written verbatim to `state.bin`. The given offsets and watermark become the
    /// manager's. A source offset that would go backwards is [`EpochMismatch`](Error::EpochMismatch).
    pub async fn create_checkpoint_with_state(
        &mut self,
        wal_position: u64,
        source_offsets: BTreeMap<String, u64>,
        watermark: Option<i64>,
        state: &[u8],
    ) -> Result<IncrementalCheckpointMetadata, Error> {
        let prepared = self.prepare_checkpoint_with_state(wal_position, source_offsets, watermark, state)?;
        self.complete(prepared).await
    }

    /// Freezes a checkpoint as [`prepare_checkpoint`](Self::prepare_checkpoint) does, with what
    /// [`create_checkpoint_with_state`](Self::create_checkpoint_with_state) gets. An error changes nothing.
    pub fn prepare_checkpoint_with_state(
        &mut self,
        wal_position: u64,
        source_offsets: BTreeMap<String, u64>,
        watermark: Option<i64>,
        state: &[u8],
    ) -> Result<PreparedCheckpoint<D>, Error> {
        for (source, offset) in &source_offsets {
            self.live.position.check_source_offset(source, *offset)?;
        }
        let before = self.live.position.clone();
        self.live.position.source_offsets = source_offsets;
        self.live.position.watermark = watermark;
        let prepared = self.prepare(wal_position, Some(state.to_vec()));
        if prepared.is_err() {
            self.live.position = before;
        }
        prepared
    }

    /// Writes and finishes a prepared checkpoint, and runs its maintenance.
    pub(super) async fn complete(
        &mut self,
        prepared: PreparedCheckpoint<D>,
    ) -> Result<IncrementalCheckpointMetadata, Error> {
        let written = prepared.write().await?;
        self.finish_with_maintenance(written).await
    }

    /// Finishes a written checkpoint, and runs its maintenance.
    pub(super) async fn finish_with_maintenance(
        &mut self,
        written: WrittenCheckpoint<D>,
    ) -> Result<IncrementalCheckpointMetadata, Error> {
        let finished = self.finish_checkpoint(written)?;
        self.observed.maintenance = Some(finished.maintenance.run().await);
        Ok(finished.metadata)
    }
}

impl<D> IncrementalCheckpointManager<D> {
    /// Takes back the changes of checkpoints that were dropped before they were written, and takes note of those
    /// that were dropped after. Afterwards it is as if the former had never been prepared.
    pub(super) fn settle(&mut self) {
        // An open batch could not be undone any more. It ends before the next checkpoint is prepared.
        let taken_back = if self.live.undo.is_open() { Vec::new() } else { self.in_flight.take_back() };
        for taken in taken_back {
            let newer = std::mem::replace(&mut self.live.changes, taken.changes);
            self.live.changes.append(newer);
            self.lineage.next_id = Some(taken.id);
            self.wal.from = self.wal.from.min(taken.id);
            self.lineage.parent = taken.parent;
            self.wal.base = taken.wal_base.filter(|base| self.lineage.latest == Some(*base));
            self.wal.synced = taken.synced;
            self.observed.last_checkpoint_us = taken.last_checkpoint_us;
        }
        for statistics in self.in_flight.take_durable() {
            self.note_durable(statistics);
        }
        self.note_deleted();
    }

    /// Takes note of a durable checkpoint.
    fn note_durable(&mut self, statistics: CheckpointStatistics) {
        let latest = statistics.id.max(self.lineage.latest.unwrap_or(0));
        self.lineage.latest = Some(latest);
        self.observed.statistics = Some(statistics);
        if self.in_flight.unfinished() == 0 {
            // No newer checkpoint is in flight, so everything in the changelog came after the newest one.
            self.wal.base = Some(latest);
            self.wal.bytes = 0;
            self.in_flight.follow(latest);
        }
        self.note_deleted();
    }

    /// Takes note of checkpoints that may be gone, because their deletion was begun.
    fn note_deleted(&mut self) {
        self.lineage.latest = self.in_flight.without_deleted(self.lineage.latest);
        self.wal.base = self.wal.base.filter(|base| self.in_flight.may_be_followed(*base));
    }
}
