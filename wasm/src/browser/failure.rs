//! Converts the errors that JavaScript throws to [`DirectoryError`].

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

use super::convert::from_js;

#[wasm_bindgen]
extern "C" {
    /// Returns a value as JavaScript writes it.
    #[wasm_bindgen(js_name = String, catch)]
    fn text_of(value: &JsValue) -> Result<String, JsValue>;
}

/// The parts of a thrown error. A `DOMException` has a name. A directory that JavaScript keeps adds a kind and a
/// path.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Thrown {
    name: Option<String>,
    message: Option<String>,
    kind: Option<String>,
    path: Option<String>,
}

impl Thrown {
    /// Reads an error. If the value is not an error, such as a string, it takes the value's text.
    fn read(error: &JsValue) -> Self {
        from_js(error.clone()).unwrap_or_else(|_| Self { message: text_of(error).ok(), ..Self::default() })
    }

    /// Returns the error for a thrown value without a kind of the package.
    fn failure(self, operation: Operation, path: &str) -> DirectoryError {
        let (name, said) = (self.name.unwrap_or_default(), self.message.unwrap_or_default());
        let kind = match name.as_str() {
            "QuotaExceededError" => DirectoryErrorKind::NoSpace,
            "ConstraintError" => DirectoryErrorKind::AlreadyExists,
            _ => DirectoryErrorKind::Io,
        };
        DirectoryError::new(kind, operation, path).because(match (name.as_str(), said.as_str()) {
            ("", _) => said,
            // Chromium reports this for the transactions of a database that was deleted or cleared.
            ("InvalidStateError", _) => {
                format!("the browser closed the database, as it does when storage is cleared: {said}")
            }
            (_, "") => name,
            _ => format!("{name}: {said}"),
        })
    }
}

/// Returns the name of a `DOMException` or an error.
pub(super) fn name_of(error: &JsValue) -> Option<String> {
    Thrown::read(error).name
}

/// Converts an error of the browser to a [`DirectoryError`].
pub(super) fn failure(operation: Operation, path: &str, error: &JsValue) -> DirectoryError {
    Thrown::read(error).failure(operation, path)
}

/// Converts an error that a JavaScript directory threw. The error's own path is used if it has one, and otherwise
/// `path`.
pub(super) fn thrown(operation: Operation, path: &str, error: &JsValue) -> DirectoryError {
    let mut thrown = Thrown::read(error);
    let path = thrown.path.take().unwrap_or_else(|| path.to_owned());
    match thrown.kind.as_deref().and_then(kind) {
        Some(kind) => {
            let plain = DirectoryError::new(kind, operation, path);
            match thrown.message {
                Some(message) if !message.is_empty() => plain.because(message),
                _ => plain,
            }
        }
        None => thrown.failure(operation, &path),
    }
}

/// Returns the kind of a directory error by its name in JavaScript.
fn kind(name: &str) -> Option<DirectoryErrorKind> {
    Some(match name {
        "not-found" => DirectoryErrorKind::NotFound,
        "already-exists" => DirectoryErrorKind::AlreadyExists,
        "out-of-range" => DirectoryErrorKind::OutOfRange,
        "no-space" => DirectoryErrorKind::NoSpace,
        "fenced" => DirectoryErrorKind::Fenced,
        "invalid-input" => DirectoryErrorKind::Invalid,
        "io" => DirectoryErrorKind::Io,
        _ => return None,
    })
}
