//! The live managers, of which the interface `state` uses the newest.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use super::bindings::alluvium::checkpoint::types::Error;
use super::open_manager::{Open, OpenManager};

thread_local! {
    /// The live managers, in the order in which they were opened.
    static OPEN: RefCell<Vec<Weak<Open>>> = const { RefCell::new(Vec::new()) };
}

/// Takes note of a manager that was opened.
pub(super) fn add(opened: &Rc<Open>) {
    OPEN.with_borrow_mut(|open| {
        open.retain(|manager| manager.strong_count() > 0);
        open.push(Rc::downgrade(opened));
    });
}

/// Returns the manager that was opened last and is still alive.
pub(super) fn newest() -> Result<OpenManager, Error> {
    let newest = OPEN.with_borrow(|open| open.iter().rev().find_map(Weak::upgrade));
    newest
        .map(OpenManager)
        .ok_or_else(|| Error::InvalidInput("no manager is open: the host must open one before a plugin runs".into()))
}
