//! A walk: the keys that it has not visited yet.
//!
//! A walk refers to records. While there are walks, the arena keeps the bytes of records that were replaced or
//! deleted, so that their keys can still be read. If these take too much memory, the walks copy the keys that
//! they have not visited yet.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::state::arena::Arena;
use crate::state::key_order::KeyOrder;

/// The entries of one page of a walk: keys and values, in order of the keys' bytes.
pub type Page<'a> = Vec<(&'a [u8], &'a [u8])>;

/// A walk over the entries in the order of keys, page by page. The state may change between two pages.
///
/// The walk visits the keys that the state had when the walk began. It reads values when their page is
/// requested, and leaves out keys that were deleted in the meantime. It takes 8 bytes of memory for each entry
/// that it has not visited, and it keeps replaced and deleted records in memory. If those become more than a
/// third of the state's memory, the walk copies its keys instead.
#[derive(Debug)]
pub struct Walk {
    pub(super) keys: Arc<Mutex<Keys>>,
}

/// The keys that a walk has not visited yet.
#[derive(Debug)]
pub(super) enum Keys {
    /// Records of the state that registered the walk.
    Records(KeyOrder),
    /// Copies, in order.
    Copied(CopiedKeys),
}

/// Keys in one buffer. For many small keys, this takes half the memory of a list of keys.
#[derive(Debug, Default)]
pub(super) struct CopiedKeys {
    bytes: Vec<u8>,
    lengths: Vec<u16>,
    /// The next key, and where it begins in `bytes`.
    next: (usize, usize),
}

/// The walks of a state that may still be in use.
pub(super) type Walks = Vec<Weak<Mutex<Keys>>>;

pub(super) fn lock(keys: &Mutex<Keys>) -> MutexGuard<'_, Keys> {
    // Keys are never half changed where something may panic.
    keys.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Keys {
    pub(super) fn advance(&mut self) {
        match self {
            Self::Records(order) => order.advance(),
            Self::Copied(copied) => copied.advance(),
        }
    }

    /// Copies the keys of records.
    pub(super) fn copy(&mut self, arena: &Arena) {
        let Self::Records(order) = self else { return };
        let mut copied = CopiedKeys::default();
        copied.lengths.reserve_exact(order.len());
        while let Some(address) = order.peek(arena, usize::MAX) {
            let key = arena.key(address);
            copied.bytes.extend_from_slice(key);
            copied.lengths.push(key.len() as u16);
            order.advance();
        }
        *self = Self::Copied(copied);
    }
}

impl CopiedKeys {
    pub(super) fn peek(&self) -> Option<&[u8]> {
        let (at, start) = self.next;
        let length = usize::from(*self.lengths.get(at)?);
        Some(&self.bytes[start..start + length])
    }

    fn advance(&mut self) {
        let (at, start) = self.next;
        self.next = (at + 1, start + usize::from(self.lengths[at]));
    }
}
