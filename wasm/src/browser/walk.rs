//! A walk over entries in key order, page by page. It has the keys that existed when it began, and reads values
//! when their page is requested.

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::area;
use super::engine::Shared;
use super::packed;

/// The most bytes of keys and values that a page holds after its first entry.
const PAGE_BYTES: usize = 1 << 20;

/// A walk that is in progress.
#[wasm_bindgen]
pub struct Walk {
    shared: Rc<Shared>,
    walk: alluvium_core::Walk,
}

impl Walk {
    pub(super) fn new(shared: Rc<Shared>, walk: alluvium_core::Walk) -> Self {
        Self { shared, walk }
    }
}

#[wasm_bindgen]
impl Walk {
    /// Finds the next entries, at most `limit`. The area says where they are, as a packed batch of puts. An empty batch
    /// ends the walk.
    pub fn next(&mut self, limit: usize) -> Result<(), JsValue> {
        let Self { shared, walk } = self;
        let page = shared.with(|manager| Ok(packed::entries(&manager.next_page(walk, limit, PAGE_BYTES)?)))?;
        area::with(|area| area.answer_made(page));
        Ok(())
    }
}
