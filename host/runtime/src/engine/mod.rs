//! Engines: what keeps the state of one plugin, and the checkpoints of it.
//!
//! The [component](self::component::ComponentEngine) is the engine in WebAssembly, in a sandbox of its own. The
//! [native](self::native::NativeEngine) one is core in this process. What the rest of this crate asks of an engine is
//! the trait [`Engine`].

mod calls;
pub(crate) mod component;
mod native;
mod options;
mod parts;
mod position;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alluvium_core::job::JobPart;
use alluvium_core::model::opaque::Opaque;
use alluvium_core::model::source_position::SourcePosition;
use alluvium_core::model::stop::Stop;

use crate::bindings::engine::alluvium::checkpoint::types::{Columns, NamespaceDeclaration, PackedKeys, PackedValues};
use crate::bindings::engine::exports::alluvium::checkpoint::checkpoints;
use crate::error::RuntimeError;
use crate::limits::Limits;

pub use self::component::ComponentEngine;
pub use self::native::NativeEngine;
pub use self::options::EngineOptions;
pub use self::parts::PartsStart;
pub use checkpoints::{CheckpointInfo, CheckpointReport, DueTimers, MaintenanceReport, Recovery, SkippedCheckpoint};

/// The name of a walk over entries, which [`Engine::iterate`] begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Walk(pub(crate) u64);

/// A range of the keys of an ordered namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Range {
    /// The first key that may be in it.
    #[serde(with = "serde_bytes")]
    pub from: Vec<u8>,
    /// The first key after it. None: it ends with the last key.
    #[serde(with = "serde_bytes")]
    pub to: Option<Vec<u8>>,
}

/// Keeps the state of one plugin in one directory.
///
/// Every call may fail: an engine in a component can end in mid-call, and every call after that is
/// [`Ended`](RuntimeError::Ended).
pub trait Engine: Send {
    /// Stops the work of the calls to come as soon as `stop` says so, for as long as a plugin is the one that asks. Such
    /// a call ends with [`Limit::Time`](crate::Limit::Time), and the engine may have ended in it. `None` lifts it.
    fn stop_when(&mut self, stop: Option<Stop>);

    /// Declares a namespace and returns its number. One that the engine cannot keep is an error that names it.
    fn declare_namespace(&mut self, declaration: &NamespaceDeclaration) -> Result<u32, RuntimeError>;

    /// Returns the value of a key.
    fn get(&mut self, namespace: u32, key: &[u8]) -> Result<Option<Vec<u8>>, RuntimeError>;

    /// Returns the values of many keys, in the order asked.
    fn get_many(&mut self, namespace: u32, keys: &PackedKeys) -> Result<PackedValues, RuntimeError>;

    /// Applies a batch of mutations, all or nothing, and returns how many there were.
    fn apply(&mut self, namespace: u32, batch: &Columns) -> Result<u64, RuntimeError>;

    /// Sets one key.
    fn put(&mut self, namespace: u32, key: &[u8], value: &[u8]) -> Result<(), RuntimeError>;

    /// Deletes one key. Returns whether it was there.
    fn delete(&mut self, namespace: u32, key: &[u8]) -> Result<bool, RuntimeError>;

    /// Returns the entries of a range of an ordered namespace, at most `limit`, and from its end with `reverse`.
    fn scan(&mut self, namespace: u32, range: &Range, reverse: bool, limit: u32) -> Result<Columns, RuntimeError>;

    /// Deletes a range of an ordered namespace. Returns how many entries it had.
    fn delete_range(&mut self, namespace: u32, range: &Range) -> Result<u64, RuntimeError>;

    /// Sets a timer, in milliseconds of the namespace's clock.
    fn set_timer(&mut self, namespace: u32, at_ms: i64, key: &[u8]) -> Result<(), RuntimeError>;

    /// Deletes a timer. Returns whether it was set.
    fn delete_timer(&mut self, namespace: u32, at_ms: i64, key: &[u8]) -> Result<bool, RuntimeError>;

    /// Returns the time of the first timer of a namespace.
    fn first_timer(&mut self, namespace: u32) -> Result<Option<i64>, RuntimeError>;

    /// Deletes the first timers of a namespace and returns them, unless they are set for a time after `up_to_ms`: those
    /// of one time, at most `limit`.
    fn take_timers(&mut self, namespace: u32, up_to_ms: i64, limit: u32) -> Result<Option<DueTimers>, RuntimeError>;

    /// Returns how many keys a namespace has.
    #[allow(clippy::len_without_is_empty, reason = "it is asked across a border and may fail")]
    fn len(&mut self, namespace: u32) -> Result<u64, RuntimeError>;

    /// Begins a walk over the entries whose keys begin with `prefix`, in key order.
    fn iterate(&mut self, namespace: u32, prefix: &[u8]) -> Result<Walk, RuntimeError>;

    /// Returns the next entries of a walk, at most `limit`. None is the end.
    fn next(&mut self, walk: Walk, limit: u32) -> Result<Columns, RuntimeError>;

    /// Ends a walk.
    fn end_walk(&mut self, walk: Walk);

    /// Begins a batch, so that [`rollback_batch`](Self::rollback_batch) undoes what changes from now on. A
    /// batch that is open already is committed first.
    fn begin_batch(&mut self) -> Result<(), RuntimeError>;

    /// Undoes every mutation since the batch began, and ends the batch.
    fn rollback_batch(&mut self) -> Result<(), RuntimeError>;

