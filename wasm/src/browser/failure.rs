//! What JavaScript threw, as the one error of directories.

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};
use js_sys::Reflect;
use wasm_bindgen::prelude::*;

/// The name of a `DOMException` or an error.
pub(super) fn name_of(error: &JsValue) -> Option<String> {
    Reflect::get(error, &"name".into()).ok()?.as_string()
}

/// What the browser said, as the one error of directories.
pub(super) fn failure(operation: Operation, path: &str, error: &JsValue) -> DirectoryError {
    let name = name_of(error).unwrap_or_default();
    let kind = match name.as_str() {
        "QuotaExceededError" => DirectoryErrorKind::NoSpace,
        "ConstraintError" => DirectoryErrorKind::AlreadyExists,
        _ => DirectoryErrorKind::Io,
    };
    let message = Reflect::get(error, &"message".into()).ok().and_then(|message| message.as_string());
    let said = error.as_string().or(message).unwrap_or_default();
    DirectoryError::new(kind, operation, path).because(match (name.as_str(), said.as_str()) {
        ("", _) => said,
        // Chromium ends the transactions of a database that was deleted or cleared this way.
        ("InvalidStateError", _) => {
            format!("the browser closed the database, as it does when storage is cleared: {said}")
        }
        (_, "") => name,
        _ => format!("{name}: {said}"),
    })
}

/// An error that JavaScript threw, under the path that it names or else under `path`.
pub(super) fn thrown(operation: Operation, path: &str, error: &JsValue) -> DirectoryError {
    let text = |name: &str| Reflect::get(error, &name.into()).ok().and_then(|value| value.as_string());
    let path = text("path").unwrap_or_else(|| path.to_owned());
    match text("kind").and_then(|kind| self::kind(&kind)) {
        Some(kind) => {
            let plain = DirectoryError::new(kind, operation, path);
            match text("message") {
                Some(message) if !message.is_empty() => plain.because(message),
                _ => plain,
            }
        }
        None => failure(operation, &path, error),
    }
}

/// The kinds of directory errors by their names in JavaScript.
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
