//! How a directory is opened.

use std::sync::Arc;

use crate::clock::Clock;
#[cfg(doc)]
use crate::error::IncrementalCheckpointError;

/// The options of opening a directory.
#[derive(Clone)]
pub struct OpenOptions {
    pub(crate) clock: Arc<dyn Clock + Send + Sync>,
    pub(crate) create: bool,
    pub(crate) begin_beside_remains: bool,
    pub(crate) store_id: [u8; 16],
    pub(crate) writer: u64,
    pub(crate) allow_fallback: bool,
    pub(crate) checkpoint: Option<u64>,
    pub(crate) counts: Counts,
}

/// When a checkpoint counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    /// Once it is written.
    Written,
    /// Once something else names it.
    NamedElsewhere,
}

impl std::fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenOptions")
            .field("create", &self.create)
            .field("begin_beside_remains", &self.begin_beside_remains)
            .field("allow_fallback", &self.allow_fallback)
            .field("checkpoint", &self.checkpoint)
            .finish_non_exhaustive()
    }
}

impl OpenOptions {
    /// Returns options that open the newest checkpoint. They neither create a first one nor fall back to an older
    /// one.
    pub fn new(clock: Arc<dyn Clock + Send + Sync>) -> Self {
        Self {
            clock,
            create: false,
            begin_beside_remains: false,
            store_id: [0; 16],
            writer: 0,
            allow_fallback: false,
            checkpoint: None,
            counts: Counts::Written,
        }
    }

    /// Sets whether a directory without any checkpoint is a fresh start (true) or an error (false, the default).
    ///
    /// A directory that holds segments, WAL files or partial checkpoints and no checkpoint is never a fresh start:
    /// it is refused as [`CheckpointsLost`](IncrementalCheckpointError::CheckpointsLost).
    #[must_use]
    pub fn create(self, create: bool) -> Self {
        Self { create, ..self }
    }

    /// Sets whether a directory may be begun beside the files of checkpoints that were lost. The default is false.
    /// It includes [`create`](Self::create).
    ///
    /// If there are such files, opening creates marks that say so. These files stay until
    /// [`collect_garbage`](crate::IncrementalCheckpointManager::collect_garbage) is called, and no id and no
    /// number that their names mention is given again.
    #[must_use]
    pub fn begin_beside_remains(self, begin_beside_remains: bool) -> Self {
        Self { begin_beside_remains, ..self }
    }

    /// Sets the id of a fresh directory. Every file is bound to it. An existing directory keeps its own id.
    ///
    /// The id should be random, and the caller must draw it, because core draws no randomness. The default
    /// is all zeros.
    #[must_use]
    pub fn store_id(self, store_id: [u8; 16]) -> Self {
        Self { store_id, ..self }
    }

    /// Sets the number by which this writer's files are told from those of any other writer. It stands in
    /// the names of its segments and in the metadata of its checkpoints.
    ///
    /// The caller must draw it at random each time that it opens a directory, because core draws no
    /// randomness. The default, 0, is for tests: with it, the files of two writers may get the same names,
    /// and what a stale writer leaves may then fence the rightful one.
    #[must_use]
    pub fn writer(self, writer: u64) -> Self {
        Self { writer, ..self }
    }

    /// Sets whether a checkpoint counts only once something else names it, as the log of a job names the parts of its
    /// workers, and no other writer ever opens the directory. The default is false.
    ///
    /// The files of a checkpoint need no order then, and no other writer has to be looked for, so a storage whose steps take
    /// long needs one step for a checkpoint. A crash may leave a checkpoint that is not whole. Nothing names it.
    ///
    /// It is for [`open_parts`](crate::IncrementalCheckpointManager::open_parts) alone. Opening a directory otherwise, and a
    /// [`sync`](crate::IncrementalCheckpointManager::sync), are refused with
    /// [`InvalidInput`](IncrementalCheckpointError::InvalidInput).
    #[must_use]
    pub fn named_elsewhere(self, named_elsewhere: bool) -> Self {
        Self { counts: if named_elsewhere { Counts::NamedElsewhere } else { Counts::Written }, ..self }
    }

    /// Sets whether recovery may skip a damaged newest checkpoint and use an older one. The default is false.
    /// [`recovered`](crate::IncrementalCheckpointManager::recovered) reports what was skipped.
    #[must_use]
    pub fn allow_fallback(self, allow_fallback: bool) -> Self {
        Self { allow_fallback, ..self }
    }

    /// Sets the id of the checkpoint to open. The next checkpoint continues from it. The default is `None`,
    /// which opens the newest one.
    #[must_use]
    pub fn checkpoint(self, checkpoint: Option<u64>) -> Self {
        Self { checkpoint, ..self }
    }
}
