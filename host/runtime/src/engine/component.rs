//! The engine component at work over one directory, in a store of its own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use alluvium::NativeDirectory;
use wasmtime::Store;
use wasmtime::component::{Component, Instance, InstancePre, ResourceAny};

use crate::bindings::engine::exports::alluvium::checkpoint::{checkpoints, state};
use crate::deadline::ticks;
use crate::engine::{CheckpointReport, EngineOptions};
use crate::error::{EngineError, RuntimeError};
use crate::limits::Limits;
use crate::stack::with_room;
use crate::stderr_tail::Tail;
use crate::store_data::{StoreData, explain, explain_start};
use crate::system_error::make_images;
use crate::wasi;

/// For so long the stream waits at once while the checkpoint that was begun is written, unless a single piece takes
/// longer, such as a pass of sorting.
const ADVANCE_TIME: Duration = Duration::from_millis(1);

/// The same while others wait behind it. They would become more and more otherwise.
const ADVANCE_TIME_BEHIND: Duration = Duration::from_millis(16);

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

    /// The file that it was loaded from.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The compiled component.
    pub(crate) fn component(&self) -> &Component {
        self.instance.component()
    }
}

/// What calls go to.
struct Parts<'a> {
    checkpoints: &'a checkpoints::Guest,
    state: Option<&'a state::Guest>,
    manager: ResourceAny,
}

/// An instance of a component with one manager over one directory, which no other has.
pub struct ComponentEngine {
    store: Store<StoreData>,
    checkpoints: checkpoints::Guest,
    pub(super) state: Option<state::Guest>,
    manager: ResourceAny,
    /// How many ticks a call may take; none for our own component, which takes the time that it takes.
    deadline: Option<u64>,
    /// Set when a call has trapped: the instance must not be entered again.
    is_dead: bool,
    /// Whether a thread may sync its files while the stream continues.
    syncs_beside: bool,
    /// How many checkpoints were begun and are not durable, as far as is known here.
    pub(super) in_flight: usize,
    /// Those that have become durable and were not asked for yet, and why one has not.
    pub(super) finished: Vec<CheckpointReport>,
    pub(super) failed: Option<RuntimeError>,
    /// The walks that have not ended, and the number of the next.
    pub(super) walks: HashMap<u64, ResourceAny>,
    pub(super) next_walk: u64,
    /// Keeps other writers out for as long as the engine lives.
    pub(super) directory: NativeDirectory,
}

impl ComponentEngine {
    /// Starts it; what else the component exports is found in the instance.
    pub(crate) fn open(
        ready: &Ready,
        directory: NativeDirectory,
        options: &EngineOptions,
        limits: &Limits,
    ) -> Result<(Arc<Mutex<Self>>, Instance), RuntimeError> {
        let stderr = Tail::default();
        let wasi = wasi::of_engine(&directory, &options.clock, stderr.clone())?;
        let (who, memory_bytes) = match ready.state {
            Some(_) => ("the engine", limits.engine_memory_bytes),
            None => ("the plugin", limits.engine_memory_bytes.saturating_add(limits.plugin_memory_bytes)),
        };
        let compiler = ready.instance.engine();
        let mut store = StoreData::store(compiler, who, (wasi, stderr), (memory_bytes, limits), None);
        let deadline = ready.state.is_none().then(|| ticks(limits.engine_call));
        let started = |store: &mut Store<StoreData>| {
            make_images(ready.component())?;
            grant(store, deadline);
            let instance = ready.instance.instantiate(&mut *store)?;
            let state = ready.state.as_ref().map(|state| state.load(&mut *store, &instance)).transpose()?;
            let checkpoints = ready.checkpoints.load(&mut *store, &instance)?;
            Ok((instance, checkpoints, state))
        };
        let (instance, checkpoints, state) = with_room(limits.stack_bytes, || started(&mut store))
            .map_err(|error| explain_start(&store, &ready.file, &error))?;
        let open = checkpoints::OpenOptions {
            directory: Some(wasi::DIRECTORY.to_owned()),
            create: options.create,
            begin_beside_remains: false,
            writer: Some(options.writer),
            store_id: Some(options.store_id.to_vec()),
            checkpoint: None,
            allow_fallback: options.allow_fallback,
            max_retained: options.max_retained,
            interval_ms: 60_000,
            memory_limit_bytes: Some(options.memory_limit_bytes),
            max_compaction_bytes: options.max_compaction_bytes,
            strict: !directory.accepts_weaker_promises(),
        };
        grant(&mut store, deadline);
        let manager = with_room(limits.stack_bytes, || checkpoints.manager().call_open(&mut store, &open));
        let manager = manager.map_err(|error| explain(&store, &error))??;
        let (walks, next_walk) = (HashMap::new(), 0);
        let engine = Self {
            store,
            checkpoints,
            state,
            manager,
            deadline,
            is_dead: false,
            syncs_beside: options.syncs_beside,
            in_flight: 0,
            finished: Vec::new(),
            failed: None,
            walks,
            next_walk,
            directory,
        };
        Ok((Arc::new(Mutex::new(engine)), instance))
    }

