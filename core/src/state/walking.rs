//! Walks over a state: the entries in key order, page by page, while the state changes.

use std::sync::{Arc, Mutex};

use crate::error::IncrementalCheckpointError as Error;
use crate::state::key_order::KeyOrder;
use crate::state::keyed_state::State;
use crate::state::walk::{Keys, Page, Walk, lock};

impl State {
    /// Begins a walk over the entries whose key starts with `prefix`. It costs one pass over all entries.
    pub fn walk(&mut self, prefix: &[u8]) -> Walk {
        if self.walks.len() == self.walks.capacity() {
            self.walks.retain(|walk| walk.strong_count() > 0);
        }
        let order = KeyOrder::new(&self.arena, self.addresses(), prefix, self.len);
        let keys = Arc::new(Mutex::new(Keys::Records(order)));
        self.walks.push(Arc::downgrade(&keys));
        self.arena.pin();
        Walk { keys }
    }

    /// Returns the next entries of a walk: at most `limit` of them, and after the first entry at most `bytes`
    /// of keys and values. No entries mean that the walk is over.
    ///
    /// A limit of 0, and a walk over another state that still exists, are
    /// [`InvalidInput`](Error::InvalidInput).
    pub fn next_page<'a>(&'a self, walk: &mut Walk, limit: usize, bytes: usize) -> Result<Page<'a>, Error> {
        if limit == 0 {
            let what = "a page of 0 entries would never end the walk: give a limit of 1 or more";
            return Err(Error::InvalidInput(what.into()));
        }
        let mut keys = lock(&walk.keys);
        if matches!(*keys, Keys::Records(_)) && !self.walks.iter().any(|own| own.as_ptr() == Arc::as_ptr(&walk.keys)) {
            return Err(Error::InvalidInput("the walk is one over another state".into()));
        }
        let mut page = Page::new();
        let mut held = 0;
        while page.len() < limit {
            let entry = match &mut *keys {
                Keys::Records(order) => {
                    let Some(address) = order.peek(&self.arena, limit) else { break };
                    // A record that was replaced or deleted still has its key.
                    if self.arena.is_live(address) {
                        Some(self.arena.get(address))
                    } else {
                        self.entry(self.arena.key(address))
                    }
                }
                Keys::Copied(copied) => {
                    let Some(key) = copied.peek() else { break };
                    self.entry(key)
                }
            };
            if let Some((key, value)) = entry {
                held += key.len() + value.len();
                if held > bytes && !page.is_empty() {
                    break;
                }
                page.push((key, value));
            }
            keys.advance();
        }
        Ok(page)
    }

    /// Lets go of the records that walks refer to, if no walk is in use or `must` is set. In the second case
    /// the walks copy their keys first. Returns whether there was anything to let go of and no walk needs it
    /// any more.
    #[cold]
    pub(crate) fn release_walks(&mut self, must: bool) -> bool {
        self.walks.retain(|walk| walk.strong_count() > 0);
        if !self.arena.is_pinned() || !must && !self.walks.is_empty() {
            return false;
        }
        for walk in self.walks.drain(..).filter_map(|walk| walk.upgrade()) {
            lock(&walk).copy(&self.arena);
        }
        self.arena.unpin();
        true
    }
}

impl Drop for State {
    /// Walks go on over the state that replaces this one.
    fn drop(&mut self) {
        self.release_walks(true);
    }
}
