//! Writes the WAL between checkpoints: it makes the changes so far durable without a checkpoint.

use std::fmt;
use std::sync::Arc;

use crate::changelog::Changelog;
use crate::directory::{Directory, DirectoryErrorKind, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::{metadata_path, wal_path};
use crate::format::version::FormatVersion;
use crate::format::wal::{WalIdentity, WalPosition, encode};
use crate::ledger::Ledger;
use crate::ledger::fence::fenced;
use crate::ledger::listing::Listing;
use crate::ledger::own_file::Fingerprint;
use crate::manager::live_state::WalBase;
use crate::manager::types::IncrementalCheckpointManager;
use crate::model::position::StreamPosition;

/// A WAL file that is frozen and not yet written. It owns what it needs, its directory included, so
/// puts may go on.
#[must_use = "a prepared WAL file must be written: it holds the changes since the last one"]
pub struct PreparedSync<D> {
    directory: Arc<D>,
    ledger: Arc<Ledger>,
    base: WalBase,
    tail: Changelog,
    end: WalPosition,
}

impl<D> fmt::Debug for PreparedSync<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedSync").field("base", &self.base).finish_non_exhaustive()
    }
}

/// A durable WAL file that the manager does not know of yet.
#[derive(Debug)]
#[must_use = "the manager learns of the WAL file by finish_sync"]
pub struct WrittenSync {
    ledger: Arc<Ledger>,
    base: WalBase,
    end: WalPosition,
    bytes: u64,
}

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Makes all changes so far durable, with epoch, offsets, watermark and this position, by creating one
    /// WAL file. Recovery replays the file on top of the newest checkpoint. If nothing changed since the
    /// last WAL file, nothing is written.
    ///
    /// If there is no checkpoint that a WAL file could follow, it creates a checkpoint instead. The errors
    /// are those of [`prepare_sync`](Self::prepare_sync) and [`PreparedSync::write`].
    pub async fn sync(&mut self, wal_position: u64) -> Result<(), Error> {
        if self.wal.base.is_none() && self.lineage.in_flight == 0 {
            return self.create_checkpoint(wal_position).await.map(|_| ());
        }
        let Some(prepared) = self.prepare_sync(wal_position)? else { return Ok(()) };
        let written = prepared.write().await?;
        self.finish_sync(written)
    }

    /// Copies what changed since the last WAL file: the first of three steps. Returns `None` if nothing
    /// changed.
    ///
    /// An error changes nothing:
    ///
    /// - [`BufferOverflow`](Error::BufferOverflow) while a checkpoint is in flight, because what it froze
    ///   would be in neither file;
    /// - [`Wal`](Error::Wal) if there is no checkpoint that a WAL file could follow;
    /// - [`EpochMismatch`](Error::EpochMismatch) if `wal_position` would go backwards;
    /// - [`Fenced`](Error::Fenced) or [`Poisoned`](Error::Poisoned) after a failed write.
    pub fn prepare_sync(&mut self, wal_position: u64) -> Result<Option<PreparedSync<D>>, Error> {
        self.ledger.check()?;
        if self.lineage.in_flight > 0 {
            return Err(Error::BufferOverflow(self.live.position.epoch));
        }
        self.live.position.check_wal_position(wal_position)?;
        let before =
            self.wal.base.ok_or_else(|| Error::Wal("there is no checkpoint that a WAL file could follow".into()))?;
        let sequence = before.sequence.checked_add(1);
        let sequence =
            sequence.ok_or_else(|| Error::LimitExceeded("WAL file numbers are used up: take a checkpoint".into()))?;
        let end = WalPosition {
            position: StreamPosition { wal_position, ..self.live.position.clone() },
            key_count: self.live.state.len() as u64,
            state_bytes: self.live.state.payload_bytes(),
            state_digest: self.live.state.digest(),
        };
        self.live.undo.close();
        let tail = self.live.changes.copy_tail();
        if tail.bytes() == 0 && self.wal.synced.as_ref() == Some(&end) {
            return Ok(None);
        }
        let base = WalBase { sequence, ..before };
        self.wal.base = Some(base);
        self.live.position.wal_position = wal_position;
        Ok(Some(PreparedSync { directory: self.directory.clone(), ledger: self.ledger.clone(), base, tail, end }))
    }

    /// Takes note of a WAL file that was written: the last of three steps. A file that another manager
    /// prepared is [`InvalidInput`](Error::InvalidInput).
    pub fn finish_sync(&mut self, written: WrittenSync) -> Result<(), Error> {
        if !Arc::ptr_eq(&written.ledger, &self.ledger) {
            return Err(Error::InvalidInput("the WAL file was prepared by another manager".into()));
        }
        // If a checkpoint was prepared meanwhile, it contains what this WAL file holds.
        if self.wal.base.is_some_and(|base| base.checkpoint == written.base.checkpoint) {
            self.wal.bytes += written.bytes;
            self.wal.synced = Some(written.end);
        }
        Ok(())
    }
}

