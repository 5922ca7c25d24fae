//! The engine component at work over one directory.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use alluvium_core::Clock;
use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::bindings::engine as bindings;
use super::bindings::engine::alluvium::checkpoint::types::{Columns, Error, PackedKeys, PackedValues};
use super::bindings::engine::exports::alluvium::checkpoint::{checkpoints, state};
use super::guest::{Guest, explain, explain_start};
use super::limits::Limits;
use super::shell::{self, Tail};
use super::{RuntimeError, SharedEngine};
use crate::SystemClock;
use crate::native::NativeDirectory;

pub use checkpoints::{CheckpointInfo, CheckpointReport, MaintenanceReport, Recovery, SkippedCheckpoint};

/// How the engine opens its directory.
#[derive(Clone)]
pub struct EngineOptions {
    /// How many checkpoints to keep.
    pub max_retained: u32,
    /// The identity of a directory that is begun anew.
    pub store_id: [u8; 16],
    /// What the engine's clocks say.
    pub clock: Arc<dyn Clock + Send + Sync>,
    /// Pass over damaged checkpoints to the newest whole one, and report them.
    pub allow_fallback: bool,
    /// The most memory that the state may take: past it, mutations are refused.
    pub memory_limit_bytes: u64,
}

impl EngineOptions {
    /// Keeps three checkpoints; begins a new directory under `store_id`.
    pub fn new(store_id: [u8; 16]) -> Self {
        Self {
            max_retained: 3,
            store_id,
            clock: Arc::new(SystemClock::new()),
            allow_fallback: false,
            // Half of what 32 bits can address: a checkpoint needs room beside the state.
            memory_limit_bytes: 2 << 30,
        }
    }
}

/// An instance of the engine component with one manager over one directory, which nobody else has.
pub struct Engine {
    store: Store<Guest>,
    instance: bindings::Engine,
    manager: ResourceAny,
    /// Set when a call has trapped: the instance must not be entered again.
    is_dead: bool,
    /// Keeps other writers out for as long as the engine lives.
    directory: NativeDirectory,
}

impl Engine {
    pub(super) fn open(
        file: &Path,
        ready: &bindings::EnginePre<Guest>,
        directory: NativeDirectory,
        options: &EngineOptions,
        limits: &Limits,
    ) -> Result<SharedEngine, RuntimeError> {
        let stderr = Tail::default();
        let wasi = shell::of_engine(&directory, &options.clock, stderr.clone())?;
        let granted = (limits.engine_memory_bytes, limits);
        let mut store = Guest::store(ready.engine(), "the engine", (wasi, stderr), granted, None);
        let instance = ready.instantiate(&mut store).map_err(|error| explain_start(&store, file, &error))?;
        let open = checkpoints::OpenOptions {
            directory: Some(shell::DIRECTORY.to_owned()),
            create: true,
            store_id: Some(options.store_id.to_vec()),
            checkpoint: None,
            allow_fallback: options.allow_fallback,
            max_retained: options.max_retained,
            interval_ms: 60_000,
            memory_limit_bytes: Some(options.memory_limit_bytes),
            strict: true,
        };
        let manager = instance.alluvium_checkpoint_checkpoints().manager().call_open(&mut store, &open);
        let manager = manager.map_err(|error| explain(&store, &error))??;
        Ok(Arc::new(Mutex::new(Self { store, instance, manager, is_dead: false, directory })))
    }

    /// The directory that the engine writes to.
    pub fn directory(&self) -> &NativeDirectory {
        &self.directory
    }

    /// Enters the component, unless an earlier call has ended it.
    fn call<T>(
        &mut self,
        call: impl FnOnce(&bindings::Engine, &mut Store<Guest>, ResourceAny) -> wasmtime::Result<T>,
    ) -> Result<T, RuntimeError> {
        if std::mem::replace(&mut self.is_dead, true) {
            return Err(RuntimeError::Trap { who: "the engine", why: "an earlier call ended it".to_owned() });
        }
        let result = call(&self.instance, &mut self.store, self.manager);
        self.is_dead = result.is_err();
        result.map_err(|error| explain(&self.store, &error))
    }

    fn on_state<T>(
        &mut self,
        call: impl FnOnce(&state::Guest, &mut Store<Guest>) -> wasmtime::Result<Result<T, Error>>,
    ) -> Result<T, RuntimeError> {
        let result = self.call(|instance, store, _| call(instance.alluvium_checkpoint_state(), store))?;
        Ok(result?)
    }

