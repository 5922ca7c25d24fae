//! Undoing the mutations of a batch. While a batch is open, the manager notes the value that each mutation
//! replaces. The keys are in the changelog.

use crate::changelog::Mark;
use crate::error::IncrementalCheckpointError as Error;
use crate::manager::live_state::LiveState;
use crate::manager::types::IncrementalCheckpointManager;
use crate::manager::undo::ABSENT;
use crate::state::out_of_addresses;

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

    /// Gives every key that changed after `mark` the value that it had, beginning with the newest mutation.
    fn put_back(&mut self, mark: Mark) -> Result<(), Error> {
        let mutations: Vec<_> = self.changes.records_after(mark).map(|record| (record.hash, record.key)).collect();
        let mut end = self.undo.values.len();
        for ((hash, key), &len) in mutations.into_iter().zip(&self.undo.lens).rev() {
            if len == ABSENT {
                self.state.delete_hashed(hash, key);
                continue;
            }
            let start = end - len as usize;
            let value = &self.undo.values[start..end];
            self.state.growth_for(key, value).ok_or_else(out_of_addresses)?;
            self.state.put_hashed(hash, key, value);
            end = start;
        }
        Ok(())
    }
}

impl<D> IncrementalCheckpointManager<D> {
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
        self.live.compact_changes(self.config.memory_limit_bytes);
    }

    /// Undoes the mutations of the open batch, as if they had never been made. The batch is over then. Offsets,
    /// watermark, epoch and annotations are not part of a batch and stay as they are.
    ///
    /// - Without an open batch it is [`InvalidInput`](Error::InvalidInput), and nothing changes.
    /// - If there is no address left for an old value, it is [`LimitExceeded`](Error::LimitExceeded), and the
    ///   manager refuses all further writing.
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
