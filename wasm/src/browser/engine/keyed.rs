//! The synchronous calls on keyed state, by namespace. Keys and values are in the [area](super::super::area).
//!
//! A call that is made a million times a second returns a number: [`FAILED`] if [`Engine::failure`] has an error, and
//! [`ABSENT`] if there is nothing.

use alluvium_core::IncrementalCheckpointError as Error;
use wasm_bindgen::prelude::*;

use super::super::area::{self, Area};
use super::super::walk::Walk;
use super::super::{convert, packed};
use super::{Engine, Manager};

/// What a call returns if there is no such key.
const ABSENT: f64 = -1.0;
/// What a call returns if it failed.
const FAILED: f64 = -2.0;

/// The most bytes of keys and values that a page of a scan holds after its first entry.
const PAGE_BYTES: usize = 1 << 20;

/// Returns the ends of a range in the area, of these lengths: the lower end, then the upper one if there is one.
fn range(area: &Area, from: usize, to: Option<usize>) -> Result<(&[u8], Option<&[u8]>), Error> {
    let [lower, upper] = area.given([from, to.unwrap_or(0)])?;
    Ok((lower, to.map(|_| upper)))
}

impl Engine {
    /// Runs a call whose failure is kept for [`failure`](Self::failure).
    fn number(&self, call: impl FnOnce(&mut Area) -> Result<f64, JsValue>) -> f64 {
        area::with(call).unwrap_or_else(|error| {
            self.failed.set(Some(error));
            FAILED
        })
    }

    fn reads(&self, step: impl FnOnce(&mut Manager, &mut Area) -> Result<f64, Error>) -> f64 {
        self.number(|area| self.shared.with(|manager| step(manager, area)))
    }

    fn changes(&self, step: impl FnOnce(&mut Manager, &mut Area) -> Result<f64, Error>) -> f64 {
        self.number(|area| self.shared.change(|manager| step(manager, area)))
    }
}

#[wasm_bindgen]
impl Engine {
    /// Returns the error of the last call that failed.
    pub fn failure(&self) -> JsValue {
        self.failed.take().unwrap_or_else(|| convert::error_with("io", "no call has failed"))
    }

    /// Sets a key's value.
    pub fn put(&self, namespace: u32, key: usize, value: usize) -> f64 {
        self.changes(|manager, area| {
            let [key, value] = area.given([key, value])?;
            manager.put_in(namespace, key, value).map(|()| 0.0)
        })
    }

    /// Merges a value into that of a key.
    pub fn merge(&self, namespace: u32, key: usize, value: usize) -> f64 {
        self.changes(|manager, area| {
            let [key, value] = area.given([key, value])?;
            manager.merge_in(namespace, key, value).map(|()| 0.0)
        })
    }

    /// Removes a key and returns whether it existed.
    pub fn delete(&self, namespace: u32, key: usize) -> f64 {
        self.changes(|manager, area| {
            let [key] = area.given([key])?;
            manager.delete_in(namespace, key).map(|existed| f64::from(u8::from(existed)))
        })
    }

    /// Finds the value of a key, and returns its length. The area says where it is.
    pub fn get(&self, namespace: u32, key: usize) -> f64 {
        self.reads(|manager, area| {
            let [key] = area.given([key])?;
            let Some(value) = manager.get_in(namespace, key)? else { return Ok(ABSENT) };
            area.answer(value.as_ptr().expose_provenance(), value.len());
            Ok(value.len() as f64)
        })
    }

    /// Finds the packed values of packed keys of so many bytes. The area says where they are.
    #[wasm_bindgen(js_name = getMany)]
    pub fn get_many(&self, namespace: u32, bytes: usize) -> f64 {
        self.reads(|manager, area| {
            let [keys] = area.given([bytes])?;
            let values = packed::keys(keys)?.into_iter().map(|key| manager.get_in(namespace, key));
            let values = packed::values(&values.collect::<Result<Vec<_>, _>>()?);
            area.answer_made(values);
            Ok(0.0)
        })
    }

    /// Applies a packed batch of so many bytes, all or nothing, and returns the number of mutations.
    pub fn apply(&self, namespace: u32, bytes: usize) -> f64 {
        self.changes(|manager, area| {
            let [batch] = area.given([bytes])?;
            packed::with_mutations(batch, |columns| manager.apply_in(namespace, columns)).map(|count| count as f64)
        })
    }

    /// Finds the first entries of a range of an ordered namespace, or its last ones with `reverse`. The area says where
    /// they are, as a packed batch of puts.
    pub fn scan(&self, namespace: u32, from: usize, to: Option<usize>, reverse: bool, limit: usize) -> f64 {
        self.reads(|manager, area| {
            let (from, to) = range(area, from, to)?;
            let found = packed::entries(&manager.scan(namespace, from, to, reverse, limit, PAGE_BYTES)?);
            area.answer_made(found);
            Ok(0.0)
        })
    }

    /// Deletes the entries of a range of an ordered namespace, and returns how many there were.
    #[wasm_bindgen(js_name = deleteRange)]
    pub fn delete_range(&self, namespace: u32, from: usize, to: Option<usize>) -> f64 {
        self.changes(|manager, area| {
            let (from, to) = range(area, from, to)?;
            manager.delete_range(namespace, from, to).map(|count| count as f64)
        })
    }

    /// Returns the number of keys of a namespace.
    pub fn size(&self, namespace: u32) -> f64 {
        self.reads(|manager, _| manager.len_in(namespace).map(|keys| keys as f64))
    }

    /// Begins a walk over the keys that start with the prefix in the area, in order.
    pub fn walk(&self, namespace: u32, prefix: usize) -> Result<Walk, JsValue> {
        let walk = area::with(|area| {
            self.shared.with(|manager| {
                let [prefix] = area.given([prefix])?;
                manager.walk_in(namespace, prefix)
            })
        })?;
        Ok(Walk::new(std::rc::Rc::clone(&self.shared), walk))
    }
}
