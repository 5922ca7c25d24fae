//! Takes checkpoints.

use std::rc::Rc;

use alluvium_core::directory::AnyDirectory;
use alluvium_core::{IncrementalCheckpointError as Error, Maintenance, PreparedCheckpoint};
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::super::convert;
use super::Engine;

/// A checkpoint that is frozen but not yet written.
#[wasm_bindgen]
pub struct Prepared(PreparedCheckpoint<AnyDirectory<'static>>);

/// A durable checkpoint, with the maintenance that is still to be done after it.
#[wasm_bindgen]
pub struct Finished {
    metadata: JsValue,
    statistics: JsValue,
    maintenance: Maintenance<AnyDirectory<'static>>,
}

#[wasm_bindgen]
impl Finished {
    /// Returns the checkpoint's metadata.
    #[wasm_bindgen(getter)]
    pub fn metadata(&self) -> JsValue {
        self.metadata.clone()
    }

    /// Returns the checkpoint's statistics.
    #[wasm_bindgen(getter)]
    pub fn statistics(&self) -> JsValue {
        self.statistics.clone()
    }

    /// Runs retention, garbage collection and compaction, and returns a report. A failure here never makes the
    /// checkpoint fail.
    pub fn maintain(self) -> Promise {
        future_to_promise(async move { Ok(convert::maintenance(&self.maintenance.run().await)) })
    }
}

#[wasm_bindgen]
impl Engine {
    /// Freezes the changes. This is the synchronous step of a checkpoint.
    pub fn prepare(&self, wal_position: Option<u64>) -> Result<Prepared, JsValue> {
        let prepared = self.shared.change(|manager| {
            let wal_position = wal_position.unwrap_or(manager.wal_position());
            manager.prepare_checkpoint(wal_position).map(Prepared)
        })?;
        self.shared.is_changed.set(false);
        Ok(prepared)
    }

    /// Freezes the changes with an opaque state of the caller. The given offsets and watermark become the current ones.
    #[wasm_bindgen(js_name = prepareWithState)]
    pub fn prepare_with_state(
        &self,
        wal_position: Option<u64>,
        offsets: JsValue,
        watermark: Option<i64>,
        state: &[u8],
    ) -> Result<Prepared, JsValue> {
        let prepared = self.shared.change(|manager| {
            let wrong = |what| Error::InvalidInput(format!("offsets are pairs of name and bigint: {what}"));
            let offsets = convert::from_js(offsets).map_err(wrong)?;
            let wal_position = wal_position.unwrap_or(manager.wal_position());
            manager.prepare_checkpoint_with_state(wal_position, offsets, watermark, state).map(Prepared)
        })?;
        self.shared.is_changed.set(false);
        Ok(prepared)
    }

    /// Writes a prepared checkpoint, and resolves when it is durable. Checkpoints must be written in the order in
    /// which they were prepared.
    pub fn write(&self, prepared: Prepared) -> Promise {
        let shared = Rc::clone(&self.shared);
        future_to_promise(async move {
            let written = prepared.0.write().await.map_err(convert::error)?;
            let finished = shared.with(|manager| manager.finish_checkpoint(written))?;
            let metadata = convert::metadata(&finished.metadata);
            let statistics = convert::statistics(&finished.statistics);
            Ok(Finished { metadata, statistics, maintenance: finished.maintenance }.into())
        })
    }
}
