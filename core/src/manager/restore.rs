//! Makes an older checkpoint, or one from another directory, the newest one here.

use crate::commit::durable::WrittenCheckpoint;
use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::ledger::guards::Restoring;
use crate::ledger::listing::Listing;
use crate::manager::live_state::LiveState;
use crate::manager::mutate::whole;
use crate::manager::open::Adopted;
use crate::manager::types::IncrementalCheckpointManager;
use crate::model::namespace::{DEFAULT_NAMESPACE, Namespace};
use crate::recovery::recover::recover_listed;
use crate::recovery::types::{RecoverOptions, RecoveredCheckpoint};
use crate::state::State;
use crate::tools::inspect::find_state;

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Restores a kept checkpoint: its state, offsets, watermark, epoch and position become the manager's.
    /// They are written as a new checkpoint, which shares the files of the old one and is the newest.
    /// Changes that no checkpoint holds are lost.
    ///
    /// Until the new checkpoint is durable, the manager and the directory stay as they were, also if it fails or its
    /// future is dropped. A checkpoint that does not exist is [`NotFound`](Error::NotFound). While a checkpoint is in
    /// flight, the error is [`InvalidInput`](Error::InvalidInput).
    pub async fn restore_checkpoint(&mut self, id: u64) -> Result<IncrementalCheckpointMetadata, Error> {
        self.ledger.check()?;
        self.settle();
        let in_flight = self.in_flight.unfinished();
        if in_flight > 0 {
            return Err(Error::InvalidInput(format!("{in_flight} checkpoints are in flight: finish them first")));
        }
        let restoring = Restoring::begin(&self.ledger, id)?;
        let listing = Listing::take(&*self.directory).await?;
        let options = RecoverOptions::new().checkpoint(Some(id));
        let recovered = recover_listed(&*self.directory, &self.stores, &options, &listing).await?;
        let recovered = recovered.ok_or_else(|| Error::NotFound(format!("checkpoint {id} does not exist")))?;
        let state_file = find_state(&*self.directory, id).await?;
        let (mut live, written) = self.write_restored(Adopted::from(recovered), state_file).await?;
        drop(restoring);
        let stop = self.live.state.stop().cloned();
        live.spaces.stop_when(stop.as_ref());
        live.state.stop_when(stop);
        self.live = live;
        self.finish_with_maintenance(written).await
    }

    /// Writes a restored checkpoint as a new one. Nothing of the manager changes before the new one is durable.
    async fn write_restored(
        &mut self,
        adopted: Adopted,
        state_file: Option<Vec<u8>>,
    ) -> Result<(LiveState, WrittenCheckpoint<D>), Error> {
        let Adopted { mut live, foundation, summary, .. } = adopted;
        let started_us = self.clock.0.monotonic_us();
        let id = self.next_checkpoint_id()?;
        let before = self.before(id);
        let changes = live.changes.freeze();
        // An id that was given to a namespace does not go back to an earlier moment.
        let declared = live.spaces.declared().and(self.live.spaces.declared())?;
        live.spaces.declare(declared, None);
        let instead = if self.config.incremental { changes } else { whole(&live) };
        let mut prepared = self.prepared(before, Some(instead), &live, state_file, started_us);
        prepared.foundation = Some(foundation);
        let written = prepared.write().await?;
        self.observed.recovered = Some(summary);
        self.goes_on_after(id, started_us);
        Ok((live, written))
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
        // Namespaces are known by their names, and may have other ids there.
        let there: Vec<&Namespace> = other.spaces.declared().iter().collect();
        let ids = self.declare_all(&there)?;
        // Only what differs becomes a mutation, so that the checkpoint is incremental like any other.
        self.become_like(DEFAULT_NAMESPACE, &other.state)?;
        for declared in &self.namespaces().clone() {
            let there = ids.iter().position(|id| *id == declared.id).and_then(|at| other.spaces.find(there[at].id));
            match there {
                Some(space) => self.become_like(declared.id, space.state())?,
                None => self.become_like(declared.id, &State::new())?,
            }
        }
        self.live.position = other.metadata.position();
        let prepared = self.prepare(other.metadata.wal_position, state_file)?;
        self.complete(prepared).await
    }

    /// Gives a namespace the entries of another state, as they are stored.
    fn become_like(&mut self, namespace: u32, other: &State) -> Result<(), Error> {
        let own = self.stored_in(namespace)?;
        let is_gone = |(key, _): &(&[u8], &[u8])| other.get(key).is_none();
        let gone: Vec<Vec<u8>> = own.iter().filter(is_gone).map(|(key, _)| key.to_vec()).collect();
        for key in gone {
            self.delete_in(namespace, &key)?;
        }
        for (key, value) in other.iter() {
            if self.stored_in(namespace)?.get(key) != Some(value) {
                self.put_stored(namespace, key, value)?;
            }
        }
        Ok(())
    }
}
