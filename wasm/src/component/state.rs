//! Implements the interface `state`. Through it a plugin uses the manager that was opened last: each call is that
//! manager's own.

use super::Engine;
use super::bindings::alluvium::checkpoint::types::{Columns, Error, PackedKeys, PackedValues};
use super::bindings::exports::alluvium::checkpoint::checkpoints::GuestManager;
use super::bindings::exports::alluvium::checkpoint::state as wit;
use super::cursor::Cursor;
use super::live::newest;

impl wit::Guest for Engine {
    type Cursor = Cursor;

    fn namespace(name: String) -> Result<u32, Error> {
        let newest = newest()?;
        let manager = newest.0.manager.borrow();
        let declared = manager.namespaces().named(&name).map(|declared| declared.id);
        declared.ok_or_else(|| Error::NotFound(format!("namespace {name:?} was not declared")))
    }

    fn get(namespace: u32, key: Vec<u8>) -> Result<Option<Vec<u8>>, Error> {
        newest()?.get(namespace, key)
    }

    fn get_many(namespace: u32, keys: PackedKeys) -> Result<PackedValues, Error> {
        newest()?.get_many(namespace, keys)
    }

    fn apply(namespace: u32, batch: Columns) -> Result<u64, Error> {
        newest()?.apply(namespace, batch)
    }

    fn put(namespace: u32, key: Vec<u8>, value: Vec<u8>) -> Result<(), Error> {
        newest()?.put(namespace, key, value)
    }

    fn delete(namespace: u32, key: Vec<u8>) -> Result<bool, Error> {
        newest()?.delete(namespace, key)
    }

    fn iterate(namespace: u32, prefix: Vec<u8>) -> Result<wit::Cursor, Error> {
        newest()?.iterate(namespace, prefix)
    }

    fn scan(namespace: u32, from: Vec<u8>, to: Option<Vec<u8>>, reverse: bool, limit: u32) -> Result<Columns, Error> {
        newest()?.scan(namespace, from, to, reverse, limit)
    }

    fn delete_range(namespace: u32, from: Vec<u8>, to: Option<Vec<u8>>) -> Result<u64, Error> {
        newest()?.delete_range(namespace, from, to)
    }

    fn len(namespace: u32) -> Result<u64, Error> {
        newest()?.len(namespace)
    }
}
