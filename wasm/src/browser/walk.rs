//! A walk over entries in key order, page by page: the keys as they were when it began, the values as
//! they are when their page is asked for.

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::engine::Shared;
use super::packed;

/// A page holds at most so many bytes of keys and values beyond its first entry.
const PAGE_BYTES: usize = 1 << 20;

/// A walk under way.
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
    /// The next entries as a packed batch of puts, at most `limit`; without any, the walk is over.
    pub fn next(&mut self, limit: u32) -> Result<Vec<u8>, JsValue> {
        let Self { shared, keys } = self;
        shared.with(|manager| {
            let mut taken: Vec<Vec<u8>> = Vec::new();
            let mut bytes = 0;
            while taken.len() < limit.max(1) as usize && bytes < PAGE_BYTES {
                let Some(key) = keys.next() else { break };
                // Deleted meanwhile.
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
