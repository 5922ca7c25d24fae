//! The position of the state in its stream, and what the engine tells about itself.

use alluvium_core::model::opaque::Opaque;
use wasm_bindgen::prelude::*;

use super::super::convert;
use super::Engine;

#[wasm_bindgen]
impl Engine {
    /// Returns the epoch.
    pub fn epoch(&self) -> Result<u64, JsValue> {
        self.shared.with(|manager| Ok(manager.epoch()))
    }

    /// Sets the epoch.
    #[wasm_bindgen(js_name = setEpoch)]
    pub fn set_epoch(&self, epoch: u64) -> Result<(), JsValue> {
        self.shared.change(|manager| manager.set_epoch(epoch))
    }

    /// Returns how far each source was consumed.
    #[wasm_bindgen(js_name = sourceOffsets)]
    pub fn source_offsets(&self) -> Result<JsValue, JsValue> {
        self.shared.with(|manager| Ok(convert::to_js(manager.source_offsets())))
    }

    /// Sets how far a source was consumed.
    #[wasm_bindgen(js_name = setSourceOffset)]
    pub fn set_source_offset(&self, source: String, offset: u64) -> Result<(), JsValue> {
        self.shared.change(|manager| manager.set_source_offset(source, offset))
    }

    /// Returns the position in each partition of each source: a number, or the bytes of the source.
    pub fn positions(&self) -> Result<JsValue, JsValue> {
        self.shared.with(|manager| Ok(convert::positions(&manager.position().positions)))
    }

    /// Sets the position in one partition of a source to an offset.
    #[wasm_bindgen(js_name = setPositionOffset)]
    pub fn set_position_offset(&self, source: String, partition: String, offset: u64) -> Result<(), JsValue> {
        self.shared.change(|manager| {
            manager.set_position(source, partition, offset);
            Ok(())
        })
    }

    /// Sets the position in one partition of a source to bytes that only the source understands.
    #[wasm_bindgen(js_name = setPositionBytes)]
    pub fn set_position_bytes(&self, source: String, partition: String, bytes: &[u8]) -> Result<(), JsValue> {
        self.shared.change(|manager| {
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
        self.shared.change(|manager| {
            manager.set_watermark(watermark_ms);
            Ok(())
        })
    }

    /// Returns the processing time.
    #[wasm_bindgen(js_name = processingTime)]
    pub fn processing_time(&self) -> Result<Option<i64>, JsValue> {
        self.shared.with(|manager| Ok(manager.position().processing_time_ms))
    }

    /// Raises the processing time.
    #[wasm_bindgen(js_name = setProcessingTime)]
    pub fn set_processing_time(&self, time_ms: i64) -> Result<(), JsValue> {
        self.shared.change(|manager| {
            manager.set_processing_time(time_ms);
            Ok(())
        })
    }

    /// Returns a text that is attached to all later checkpoints.
    pub fn annotation(&self, name: &str) -> Result<Option<String>, JsValue> {
        self.shared.with(|manager| Ok(manager.annotations().get(name).cloned()))
    }

    /// Attaches a short text to all later checkpoints.
    #[wasm_bindgen(js_name = setAnnotation)]
    pub fn set_annotation(&self, name: String, value: String) -> Result<(), JsValue> {
        self.shared.change(|manager| {
            manager.set_annotation(name, value);
            Ok(())
        })
    }

    /// Returns the WAL position of the newest prepared checkpoint.
    #[wasm_bindgen(js_name = walPosition)]
    pub fn wal_position(&self) -> Result<u64, JsValue> {
        self.shared.with(|manager| Ok(manager.wal_position()))
    }

    /// Returns the id of the checkpoint that was taken, restored or opened last.
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

    /// Tells whether anything was changed since the newest checkpoint was prepared.
    #[wasm_bindgen(js_name = isChanged)]
    pub fn is_changed(&self) -> bool {
        self.shared.is_changed.get()
    }

    /// Returns how much memory the engine holds.
    pub fn memory(&self) -> Result<JsValue, JsValue> {
        self.shared.with(|manager| Ok(convert::memory(&manager.memory())))
    }
}
