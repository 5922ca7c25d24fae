//! A walk over the state in key order, page by page.

use std::cell::RefCell;
use std::rc::Weak;

use super::bindings::alluvium::checkpoint::types::{Columns, Error};
use super::bindings::exports::alluvium::checkpoint::state::GuestCursor;
use super::convert::len;
use super::manager::Manager;

/// The most bytes of keys and values that a page holds after its first entry.
const PAGE_BYTES: usize = 1 << 20;

/// The keys that the state had when the walk began, and the walk's position in them.
pub(super) struct Cursor {
    manager: Weak<RefCell<Manager>>,
    walk: RefCell<Walk>,
}

/// All keys in one buffer. For many small keys, this takes half the memory of a list of keys.
#[derive(Default)]
struct Walk {
    keys: Vec<u8>,
    lens: Vec<u32>,
    next: usize,
    /// The position in `keys` at which the next key begins.
    offset: usize,
}

impl Cursor {
    pub(super) fn new(manager: Weak<RefCell<Manager>>, keys: &Manager, prefix: &[u8]) -> Self {
        let mut walk = Walk::default();
        for (key, _) in keys.iter_prefix(prefix) {
            walk.keys.extend_from_slice(key);
            walk.lens.push(len(key));
        }
        Self { manager, walk: RefCell::new(walk) }
    }
}

impl GuestCursor for Cursor {
    fn next(&self, limit: u32) -> Result<Columns, Error> {
        if limit == 0 {
            return Err(Error::InvalidInput(
                "a page of 0 entries would never end the walk: give a limit of 1 or more".into(),
            ));
        }
        let manager = self.manager.upgrade();
        let manager = manager.ok_or_else(|| Error::InvalidInput("the manager of this walk has been dropped".into()))?;
        let (manager, mut walk) = (manager.borrow(), self.walk.borrow_mut());
        let mut page = Columns { ops: vec![], key_lens: vec![], value_lens: vec![], keys: vec![], values: vec![] };
        while page.ops.len() < limit as usize && walk.next < walk.lens.len() {
            let end = walk.offset + walk.lens[walk.next] as usize;
            let key = &walk.keys[walk.offset..end];
            if let Some(value) = manager.get(key) {
                let bytes = page.keys.len() + page.values.len() + key.len() + value.len();
                if bytes > PAGE_BYTES && !page.ops.is_empty() {
                    break;
                }
                page.ops.push(0);
                page.key_lens.push(len(key));
                page.value_lens.push(len(value));
                page.keys.extend_from_slice(key);
                page.values.extend_from_slice(value);
            }
            (walk.next, walk.offset) = (walk.next + 1, end);
        }
        Ok(page)
    }
}
