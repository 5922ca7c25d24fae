//! Opens and closes the engine.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use alluvium_core::directory::{AnyDirectory, MemoryDirectory};
use alluvium_core::tools::inspect;
use alluvium_core::{IncrementalCheckpointError as Error, OpenOptions, RecoverySummary};
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::super::clock::{BrowserClock, JsClock};
use super::super::convert::{self, Settings};
use super::super::indexed_db::IndexedDbDirectory;
use super::super::js_directory::JsDirectory;
use super::super::read_only::ReadOnly;
use super::{Engine, Manager, Shared, Slot};

/// Opens `name` in `IndexedDB` (`"indexeddb"`), in memory (`"memory"`), or in a directory that JavaScript keeps.
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
    /// Opens a storage and recovers its newest checkpoint. If there is none, it starts with empty state.
    pub fn open(
        kind: String,
        name: String,
        directory: Option<JsDirectory>,
        clock: JsClock,
        options: JsValue,
    ) -> Promise {
        future_to_promise(async move {
            let settings = Settings::read(options)?;
            let clock = BrowserClock::new(clock);
            let options = OpenOptions::new(Arc::new(clock))
                .create(settings.create && !settings.is_read_only)
                .allow_fallback(settings.allow_fallback)
                .checkpoint(settings.checkpoint)
                .store_id(settings.store_id)
                .writer(settings.writer);
            #[allow(
                clippy::arc_with_non_send_sync,
                reason = "the manager shares its directory by Arc on every platform"
            )]
            let directory = Arc::new(match (open_storage(&kind, &name, directory).await?, settings.is_read_only) {
                (directory, false) => directory,
                (directory, true) => AnyDirectory::new(ReadOnly(directory)),
            });
            let opened = Manager::open(Arc::clone(&directory), settings.config, options.clone()).await;
            let manager = opened.map_err(convert::error)?;
            let is_newest = is_newest(&manager)
                && (settings.checkpoint.is_none() || !has_newer(&manager, &directory).await.map_err(convert::error)?);
            // An import opens the directory again with these options, and must then get the newest checkpoint.
            let options = options.checkpoint(None);
            let shared = Shared {
                is_changed: Cell::new(!is_newest),
                slot: RefCell::new(Slot::Open(Box::new(manager))),
                directory,
                options,
                is_read_only: settings.is_read_only,
            };
            Ok(Self { shared: Rc::new(shared), failed: Cell::default() }.into())
        })
    }

    /// Recovers the newest checkpoint again, which another writer may have written since. The state of before can be
    /// read until it is there. Only an engine that cannot change anything has nothing to lose by it.
    ///
    /// `accept` gets the annotations of what was recovered. If it throws, the state of before stays.
    pub fn refresh(&self, accept: Function) -> Promise {
        let shared = Rc::clone(&self.shared);
        future_to_promise(async move {
            let config = shared.manager()?.config().clone();
            if !shared.is_read_only {
                let what = "only checkpoints that are open for reading only are refreshed: others are the newest";
                return Err(convert::error_with("invalid-input", what));
            }
            let opened = Manager::open(Arc::clone(&shared.directory), config, shared.options.clone()).await;
            let newest = opened.map_err(convert::error)?;
            accept.call1(&JsValue::NULL, &convert::to_js(newest.annotations()))?;
            let found = convert::recovered(newest.recovered());
            *shared.manager()? = newest;
            Ok(found)
        })
    }

    /// Drops the manager. Checkpoints that are being written still finish.
    pub fn close(&self) {
        *self.shared.slot.borrow_mut() = Slot::Closed;
    }
}

/// Tells whether the state is that of the newest checkpoint, and nothing more.
fn is_newest(manager: &Manager) -> bool {
    let is_whole = |recovered: &RecoverySummary| {
        recovered.skipped.is_empty() && Some(recovered.checkpoint_id) == manager.latest_checkpoint_id()
    };
    manager.recovered().is_some_and(is_whole) && manager.wal_size() == 0
}

/// Tells whether the directory has a newer checkpoint than the one that was recovered.
async fn has_newer(manager: &Manager, directory: &AnyDirectory<'static>) -> Result<bool, Error> {
    let listed = inspect::list_checkpoints(directory).await?;
    Ok(listed.first().map(|newest| newest.id) != manager.latest_checkpoint_id())
}
