//! The steps of a checkpoint that need the manager: it freezes the changes, and it takes note of what was
//! written.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::commit::durable::{FinishedCheckpoint, WrittenCheckpoint};
use crate::commit::prepared::PreparedCheckpoint;
use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::maintenance::compaction::plan::CompactionInput;
use crate::manager::live_state::WalBase;
use crate::manager::types::IncrementalCheckpointManager;

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
        self.ledger.check()?;
        if self.lineage.in_flight >= self.config.max_in_flight {
            return Err(Error::BufferOverflow(self.live.position.epoch));
        }
        self.live.position.check_wal_position(wal_position)?;
        let id = self.lineage.next_id.ok_or_else(|| Error::LimitExceeded("checkpoint ids are used up".into()))?;
        let full = !self.config.incremental;
        self.live.undo.close();
        let mut frozen = self.live.changes.freeze();
        if full {
            frozen = self.whole_state();
        }
        self.live.position.wal_position = wal_position;
        let prepared = PreparedCheckpoint {
            directory: self.directory.clone(),
            stores: self.stores.clone(),
            ledger: self.ledger.clone(),
            clock: self.clock.clone(),
            frozen,
            full,
            id,
            parent: self.lineage.parent,
            follows: self.lineage.last_prepared,
            position: self.live.position.clone(),
            key_count: self.live.state.len() as u64,
            state_bytes: self.live.state.payload_bytes(),
            state_digest: self.live.state.digest(),
            timestamp_ms: self.clock.0.unix_ms(),
            state_file,
            compaction_input: CompactionInput {
                group_bytes: self.live.state.group_bytes().to_vec(),
                delta_bytes: 0,
                read_ratio: self.config.recovery_read_ratio,
                max_bytes: self.config.max_rebase_bytes.unwrap_or(u64::MAX),
            },
            max_retained: self.config.max_retained,
            freeze_us: self.clock.0.monotonic_us().saturating_sub(started_us),
        };
        self.lineage.last_prepared = Some(id);
        self.lineage.parent = Some(id);
        self.lineage.next_id = id.checked_add(1);
        self.lineage.in_flight += 1;
        self.wal.base = None;
        self.wal.synced = None;
        self.observed.last_checkpoint_us = Some(started_us);
        Ok(prepared)
    }

    /// Takes note of a checkpoint that was written. Returns its metadata and its maintenance, to be run now
    /// or later.
    ///
    /// A checkpoint that another manager prepared is [`InvalidInput`](Error::InvalidInput).
    pub fn finish_checkpoint(&mut self, written: WrittenCheckpoint<D>) -> Result<FinishedCheckpoint<D>, Error> {
        if !Arc::ptr_eq(&written.maintenance.ledger, &self.ledger) {
            return Err(Error::InvalidInput("the checkpoint was prepared by another manager".into()));
        }
        let WrittenCheckpoint { metadata, statistics, maintenance } = written;
        self.lineage.in_flight = self.lineage.in_flight.saturating_sub(1);
        self.lineage.latest = Some(metadata.id);
        self.observed.statistics = Some(statistics);
        if self.lineage.in_flight == 0 {
            // No newer checkpoint is in flight, so everything in the changelog came after this one.
            self.wal.base = Some(WalBase { checkpoint: metadata.id, sequence: 0 });
            self.wal.bytes = 0;
        }
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
        for (source, offset) in &source_offsets {
            self.live.position.check_source_offset(source, *offset)?;
        }
        let before = self.live.position.clone();
        self.live.position.source_offsets = source_offsets;
        self.live.position.watermark = watermark;
        match self.prepare(wal_position, Some(state.to_vec())) {
            Ok(prepared) => self.complete(prepared).await,
            Err(error) => {
                self.live.position = before;
                Err(error)
            }
        }
    }

    /// Writes and finishes a prepared checkpoint, and runs its maintenance.
    pub(super) async fn complete(
        &mut self,
        prepared: PreparedCheckpoint<D>,
    ) -> Result<IncrementalCheckpointMetadata, Error> {
        let written = prepared.write().await?;
        let finished = self.finish_checkpoint(written)?;
        self.observed.maintenance = Some(finished.maintenance.run().await);
        Ok(finished.metadata)
    }
}