impl<D: Directory> PreparedSync<D> {
    /// Writes the WAL file. When it resolves to `Ok`, the file is durable. The errors are those of
    /// [`PreparedCheckpoint::write`](crate::PreparedCheckpoint::write). If another writer is deleting the
    /// checkpoint, the WAL file may exist after an error. It is replayed only if the checkpoint stays.
    pub async fn write(self) -> Result<WrittenSync, Error> {
        let ledger = self.ledger.clone();
        let written = self.write_unguarded().await;
        if let Err(error) = &written {
            ledger.poison(error);
        }
        written
    }

    async fn write_unguarded(self) -> Result<WrittenSync, Error> {
        let directory = &*self.directory;
        let WalBase { checkpoint, sequence } = self.base;
        let (store_id, writer) = {
            self.ledger.check()?;
            let mut pages = self.ledger.lock();
            // The file is noted before it exists, so that a checkpoint that is written meanwhile does not
            // mistake it for another writer's.
            pages.known_wal.insert((checkpoint, sequence));
            if pages.wal_sequence + 1 != sequence {
                return Err(Error::InvalidInput(format!(
                    "WAL file {sequence} must be written after WAL file {}: write them in order and drop none",
                    pages.wal_sequence
                )));
            }
            (pages.store_id, pages.writer)
        };
        let identity = WalIdentity { format: FormatVersion::default(), store_id, checkpoint, sequence };
        let content = encode(identity, writer, self.tail.newest(), &self.end)?;
        let bytes = content.len() as u64;
        let path = wal_path(checkpoint, sequence);
        let batch = vec![NewFile { path: path.clone(), content }];
        let last = Fingerprint::of(&batch);
        if let Err(error) = directory.create(batch).await {
            Fingerprint::settle(last, directory, writer, error).await?;
        }
        // The name was free, but another writer may be ahead, as after a checkpoint. Only a newer checkpoint
        // proves that. A WAL file behind this one does not: its writer has replayed this one and builds on
        // it, so deleting this one now would void that file too.
        let listing = Listing::take(directory).await?;
        if let Some(left) = listing.superseded(checkpoint, |_, _| true) {
            directory.delete(&[path]).await?;
            return Err(fenced(left));
        }
        // A writer that deletes the checkpoint creates the mark first and looks for WAL files afterwards, so
        // one of the two sees the other. A listing is not of a single moment, so it may show neither the
        // mark nor the missing metadata. Metadata is deleted before the mark is, so reading it tells.
        match directory.read_range(&metadata_path(checkpoint), 0, 0).await {
            Err(error) if error.kind() == DirectoryErrorKind::NotFound => {
                directory.delete(&[path]).await?;
                return Err(fenced(format!("checkpoint {checkpoint} was deleted")));
            }
            result => result?,
        };
        if listing.marked.contains(&checkpoint) {
            // The WAL file stays: another writer may have built on it before the mark was created.
            return Err(fenced(format!("checkpoint {checkpoint} is being deleted")));
        }
        self.ledger.lock().wal_sequence = sequence;
        Ok(WrittenSync { ledger: self.ledger, base: self.base, end: self.end, bytes })
    }
}
