//! A plugin's `state`, led to the engine: nothing is kept here and nothing is decided here.

use wasmtime::component::Resource;

use crate::bindings::engine::alluvium::checkpoint::types::{Columns, Error, PackedKeys, PackedValues};
use crate::bindings::plugin::alluvium::checkpoint::state::{Host, HostCursor};
use crate::engine::{Engine, Range, SharedEngine, Walk, lock};
use crate::error::RuntimeError;
use crate::store_data::StoreData;
use crate::text::cut;

/// A plugin's walk over entries: the engine's behind it, which goes when it goes.
pub struct Cursor {
    engine: SharedEngine,
    walk: Walk,
}

impl Drop for Cursor {
    fn drop(&mut self) {
        lock(&self.engine).end_walk(self.walk);
    }
}

impl StoreData {
    fn shared_engine(&self) -> wasmtime::Result<&SharedEngine> {
        self.check_accepted("state")?;
        self.engine.as_ref().ok_or_else(|| wasmtime::Error::msg("no engine is linked"))
    }

    /// Calls the engine: what it refuses goes back to the plugin, what ends it ends the plugin too.
    pub(crate) fn on_engine<T>(
        &self,
        call: impl FnOnce(&mut dyn Engine) -> Result<T, RuntimeError>,
    ) -> wasmtime::Result<Result<T, Error>> {
        match call(&mut *lock(self.shared_engine()?)) {
            Ok(value) => Ok(Ok(value)),
            Err(RuntimeError::Engine(refused)) => Ok(Err(refused)),
            Err(error) => Err(wasmtime::Error::new(error)),
        }
    }
}

impl Host for StoreData {
    fn namespace(&mut self, name: String) -> wasmtime::Result<Result<u32, Error>> {
        self.check_accepted("state")?;
        let declared = self.namespaces.iter().find(|(declared, _)| *declared == name).map(|(_, number)| *number);
        Ok(declared.ok_or_else(|| {
            let name = cut(name);
            Error::NotFound(format!("the plugin has not declared a namespace {name:?}"))
        }))
    }

    fn get(&mut self, namespace: u32, key: Vec<u8>) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        self.on_engine(|engine| engine.get(namespace, &key))
    }

    fn get_many(&mut self, namespace: u32, keys: PackedKeys) -> wasmtime::Result<Result<PackedValues, Error>> {
        self.on_engine(|engine| engine.get_many(namespace, &keys))
    }

    fn apply(&mut self, namespace: u32, batch: Columns) -> wasmtime::Result<Result<u64, Error>> {
        self.on_engine(|engine| engine.apply(namespace, &batch))
    }

    fn put(&mut self, namespace: u32, key: Vec<u8>, value: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        self.on_engine(|engine| engine.put(namespace, &key, &value))
    }

    fn delete(&mut self, namespace: u32, key: Vec<u8>) -> wasmtime::Result<Result<bool, Error>> {
        self.on_engine(|engine| engine.delete(namespace, &key))
    }

    fn iterate(&mut self, namespace: u32, prefix: Vec<u8>) -> wasmtime::Result<Result<Resource<Cursor>, Error>> {
        let cursor = match self.on_engine(|engine| engine.iterate(namespace, &prefix))? {
            Ok(walk) => Cursor { engine: self.shared_engine()?.clone(), walk },
            Err(refused) => return Ok(Err(refused)),
        };
        Ok(Ok(self.table.push(cursor)?))
    }

    fn scan(
        &mut self,
        namespace: u32,
        from: Vec<u8>,
        to: Option<Vec<u8>>,
        reverse: bool,
        limit: u32,
    ) -> wasmtime::Result<Result<Columns, Error>> {
        self.on_engine(|engine| engine.scan(namespace, &Range { from, to }, reverse, limit))
    }

    fn delete_range(
        &mut self,
        namespace: u32,
        from: Vec<u8>,
        to: Option<Vec<u8>>,
    ) -> wasmtime::Result<Result<u64, Error>> {
        self.on_engine(|engine| engine.delete_range(namespace, &Range { from, to }))
    }

    fn len(&mut self, namespace: u32) -> wasmtime::Result<Result<u64, Error>> {
        self.on_engine(|engine| engine.len(namespace))
    }
}

impl HostCursor for StoreData {
    fn next(&mut self, cursor: Resource<Cursor>, limit: u32) -> wasmtime::Result<Result<Columns, Error>> {
        let walk = self.table.get(&cursor)?.walk;
        self.on_engine(|engine| engine.next(walk, limit))
    }

    fn drop(&mut self, cursor: Resource<Cursor>) -> wasmtime::Result<()> {
        drop(self.table.delete(cursor)?);
        Ok(())
    }
}
