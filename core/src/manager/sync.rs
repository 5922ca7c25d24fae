//! Writes the WAL between checkpoints: it makes the changes so far durable without a checkpoint.

use std::fmt;
use std::sync::Arc;

use crate::commit::held_wal::HeldWal;
use crate::config::Counts;
use crate::directory::{Directory, DirectoryErrorKind, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::{metadata_path, wal_path};
use crate::format::version::FormatVersion;
use crate::format::wal::{WalIdentity, WalPosition, encode};
use crate::ledger::Ledger;
use crate::ledger::fence::fenced;
use crate::ledger::guards::UnknownOutcome;
use crate::ledger::listing::Listing;
use crate::ledger::own_file::Fingerprint;
use crate::manager::types::IncrementalCheckpointManager;
use crate::model::position::StreamPosition;
use crate::namespaces::Totals;

/// A WAL file that is frozen and not yet written. It owns what it needs, its directory included, so
/// puts may continue. If it is dropped, the next WAL file holds its changes.
#[must_use = "a prepared WAL file must be written: it holds the changes since the last one"]
pub struct PreparedSync<D> {
    directory: Arc<D>,
    ledger: Arc<Ledger>,
    held: HeldWal,
    end: WalPosition,
}

impl<D> fmt::Debug for PreparedSync<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedSync").field("base", &self.held.base()).finish_non_exhaustive()
    }
}

/// A durable WAL file that the manager does not know of yet. If it is dropped, the manager only does not count its
/// bytes.
#[derive(Debug)]
#[must_use = "the manager learns of the WAL file by finish_sync"]
pub struct WrittenSync {
    ledger: Arc<Ledger>,
    base: u64,
    end: WalPosition,
    bytes: u64,
}

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Makes all changes so far durable, with epoch, offsets, watermark and this position, by creating one
    /// WAL file. Recovery replays the file on top of the newest checkpoint. If nothing changed since the
    /// last WAL file, nothing is written.
    ///
    /// If there is no checkpoint that a WAL file could follow, it creates a checkpoint instead. None can before the
    /// first checkpoint that declares a new [namespace](Self::declare_namespace). The errors
    /// are those of [`prepare_sync`](Self::prepare_sync) and [`PreparedSync::write`].
    pub async fn sync(&mut self, wal_position: u64) -> Result<(), Error> {
        self.check_wal_counts()?;
        self.settle();
        if self.wal.base().is_none() && self.in_flight.unfinished() == 0 {
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
        self.check_wal_counts()?;
        self.settle();
        if self.in_flight.unfinished() > 0 {
            return Err(Error::BufferOverflow(self.live.position.epoch));
        }
        self.live.position.check_wal_position(wal_position)?;
        self.live.undo.close();
        self.settle();
        let no_base = || Error::Wal("there is no checkpoint that a WAL file could follow".into());
        let base = self.wal.base().ok_or_else(no_base)?;
        let totals = Totals::of(&self.live.state, &self.live.spaces);
        let end = WalPosition {
            position: StreamPosition { wal_position, ..self.live.position.clone() },
            key_count: totals.keys,
            state_bytes: totals.bytes,
            state_digest: totals.digest,
        };
        let tail = self.live.changes.copy_tail();
        if tail.bytes() == 0 && self.wal.synced.as_ref() == Some(&end) {
            return Ok(None);
        }
        let held = HeldWal::join(&self.in_flight, base, tail).ok_or_else(no_base)?;
        self.live.position.wal_position = wal_position;
        Ok(Some(PreparedSync { directory: self.directory.clone(), ledger: self.ledger.clone(), held, end }))
    }

    /// Refuses a WAL where checkpoints count only once something else names them: recovery would not replay it.
    fn check_wal_counts(&self) -> Result<(), Error> {
        if self.ledger.counts == Counts::NamedElsewhere {
            let what = "no WAL can follow a checkpoint that counts only once something else names it";
            return Err(Error::InvalidInput(what.into()));
        }
        Ok(())
    }

    /// Takes note of a WAL file that was written: the last of three steps. A file that another manager
    /// prepared is [`InvalidInput`](Error::InvalidInput).
    pub fn finish_sync(&mut self, written: WrittenSync) -> Result<(), Error> {
        if !Arc::ptr_eq(&written.ledger, &self.ledger) {
            return Err(Error::InvalidInput("the WAL file was prepared by another manager".into()));
        }
        // If a checkpoint was prepared meanwhile, it contains what this WAL file holds.
        if self.wal.base == Some(written.base) {
            self.wal.bytes += written.bytes;
            self.wal.synced = Some(written.end);
        }
        Ok(())
    }
}

