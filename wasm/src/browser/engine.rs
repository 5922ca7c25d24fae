//! The manager as JavaScript sees it. The typed package is built on this, and adds what people need:
//! locks, queues, texts and events.
//!
//! The manager is borrowed only within synchronous steps, never over an await: a call from JavaScript
//! may come at any time, and none throws because another is under way. Operations that need the
//! manager throughout (restore, import, deletion) take it out of its slot; what comes meanwhile is
//! told so.

use std::cell::{RefCell, RefMut};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use alluvium_core::directory::{AnyDirectory, MemoryDirectory};
use alluvium_core::{
    IncrementalCheckpointError as Error, IncrementalCheckpointManager, Maintenance, OpenOptions, PreparedCheckpoint,
    archive,
    tools::{inspect, verify},
};
use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::clock::{BrowserClock, JsClock};
use super::convert::{self, Settings, object};
use super::indexed_db::IndexedDbDirectory;
use super::js_directory::JsDirectory;
use super::packed;
use super::walk::Walk;

type Manager = IncrementalCheckpointManager<AnyDirectory<'static>>;

/// What an operation will give JavaScript. On the heap and of one type, so that what is made around
/// operations is compiled once.
type Answer<'a, E = Error> = Pin<Box<dyn Future<Output = Result<JsValue, E>> + 'a>>;

fn promise(answer: Answer<'static, JsValue>) -> Promise {
    future_to_promise(answer)
}

/// Where the manager is.
enum Slot {
    Open(Box<Manager>),
    /// Taken out by an operation that needs all of it.
    Busy(&'static str),
    Closed,
}

/// What every handle of one engine shares.
pub(super) struct Shared {
    slot: RefCell<Slot>,
    directory: Arc<AnyDirectory<'static>>,
    options: OpenOptions,
}

impl Shared {
    fn manager(&self) -> Result<RefMut<'_, Manager>, JsValue> {
        let open = RefMut::filter_map(self.slot.borrow_mut(), |slot| match slot {
            Slot::Open(manager) => Some(&mut **manager),
            _ => None,
        });
        open.map_err(|slot| slot.refusal())
    }

    /// Runs one synchronous step on the manager.
    pub(super) fn with<T>(&self, step: impl FnOnce(&mut Manager) -> Result<T, Error>) -> Result<T, JsValue> {
        step(&mut *self.manager()?).map_err(convert::error)
    }

    fn take(&self, for_what: &'static str) -> Result<Box<Manager>, JsValue> {
        let mut slot = self.slot.borrow_mut();
        match std::mem::replace(&mut *slot, Slot::Busy(for_what)) {
            Slot::Open(manager) => Ok(manager),
            other => {
                *slot = other;
                Err(slot.refusal())
            }
        }
    }

    /// Puts the manager back, unless everything was closed meanwhile.
    fn put_back(&self, manager: Box<Manager>) {
        let mut slot = self.slot.borrow_mut();
        if matches!(*slot, Slot::Busy(_)) {
            *slot = Slot::Open(manager);
        }
    }
}

impl Slot {
    fn refusal(&self) -> JsValue {
        match self {
            Self::Busy(what) => convert::error_with("busy", &format!("{what} is under way: await it first")),
            _ => convert::error_with("closed", "these checkpoints are closed: open them anew"),
        }
    }
}

/// Keyed state and its checkpoints in one storage.
#[wasm_bindgen]
pub struct Engine {
    shared: Rc<Shared>,
}

/// A checkpoint that is frozen and not yet written.
#[wasm_bindgen]
pub struct Prepared(PreparedCheckpoint<AnyDirectory<'static>>);

/// A checkpoint that is durable, and what is to be tidied up after it.
#[wasm_bindgen]
pub struct Finished {
    metadata: JsValue,
    statistics: JsValue,
    maintenance: Maintenance<AnyDirectory<'static>>,
}

#[wasm_bindgen]
impl Finished {
    /// Its metadata.
    #[wasm_bindgen(getter)]
    pub fn metadata(&self) -> JsValue {
        self.metadata.clone()
    }

    /// What it cost.
    #[wasm_bindgen(getter)]
    pub fn statistics(&self) -> JsValue {
        self.statistics.clone()
    }

    /// Retention, garbage collection and rebase; gives a report, and never fails the checkpoint.
    pub fn maintain(self) -> Promise {
        promise(Box::pin(async move { Ok(convert::maintenance(&self.maintenance.run().await)) }))
    }
}

/// Opens `name` in `IndexedDB` (`"indexeddb"`), in memory (`"memory"`), or in a directory of JavaScript.
async fn open_storage(
    kind: &str,
    name: &str,
    directory: Option<JsDirectory>,
) -> Result<AnyDirectory<'static>, JsValue> {
    match (kind, directory) {
        (_, Some(directory)) => Ok(AnyDirectory::new(directory)),
        ("indexeddb", None) => match IndexedDbDirectory::open(name).await {
            Ok(directory) => Ok(AnyDirectory::new(directory)),
            Err(error) => Err(convert::error(error.into())),
        },
        ("memory", None) => Ok(AnyDirectory::new(MemoryDirectory::new())),
        _ => Err(convert::error_with("invalid-input", &format!("unknown storage \"{kind}\""))),
    }
}

