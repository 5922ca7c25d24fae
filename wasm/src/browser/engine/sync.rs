//! Makes changes durable between checkpoints, in the WAL.

use std::rc::Rc;

use alluvium_core::directory::AnyDirectory;
use alluvium_core::{IncrementalCheckpointError as Error, PreparedSync};
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::super::convert;
use super::Engine;

/// What a sync has to do.
#[wasm_bindgen]
pub struct Syncing(What);

enum What {
    /// Nothing changed since the last one.
    Nothing,
    /// There is no checkpoint that a WAL file could follow: a checkpoint has to do.
    Checkpoint,
    Write(Box<PreparedSync<AnyDirectory<'static>>>),
}

#[wasm_bindgen]
impl Syncing {
    /// Tells whether a checkpoint is needed instead.
    #[wasm_bindgen(getter, js_name = needsCheckpoint)]
    pub fn needs_checkpoint(&self) -> bool {
        matches!(self.0, What::Checkpoint)
    }
}

#[wasm_bindgen]
impl Engine {
    /// Copies what changed since the last WAL file. This is the synchronous step of a sync. No checkpoint may be on its
    /// way.
    #[wasm_bindgen(js_name = prepareSync)]
    pub fn prepare_sync(&self, wal_position: Option<u64>) -> Result<Syncing, JsValue> {
        self.shared.check_writable()?;
        self.shared.with(|manager| {
            let wal_position = wal_position.unwrap_or(manager.wal_position());
            match manager.prepare_sync(wal_position) {
                Ok(None) => Ok(Syncing(What::Nothing)),
                Ok(Some(prepared)) => Ok(Syncing(What::Write(Box::new(prepared)))),
                Err(Error::Wal(_)) => Ok(Syncing(What::Checkpoint)),
                Err(error) => Err(error),
            }
        })
    }

    /// Writes what was prepared, and resolves when it is durable.
    #[wasm_bindgen(js_name = writeSync)]
    pub fn write_sync(&self, syncing: Syncing) -> Promise {
        let shared = Rc::clone(&self.shared);
        future_to_promise(async move {
            if let What::Write(prepared) = syncing.0 {
                let written = prepared.write().await.map_err(convert::error)?;
                shared.with(|manager| manager.finish_sync(written))?;
            }
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Returns how many bytes of WAL follow the newest checkpoint.
    #[wasm_bindgen(js_name = walBytes)]
    pub fn wal_bytes(&self) -> Result<f64, JsValue> {
        self.shared.with(|manager| Ok(manager.wal_size() as f64))
    }
}
