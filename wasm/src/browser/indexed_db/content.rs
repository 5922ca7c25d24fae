//! How a file's content is stored: as a `Blob` or as an array.

use alluvium_core::directory::{DirectoryError, Operation};
use js_sys::{Array, ArrayBuffer, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::super::failure::failure;
use super::IndexedDbDirectory;

/// From this length on a content is a blob. A blob is a file of its own to the browser, with a sync of
/// its own: the metadata of a checkpoint is better kept within the database.
const BLOB_BYTES: usize = 64 << 10;

impl IndexedDbDirectory {
    /// The bytes of a stored content from `start` to `end`, which lie within it.
    pub(super) async fn bytes(path: &str, content: JsValue, start: u64, end: u64) -> Result<Vec<u8>, DirectoryError> {
        let failed = |error: JsValue| failure(Operation::Read, path, &error);
        let Some(blob) = content.dyn_ref::<Blob>() else {
            #[allow(clippy::cast_possible_truncation, reason = "an array's length is 32 bits")]
            return Ok(content.unchecked_into::<Uint8Array>().subarray(start as u32, end as u32).to_vec());
        };
        let slice = blob.slice_with_f64_and_f64(start as f64, end as f64).map_err(failed)?;
        let buffer: ArrayBuffer = JsFuture::from(slice.array_buffer()).await.map_err(failed)?.unchecked_into();
        let bytes = Uint8Array::new(&buffer).to_vec();
        // A blob whose file was taken away reads short in some browsers.
        if bytes.len() as u64 == end - start {
            Ok(bytes)
        } else {
            Err(failed(format!("{} bytes read of {}", bytes.len(), end - start).into()))
        }
    }
}

/// A length as the browser gives it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lengths are whole and positive")]
pub(super) fn whole(length: f64) -> u64 {
    length as u64
}

/// Whether this browser makes a blob durable together with the transaction that stores it.
///
/// `WebKit` does not: it commits the record first and gives the blob's file its name afterwards, so that a
/// browser killed in between comes up with a committed record whose blob is empty, or is another's whose
/// file had that name before. Nothing that a page can ask tells this, therefore the browsers that were
/// tested are named. On iOS these call themselves otherwise, and are `WebKit` there.
pub(super) fn blobs_are_atomic() -> bool {
    let named = || {
        let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
        Reflect::get(&navigator, &"userAgent".into()).ok()?.as_string()
    };
    named().is_some_and(|name| name.contains("Chrome/") || name.contains("Firefox/"))
}

/// What is stored for a content.
pub(super) fn content_value(content: &[u8], as_blob: bool) -> Result<JsValue, JsValue> {
    if as_blob && content.len() >= BLOB_BYTES {
        // SAFETY: the view is of wasm's memory, which must not grow or move while it is used. It is used by
        // the constructor alone, which copies the bytes before it returns, and nothing of ours runs meanwhile.
        let view = unsafe { Uint8Array::view(content) };
        Blob::new_with_u8_array_sequence(&Array::of1(&view)).map(Into::into)
    } else {
        Ok(Uint8Array::from(content).into())
    }
}
