//! Declares namespaces, and has the timers in them.

use alluvium_core::model::namespace::Namespace;
use alluvium_core::model::timer::Timer;
use alluvium_core::{IncrementalCheckpointError as Error, IncrementalCheckpointManager};
use serde::Serialize;
use serde_bytes::Bytes;
use wasm_bindgen::prelude::*;

use super::super::{area, convert};
use super::Engine;

/// A timer as the package gives it.
#[derive(Serialize)]
struct Due<'a> {
    at: i64,
    key: &'a Bytes,
}

fn due(timers: &[Timer]) -> JsValue {
    let timers = timers.iter().map(|timer| Due { at: timer.at_ms, key: Bytes::new(&timer.key) });
    convert::to_js(&timers.collect::<Vec<_>>())
}

/// Returns the time up to which timers are due: the one that was given, or that of the namespace's clock. As long as
/// that was not set, no timer is due.
fn end<D>(
    manager: &IncrementalCheckpointManager<D>,
    namespace: u32,
    up_to_ms: Option<i64>,
) -> Result<Option<i64>, Error> {
    up_to_ms.map_or_else(|| manager.clock_in(namespace), |at_ms| Ok(Some(at_ms)))
}

#[wasm_bindgen]
impl Engine {
    /// Declares a namespace and returns its id.
    pub fn declare(&self, declaration: JsValue) -> Result<u32, JsValue> {
        self.shared.change(|manager| {
            let declaration: Namespace = convert::from_js(declaration)
                .map_err(|what| Error::InvalidInput(format!("a namespace that cannot be declared: {what}")))?;
            manager.declare_namespace(&declaration)
        })
    }

    /// Returns the declaration of a namespace, or null if it is not declared.
    pub fn declared(&self, name: &str) -> Result<JsValue, JsValue> {
        self.shared.with(|manager| Ok(convert::to_js(&manager.namespaces().named(name))))
    }

    /// Returns the declarations of all namespaces.
    pub fn namespaces(&self) -> Result<JsValue, JsValue> {
        self.shared.with(|manager| Ok(convert::to_js(manager.namespaces())))
    }

    /// Returns the time that a namespace's clock shows.
    pub fn clock(&self, namespace: u32) -> Result<Option<i64>, JsValue> {
        self.shared.with(|manager| manager.clock_in(namespace))
    }

    /// Deletes entries that have expired, at most so many of them, and returns how many.
    #[wasm_bindgen(js_name = deleteExpired)]
    pub fn delete_expired(&self, limit: usize) -> Result<f64, JsValue> {
        self.shared.change(|manager| manager.delete_expired(limit).map(|count| count as f64))
    }

    /// Sets a timer for the key in the area.
    #[wasm_bindgen(js_name = setTimer)]
    pub fn set_timer(&self, namespace: u32, at_ms: i64, key: usize) -> Result<(), JsValue> {
        area::with(|area| {
            self.shared.change(|manager| {
                let [key] = area.given([key])?;
                manager.set_timer(namespace, at_ms, key)
            })
        })
    }

    /// Deletes a timer for the key in the area, and returns whether it was set.
    #[wasm_bindgen(js_name = deleteTimer)]
    pub fn delete_timer(&self, namespace: u32, at_ms: i64, key: usize) -> Result<bool, JsValue> {
        area::with(|area| {
            self.shared.change(|manager| {
                let [key] = area.given([key])?;
                manager.delete_timer(namespace, at_ms, key)
            })
        })
    }

    /// Returns the first timers up to a time, or up to what the namespace's clock shows.
    pub fn timers(&self, namespace: u32, up_to_ms: Option<i64>, limit: usize) -> Result<JsValue, JsValue> {
        self.shared.with(|manager| {
            let Some(end) = end(manager, namespace, up_to_ms)? else { return Ok(due(&[])) };
            Ok(due(&manager.timers(namespace, end, limit)?))
        })
    }

    /// Deletes the same timers and returns them.
    #[wasm_bindgen(js_name = takeTimers)]
    pub fn take_timers(&self, namespace: u32, up_to_ms: Option<i64>, limit: usize) -> Result<JsValue, JsValue> {
        self.shared.change(|manager| {
            let Some(end) = end(manager, namespace, up_to_ms)? else { return Ok(due(&[])) };
            Ok(due(&manager.take_timers(namespace, end, limit)?))
        })
    }
}
