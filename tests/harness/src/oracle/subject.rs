//! What the oracle examines: a manager, native or inside a component.

use std::fmt::Debug;
use std::sync::Arc;

use alluvium_core::directory::{Directory, DirectoryErrorKind, block_on};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointError as Error, IncrementalCheckpointManager, archive};

use crate::{Expected, keep, open_with, options};

/// A manager under test: core's own, or one inside the engine component.
///
/// It is closed at first. Every method but [`open`](Self::open) and [`import`](Self::import) is
/// called while it is open.
pub trait Subject {
    /// What it refuses with.
    type Error: Debug;

    /// Opens the newest checkpoint; a manager that was open is dropped first.
    fn open(&mut self) -> Result<(), Self::Error>;
    /// Whether a manager is open.
    fn is_open(&self) -> bool;
    /// Drops the manager, as when the process exits.
    fn close(&mut self);
    /// Returns what the manager holds.
    fn content(&mut self) -> Expected;
    /// Opens checkpoint `id` beside the manager, and returns what it holds.
    fn content_of(&mut self, id: u64) -> Result<Expected, Self::Error>;
    /// Whether an error is the directory's own trouble, which says nothing about a checkpoint.
    fn is_trouble_of_the_directory(&self, error: &Self::Error) -> bool;
    /// Returns the id of the newest checkpoint.
    fn latest(&mut self) -> Result<Option<u64>, Self::Error>;
    /// Returns the ids of all checkpoints, the newest first.
    fn listed(&mut self) -> Result<Vec<u64>, Self::Error>;
    /// Puts a key.
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Self::Error>;
    /// Deletes a key.
    fn delete(&mut self, key: &[u8]) -> Result<(), Self::Error>;
    /// Takes a checkpoint at the epoch and the positions of `next`; returns its id.
    fn checkpoint(&mut self, next: &Expected) -> Result<u64, Self::Error>;
    /// Takes a checkpoint with an opaque state beside the live state; returns its id.
    fn checkpoint_with_state(&mut self, next: &Expected, state: &[u8]) -> Result<u64, Self::Error>;
    /// Makes the epoch and the positions of `next` durable without a checkpoint.
    fn sync(&mut self, next: &Expected) -> Result<(), Self::Error>;
    /// Keeps only the newest checkpoint.
    fn keep_newest(&mut self) -> Result<(), Self::Error>;
    /// Deletes a checkpoint.
    fn delete_checkpoint(&mut self, id: u64) -> Result<(), Self::Error>;
    /// Makes an older checkpoint the newest; returns its new id.
    fn restore(&mut self, id: u64) -> Result<u64, Self::Error>;
    /// Imports an archive into the directory; returns the checkpoint's id. The manager is closed.
    fn import(&mut self, archive: &[u8]) -> Result<u64, Self::Error>;
}

/// Core's manager over a directory.
#[derive(Debug)]
pub struct CoreManager<D: Directory> {
    directory: Arc<D>,
    config: CheckpointConfig,
    manager: Option<IncrementalCheckpointManager<D>>,
}

impl<D: Directory> CoreManager<D> {
    /// A manager over `directory` that keeps `retained` checkpoints; it is not open yet.
    pub fn new(directory: Arc<D>, retained: usize) -> Self {
        Self { directory, config: keep(retained), manager: None }
    }

    fn manager(&mut self) -> &mut IncrementalCheckpointManager<D> {
        self.manager.as_mut().expect("the session opens before it acts")
    }

    /// Moves the manager to the epoch and the positions of `next`.
    fn advance(&mut self, next: &Expected) -> Result<(), Error> {
        let manager = self.manager();
        manager.set_epoch(next.epoch)?;
        for (source, offset) in &next.source_offsets {
            manager.set_source_offset(source, *offset)?;
        }
        manager.set_watermark(next.watermark.unwrap_or_default());
        Ok(())
    }
}

impl<D: Directory> Subject for CoreManager<D> {
    type Error = Error;

    fn open(&mut self) -> Result<(), Error> {
        self.manager = None;
        self.manager = Some(open_with(&self.directory, self.config.clone(), options())?);
        Ok(())
    }

    fn is_open(&self) -> bool {
        self.manager.is_some()
    }

    fn close(&mut self) {
        self.manager = None;
    }

    fn content(&mut self) -> Expected {
        Expected::of(self.manager())
    }

    fn content_of(&mut self, id: u64) -> Result<Expected, Error> {
        let opened = open_with(&self.directory, self.config.clone(), options().checkpoint(Some(id)))?;
        Ok(Expected::of(&opened))
    }

    fn is_trouble_of_the_directory(&self, error: &Error) -> bool {
        match error {
            Error::Io(io) => io.kind() != DirectoryErrorKind::NotFound,
            Error::Fenced(_) => true,
            _ => false,
        }
    }

    fn latest(&mut self) -> Result<Option<u64>, Error> {
        Ok(self.manager().latest_checkpoint_id())
    }

    fn listed(&mut self) -> Result<Vec<u64>, Error> {
        let listed = block_on(self.manager().list_checkpoints())?;
        Ok(listed.into_iter().map(|metadata| metadata.id).collect())
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.manager().put(key, value)
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), Error> {
        self.manager().delete(key).map(drop)
    }

    fn checkpoint(&mut self, next: &Expected) -> Result<u64, Error> {
        self.advance(next)?;
        Ok(block_on(self.manager().create_checkpoint(next.wal_position))?.id)
    }

    fn checkpoint_with_state(&mut self, next: &Expected, state: &[u8]) -> Result<u64, Error> {
        let manager = self.manager();
        manager.set_epoch(next.epoch)?;
        let offsets = next.source_offsets.clone();
        Ok(block_on(manager.create_checkpoint_with_state(next.wal_position, offsets, next.watermark, state))?.id)
    }

    fn sync(&mut self, next: &Expected) -> Result<(), Error> {
        self.advance(next)?;
        block_on(self.manager().sync(next.wal_position))
    }

    fn keep_newest(&mut self) -> Result<(), Error> {
        block_on(self.manager().cleanup_old_checkpoints_keep(1)).map(drop)
    }

    fn delete_checkpoint(&mut self, id: u64) -> Result<(), Error> {
        block_on(self.manager().delete_checkpoint(id)).map(drop)
    }

    fn restore(&mut self, id: u64) -> Result<u64, Error> {
        Ok(block_on(self.manager().restore_checkpoint(id))?.id)
    }

    fn import(&mut self, archive: &[u8]) -> Result<u64, Error> {
        let imported = archive::import(archive, self.directory.clone(), self.config.clone(), options());
        Ok(block_on(imported)?.id)
    }
}
