//! Implements the interface `state`. Through it a plugin uses the manager that was opened last.

use super::bindings::alluvium::checkpoint::types::{Columns, Error, PackedKeys, PackedValues};
use super::bindings::exports::alluvium::checkpoint::state as wit;
use super::cursor::Cursor;
use super::manager::newest;
use super::{Engine, convert};

impl wit::Guest for Engine {
    type Cursor = Cursor;

    fn get(key: Vec<u8>) -> Result<Option<Vec<u8>>, Error> {
        Ok(newest()?.borrow().get(&key).map(<[u8]>::to_vec))
    }

    fn get_many(keys: PackedKeys) -> Result<PackedValues, Error> {
        convert::get_many(&newest()?.borrow(), &keys)
    }

    fn apply(batch: Columns) -> Result<u64, Error> {
        newest()?.borrow_mut().apply(&convert::columns(&batch)).map_err(convert::error)
    }

    fn put(key: Vec<u8>, value: Vec<u8>) -> Result<(), Error> {
        newest()?.borrow_mut().put(&key, &value).map_err(convert::error)
    }

    fn delete(key: Vec<u8>) -> Result<bool, Error> {
        newest()?.borrow_mut().delete(&key).map_err(convert::error)
    }

    fn iterate(prefix: Vec<u8>) -> Result<wit::Cursor, Error> {
        Ok(wit::Cursor::new(Cursor::new(&newest()?, &prefix)))
    }

    fn len() -> Result<u64, Error> {
        Ok(newest()?.borrow().len() as u64)
    }
}
