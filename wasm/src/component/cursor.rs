//! A walk over the state in key order, page by page.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use alluvium_core::Walk;

use super::bindings::alluvium::checkpoint::types::{Columns, Error};
use super::bindings::exports::alluvium::checkpoint::state::GuestCursor;
use super::convert;
use super::open_manager::Manager;

/// The most bytes of keys and values that a page holds after its first entry.
const PAGE_BYTES: usize = 1 << 20;

/// A walk, and the manager whose state it visits.
pub(super) struct Cursor {
    manager: Weak<RefCell<Manager>>,
    walk: RefCell<Walk>,
}

impl Cursor {
    pub(super) fn new(manager: &Rc<RefCell<Manager>>, prefix: &[u8]) -> Self {
        let walk = manager.borrow_mut().walk(prefix);
        Self { manager: Rc::downgrade(manager), walk: RefCell::new(walk) }
    }
}

impl GuestCursor for Cursor {
    fn next(&self, limit: u32) -> Result<Columns, Error> {
        let manager = self.manager.upgrade();
        let manager = manager.ok_or_else(|| Error::InvalidInput("the manager of this walk has been dropped".into()))?;
        let (manager, mut walk) = (manager.borrow(), self.walk.borrow_mut());
        let entries = manager.next_page(&mut walk, limit as usize, PAGE_BYTES).map_err(convert::error)?;
        Ok(convert::page(&entries))
    }
}
