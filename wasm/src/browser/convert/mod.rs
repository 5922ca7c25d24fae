//! Converts plain values between the engine and JavaScript, through serde and `serde-wasm-bindgen`.
//!
//! A struct becomes an object with camelCase names, a map becomes a `Map`, and `None` becomes `null`. A
//! 64-bit integer becomes a `bigint`. A count or a number of bytes is declared as `f64`, is made by [`count`], and
//! becomes a number. `web/src/types.ts` documents the resulting shapes.

mod checkpoints;
mod positions;
mod reports;
mod settings;

use alluvium_core::IncrementalCheckpointError;
use js_sys::Reflect;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

pub(super) use self::checkpoints::{listed, metadata, statistics};
pub(super) use self::positions::positions;
pub(super) use self::reports::{maintenance, memory, recovered, verified};
pub(super) use self::settings::Settings;

/// Converts a value to JavaScript.
pub(super) fn to_js<T: Serialize + ?Sized>(value: &T) -> JsValue {
    let serializer = Serializer::new().serialize_missing_as_null(true).serialize_large_number_types_as_bigints(true);
    value.serialize(&serializer).expect("plain data can be converted to JavaScript")
}

/// Converts a value from JavaScript. The error says what was expected.
pub(super) fn from_js<T: DeserializeOwned>(value: JsValue) -> Result<T, String> {
    serde_wasm_bindgen::from_value(value).map_err(message_of)
}

/// Returns the error's text: what was expected and what was found instead.
fn message_of(error: serde_wasm_bindgen::Error) -> String {
    JsValue::from(error).unchecked_into::<js_sys::Error>().message().into()
}

/// Converts a count or a number of bytes to a JavaScript number, which is exact up to 2⁵³.
#[allow(clippy::cast_precision_loss, reason = "counts of things in memory or storage stay below 2⁵³")]
fn count(value: u64) -> f64 {
    value as f64
}

/// Makes an `Error` with a `kind`.
pub(super) fn error_with(kind: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    let _ = Reflect::set(&error, &"kind".into(), &kind.into());
    error.into()
}

/// Converts the engine's error. Its `kind` is the name of the reaction that it asks for.
pub(super) fn error(error: IncrementalCheckpointError) -> JsValue {
    error_with(error.reaction().name(), &error.to_string())
}