#[wasm_bindgen]
impl Engine {
    /// Opens a storage and recovers its newest checkpoint, or starts anew.
    pub fn open(
        kind: String,
        name: String,
        directory: Option<JsDirectory>,
        clock: JsClock,
        options: JsValue,
    ) -> Promise {
        promise(Box::pin(async move {
            let settings = Settings::read(&options)?;
            let clock = BrowserClock::new(clock);
            let options = OpenOptions::new(Arc::new(clock))
                .create(settings.create)
                .allow_fallback(settings.allow_fallback)
                .checkpoint(settings.checkpoint)
                .store_id(settings.store_id);
            #[allow(
                clippy::arc_with_non_send_sync,
                reason = "the manager shares its directory by Arc on every platform"
            )]
            let directory = Arc::new(open_storage(&kind, &name, directory).await?);
            let opened = Manager::open(Arc::clone(&directory), settings.config, options.clone()).await;
            let manager = opened.map_err(convert::error)?;
            // Opening again, as an import does, is always for the newest.
            let options = options.checkpoint(None);
            Ok(Self {
                shared: Rc::new(Shared { slot: RefCell::new(Slot::Open(Box::new(manager))), directory, options }),
            }
            .into())
        }))
    }

    /// Gives the manager up; what is being written ends by itself.
    pub fn close(&self) {
        *self.shared.slot.borrow_mut() = Slot::Closed;
    }

    /// Sets a key's value.
    pub fn put(&self, key: &[u8], value: &[u8]) -> Result<(), JsValue> {
        self.shared.with(|manager| manager.put(key, value))
    }

    /// Removes a key; whether it was there.
    pub fn delete(&self, key: &[u8]) -> Result<bool, JsValue> {
        self.shared.with(|manager| manager.delete(key))
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, JsValue> {
        self.shared.with(|manager| Ok(manager.get(key).map(<[u8]>::to_vec)))
    }

    /// Values of packed keys, packed.
    #[wasm_bindgen(js_name = getMany)]
    pub fn get_many(&self, keys: &[u8]) -> Result<Vec<u8>, JsValue> {
        self.shared.with(|manager| {
            let values: Vec<_> = packed::keys(keys)?.into_iter().map(|key| manager.get(key)).collect();
            Ok(packed::values(&values))
        })
    }

    /// Applies a packed batch, all or nothing; the number of mutations.
    pub fn apply(&self, batch: &[u8]) -> Result<f64, JsValue> {
        self.shared
            .with(|manager| packed::with_mutations(batch, |columns| manager.apply(columns)).map(|count| count as f64))
    }

    /// A walk over the keys that start with `prefix`, in order.
    pub fn walk(&self, prefix: &[u8]) -> Result<Walk, JsValue> {
        let keys =
            self.shared.with(|manager| Ok(manager.iter_prefix(prefix).map(|(key, _)| key.to_vec()).collect()))?;
        Ok(Walk::new(Rc::clone(&self.shared), keys))
    }

    /// Live keys.
    pub fn size(&self) -> Result<f64, JsValue> {
        self.shared.with(|manager| Ok(manager.len() as f64))
    }

    /// The epoch.
    pub fn epoch(&self) -> Result<u64, JsValue> {
        self.shared.with(|manager| Ok(manager.epoch()))
    }

    /// Sets the epoch.
    #[wasm_bindgen(js_name = setEpoch)]
    pub fn set_epoch(&self, epoch: u64) -> Result<(), JsValue> {
        self.shared.with(|manager| manager.set_epoch(epoch))
    }

    /// For each source, how far it was consumed.
    #[wasm_bindgen(js_name = sourceOffsets)]
    pub fn source_offsets(&self) -> Result<JsValue, JsValue> {
        self.shared.with(|manager| Ok(convert::map(manager.source_offsets())))
    }

    /// Sets how far a source was consumed.
    #[wasm_bindgen(js_name = setSourceOffset)]
    pub fn set_source_offset(&self, source: String, offset: u64) -> Result<(), JsValue> {
        self.shared.with(|manager| manager.set_source_offset(source, offset))
    }

    /// The watermark.
    pub fn watermark(&self) -> Result<Option<i64>, JsValue> {
        self.shared.with(|manager| Ok(manager.watermark()))
    }

    /// Raises the watermark.
    #[wasm_bindgen(js_name = setWatermark)]
    pub fn set_watermark(&self, watermark_ms: i64) -> Result<(), JsValue> {
        self.shared.with(|manager| {
            manager.set_watermark(watermark_ms);
            Ok(())
        })
    }

    /// Attaches a short text to the checkpoints to come.
    #[wasm_bindgen(js_name = setAnnotation)]
    pub fn set_annotation(&self, name: String, value: String) -> Result<(), JsValue> {
        self.shared.with(|manager| {
            manager.set_annotation(name, value);
            Ok(())
        })
    }

    /// The position of the newest prepared checkpoint.
    #[wasm_bindgen(js_name = walPosition)]
    pub fn wal_position(&self) -> Result<u64, JsValue> {
        self.shared.with(|manager| Ok(manager.wal_position()))
    }

    /// The newest checkpoint.
    #[wasm_bindgen(js_name = latestCheckpointId)]
    pub fn latest_checkpoint_id(&self) -> Result<Option<u64>, JsValue> {
        self.shared.with(|manager| Ok(manager.latest_checkpoint_id()))
    }

    /// Whether the next checkpoint is due.
    #[wasm_bindgen(js_name = shouldCheckpoint)]
    pub fn should_checkpoint(&self) -> Result<bool, JsValue> {
        self.shared.with(|manager| Ok(manager.should_checkpoint()))
    }

    /// What opening found; null when it started anew.
    pub fn recovered(&self) -> Result<JsValue, JsValue> {
        self.shared.with(|manager| Ok(manager.recovered().map_or(JsValue::NULL, convert::recovered)))
    }

    /// Memory that is held.
    pub fn memory(&self) -> Result<JsValue, JsValue> {
        self.shared.with(|manager| Ok(convert::memory(&manager.memory())))
    }

    /// Freezes what changed: the synchronous step of a checkpoint.
    pub fn prepare(&self, wal_position: Option<u64>) -> Result<Prepared, JsValue> {
        self.shared.with(|manager| {
            let wal_position = wal_position.unwrap_or(manager.wal_position());
            manager.prepare_checkpoint(wal_position).map(Prepared)
        })
    }

    /// Writes a prepared checkpoint; resolves when it is durable. In the order of their preparing.
    pub fn write(&self, prepared: Prepared) -> Promise {
        let shared = Rc::clone(&self.shared);
        promise(Box::pin(async move {
            let written = prepared.0.write().await.map_err(convert::error)?;
            let finished = shared.with(|manager| manager.finish_checkpoint(written))?;
            let metadata = convert::metadata(&finished.metadata);
            let statistics = convert::statistics(&finished.statistics);
            Ok(Finished { metadata, statistics, maintenance: finished.maintenance }.into())
        }))
    }

    /// A checkpoint with an opaque state of the caller's own beside it.
    #[wasm_bindgen(js_name = writeWithState)]
    pub fn write_with_state(
        &self,
        wal_position: Option<u64>,
        pairs: Vec<JsValue>,
        watermark: Option<i64>,
        state: Vec<u8>,
    ) -> Promise {
        self.exclusively("a checkpoint with a state", move |manager| {
            Box::pin(async move {
                let pair = |pair: JsValue| {
                    let pair: Array = pair.dyn_into().ok()?;
                    Some((pair.get(0).as_string()?, u64::try_from(pair.get(1)).ok()?))
                };
                let no_pair = || Error::InvalidInput("offsets are pairs of name and bigint".into());
                let mut offsets = BTreeMap::new();
                for given in pairs {
                    let (name, offset) = pair(given).ok_or_else(no_pair)?;
                    offsets.insert(name, offset);
                }
                let wal_position = wal_position.unwrap_or(manager.wal_position());
                let created = manager.create_checkpoint_with_state(wal_position, offsets, watermark, &state).await?;
                Ok(convert::metadata(&created))
            })
        })
    }

    /// Every checkpoint, newest first: metadata, or what is wrong with it.
    pub fn list(&self) -> Promise {
        self.reading(move |directory| {
            Box::pin(async move {
                let item = |summary: inspect::CheckpointSummary| match summary.metadata {
                    Ok(metadata) => object(&[("id", summary.id.into()), ("metadata", convert::metadata(&metadata))]),
                    Err(damage) => object(&[("id", summary.id.into()), ("damage", damage.into())]),
                };
                let listed = inspect::list_checkpoints(directory).await?;
                Ok(listed.into_iter().map(item).collect::<Array>().into())
            })
        })
    }

    /// The opaque state of a checkpoint.
    #[wasm_bindgen(js_name = loadState)]
    pub fn load_state(&self, id: u64) -> Promise {
        self.reading(move |directory| {
            Box::pin(async move {
                let state = inspect::load_state(directory, id).await?;
                Ok(js_sys::Uint8Array::from(&state[..]).into())
            })
        })
    }

    /// Reads every byte and says what is wrong with it.
    pub fn verify(&self) -> Promise {
        self.reading(|directory| {
            Box::pin(async { verify::verify(directory).await.map(|report| convert::verified(&report)) })
        })
    }

    /// One checkpoint as a tar archive; the newest without an `id`.
    #[wasm_bindgen(js_name = exportArchive)]
    pub fn export_archive(&self, id: Option<u64>) -> Promise {
        self.reading(move |directory| {
            Box::pin(async move {
                let archive = archive::export(directory, id).await?;
                Ok(js_sys::Uint8Array::from(&archive[..]).into())
            })
        })
    }

    /// Brings an archive in: it becomes the newest checkpoint and the live state.
    #[wasm_bindgen(js_name = importArchive)]
    pub fn import_archive(&self, archive: Vec<u8>) -> Promise {
        let options = self.shared.options.clone();
        self.exclusively("an import", move |manager| {
            Box::pin(async move {
                let (directory, config) = (Arc::clone(manager.directory()), manager.config().clone());
                let imported =
                    archive::import(&archive, Arc::clone(&directory), config.clone(), options.clone()).await?;
                *manager = Manager::open(directory, config, options).await?;
                Ok(convert::metadata(&imported))
            })
        })
    }

    /// Makes a kept checkpoint the newest and the live state.
    pub fn restore(&self, id: u64) -> Promise {
        self.exclusively("a restore", move |manager| {
            Box::pin(async move { manager.restore_checkpoint(id).await.map(|metadata| convert::metadata(&metadata)) })
        })
    }

    /// Deletes one checkpoint.
    #[wasm_bindgen(js_name = deleteCheckpoint)]
    pub fn delete_checkpoint(&self, id: u64) -> Promise {
        self.exclusively("a deletion", move |manager| {
            Box::pin(async move { manager.delete_checkpoint(id).await.map(|report| convert::maintenance(&report)) })
        })
    }

    /// Lets all but the newest `keep` go.
    pub fn cleanup(&self, keep: u32) -> Promise {
        self.exclusively("a cleanup", move |manager| {
            Box::pin(async move {
                let report = manager.cleanup_old_checkpoints_keep(keep as usize).await?;
                Ok(convert::maintenance(&report))
            })
        })
    }

    /// Deletes what no kept checkpoint names.
    #[wasm_bindgen(js_name = collectGarbage)]
    pub fn collect_garbage(&self) -> Promise {
        self.exclusively("a garbage collection", move |manager| {
            Box::pin(async move {
                let report = manager.collect_garbage().await?;
                let gone: Vec<&str> =
                    report.files.iter().filter(|file| !file.keep).map(|file| file.path.as_str()).collect();
                Ok(object(&[
                    ("deleted", convert::texts(&gone)),
                    ("reclaimedBytes", convert::number(report.reclaimed_bytes())),
                    ("rebasedBytes", convert::number(0)),
                    ("errors", convert::texts(&report.errors)),
                ]))
            })
        })
    }
}

