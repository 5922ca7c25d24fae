//! The log between checkpoints: what was put so far, durable without a checkpoint.

use std::sync::Arc;

use crate::changelog::Changelog;
use crate::commit::{creation_failed, fenced};
use crate::directory::{Directory, DirectoryErrorKind, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::{metadata_path, wal_path};
use crate::format::wal::{WalPosition, encode};
use crate::ledger::listing::Listing;
use crate::ledger::{SharedLedger, lock};
use crate::manager::{IncrementalCheckpointManager, WalBase};

/// A log that is frozen and not yet written. It owns what it needs: puts may go on.
#[derive(Debug)]
#[must_use = "a prepared log must be written: it holds the changes since the last one"]
pub struct PreparedSync {
    base: WalBase,
    tail: Changelog,
    position: WalPosition,
    ledger: SharedLedger,
}

/// A durable log that the manager does not know of yet.
#[derive(Debug)]
#[must_use = "the manager learns of the log by finish_sync"]
pub struct WrittenSync {
    base: WalBase,
    position: WalPosition,
    bytes: u64,
    ledger: SharedLedger,
}

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Makes everything put so far durable, with epoch, offsets, watermark and this position, at
    /// the price of one file. Recovery replays it upon the newest checkpoint.
    ///
    /// Where there is no checkpoint yet, it takes the first.
    pub async fn sync(&mut self, wal_position: u64) -> Result<(), Error> {
        if self.wal_base.is_none() && self.in_flight == 0 {
            return self.create_checkpoint(wal_position).await.map(|_| ());
        }
        let Some(prepared) = self.prepare_sync(wal_position)? else { return Ok(()) };
        let directory = self.directory.clone();
        let written = prepared.write(&*directory).await?;
        self.finish_sync(written)
    }

    /// The first of three steps: copies what changed since the last log. `None` when nothing did.
    ///
    /// Refused while a checkpoint is in flight ([`BufferOverflow`](Error::BufferOverflow)): what it
    /// froze would be in neither; and before the first checkpoint.
    pub fn prepare_sync(&mut self, wal_position: u64) -> Result<Option<PreparedSync>, Error> {
        lock(&self.ledger).check()?;
        if self.in_flight > 0 {
            return Err(Error::BufferOverflow(self.epoch));
        }
        if wal_position < self.wal_position {
            return Err(Error::EpochMismatch { expected: self.wal_position, found: wal_position });
        }
        let before =
            self.wal_base.ok_or_else(|| Error::Wal("there is no checkpoint that a log could follow".into()))?;
        let sequence = before.sequence.checked_add(1);
        let sequence =
            sequence.ok_or_else(|| Error::LimitExceeded("log numbers are used up: take a checkpoint".into()))?;
        let position = WalPosition {
            epoch: self.epoch,
            wal_position,
            watermark: self.watermark,
            source_offsets: self.source_offsets.clone(),
            annotations: self.annotations.clone(),
            key_count: self.state.len() as u64,
            state_bytes: self.state.payload_bytes(),
            state_digest: self.state.digest(),
        };
        let tail = self.changelog.copy_tail();
        if tail.bytes() == 0 && self.synced.as_ref() == Some(&position) {
            return Ok(None);
        }
        let base = WalBase { sequence, ..before };
        self.wal_base = Some(base);
        self.wal_position = wal_position;
        Ok(Some(PreparedSync { base, tail, position, ledger: self.ledger.clone() }))
    }

    /// The last of three steps: takes note of a log that was written.
    pub fn finish_sync(&mut self, written: WrittenSync) -> Result<(), Error> {
        if !Arc::ptr_eq(&written.ledger, &self.ledger) {
            return Err(Error::InvalidInput("the log was prepared by another manager".into()));
        }
        // A checkpoint may have been prepared meanwhile; then this log is behind it already.
        if self.wal_base.is_some_and(|base| base.checkpoint == written.base.checkpoint) {
            self.wal_bytes += written.bytes;
            self.synced = Some(written.position);
        }
        Ok(())
    }
}

impl PreparedSync {
    /// Writes the log. When it resolves to `Ok`, it is durable. Errors are those of
    /// [`PreparedCheckpoint::write`](crate::PreparedCheckpoint::write); a log whose checkpoint
    /// somebody is deleting may be there after them, and is replayed only if the checkpoint stays.
    pub async fn write<D: Directory>(self, directory: &D) -> Result<WrittenSync, Error> {
        let ledger = self.ledger.clone();
        let written = self.write_unguarded(directory).await;
        if let Err(error) = &written {
            lock(&ledger).poison(error);
        }
        written
    }

    async fn write_unguarded<D: Directory>(self, directory: &D) -> Result<WrittenSync, Error> {
        let WalBase { checkpoint, sequence } = self.base;
        let store_id = {
            let mut ledger = lock(&self.ledger);
            ledger.check()?;
            // Before it is there: a checkpoint that is written meanwhile must not take it for another's.
            ledger.known_wal.insert((checkpoint, sequence));
            if ledger.wal_sequence + 1 != sequence {
                return Err(Error::InvalidInput(format!(
                    "log {sequence} must be written after log {}: write them in order and drop none",
                    ledger.wal_sequence
                )));
            }
            ledger.store_id
        };
        let content = encode(store_id, checkpoint, sequence, self.tail.newest(), &self.position)?;
        let bytes = content.len() as u64;
        let path = wal_path(checkpoint, sequence);
        let batch = vec![NewFile { path: path.clone(), content }];
        directory.create(batch).await.map_err(creation_failed)?;
        // As after a checkpoint: was the name free because nobody was ahead? Only a newer checkpoint
        // says so. A log behind this one builds on it: whoever wrote it has replayed this one, and to
        // take it back now would take theirs with it.
        let listing = Listing::take(directory).await?;
        if let Some(left) = listing.superseded(checkpoint, |_, _| true) {
            directory.delete(&[path]).await?;
            return Err(fenced(left));
        }
        // Whoever deletes the checkpoint marks it first, and then looks for logs: one of the two sees the
        // other. The metadata goes before the mark, so that a listing that caught neither, being of no
        // single moment, is found out here.
        match directory.read_range(&metadata_path(checkpoint), 0, 0).await {
            Err(error) if error.kind() == DirectoryErrorKind::NotFound => {
                directory.delete(&[path]).await?;
                return Err(fenced(format!("checkpoint {checkpoint} was deleted")));
            }
            result => result?,
        };
        if listing.marked.contains(&checkpoint) {
            // The log stays where it is: another writer may have built on it before the mark came.
            return Err(fenced(format!("checkpoint {checkpoint} is being deleted")));
        }
        lock(&self.ledger).wal_sequence = sequence;
        Ok(WrittenSync { base: self.base, position: self.position, bytes, ledger: self.ledger })
    }
}