impl<D: Directory> PreparedSync<D> {
    /// Writes the WAL file. When it resolves to `Ok`, its changes are durable. If a newer checkpoint of the same
    /// manager holds them already, nothing is written.
    ///
    /// The errors, and what becomes of a dropped future, are those of
    /// [`PreparedCheckpoint::write`](crate::PreparedCheckpoint::write). If another writer is deleting the
    /// checkpoint, the WAL file may exist after an error. It is replayed only if the checkpoint stays.
    pub async fn write(mut self) -> Result<WrittenSync, Error> {
        let base = self.held.base();
        let Some((identity, writer, content)) = self.encode()? else { return Ok(self.written(base, 0)) };
        let sequence = identity.sequence;
        let bytes = content.len() as u64;
        let path = wal_path(base, sequence);
        let outcome = UnknownOutcome::of(&self.ledger, format!("the write of {path} was cancelled"));
        self.held.release();
        // The file is noted before it exists, so that a checkpoint that is written meanwhile does not mistake it for
        // another writer's.
        self.ledger.lock().creating_wal = Some((base, sequence));
        let published = self.publish(base, writer, NewFile { path, content }).await;
        outcome.known(published.as_ref().err());
        published?;
        let mut pages = self.ledger.lock();
        if pages.committed == Some(base) {
            pages.wal_sequence = sequence;
        }
        pages.creating_wal = None;
        pages.known_wal.insert((base, sequence));
        drop(pages);
        Ok(self.written(base, bytes))
    }

    fn written(self, base: u64, bytes: u64) -> WrittenSync {
        self.held.written();
        WrittenSync { ledger: self.ledger, base, end: self.end, bytes }
    }

    /// Takes this file's turn and encodes it. Returns what identifies it, the number of its writer, and its content,
    /// or `None` if a newer checkpoint holds all of it. No file is created.
    fn encode(&mut self) -> Result<Option<(WalIdentity, u64, Vec<u8>)>, Error> {
        self.ledger.check()?;
        let base = self.held.base();
        let tail = self.held.begin()?;
        let (identity, writer) = {
            let pages = self.ledger.lock();
            if pages.committed != Some(base) {
                return Ok(None);
            }
            let sequence = pages.wal_sequence.checked_add(1);
            let sequence = sequence
                .ok_or_else(|| Error::LimitExceeded("WAL file numbers are used up: take a checkpoint".into()))?;
            let (format, store_id) = (FormatVersion::default(), pages.store_id);
            (WalIdentity { format, store_id, checkpoint: base, sequence }, pages.writer)
        };
        let content = encode(identity, writer, tail.newest(), &self.end)?;
        Ok(Some((identity, writer, content)))
    }

    /// Creates the file, and checks that no other writer was there.
    async fn publish(&self, checkpoint: u64, writer: u64, file: NewFile) -> Result<(), Error> {
        let directory = &*self.directory;
        let path = file.path.clone();
        let batch = vec![file];
        let last = Fingerprint::of(&batch);
        if let Err(error) = directory.create(batch).await {
            Fingerprint::settle(last, directory, writer, error).await?;
        }
        // The name was free, but another writer may be ahead, as after a checkpoint. Only a newer checkpoint
        // proves that. A WAL file behind this one does not: its writer has replayed this one and builds on
        // it, so deleting this one now would void that file too.
        let listing = Listing::take(directory).await?;
        let own = self.own_checkpoint(&listing).await?;
        let newer = listing.checkpoints.iter().rev().find(|id| **id > checkpoint && Some(**id) != own);
        if self.is_in_a_checkpoint() {
            return Ok(());
        }
        if let Some(newer) = newer {
            directory.delete(&[path]).await?;
            return Err(fenced(format!("checkpoint {newer} is newer than {checkpoint}")));
        }
        // A writer that deletes the checkpoint creates the mark first and looks for WAL files afterwards, so
        // one of the two sees the other. A listing is not of a single moment, so it may show neither the
        // mark nor the missing metadata. Metadata is deleted before the mark is, so reading it tells.
        let found = directory.read_range(&metadata_path(checkpoint), 0, 0).await;
        if self.is_in_a_checkpoint() {
            return Ok(());
        }
        match found {
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
        Ok(())
    }

    /// Tells whether a checkpoint of this writer became durable since the file was prepared. It holds what the file
    /// holds.
    fn is_in_a_checkpoint(&self) -> bool {
        self.ledger.lock().committed > Some(self.held.base())
    }

    /// Returns the listed checkpoint that this writer is creating at the same time, if there is one. It does not
    /// know yet whether that one stays.
    async fn own_checkpoint(&self, listing: &Listing) -> Result<Option<u64>, Error> {
        let creating = self.ledger.lock().creating.clone();
        let Some((id, metadata)) = creating.filter(|(id, _)| listing.checkpoints.last() == Some(id)) else {
            return Ok(None);
        };
        Ok(metadata.is_there(&*self.directory).await?.then_some(id))
    }
}
