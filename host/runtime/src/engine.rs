//! The engine component at work over one directory.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use alluvium_core::Clock;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre, ResourceAny};

use crate::bindings::engine::alluvium::checkpoint::types::{Columns, PackedKeys, PackedValues};
use crate::bindings::engine::exports::alluvium::checkpoint::{checkpoints, state};
use crate::error::{EngineError, RuntimeError};
use crate::limits::Limits;
use crate::stderr_tail::Tail;
use crate::store_data::{StoreData, explain, explain_start};
use crate::wasi;
use alluvium::NativeDirectory;
use alluvium::SystemClock;

pub use checkpoints::{CheckpointInfo, CheckpointReport, MaintenanceReport, Recovery, SkippedCheckpoint};

/// How the engine opens its directory.
#[derive(Clone)]
pub struct EngineOptions {
    /// How many checkpoints to keep.
    pub max_retained: u32,
    /// The id that a new directory gets.
    pub store_id: [u8; 16],
    /// What the engine's clocks say.
    pub clock: Arc<dyn Clock + Send + Sync>,
    /// Pass over damaged checkpoints to the newest whole one, and report them.
    pub allow_fallback: bool,
    /// The most memory that the state may take: past it, mutations are refused.
    pub memory_limit_bytes: u64,
    /// Bytes of live records that the maintenance of one checkpoint may rewrite; see
    /// [`CheckpointConfig::max_rebase_bytes`](alluvium_core::CheckpointConfig::max_rebase_bytes).
    pub max_rebase_bytes: Option<u64>,
}

impl EngineOptions {
    /// Returns the defaults: three checkpoints are kept, and a new directory gets this `store_id`.
    pub fn new(store_id: [u8; 16]) -> Self {
        Self {
            max_retained: 3,
            store_id,
            clock: Arc::new(SystemClock::new()),
            allow_fallback: false,
            // Half of what 32 bits can address: a checkpoint needs room beside the state.
            memory_limit_bytes: 2 << 30,
            max_rebase_bytes: None,
        }
    }
}

/// A component with an engine in it, compiled and linked: the engine component, or a composed plugin.
pub(crate) struct Ready {
    file: PathBuf,
    instance: InstancePre<StoreData>,
    checkpoints: checkpoints::GuestIndices,
    /// A composed plugin keeps its engine's `state` to itself.
    state: Option<state::GuestIndices>,
}

impl Ready {
    pub(crate) fn of_engine(file: &Path, instance: InstancePre<StoreData>) -> wasmtime::Result<Self> {
        let state = Some(state::GuestIndices::new(&instance)?);
        Ok(Self { state, ..Self::of_composed(file, instance)? })
    }

    pub(crate) fn of_composed(file: &Path, instance: InstancePre<StoreData>) -> wasmtime::Result<Self> {
        let checkpoints = checkpoints::GuestIndices::new(&instance)?;
        Ok(Self { file: file.to_owned(), instance, checkpoints, state: None })
    }
}

/// An instance of a component with one manager over one directory, which no other has.
pub struct Engine {
    store: Store<StoreData>,
    checkpoints: checkpoints::Guest,
    state: Option<state::Guest>,
    manager: ResourceAny,
    /// Set when a call has trapped: the instance must not be entered again.
    is_dead: bool,
    /// Keeps other writers out for as long as the engine lives.
    directory: NativeDirectory,
}

/// An engine that a plugin's `state` leads to; [`lock`] borrows it.
pub type SharedEngine = Arc<Mutex<Engine>>;

