//! Walks over a state: the entries in key order, page by page, while the state changes.

use std::sync::{Arc, Mutex};

use crate::error::IncrementalCheckpointError as Error;
use crate::model::namespace::DEFAULT_NAMESPACE;
use crate::model::stop::{Steps, Stop};
use crate::state::keyed_state::State;
use crate::state::walk::{Keys, Page, Walk, allocated_bytes, lock};

impl State {
    /// Begins a walk over the entries whose key starts with `prefix`. It costs one pass over all entries.
    ///
    /// If there is no memory for it, or if the pass is [stopped](Self::stop_when), the walk has
    /// [`ended`](Walk::ended) already.
    pub fn walk(&mut self, prefix: &[u8]) -> Walk {
        if self.walks.len() == self.walks.capacity() {
            self.walks.retain(|walk| walk.strong_count() > 0);
        }
        let most = self.room_for_walks() / size_of::<u64>();
        let order = self.key_order(prefix, most, &mut self.steps());
        let keys = Arc::new(Mutex::new(order.map_or_else(Keys::Ended, Keys::Records)));
        self.walks.push(Arc::downgrade(&keys));
        self.arena.pin();
        Walk { keys, namespace: DEFAULT_NAMESPACE }
    }

    /// Stops long work from now on when its caller says so: to begin a walk, to read a page, and to copy the keys of
    /// walks. `None` lifts it. A walk whose work was stopped has [`ended`](Walk::ended).
    pub fn stop_when(&mut self, stop: Option<Stop>) {
        self.stop = stop;
    }

    /// Returns what stops long work.
    pub(crate) fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// Returns the steps of work that begins now.
    pub(crate) fn steps(&self) -> Steps<'_> {
        Steps::new(self.stop.as_ref())
    }

    /// Lets walks take at most so many bytes of memory together.
    pub(crate) fn limit_walks(&mut self, bytes: u64) {
        self.walk_bytes_max = usize::try_from(bytes).unwrap_or(usize::MAX);
    }

    /// Returns the bytes that walks hold from the allocator.
    pub(crate) fn walk_bytes(&self) -> usize {
        allocated_bytes(&self.walks)
    }

    /// Returns how many bytes of memory walks may still take.
    fn room_for_walks(&self) -> usize {
        match self.walk_bytes_max {
            usize::MAX => usize::MAX,
            most => most.saturating_sub(self.walk_bytes()),
        }
    }

    /// Returns the next entries of a walk: at most `limit` of them, and after the first entry at most `bytes`
    /// of keys and values. No entries mean that the walk is over.
    ///
    /// A limit of 0, and a walk over another state that still exists, are
    /// [`InvalidInput`](Error::InvalidInput). A walk that had to end early is
    /// [`LimitExceeded`](Error::LimitExceeded).
    pub fn next_page<'a>(&'a self, walk: &mut Walk, limit: usize, bytes: usize) -> Result<Page<'a>, Error> {
        self.next_page_seen(walk, limit, bytes, Some)
    }

    /// Does the same. `see` returns what a reader sees of a stored value, or `None` if that is nothing.
    pub(crate) fn next_page_seen<'a>(
        &'a self,
        walk: &mut Walk,
        limit: usize,
        bytes: usize,
        see: impl Fn(&'a [u8]) -> Option<&'a [u8]>,
    ) -> Result<Page<'a>, Error> {
        if limit == 0 {
            let what = "a page of 0 entries would never end the walk: give a limit of 1 or more";
            return Err(Error::InvalidInput(what.into()));
        }
        let mut keys = lock(&walk.keys);
        if matches!(*keys, Keys::Records(_)) && !self.walks.iter().any(|own| own.as_ptr() == Arc::as_ptr(&walk.keys)) {
            return Err(Error::InvalidInput("the walk is one over another state".into()));
        }
        let mut steps = self.steps();
        let mut page = Page::new();
        let mut held = 0;
        while page.len() < limit {
            if let Err(stopped) = steps.take(1) {
                *keys = Keys::Ended(stopped.clone());
                return Err(stopped);
            }
            let entry = match &mut *keys {
                Keys::Records(order) => {
                    let next = match order.peek(&self.arena, &mut steps) {
                        Ok(next) => next,
                        Err(stopped) => {
                            *keys = Keys::Ended(stopped.clone());
                            return Err(stopped);
                        }
                    };
                    let Some(address) = next else { break };
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
                Keys::Ended(why) => return Err(why.clone()),
            };
            let seen = entry.and_then(|(key, stored)| Some((key, see(stored)?)));
            if let Some((key, value)) = seen {
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
    /// the walks copy their keys first, as far as there is memory for them. Returns whether there was anything to let go of and no walk needs it
    /// any more.
    #[cold]
    pub(crate) fn release_walks(&mut self, must: bool) -> bool {
        self.walks.retain(|walk| walk.strong_count() > 0);
        if !self.arena.is_pinned() || !must && !self.walks.is_empty() {
            return false;
        }
        let mut steps = Steps::new(self.stop.as_ref());
        let mut room = self.walk_bytes_max;
        for walk in self.walks.drain(..).filter_map(|walk| walk.upgrade()) {
            let mut keys = lock(&walk);
            keys.copy(&self.arena, room, &mut steps);
            room = room.saturating_sub(keys.allocated_bytes());
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
