//! The live records in the order in which they are in memory, which the processor reads ahead. In the order of a table,
//! it would wait for each of them.

use crate::state::arena::{Address, Arena, FRONT_BYTES, OFFSET_BITS};
use crate::state::record_header::{DEAD, Header};

impl Arena {
    /// Returns the addresses of all live records, in no order of their keys.
    pub(super) fn live_addresses(&self) -> impl Iterator<Item = Address> + '_ {
        self.segments.iter().zip(0_u32..).flat_map(|(segment, index)| {
            let mut offset = FRONT_BYTES;
            std::iter::from_fn(move || {
                while offset < segment.used {
                    let at = offset;
                    let header = Header::read(&segment.bytes[at..]);
                    offset += header.total();
                    if header.slack & DEAD == 0 {
                        return Some(index << OFFSET_BITS | (at / 8) as Address);
                    }
                }
                None
            })
        })
    }
}
