//! Stores a file's content as a `Blob` or as an array.

use alluvium_core::directory::{DirectoryError, Operation};
use js_sys::{Array, ArrayBuffer, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::super::failure::failure;
use super::IndexedDbDirectory;

/// The length from which a content is stored as a blob. The browser keeps each blob in a separate file and syncs
/// it separately, so a checkpoint's metadata is better kept within the database.
const BLOB_BYTES: usize = 64 << 10;

impl IndexedDbDirectory {
    /// Returns the bytes of a stored content from `start` to `end`, which must lie within it.
    pub(super) async fn bytes(path: &str, content: JsValue, start: u64, end: u64) -> Result<Vec<u8>, DirectoryError> {
        let failed = |error: JsValue| failure(Operation::Read, path, &error);
        let Some(blob) = content.dyn_ref::<Blob>() else {
            #[allow(clippy::cast_possible_truncation, reason = "an array's length is 32 bits")]
            return Ok(content.unchecked_into::<Uint8Array>().subarray(start as u32, end as u32).to_vec());
        };
        let slice = blob.slice_with_f64_and_f64(start as f64, end as f64).map_err(failed)?;
        let buffer: ArrayBuffer = JsFuture::from(slice.array_buffer()).await.map_err(failed)?.unchecked_into();
        let bytes = Uint8Array::new(&buffer).to_vec();
        // In some browsers, a blob whose file was removed reads short.
        if bytes.len() as u64 == end - start {
            Ok(bytes)
        } else {
            Err(failed(format!("only {} of {} bytes could be read", bytes.len(), end - start).into()))
        }
    }
}

/// Converts a length that the browser returned.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lengths are whole and positive")]
pub(super) fn whole(length: f64) -> u64 {
    length as u64
}

/// Returns whether this browser makes a blob durable together with the transaction that stores it.
///
/// `WebKit` does not. It commits the record first and names the blob's file afterwards. If the browser is killed in
/// between, the committed record has an empty blob, or the blob of another record whose file had that name before. A
/// page has no way to detect this, so this function names the browsers that were tested. On iOS, Chrome and Firefox
/// are `WebKit`, and have other names in their user agent.
pub(super) fn blobs_are_atomic() -> bool {
    let named = || {
        let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
        Reflect::get(&navigator, &"userAgent".into()).ok()?.as_string()
    };
    named().is_some_and(|name| name.contains("Chrome/") || name.contains("Firefox/"))
}

/// Returns the value that is stored for a content.
pub(super) fn content_value(content: &[u8], as_blob: bool) -> Result<JsValue, JsValue> {
    if as_blob && content.len() >= BLOB_BYTES {
        // SAFETY: the view points into wasm's memory, which must not grow or move while the view is used. Only the
        // constructor uses it. The constructor copies the bytes before it returns, and no wasm code runs meanwhile.
        let view = unsafe { Uint8Array::view(content) };
        Blob::new_with_u8_array_sequence(&Array::of1(&view)).map(Into::into)
    } else {
        Ok(Uint8Array::from(content).into())
    }
}
