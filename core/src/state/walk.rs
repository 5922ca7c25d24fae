//! A walk: the keys that it has not visited yet.
//!
//! A walk refers to records. While there are walks, the arena keeps the bytes of records that were replaced or
//! deleted, so that their keys can still be read. If these take too much memory, the walks copy the keys that
//! they have not visited yet.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::error::IncrementalCheckpointError as Error;
use crate::model::stop::{BYTES, Steps};
use crate::state::arena::Arena;
use crate::state::key_order::{KeyOrder, out_of_memory};

/// The entries of one page of a walk: keys and values, in order of the keys' bytes.
pub type Page<'a> = Vec<(&'a [u8], &'a [u8])>;

/// A walk over the entries in the order of keys, page by page. The state may change between two pages.
///
/// The walk visits the keys that the state had when the walk began. It reads values when their page is
/// requested, and leaves out keys that were deleted in the meantime. It takes 8 bytes of memory for each entry
/// that it has not visited, and it keeps replaced and deleted records in memory. If those become more than a
/// third of the state's memory, the walk copies its keys instead. If there is no memory for that, or if the work is
/// [stopped](crate::State::stop_when), the walk ends early: [`ended`](Self::ended) and its next page say why.
#[derive(Debug)]
pub struct Walk {
    pub(super) keys: Arc<Mutex<Keys>>,
    /// The namespace whose entries are visited.
    pub(crate) namespace: u32,
}

impl Walk {
    /// Says which namespace the walk visits.
    pub(crate) fn of_namespace(self, namespace: u32) -> Self {
        Self { namespace, ..self }
    }

    /// Returns why the walk ended before it had visited every key; `None` if it did not.
    pub fn ended(&self) -> Option<Error> {
        match &*lock(&self.keys) {
            Keys::Ended(why) => Some(why.clone()),
            _ => None,
        }
    }
}

/// The keys that a walk has not visited yet.
#[derive(Debug)]
pub(super) enum Keys {
    /// Records of the state that registered the walk.
    Records(KeyOrder),
    /// Copies, in order.
    Copied(CopiedKeys),
    /// None: the walk had to end.
    Ended(Error),
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

/// Returns the bytes that walks hold from the allocator.
pub(super) fn allocated_bytes(walks: &Walks) -> usize {
    walks.iter().filter_map(Weak::upgrade).map(|keys| lock(&keys).allocated_bytes()).sum()
}

pub(super) fn lock(keys: &Mutex<Keys>) -> MutexGuard<'_, Keys> {
    // Keys are never half changed where something may panic.
    keys.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Keys {
    pub(super) fn advance(&mut self) {
        match self {
            Self::Records(order) => order.advance(),
            Self::Copied(copied) => copied.advance(),
            Self::Ended(_) => {}
        }
    }

    /// Returns the bytes held from the allocator.
    pub(super) fn allocated_bytes(&self) -> usize {
        match self {
            Self::Records(order) => order.allocated_bytes(),
            Self::Copied(copied) => copied.bytes.capacity() + 2 * copied.lengths.capacity(),
            Self::Ended(_) => 0,
        }
    }

    /// Copies the keys of records into at most `room` bytes. If that cannot be done, the walk ends.
    pub(super) fn copy(&mut self, arena: &Arena, room: usize, steps: &mut Steps<'_>) {
        let Self::Records(order) = self else { return };
        *self = CopiedKeys::of(order, arena, room, steps).map_or_else(Self::Ended, Self::Copied);
    }
}

impl CopiedKeys {
    fn of(order: &mut KeyOrder, arena: &Arena, room: usize, steps: &mut Steps<'_>) -> Result<Self, Error> {
        let mut copied = Self::default();
        copied.lengths.reserve_exact(order.len());
        while let Some(address) = order.peek(arena, steps)? {
            let key = arena.key(address);
            steps.take(1 + key.len() / BYTES)?;
            if 2 * copied.lengths.capacity() + copied.bytes.len() + key.len() > room {
                return Err(out_of_memory(room));
            }
            copied.bytes.extend_from_slice(key);
            copied.lengths.push(key.len() as u16);
            order.advance();
        }
        Ok(copied)
    }

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
