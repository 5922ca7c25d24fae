//! Cleaning: moving live records out of segments that are mostly dead, in bounded steps.

use crate::state::arena::{Address, Arena, FRONT_BYTES, OFFSET_BITS, SEGMENT_BYTES, split};
use crate::state::record_header::{DEAD, Header, record_bytes};

/// A smaller arena is not cleaned, because that would save too little.
const CLEAN_FROM: usize = 8 << 20;

impl Arena {
    /// Returns whether so much is dead that cleaning pays off.
    #[inline]
    pub(super) fn wants_cleaning(&self) -> bool {
        // At most a fifth of the memory may be dead. Together with the table and the padding, this keeps a
        // state of small records below 1.6 times its payload.
        let held = self.allocated - self.spare.len() * SEGMENT_BYTES;
        held > CLEAN_FROM && held - self.live > held / 5
    }

    /// Moves about `budget` bytes of live records out of the emptiest segments. It calls `moved` with the new
    /// address of each. The bytes at the old address are still there at that time.
    pub(super) fn clean(&mut self, budget: usize, mut moved: impl FnMut(&Self, Address)) {
        let mut spent = 0;
        while spent < budget {
            let Some((index, mut offset)) =
                self.cleaning.take().or_else(|| self.emptiest().map(|index| (index, FRONT_BYTES)))
            else {
                return;
            };
            while spent < budget && offset < self.segments[index as usize].used {
                let record = &self.segments[index as usize].bytes[offset..];
                let header = Header::read(record);
                let total = header.total();
                if header.slack & DEAD == 0 {
                    let from = index << OFFSET_BITS | (offset / 8) as u32;
                    let to = self.relocate(from, header);
                    moved(self, to);
                    spent += total;
                }
                // Passing over a dead record costs a little too.
                spent += 64;
                offset += total;
            }
            let segment = &self.segments[index as usize];
            if segment.live == 0 {
                self.vacate(index);
            } else {
                self.cleaning = Some((index, offset));
            }
        }
    }

    /// Copies a record to a new place and marks the old one as dead. Returns the new address.
    fn relocate(&mut self, from: Address, header: Header) -> Address {
        let (index, offset) = split(from);
        let total = record_bytes(header.key_bytes, header.value_bytes);
        let (to, _) = self.allocate(total);
        let (to_index, to_offset) = split(to);
        let [source, target] =
            self.segments.get_disjoint_mut([index, to_index]).expect("a segment being cleaned is not the current one");
        target.bytes[to_offset..to_offset + total].copy_from_slice(&source.bytes[offset..offset + total]);
        Header { slack: 0, ..header }.write(&mut target.bytes[to_offset..]);
        source.live -= header.total();
        self.live -= header.total();
        Header { slack: header.slack | DEAD, ..header }.write(&mut source.bytes[offset..]);
        to
    }

    /// Returns the segment with the fewest live bytes, if one has anything to give back.
    fn emptiest(&self) -> Option<u32> {
        let candidates = self.segments.iter().enumerate().filter(|(index, segment)| {
            self.current != Some(*index as u32)
                && segment.bytes.len() <= SEGMENT_BYTES
                && segment.live + FRONT_BYTES < segment.used
        });
        candidates.min_by_key(|(_, segment)| segment.live).map(|(index, _)| index as u32)
    }
}