    /// Returns what opening recovered; `None` for a new directory.
    fn recovered(&mut self) -> Result<Option<Recovery>, RuntimeError>;

    /// Returns how far a source has been consumed.
    fn source_offset(&mut self, source: &str) -> Result<Option<u64>, RuntimeError>;

    /// Moves a source's offset forward.
    fn set_source_offset(&mut self, source: &str, offset: u64) -> Result<(), RuntimeError>;

    /// Returns where reading a partition of a source continues.
    fn position(&mut self, source: &str, partition: &str) -> Result<Option<SourcePosition>, RuntimeError>;

    /// Sets where reading a partition of a source continues.
    fn set_position(&mut self, source: &str, partition: &str, position: &SourcePosition) -> Result<(), RuntimeError>;

    /// Returns the token of a sink.
    fn sink_token(&mut self, sink: &str) -> Result<Option<Opaque>, RuntimeError>;

    /// Sets the token by which a sink recognises what it prepared.
    fn set_sink_token(&mut self, sink: &str, token: &Opaque) -> Result<(), RuntimeError>;

    /// Returns the watermark of a partition of an input, in milliseconds.
    fn partition_watermark(&mut self, input: &str, partition: &str) -> Result<Option<i64>, RuntimeError>;

    /// Raises the watermark of a partition of an input, in milliseconds.
    fn set_partition_watermark(&mut self, input: &str, partition: &str, watermark_ms: i64) -> Result<(), RuntimeError>;

    /// Returns the processing time, in milliseconds of Unix time.
    fn processing_time(&mut self) -> Result<Option<i64>, RuntimeError>;

    /// Raises the processing time, in milliseconds of Unix time.
    fn set_processing_time(&mut self, time_ms: i64) -> Result<(), RuntimeError>;

    /// Returns the watermark, in milliseconds.
    fn watermark(&mut self) -> Result<Option<i64>, RuntimeError>;

    /// Raises the watermark, in milliseconds.
    fn set_watermark(&mut self, watermark_ms: i64) -> Result<(), RuntimeError>;

    /// Returns the epoch.
    fn epoch(&mut self) -> Result<u64, RuntimeError>;

    /// Moves the epoch forward.
    fn set_epoch(&mut self, epoch: u64) -> Result<(), RuntimeError>;

    /// Returns a text attached to the newest checkpoint or WAL file.
    fn annotation(&mut self, name: &str) -> Result<Option<String>, RuntimeError>;

    /// Attaches a text to the checkpoints and WAL files to come.
    fn set_annotation(&mut self, name: &str, value: &str) -> Result<(), RuntimeError>;

    /// Makes everything so far durable without a checkpoint.
    fn sync(&mut self, wal_position: u64) -> Result<(), RuntimeError>;

    /// Takes a checkpoint. When it returns, the checkpoint is durable.
    fn checkpoint(&mut self, wal_position: u64) -> Result<CheckpointReport, RuntimeError>;

    /// Freezes a checkpoint, to be written while the stream continues.
    fn begin_checkpoint(&mut self, wal_position: u64) -> Result<(), RuntimeError>;

    /// Does a piece of work for the checkpoints that were begun, if the engine cannot do it by itself meanwhile.
    fn advance_checkpoints(&mut self) -> Result<(), RuntimeError> {
        Ok(())
    }

    /// Returns the checkpoints that were begun and have become durable since this was last asked, oldest first.
    /// With `wait`, it waits for all that were begun.
    fn finished_checkpoints(&mut self, wait: bool) -> Result<Vec<CheckpointReport>, RuntimeError>;

    /// Returns the digest of the state, if the engine can tell it between checkpoints.
    fn digest(&mut self) -> Option<u64> {
        None
    }

    /// Returns the parts of a [job](alluvium_core::job) that have become durable since this was last asked, oldest
    /// first. There are some only if the engine was opened with [`PartsStart`].
    fn take_parts(&mut self) -> Vec<JobPart> {
        Vec::new()
    }

    /// Makes a kept checkpoint the newest, by a new one that shares its files. What was not checkpointed is
    /// dropped.
    fn restore(&mut self, id: u64) -> Result<CheckpointInfo, RuntimeError>;

    /// Returns all whole checkpoints, newest first.
    fn list_checkpoints(&mut self) -> Result<Vec<CheckpointInfo>, RuntimeError>;

    /// Returns the promises of durability that cannot be kept here.
    fn weaker_promises(&mut self) -> Result<Vec<String>, RuntimeError>;

    /// Returns the memory that it takes.
    fn memory_bytes(&self) -> usize;

    /// Holds what it writes from now on to what `limits` leave beside the files of its directory.
    fn hold_to_disk_limits(&mut self, limits: &Limits) -> Result<(), RuntimeError>;

    /// Returns the bytes of its directory's files.
    fn disk_bytes(&mut self) -> Result<u64, RuntimeError>;
}

/// An engine that a plugin's `state` leads to; [`lock`] borrows it.
pub type SharedEngine = Arc<Mutex<dyn Engine>>;

/// Borrows a shared engine for a few calls.
pub fn lock<E: Engine + ?Sized>(engine: &Mutex<E>) -> MutexGuard<'_, E> {
    // A panic while it was borrowed left it dead, which its next call says.
    engine.lock().unwrap_or_else(PoisonError::into_inner)
}
