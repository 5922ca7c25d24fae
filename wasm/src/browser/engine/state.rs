//! The synchronous calls: the keyed state, and the position of its stream.

use std::rc::Rc;

use alluvium_core::model::opaque::Opaque;
use wasm_bindgen::prelude::*;

use super::super::walk::Walk;
use super::super::{convert, packed};
use super::Engine;

#[wasm_bindgen]
impl Engine {
    /// Sets a key's value.
    pub fn put(&self, key: &[u8], value: &[u8]) -> Result<(), JsValue> {
        self.shared.with(|manager| manager.put(key, value))
    }

    /// Removes a key and returns whether it existed.
    pub fn delete(&self, key: &[u8]) -> Result<bool, JsValue> {
        self.shared.with(|manager| manager.delete(key))
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, JsValue> {
        self.shared.with(|manager| Ok(manager.get(key).map(<[u8]>::to_vec)))
    }

    /// Returns the packed values of packed keys.
    #[wasm_bindgen(js_name = getMany)]
    pub fn get_many(&self, keys: &[u8]) -> Result<Vec<u8>, JsValue> {
        self.shared.with(|manager| {
            let values: Vec<_> = packed::keys(keys)?.into_iter().map(|key| manager.get(key)).collect();
            Ok(packed::values(&values))
        })
    }

    /// Applies a packed batch, all or nothing, and returns the number of mutations.
    pub fn apply(&self, batch: &[u8]) -> Result<f64, JsValue> {
        self.shared
            .with(|manager| packed::with_mutations(batch, |columns| manager.apply(columns)).map(|count| count as f64))
    }

    /// Walks the keys that start with `prefix`, in order.
    pub fn walk(&self, prefix: &[u8]) -> Result<Walk, JsValue> {
        let walk = self.shared.with(|manager| Ok(manager.walk(prefix)))?;
        Ok(Walk::new(Rc::clone(&self.shared), walk))
    }

    /// Returns the number of live keys.
    pub fn size(&self) -> Result<f64, JsValue> {
        self.shared.with(|manager| Ok(manager.len() as f64))
    }

    /// Returns the epoch.
    pub fn epoch(&self) -> Result<u64, JsValue> {
        self.shared.with(|manager| Ok(manager.epoch()))
    }

    /// Sets the epoch.
    #[wasm_bindgen(js_name = setEpoch)]
    pub fn set_epoch(&self, epoch: u64) -> Result<(), JsValue> {
        self.shared.with(|manager| manager.set_epoch(epoch))
    }

    /// Returns how far each source was consumed.
    #[wasm_bindgen(js_name = sourceOffsets)]
    pub fn source_offsets(&self) -> Result<JsValue, JsValue> {
        self.shared.with(|manager| Ok(convert::to_js(manager.source_offsets())))
    }

    /// Sets how far a source was consumed.
    #[wasm_bindgen(js_name = setSourceOffset)]
    pub fn set_source_offset(&self, source: String, offset: u64) -> Result<(), JsValue> {
        self.shared.with(|manager| manager.set_source_offset(source, offset))
    }

    /// Returns the position in each partition of each source: a number, or the bytes of the source.
    pub fn positions(&self) -> Result<JsValue, JsValue> {
        self.shared.with(|manager| Ok(convert::positions(&manager.position().positions)))
    }

    /// Sets the position in one partition of a source to an offset.
    #[wasm_bindgen(js_name = setPositionOffset)]
    pub fn set_position_offset(&self, source: String, partition: String, offset: u64) -> Result<(), JsValue> {
        self.shared.with(|manager| {
            manager.set_position(source, partition, offset);
            Ok(())
        })
    }

    /// Sets the position in one partition of a source to bytes that only the source understands.
    #[wasm_bindgen(js_name = setPositionBytes)]
    pub fn set_position_bytes(&self, source: String, partition: String, bytes: &[u8]) -> Result<(), JsValue> {
        self.shared.with(|manager| {
            manager.set_position(source, partition, Opaque::new(bytes)?);
            Ok(())
        })
    }

    /// Returns the watermark.
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

    /// Attaches a short text to all later checkpoints.
    #[wasm_bindgen(js_name = setAnnotation)]
    pub fn set_annotation(&self, name: String, value: String) -> Result<(), JsValue> {
        self.shared.with(|manager| {
            manager.set_annotation(name, value);
            Ok(())
        })
    }

    /// Returns the WAL position of the newest prepared checkpoint.
    #[wasm_bindgen(js_name = walPosition)]
    pub fn wal_position(&self) -> Result<u64, JsValue> {
        self.shared.with(|manager| Ok(manager.wal_position()))
    }

    /// Returns the id of the newest checkpoint.
    #[wasm_bindgen(js_name = latestCheckpointId)]
    pub fn latest_checkpoint_id(&self) -> Result<Option<u64>, JsValue> {
        self.shared.with(|manager| Ok(manager.latest_checkpoint_id()))
    }

    /// Returns whether the next checkpoint is due.
    #[wasm_bindgen(js_name = shouldCheckpoint)]
    pub fn should_checkpoint(&self) -> Result<bool, JsValue> {
        self.shared.with(|manager| Ok(manager.should_checkpoint()))
    }

    /// Returns what opening found, or null if it started with empty state.
    pub fn recovered(&self) -> Result<JsValue, JsValue> {
        self.shared.with(|manager| Ok(convert::recovered(manager.recovered())))
    }

    /// Returns how much memory the engine holds.
    pub fn memory(&self) -> Result<JsValue, JsValue> {
        self.shared.with(|manager| Ok(convert::memory(&manager.memory())))
    }
}