impl Engine {
    /// Starts it; what else the component exports is found in the instance.
    pub(crate) fn open(
        ready: &Ready,
        directory: NativeDirectory,
        options: &EngineOptions,
        limits: &Limits,
    ) -> Result<(SharedEngine, Instance), RuntimeError> {
        let stderr = Tail::default();
        let wasi = wasi::of_engine(&directory, &options.clock, stderr.clone())?;
        let (who, memory_bytes) = match ready.state {
            Some(_) => ("the engine", limits.engine_memory_bytes),
            None => ("the plugin", limits.engine_memory_bytes.saturating_add(limits.plugin_memory_bytes)),
        };
        let compiler = ready.instance.engine();
        let mut store = StoreData::store(compiler, who, (wasi, stderr), (memory_bytes, limits), None);
        without_deadline(&mut store);
        let started = |store: &mut Store<StoreData>| {
            let instance = ready.instance.instantiate(&mut *store)?;
            let state = ready.state.as_ref().map(|state| state.load(&mut *store, &instance)).transpose()?;
            let checkpoints = ready.checkpoints.load(&mut *store, &instance)?;
            Ok((instance, checkpoints, state))
        };
        let (instance, checkpoints, state) =
            started(&mut store).map_err(|error| explain_start(&store, &ready.file, &error))?;
        let open = checkpoints::OpenOptions {
            directory: Some(wasi::DIRECTORY.to_owned()),
            create: true,
            store_id: Some(options.store_id.to_vec()),
            checkpoint: None,
            allow_fallback: options.allow_fallback,
            max_retained: options.max_retained,
            interval_ms: 60_000,
            memory_limit_bytes: Some(options.memory_limit_bytes),
            max_rebase_bytes: options.max_rebase_bytes,
            strict: true,
        };
        let manager = checkpoints.manager().call_open(&mut store, &open);
        let manager = manager.map_err(|error| explain(&store, &error))??;
        let engine = Self { store, checkpoints, state, manager, is_dead: false, directory };
        Ok((Arc::new(Mutex::new(engine)), instance))
    }

    /// The directory that the engine writes to.
    pub fn directory(&self) -> &NativeDirectory {
        &self.directory
    }

    /// The memory of WebAssembly that it takes.
    pub fn memory_bytes(&self) -> usize {
        self.store.data().budget.memory_bytes()
    }

    /// The store, for the operator of a composed plugin, which lives in it.
    pub(crate) fn enter<T>(
        &mut self,
        call: impl FnOnce(&mut Store<StoreData>) -> wasmtime::Result<T>,
    ) -> Result<T, RuntimeError> {
        enter(&mut self.store, &mut self.is_dead, call)
    }

    pub(crate) fn guest(&mut self) -> &mut StoreData {
        self.store.data_mut()
    }

