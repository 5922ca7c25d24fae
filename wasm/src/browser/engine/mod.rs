//! The manager's JavaScript bindings. The typed package is built on them, and adds locks, queues, texts
//! and events.
//!
//! The manager is borrowed only within synchronous steps, and never across an await. JavaScript can call
//! at any time, and a call does not throw because another one is running. Operations that put another state in
//! the place of the manager's (restore, import) take it out of its slot. Calls that arrive in the meantime
//! get the error `busy`.

mod admin;
mod checkpoint;
mod keyed;
mod namespaces;
mod open;
mod state;
mod sync;

use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;
use std::sync::Arc;

use alluvium_core::directory::AnyDirectory;
use alluvium_core::{Deletion, IncrementalCheckpointError as Error, IncrementalCheckpointManager, OpenOptions};
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::convert;

type Manager = IncrementalCheckpointManager<AnyDirectory<'static>>;

/// Says where the manager is.
enum Slot {
    Open(Box<Manager>),
    /// An operation that needs exclusive access has taken it out.
    Busy(&'static str),
    Closed,
}

/// The data that all handles of one engine share.
pub(super) struct Shared {
    slot: RefCell<Slot>,
    directory: Arc<AnyDirectory<'static>>,
    options: OpenOptions,
    /// Whether nothing may be changed or written.
    is_read_only: bool,
    /// Whether anything was changed since the newest checkpoint was prepared.
    is_changed: Cell<bool>,
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

    /// Runs one synchronous step that changes something.
    pub(super) fn change<T>(&self, step: impl FnOnce(&mut Manager) -> Result<T, Error>) -> Result<T, JsValue> {
        self.check_writable()?;
        self.is_changed.set(true);
        self.with(step)
    }

    /// Fails if nothing may be changed.
    fn check_writable(&self) -> Result<(), JsValue> {
        if self.is_read_only {
            let what = "these checkpoints are open for reading only: open them without readOnly to change them";
            return Err(convert::error_with("invalid-input", what));
        }
        Ok(())
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

    /// Puts the manager back, unless the engine was closed in the meantime.
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
            Self::Busy(what) => convert::error_with("busy", &format!("{what} is running: await it first")),
            _ => convert::error_with("closed", "these checkpoints are closed: open them again"),
        }
    }
}

/// The keyed state and its checkpoints in one storage.
#[wasm_bindgen]
pub struct Engine {
    shared: Rc<Shared>,
    /// The error of the last call that failed and returned a number.
    failed: Cell<Option<JsValue>>,
}

impl Engine {
    /// Runs an operation that only reads the directory. The manager stays usable.
    fn reading(
        &self,
        operation: impl AsyncFnOnce(&AnyDirectory<'static>) -> Result<JsValue, Error> + 'static,
    ) -> Promise {
        let shared = Rc::clone(&self.shared);
        future_to_promise(async move {
            drop(shared.manager()?);
            operation(&shared.directory).await.map_err(convert::error)
        })
    }

    /// Runs a deletion. The manager stays usable.
    fn deleting(
        &self,
        prepare: impl FnOnce(&mut Manager) -> Result<Deletion<AnyDirectory<'static>>, Error> + 'static,
    ) -> Promise {
        let shared = Rc::clone(&self.shared);
        future_to_promise(async move {
            let outcome = shared.change(prepare)?.run().await;
            // The newest checkpoint may be gone, so the next one is not superfluous.
            shared.is_changed.set(true);
            outcome.map(|garbage| convert::maintenance(&garbage.into())).map_err(convert::error)
        })
    }

    /// Runs an operation that needs exclusive access to the manager.
    fn exclusively(
        &self,
        what: &'static str,
        operation: impl AsyncFnOnce(&mut Manager) -> Result<JsValue, Error> + 'static,
    ) -> Promise {
        let shared = Rc::clone(&self.shared);
        future_to_promise(async move {
            shared.check_writable()?;
            let mut manager = shared.take(what)?;
            // Afterwards the newest checkpoint may be another one, or gone.
            shared.is_changed.set(true);
            let outcome = operation(&mut manager).await;
            shared.put_back(manager);
            outcome.map_err(convert::error)
        })
    }
}
