//! Undoing the mutations of a batch. While a batch is open, the manager notes the value that each mutation
//! replaces. The keys are in the changelog.

use crate::changelog::Mark;
use crate::error::IncrementalCheckpointError as Error;
use crate::manager::live_state::LiveState;
use crate::manager::types::IncrementalCheckpointManager;
use crate::manager::undo::ABSENT;
use crate::model::record::Record;
use crate::model::stop::{BYTES, Steps, Stop};
use crate::namespaces::apply;

impl LiveState {
    /// Sets the value of a key in the state.
    #[inline]
    pub(super) fn put(&mut self, hash: u64, key: &[u8], value: &[u8]) {
        if self.undo.is_open() {
            self.state.put_noting(hash, key, value, |before| self.undo.note(before));
        } else {
            self.state.put_hashed(hash, key, value);
        }
    }

    /// Deletes a key from the state. Returns whether it was there.
    #[inline]
    pub(super) fn delete(&mut self, hash: u64, key: &[u8]) -> bool {
        if self.undo.is_open() {
            self.state.delete_noting(hash, key, |before| self.undo.note(before))
        } else {
            self.state.delete_hashed(hash, key)
        }
    }

    /// Applies a mutation of a declared namespace, whose record was checked. Returns whether it had an effect.
    pub(super) fn apply_in(&mut self, record: &Record<'_>) -> Result<bool, Error> {
        let had_effect = if self.undo.is_open() {
            self.spaces.apply(record, |before| self.undo.note(before))?
        } else {
            self.spaces.apply(record, |_| {})?
        };
        if had_effect {
            self.changes.push(*record);
        }
        Ok(had_effect)
    }

    /// Gives every key that changed after `mark` the value that it had, beginning with the newest mutation.
    fn put_back(&mut self, mark: Mark) -> Result<(), Error> {
        let mutations: Vec<_> = self.changes.records_after(mark).collect();
        let stop = self.state.stop().cloned();
        let mut steps = Steps::new(stop.as_ref());
        let mut end = self.undo.values.len();
        for (record, &len) in mutations.into_iter().zip(&self.undo.lens).rev() {
            steps.take(1 + if len == ABSENT { 0 } else { len as usize / BYTES })?;
            let start = if len == ABSENT { end } else { end - len as usize };
            let value = (len != ABSENT).then_some(&self.undo.values[start..end]);
            let before = Record { value, ..record };
            apply(&mut self.state, &mut self.spaces, &[before])?;
            end = start;
        }
        Ok(())
    }
}

impl<D> IncrementalCheckpointManager<D> {
    /// Stops long work from now on when its caller says so: reading and applying many keys, walks, and undoing a
    /// batch. The call then returns [`LimitExceeded`](Error::LimitExceeded). `None` lifts it.
    ///
    /// Checkpoints are not stopped by it.
    pub fn stop_when(&mut self, stop: Option<Stop>) {
        self.live.spaces.stop_when(stop.as_ref());
        self.live.state.stop_when(stop);
    }

    /// Begins a batch: from now on, [`rollback_batch`](Self::rollback_batch) undoes every mutation.
    ///
    /// A batch that is open already is committed first. A checkpoint and a sync commit it too, and a restore
    /// drops it.
    pub fn begin_batch(&mut self) {
        self.commit_batch();
        self.live.undo.mark = Some(self.live.changes.mark());
    }

    /// Commits the open batch, if there is one: it cannot be undone any more. It becomes durable with the
    /// next checkpoint or sync, as all mutations do.
    pub fn commit_batch(&mut self) {
        self.live.undo.close();
        self.tend_changes();
    }

    /// Undoes the mutations of the open batch, as if they had never been made. The batch is over then. Offsets,
    /// watermark, epoch and annotations are not part of a batch and stay as they are.
    ///
    /// - Without an open batch it is [`InvalidInput`](Error::InvalidInput), and nothing changes.
    /// - If there is no address left for an old value, or if the work is [stopped](Self::stop_when), it is
    ///   [`LimitExceeded`](Error::LimitExceeded), and the manager refuses all further writing.
    pub fn rollback_batch(&mut self) -> Result<(), Error> {
        let Some(mark) = self.live.undo.mark else {
            return Err(Error::InvalidInput("no batch is open that could be undone".into()));
        };
        let undone = self.live.put_back(mark);
        self.live.changes.truncate(mark);
        self.live.undo.close();
        undone.inspect_err(|error| self.ledger.poison(error))
    }
}
