//! A walk over entries in key order, page by page. It has the keys that existed when it began, and reads values
//! when their page is requested.

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::engine::Shared;
use super::packed;

/// The most bytes of keys and values that a page holds after its first entry.
const PAGE_BYTES: usize = 1 << 20;

/// A walk that is in progress.
#[wasm_bindgen]
pub struct Walk {
    shared: Rc<Shared>,
    keys: std::vec::IntoIter<Vec<u8>>,
}

impl Walk {
    pub(super) fn new(shared: Rc<Shared>, keys: Vec<Vec<u8>>) -> Self {
        Self { shared, keys: keys.into_iter() }
    }
}

#[wasm_bindgen]
impl Walk {
    /// Returns the next entries as a packed batch of puts, at most `limit`. An empty batch ends the walk.
    pub fn next(&mut self, limit: u32) -> Result<Vec<u8>, JsValue> {
        let Self { shared, keys } = self;
        shared.with(|manager| {
            let mut taken: Vec<Vec<u8>> = Vec::new();
            let mut bytes = 0;
            while taken.len() < limit.max(1) as usize && bytes < PAGE_BYTES {
                let Some(key) = keys.next() else { break };
                // The key was deleted in the meantime.
                let Some(value) = manager.get(&key) else { continue };
                bytes += key.len() + value.len();
                taken.push(key);
            }
            let entries: Vec<(&[u8], &[u8])> =
                taken.iter().filter_map(|key| manager.get(key).map(|value| (key.as_slice(), value))).collect();
            Ok(packed::entries(&entries))
        })
    }
}
