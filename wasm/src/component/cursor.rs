//! A walk over the state in key order, page by page.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use alluvium_core::Walk;

use super::bindings::alluvium::checkpoint::types::{Columns, Error};
use super::bindings::exports::alluvium::checkpoint::state::GuestCursor;
use super::convert;
use super::open_manager::Open;

/// The most bytes of keys and values that a page of entries holds after its first entry.
pub(super) const PAGE_BYTES: usize = 1 << 20;

/// A walk, and the manager whose state it visits.
pub(super) struct Cursor {
    open: Weak<Open>,
    walk: RefCell<Walk>,
}

impl Cursor {
    /// Begins a walk over a namespace; without memory for it, this is an error.
    pub(super) fn new(open: &Rc<Open>, namespace: u32, prefix: &[u8]) -> Result<Self, Error> {
        let walk = open.manager.borrow_mut().walk_in(namespace, prefix).map_err(convert::error)?;
        match walk.ended() {
            Some(why) => Err(convert::error(why)),
            None => Ok(Self { open: Rc::downgrade(open), walk: RefCell::new(walk) }),
        }
    }
}

impl GuestCursor for Cursor {
    fn next(&self, limit: u32) -> Result<Columns, Error> {
        let open = self.open.upgrade();
        let open = open.ok_or_else(|| Error::InvalidInput("the manager of this walk has been dropped".into()))?;
        let (manager, mut walk) = (open.manager.borrow(), self.walk.borrow_mut());
        let entries = manager.next_page(&mut walk, limit as usize, PAGE_BYTES).map_err(convert::error)?;
        Ok(convert::page(&entries))
    }
}
