//! Keeping the bytes of dead records while walks refer to them.

use crate::state::arena::{Address, Arena, split};
use crate::state::record_header::{DEAD, Header};

impl Arena {
    /// Keeps the bytes of all records from now on, also of those that are replaced or deleted.
    pub(super) fn pin(&mut self) {
        self.pinned = true;
    }

    /// Returns whether the bytes of dead records are kept.
    pub(super) fn is_pinned(&self) -> bool {
        self.pinned
    }

    /// No longer keeps the bytes of dead records. Segments without live records are emptied.
    pub(super) fn unpin(&mut self) {
        self.pinned = false;
        for index in 0..self.segments.len() {
            let segment = &self.segments[index];
            if segment.live == 0 && !segment.bytes.is_empty() && self.current != Some(index as u32) {
                self.vacate(index as u32);
            }
        }
    }

    /// Returns whether the dead records that are kept take more than a third of the memory.
    pub(super) fn is_pinned_too_long(&self) -> bool {
        self.allocated - self.live > self.allocated / 3
    }

    /// Returns whether a record is live.
    #[inline]
    pub(super) fn is_live(&self, address: Address) -> bool {
        let (index, offset) = split(address);
        Header::read(&self.segments[index].bytes[offset..]).slack & DEAD == 0
    }
}
