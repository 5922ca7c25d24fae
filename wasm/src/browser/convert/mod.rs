//! How plain values cross between the engine and JavaScript: through serde, by `serde-wasm-bindgen`.
//!
//! A struct becomes an object with camelCase names, a map becomes a `Map`, and `None` becomes `null`. Every
//! 64-bit integer becomes a `bigint`; a count or a number of bytes is declared as `f64`, made by [`count`], and
//! becomes a number. The shapes that result are those that `web/src/types.ts` documents.

mod checkpoints;
mod reports;
mod settings;

use alluvium_core::IncrementalCheckpointError;
use js_sys::Reflect;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

pub(super) use self::checkpoints::{listed, metadata, statistics};
pub(super) use self::reports::{garbage, maintenance, memory, recovered, verified};
pub(super) use self::settings::Settings;

/// Turns a value into one of JavaScript.
pub(super) fn to_js<T: Serialize + ?Sized>(value: &T) -> JsValue {
    let serializer = Serializer::new().serialize_missing_as_null(true).serialize_large_number_types_as_bigints(true);
    value.serialize(&serializer).expect("plain data has a form in JavaScript")
}

/// Reads a value of JavaScript; the error says what was expected.
pub(super) fn from_js<T: DeserializeOwned>(value: JsValue) -> Result<T, String> {
    serde_wasm_bindgen::from_value(value).map_err(message_of)
}

/// What was expected and what was found instead.
fn message_of(error: serde_wasm_bindgen::Error) -> String {
    JsValue::from(error).unchecked_into::<js_sys::Error>().message().into()
}

/// A count or a number of bytes as JavaScript has it, which is exact up to 2⁵³.
#[allow(clippy::cast_precision_loss, reason = "no count of things in memory or storage reaches 2⁵³")]
fn count(value: u64) -> f64 {
    value as f64
}

/// An `Error` with a `kind`.
pub(super) fn error_with(kind: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    let _ = Reflect::set(&error, &"kind".into(), &kind.into());
    error.into()
}

/// The engine's error; its `kind` is the name of its reaction.
pub(super) fn error(error: IncrementalCheckpointError) -> JsValue {
    error_with(error.reaction().name(), &error.to_string())
}
