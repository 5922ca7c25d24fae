//! Makes an older checkpoint, or one from another directory, the newest one here.

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::segment_list::SegmentList;
use crate::ledger::listing::Listing;
use crate::ledger::live_segment::LiveSegment;
use crate::ledger::standing::Standing;
use crate::manager::live_state::{Lineage, LiveState, WalCursor};
use crate::manager::summary::RecoverySummary;
use crate::manager::types::IncrementalCheckpointManager;
use crate::recovery::recover::recover_listed;
use crate::recovery::types::{RecoverOptions, RecoveredCheckpoint};

/// What a restore replaces. It is kept until the restore is done, and put back if the restore fails.
struct Before {
    live: LiveState,
    lineage: Lineage,
    wal: WalCursor,
    recovered: Option<RecoverySummary>,
    last_checkpoint_us: Option<u64>,
    segments: Vec<LiveSegment>,
    list: Option<SegmentList>,
    standing: Standing,
    source: Option<u64>,
}

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Restores a kept checkpoint: its state, offsets, watermark, epoch and position become the manager's.
    /// They are written as a new checkpoint, which shares the files of the old one and is the newest.
    /// Changes that no checkpoint holds are lost.
    ///
    /// Until it resolves to `Ok`, the manager and the directory stay as they were. A checkpoint that does not
    /// exist is [`NotFound`](Error::NotFound). While a checkpoint is in flight, the error is
    /// [`InvalidInput`](Error::InvalidInput).
    pub async fn restore_checkpoint(&mut self, id: u64) -> Result<IncrementalCheckpointMetadata, Error> {
        self.ledger.check()?;
        if self.lineage.in_flight > 0 {
            return Err(Error::InvalidInput(format!(
                "{} checkpoints are in flight: finish them first",
                self.lineage.in_flight
            )));
        }
        let listing = Listing::take(&*self.directory).await?;
        let options = RecoverOptions::new().checkpoint(Some(id));
        let recovered = recover_listed(&*self.directory, &self.stores, &options, &listing).await?;
        let recovered = recovered.ok_or_else(|| Error::NotFound(format!("checkpoint {id} does not exist")))?;
        let state_file = match self.load_checkpoint_state(id).await {
            Ok(state) => Some(state),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        let wal_position = recovered.metadata.wal_position;
        let before = self.swap_in(recovered);
        let restored = match self.prepare(wal_position, state_file) {
            Ok(prepared) => self.complete(prepared).await,
            Err(error) => Err(error),
        };
        if restored.is_err() {
            self.put_back(before);
        }
        restored
    }

    /// Makes a recovered checkpoint the working state. Returns what it replaced.
    fn swap_in(&mut self, recovered: RecoveredCheckpoint) -> Before {
        let (segments, list, standing, source) = {
            let pages = self.ledger.lock();
            (pages.segments.clone(), pages.list.clone(), pages.standing.clone(), pages.source)
        };
        let (lineage, wal) = (self.lineage, self.wal.clone());
        let recovered_before = self.observed.recovered.take();
        let last_checkpoint_us = self.observed.last_checkpoint_us;
        let live = self.adopt(recovered);
        self.wal.base = None;
        Before { live, lineage, wal, recovered: recovered_before, last_checkpoint_us, segments, list, standing, source }
    }

    /// Puts back what [`swap_in`](Self::swap_in) replaced.
    fn put_back(&mut self, before: Before) {
        {
            let mut pages = self.ledger.lock();
            pages.segments = before.segments;
            pages.list = before.list;
            pages.standing = before.standing;
            pages.source = before.source;
        }
        // An id that was given to a checkpoint is never given again, even if the checkpoint failed.
        let Lineage { next_id, last_prepared, in_flight, .. } = self.lineage;
        self.lineage = Lineage { next_id, last_prepared, in_flight, ..before.lineage };
        self.live = before.live;
        self.wal = before.wal;
        self.observed.recovered = before.recovered;
        self.observed.last_checkpoint_us = before.last_checkpoint_us;
    }

    /// Takes over the state, offsets, watermark, epoch and position of another directory's checkpoint, and
    /// writes them as a new checkpoint. Changes that no checkpoint holds are lost.
    ///
    /// Unlike the stream itself, this may go backwards, because the caller asked for that moment.
    pub(crate) async fn take_over(
        &mut self,
        other: RecoveredCheckpoint,
        state_file: Option<Vec<u8>>,
    ) -> Result<IncrementalCheckpointMetadata, Error> {
        // Only what differs becomes a mutation, so that the checkpoint is incremental like any other.
        let is_gone = |(key, _): &(&[u8], &[u8])| other.state.get(key).is_none();
        let gone: Vec<Vec<u8>> = self.iter().filter(is_gone).map(|(key, _)| key.to_vec()).collect();
        for key in gone {
            self.delete(&key)?;
        }
        for (key, value) in other.state.iter() {
            if self.get(key) != Some(value) {
                self.put(key, value)?;
            }
        }
        self.live.position = other.metadata.position();
        let prepared = self.prepare(other.metadata.wal_position, state_file)?;
        self.complete(prepared).await
    }
}