impl Engine {
    /// An operation that only reads the directory: the manager stays usable.
    fn reading(&self, operation: impl for<'a> FnOnce(&'a AnyDirectory<'static>) -> Answer<'a> + 'static) -> Promise {
        self.reading_boxed(Box::new(operation))
    }

    fn reading_boxed(&self, operation: Box<dyn for<'a> FnOnce(&'a AnyDirectory<'static>) -> Answer<'a>>) -> Promise {
        let shared = Rc::clone(&self.shared);
        promise(Box::pin(async move {
            drop(shared.manager()?);
            operation(&shared.directory).await.map_err(convert::error)
        }))
    }

    /// An operation that has the manager for itself.
    fn exclusively(
        &self,
        what: &'static str,
        operation: impl for<'a> FnOnce(&'a mut Manager) -> Answer<'a> + 'static,
    ) -> Promise {
        self.exclusively_boxed(what, Box::new(operation))
    }

    fn exclusively_boxed(
        &self,
        what: &'static str,
        operation: Box<dyn for<'a> FnOnce(&'a mut Manager) -> Answer<'a>>,
    ) -> Promise {
        let shared = Rc::clone(&self.shared);
        promise(Box::pin(async move {
            let mut manager = shared.take(what)?;
            let outcome = operation(&mut manager).await;
            shared.put_back(manager);
            outcome.map_err(convert::error)
        }))
    }
}
