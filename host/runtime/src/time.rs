//! A plugin's `time`, led to the engine.

use crate::bindings::engine::alluvium::checkpoint::types::Error;
use crate::bindings::plugin::alluvium::checkpoint::time::Host;
use crate::engine::Engine;
use crate::error::RuntimeError;
use crate::store_data::StoreData;

impl StoreData {
    /// Reads a clock, which no engine refuses.
    fn clock(
        &self,
        read: impl FnOnce(&mut dyn Engine) -> Result<Option<i64>, RuntimeError>,
    ) -> wasmtime::Result<Option<i64>> {
        self.check_accepted("time")?;
        self.on_engine(read)?.map_err(|refused| wasmtime::Error::new(RuntimeError::Engine(refused)))
    }
}

impl Host for StoreData {
    fn watermark(&mut self) -> wasmtime::Result<Option<i64>> {
        self.clock(|engine| engine.watermark())
    }

    fn processing_time(&mut self) -> wasmtime::Result<Option<i64>> {
        self.clock(|engine| engine.processing_time())
    }

    fn set_timer(&mut self, namespace: u32, at_ms: i64, key: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        self.check_accepted("time")?;
        self.on_engine(|engine| engine.set_timer(namespace, at_ms, &key))
    }

    fn delete_timer(&mut self, namespace: u32, at_ms: i64, key: Vec<u8>) -> wasmtime::Result<Result<bool, Error>> {
        self.check_accepted("time")?;
        self.on_engine(|engine| engine.delete_timer(namespace, at_ms, &key))
    }
}
