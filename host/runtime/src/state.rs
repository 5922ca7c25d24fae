//! A plugin's `state`, led to the engine: nothing is kept here and nothing is decided here; and its
//! `sink`, kept until the host asks for it.

use std::sync::PoisonError;

use wasmtime::component::{Resource, ResourceAny};

use crate::bindings::engine::alluvium::checkpoint::types::{Columns, Error, PackedKeys, PackedValues};
use crate::bindings::plugin::alluvium::checkpoint::sink;
use crate::bindings::plugin::alluvium::checkpoint::state::{Host, HostCursor};
use crate::engine::Engine;
use crate::engine::SharedEngine;
use crate::error::RuntimeError;
use crate::limits::{Limit, Reached};
use crate::store_data::StoreData;

/// A plugin's walk over entries: the engine's cursor behind it, which goes when it goes.
pub struct Cursor {
    engine: SharedEngine,
    cursor: Option<ResourceAny>,
}

impl Drop for Cursor {
    fn drop(&mut self) {
        if let Some(cursor) = self.cursor.take() {
            self.engine.lock().unwrap_or_else(PoisonError::into_inner).drop_cursor(cursor);
        }
    }
}

impl StoreData {
    fn shared_engine(&self) -> wasmtime::Result<SharedEngine> {
        self.engine.clone().ok_or_else(|| wasmtime::Error::msg("no engine is linked"))
    }

    /// Calls the engine: what it refuses goes back to the plugin, what ends it ends the plugin too.
    fn on_engine<T>(
        &self,
        call: impl FnOnce(&mut Engine) -> Result<T, RuntimeError>,
    ) -> wasmtime::Result<Result<T, Error>> {
        let engine = self.shared_engine()?;
        // A panic in the host while the engine was borrowed left it dead, which it says itself.
        let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
        match call(&mut engine) {
            Ok(value) => Ok(Ok(value)),
            Err(RuntimeError::Engine(refused)) => Ok(Err(refused)),
            Err(error) => Err(wasmtime::Error::new(error)),
        }
    }
}

impl sink::Host for StoreData {
    fn emit(&mut self, line: Vec<u8>) -> wasmtime::Result<Result<(), String>> {
        if line.contains(&b'\n') {
            return Ok(Err("a record with a line break in it: emit it line by line, or escape it".to_owned()));
        }
        if self.emitted.len() + line.len() >= self.output_bytes_max {
            let why = format!("it emitted more than {} bytes in one call", self.output_bytes_max);
            return Err(wasmtime::Error::new(Reached(Limit::Output, why)));
        }
        self.emitted.extend_from_slice(&line);
        self.emitted.push(b'\n');
        Ok(Ok(()))
    }
}

impl Host for StoreData {
    fn get(&mut self, key: Vec<u8>) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        self.on_engine(|engine| engine.get(&key))
    }

    fn get_many(&mut self, keys: PackedKeys) -> wasmtime::Result<Result<PackedValues, Error>> {
        self.on_engine(|engine| engine.get_many(&keys))
    }

    fn apply(&mut self, batch: Columns) -> wasmtime::Result<Result<u64, Error>> {
        self.on_engine(|engine| engine.apply(&batch))
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        self.on_engine(|engine| engine.put(&key, &value))
    }

    fn delete(&mut self, key: Vec<u8>) -> wasmtime::Result<Result<bool, Error>> {
        self.on_engine(|engine| engine.delete(&key))
    }

    fn iterate(&mut self, prefix: Vec<u8>) -> wasmtime::Result<Result<Resource<Cursor>, Error>> {
        let cursor = match self.on_engine(|engine| engine.iterate(&prefix))? {
            Ok(cursor) => Cursor { engine: self.shared_engine()?, cursor: Some(cursor) },
            Err(refused) => return Ok(Err(refused)),
        };
        Ok(Ok(self.table.push(cursor)?))
    }

    fn len(&mut self) -> wasmtime::Result<Result<u64, Error>> {
        self.on_engine(Engine::len)
    }
}

impl HostCursor for StoreData {
    fn next(&mut self, cursor: Resource<Cursor>, limit: u32) -> wasmtime::Result<Result<Columns, Error>> {
        let at = self.table.get(&cursor)?.cursor;
        let at = at.ok_or_else(|| wasmtime::Error::msg("the cursor is gone"))?;
        self.on_engine(|engine| engine.next(at, limit))
    }

    fn drop(&mut self, cursor: Resource<Cursor>) -> wasmtime::Result<()> {
        drop(self.table.delete(cursor)?);
        Ok(())
    }
}
