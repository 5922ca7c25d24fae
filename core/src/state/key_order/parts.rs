//! The parts of the references that are not sorted yet. The first one is divided, again and again, until it is small;
//! only that is sorted. What is asked for first therefore costs little, however much there is behind it.

use crate::error::IncrementalCheckpointError as Error;
use crate::model::stop::Steps;
use crate::state::arena::Arena;
use crate::state::key_order::dividing::divide;
use crate::state::key_order::head::{HEAD_BYTES, HEAD_SHIFT, TOP_SHIFT};
use crate::state::key_order::sorting::{begin_behind_common, sort};

/// A part of at most so many references is sorted at once.
const SORTED_MAX: usize = 4_096;

/// References whose keys lie behind those of all parts before, in any order among each other.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// How many references it has.
    len: usize,
    /// The lowest bit of the byte by which it is divided next. The references of a part do not differ above it.
    shift: u32,
    /// How many bytes at the beginning of the keys come before the heads in the references.
    skipped: usize,
}

/// The parts that are not sorted, the first one last. Each division leaves at most 256 of them, and a division is only
/// made within the first part, so there are not many.
#[derive(Debug, Default)]
pub(super) struct Parts(Vec<Part>);

impl Parts {
    /// Takes all references, of keys whose heads begin `skipped` bytes behind their start.
    pub(super) fn of(len: usize, skipped: usize) -> Self {
        let all = Part { len, shift: TOP_SHIFT, skipped };
        Self(if len == 0 { Vec::new() } else { vec![all] })
    }

    /// Returns the bytes held from the allocator.
    pub(super) fn allocated_bytes(&self) -> usize {
        self.0.capacity() * size_of::<Part>()
    }

    /// Sorts the first references of `unsorted`, which are those of all parts, and returns how many. There are none only
    /// after the last part. After an error, the references must not be used.
    pub(super) fn sort_first(
        &mut self,
        unsorted: &mut [u64],
        arena: &Arena,
        steps: &mut Steps<'_>,
    ) -> Result<usize, Error> {
        while let Some(Part { len, shift, skipped }) = self.0.pop() {
            let part = &mut unsorted[..len];
            if len <= SORTED_MAX {
                sort(part, arena, skipped, steps)?;
                return Ok(len);
            }
            if shift < HEAD_SHIFT {
                // The heads are equal, so the keys have more bytes. The next ones are looked at.
                let skipped = begin_behind_common(part, arena, skipped + HEAD_BYTES, steps)?;
                self.0.push(Part { len, shift: TOP_SHIFT, skipped });
                continue;
            }
            let lens = divide(part, shift, steps)?;
            let divided = lens.into_iter().rev().filter(|len| *len > 0);
            self.0.extend(divided.map(|len| Part { len, shift: shift - 8, skipped }));
        }
        Ok(0)
    }
}