    /// Enters the store: for the operator of a composed plugin, which lives in it.
    pub(crate) fn enter<T>(
        &mut self,
        call: impl FnOnce(&mut Store<StoreData>) -> wasmtime::Result<T>,
    ) -> Result<T, RuntimeError> {
        self.with_parts(|store, _| call(store))
    }

    /// Enters the store for as long as is left.
    fn with_parts<T>(
        &mut self,
        call: impl FnOnce(&mut Store<StoreData>, Parts<'_>) -> wasmtime::Result<T>,
    ) -> Result<T, RuntimeError> {
        self.stored().check_time()?;
        let Self { store, checkpoints, state, manager, deadline, is_dead, .. } = self;
        enter(store, is_dead, |store| {
            grant(store, *deadline);
            call(store, Parts { checkpoints, state: state.as_ref(), manager: *manager })
        })
    }

    pub(crate) fn guest(&mut self) -> &mut StoreData {
        self.store.data_mut()
    }

    pub(super) fn stored(&self) -> &StoreData {
        self.store.data()
    }

    pub(super) fn on_manager<T>(
        &mut self,
        call: impl FnOnce(checkpoints::GuestManager<'_>, &mut Store<StoreData>, ResourceAny) -> wasmtime::Result<T>,
    ) -> Result<T, RuntimeError> {
        self.with_parts(|store, parts| call(parts.checkpoints.manager(), store, parts.manager))
    }

    /// Enters the interface `state`, which a composed plugin keeps to itself.
    pub(super) fn on_state<T>(
        &mut self,
        call: impl FnOnce(&state::Guest, &mut Store<StoreData>) -> wasmtime::Result<T>,
    ) -> Result<T, RuntimeError> {
        if self.state.is_none() {
            return Err(RuntimeError::Host("a composed plugin walks its state itself".to_owned()));
        }
        self.with_parts(|store, parts| {
            let inside = || wasmtime::Error::msg("a composed plugin keeps its state to itself");
            call(parts.state.ok_or_else(inside)?, store)
        })
    }

    /// Has the engine do some work for the checkpoints that were begun, or with `to_the_end` all of it.
    pub(super) fn advance(&mut self, to_the_end: bool) -> Result<(), RuntimeError> {
        let begun = Instant::now();
        while self.in_flight > 0 {
            // The stream waits for the disk only if it begins checkpoints faster than they become durable.
            let may_be_later = self.syncs_beside && !to_the_end && self.in_flight == 1;
            let done = self.on_manager(|guest, store, manager| {
                store.data_mut().syncs.may_be_later = may_be_later;
                let done = guest.call_advance_checkpoints(&mut *store, manager, to_the_end);
                store.data_mut().syncs.may_be_later = false;
                done
            })?;
            match self.within_disk(done) {
                Ok(done) => {
                    self.in_flight -= done.len().min(self.in_flight);
                    self.finished.extend(done);
                }
                // Those after it have failed with it.
                Err(error) => {
                    self.in_flight = 0;
                    self.failed = Some(error);
                }
            }
            let enough = if self.in_flight > 1 { ADVANCE_TIME_BEHIND } else { ADVANCE_TIME };
            if !to_the_end && (begun.elapsed() >= enough || self.stored().syncs.are_under_way()) {
                break;
            }
        }
        Ok(())
    }

    /// Tells a limit of the directory from a full disk, which is what the engine was told.
    pub(super) fn within_disk<T>(&mut self, result: Result<T, EngineError>) -> Result<T, RuntimeError> {
        let refused = self.guest().disk.take_refusal();
        match (result, refused) {
            (Err(EngineError::NoSpace(_)), Some((limit, why))) => {
                Err(RuntimeError::Limit { who: "the plugin", limit, why })
            }
            (result, _) => Ok(result?),
        }
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
    let result = with_room(store.data().stack_bytes, || call(store));
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

/// Gives a call of an engine its time: none is counted for our own component.
fn grant(store: &mut Store<StoreData>, deadline: Option<u64>) {
    store.set_epoch_deadline(deadline.unwrap_or(u64::MAX / 2));
    // Where no fuel is counted, there is none to set.
    let _ = store.set_fuel(u64::MAX);
}