    fn on_manager<T>(
        &mut self,
        call: impl FnOnce(checkpoints::GuestManager<'_>, &mut Store<Guest>, ResourceAny) -> wasmtime::Result<T>,
    ) -> Result<T, RuntimeError> {
        self.call(|instance, store, manager| call(instance.alluvium_checkpoint_checkpoints().manager(), store, manager))
    }

    /// The value of a key.
    pub fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, RuntimeError> {
        self.on_state(|state, store| state.call_get(store, key))
    }

    /// The values of many keys, in the order asked.
    pub fn get_many(&mut self, keys: &PackedKeys) -> Result<PackedValues, RuntimeError> {
        self.on_state(|state, store| state.call_get_many(store, keys))
    }

    /// Applies a batch, all or nothing.
    pub fn apply(&mut self, batch: &Columns) -> Result<u64, RuntimeError> {
        self.on_state(|state, store| state.call_apply(store, batch))
    }

    /// Sets one key.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), RuntimeError> {
        self.on_state(|state, store| state.call_put(store, key, value))
    }

    /// Deletes one key; whether it was there.
    pub fn delete(&mut self, key: &[u8]) -> Result<bool, RuntimeError> {
        self.on_state(|state, store| state.call_delete(store, key))
    }

    /// How many keys there are.
    #[allow(clippy::len_without_is_empty, reason = "it is asked across a border and may fail")]
    pub fn len(&mut self) -> Result<u64, RuntimeError> {
        self.on_state(|state, store| state.call_len(store))
    }

    pub(super) fn iterate(&mut self, prefix: &[u8]) -> Result<ResourceAny, RuntimeError> {
        self.on_state(|state, store| state.call_iterate(store, prefix))
    }

    pub(super) fn next(&mut self, cursor: ResourceAny, limit: u32) -> Result<Columns, RuntimeError> {
        self.on_state(|state, store| state.cursor().call_next(store, cursor, limit))
    }

    pub(super) fn drop_cursor(&mut self, cursor: ResourceAny) {
        // A cursor of a dead engine is gone already.
        let _ = self.call(|_, store, _| cursor.resource_drop(store));
    }

    /// What opening recovered; nothing when the directory was begun anew.
    pub fn recovered(&mut self) -> Result<Option<Recovery>, RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_recovered(store, manager))
    }

    /// How far a source has been consumed.
    pub fn source_offset(&mut self, source: &str) -> Result<Option<u64>, RuntimeError> {
        let offsets = self.on_manager(|guest, store, manager| guest.call_source_offsets(store, manager))?;
        Ok(offsets.into_iter().find(|known| known.source == source).map(|known| known.offset))
    }

    /// Moves a source's offset forward.
    pub fn set_source_offset(&mut self, source: &str, offset: u64) -> Result<(), RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_set_source_offset(store, manager, source, offset))??)
    }

    /// The watermark, in milliseconds.
    pub fn watermark(&mut self) -> Result<Option<i64>, RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_watermark(store, manager))
    }

    /// Sets the watermark, in milliseconds.
    pub fn set_watermark(&mut self, watermark_ms: i64) -> Result<(), RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_set_watermark(store, manager, watermark_ms))
    }

    /// The epoch now.
    pub fn epoch(&mut self) -> Result<u64, RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_epoch(store, manager))
    }

    /// Moves the epoch forward.
    pub fn set_epoch(&mut self, epoch: u64) -> Result<(), RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_set_epoch(store, manager, epoch))??)
    }

    /// A text attached to the newest checkpoint or log.
    pub fn annotation(&mut self, name: &str) -> Result<Option<String>, RuntimeError> {
        let annotations = self.on_manager(|guest, store, manager| guest.call_annotations(store, manager))?;
        Ok(annotations.into_iter().find(|known| known.name == name).map(|known| known.value))
    }

    /// Attaches a text to the checkpoints and logs to come.
    pub fn set_annotation(&mut self, name: &str, value: &str) -> Result<(), RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_set_annotation(store, manager, name, value))
    }

    /// Makes everything so far durable without a checkpoint.
    pub fn sync(&mut self, wal_position: u64) -> Result<(), RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_sync(store, manager, wal_position))??)
    }

    /// Takes a checkpoint; when it returns, the checkpoint is durable.
    pub fn checkpoint(&mut self, wal_position: u64) -> Result<CheckpointReport, RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_checkpoint(store, manager, wal_position))??)
    }

    /// All whole checkpoints, newest first.
    pub fn list_checkpoints(&mut self) -> Result<Vec<CheckpointInfo>, RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_list_checkpoints(store, manager))??)
    }

    /// Promises of durability that cannot be kept here.
    pub fn weaker_promises(&mut self) -> Result<Vec<String>, RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_weaker_promises(store, manager))
    }
}

/// Borrows a shared engine for a few calls.
pub fn lock(engine: &SharedEngine) -> std::sync::MutexGuard<'_, Engine> {
    // A panic while it was borrowed left it dead, which its next call says.
    engine.lock().unwrap_or_else(PoisonError::into_inner)
}