    fn on_manager<T>(
        &mut self,
        call: impl FnOnce(checkpoints::GuestManager<'_>, &mut Store<StoreData>, ResourceAny) -> wasmtime::Result<T>,
    ) -> Result<T, RuntimeError> {
        let Self { store, checkpoints, manager, is_dead, .. } = self;
        enter(store, is_dead, |store| {
            without_deadline(store);
            call(checkpoints.manager(), store, *manager)
        })
    }

    /// The value of a key.
    pub fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_get(store, manager, key))
    }

    /// The values of many keys, in the order asked.
    pub fn get_many(&mut self, keys: &PackedKeys) -> Result<PackedValues, RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_get_many(store, manager, keys))??)
    }

    /// Applies a batch, all or nothing.
    pub fn apply(&mut self, batch: &Columns) -> Result<u64, RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_apply(store, manager, batch))??)
    }

    /// Sets one key.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_put(store, manager, key, value))??)
    }

    /// Deletes one key; whether it was there.
    pub fn delete(&mut self, key: &[u8]) -> Result<bool, RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_delete(store, manager, key))??)
    }

    /// Begins a batch, so that [`rollback_batch`](Self::rollback_batch) undoes what changes from now on.
    pub fn begin_batch(&mut self) -> Result<(), RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_begin_batch(store, manager))
    }

    /// Undoes every mutation since the batch began, and ends the batch.
    pub fn rollback_batch(&mut self) -> Result<(), RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_rollback_batch(store, manager))??)
    }

    /// How many keys there are.
    #[allow(clippy::len_without_is_empty, reason = "it is asked across a border and may fail")]
    pub fn len(&mut self) -> Result<u64, RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_len(store, manager))
    }

    pub(crate) fn iterate(&mut self, prefix: &[u8]) -> Result<ResourceAny, RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_iterate(store, manager, prefix))
    }

    pub(crate) fn next(&mut self, cursor: ResourceAny, limit: u32) -> Result<Columns, RuntimeError> {
        let inside = || RuntimeError::Host("a composed plugin walks its state itself".to_owned());
        let Self { store, state, is_dead, .. } = self;
        let state = state.as_ref().ok_or_else(inside)?;
        Ok(enter(store, is_dead, |store| state.cursor().call_next(store, cursor, limit))??)
    }

    pub(crate) fn drop_cursor(&mut self, cursor: ResourceAny) {
        // A cursor of a dead engine is gone already.
        let _ = self.enter(|store| cursor.resource_drop(store));
    }

    /// Returns what opening recovered; `None` for a new directory.
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
        let synced = self.on_manager(|guest, store, manager| guest.call_sync(store, manager, wal_position))?;
        self.within_disk(synced)
    }

    /// Takes a checkpoint; when it returns, the checkpoint is durable.
    pub fn checkpoint(&mut self, wal_position: u64) -> Result<CheckpointReport, RuntimeError> {
        let taken = self.on_manager(|guest, store, manager| guest.call_checkpoint(store, manager, wal_position))?;
        self.within_disk(taken)
    }

    /// Makes a kept checkpoint the newest, by a new one that shares its files; what was not
    /// checkpointed is dropped.
    pub fn restore(&mut self, id: u64) -> Result<CheckpointInfo, RuntimeError> {
        let restored = self.on_manager(|guest, store, manager| guest.call_restore(store, manager, id))?;
        self.within_disk(restored)
    }

    /// Tells a limit of the directory from a full disk, which is what the engine was told.
    fn within_disk<T>(&mut self, result: Result<T, EngineError>) -> Result<T, RuntimeError> {
        let refused = self.guest().disk.take_refusal();
        match (result, refused) {
            (Err(EngineError::NoSpace(_)), Some((limit, why))) => {
                Err(RuntimeError::Limit { who: "the plugin", limit, why })
            }
            (result, _) => Ok(result?),
        }
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

/// Enters a component, unless an earlier call has ended it.
pub(crate) fn enter<T>(
    store: &mut Store<StoreData>,
    is_dead: &mut bool,
    call: impl FnOnce(&mut Store<StoreData>) -> wasmtime::Result<T>,
) -> Result<T, RuntimeError> {
    // A panic in mid-call leaves it dead, too.
    if std::mem::replace(is_dead, true) {
        return Err(RuntimeError::Ended { why: "its instance ended in it".to_owned() });
    }
    store.data_mut().budget.forget_refusal();
    let result = call(store);
    *is_dead = result.is_err();
    match result {
        Ok(value) => Ok(value),
        // What ended the engine in mid-call is told as it is, not as the plugin's own end.
        Err(error) => match error.downcast::<RuntimeError>() {
            Ok(of_engine) => Err(of_engine),
            Err(error) => Err(explain(&*store, &error)),
        },
    }
}

/// Our own component takes the time that it takes; so does the engine inside a composed plugin.
pub(crate) fn without_deadline(store: &mut Store<StoreData>) {
    store.set_epoch_deadline(u64::MAX / 2);
    // Where no fuel is counted, there is none to set.
    let _ = store.set_fuel(u64::MAX);
}

/// Borrows a shared engine for a few calls.
pub fn lock(engine: &SharedEngine) -> std::sync::MutexGuard<'_, Engine> {
    // A panic while it was borrowed left it dead, which its next call says.
    engine.lock().unwrap_or_else(PoisonError::into_inner)
}
