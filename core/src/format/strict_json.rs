//! Reads JSON that a newer version may have written: what is not known is refused, unless it is marked.
//!
//! All texts take the same way, through a [`Value`]. A reader of its own for each type would make the browser's
//! download larger by a tenth.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::IncrementalCheckpointError as Error;

/// Fields of this prefix may be skipped by a reader that does not know them.
const EXTENSION: &str = "x-";

/// Parses the text of an object.
pub(super) fn parse(text: &str) -> serde_json::Result<Map<String, Value>> {
    serde_json::from_str(text)
}

/// Removes the extensions of an object.
pub(super) fn skip_extensions(fields: &mut Map<String, Value>) {
    fields.retain(|name, _| !name.starts_with(EXTENSION));
}

/// Converts an object to a type that denies unknown fields. What does not fit is
/// [`Deserialization`](Error::Deserialization) at `place`.
pub(super) fn convert<T: DeserializeOwned>(place: &str, fields: Map<String, Value>) -> Result<T, Error> {
    serde_json::from_value(Value::Object(fields)).map_err(|error| Error::unknown(place, error))
}
