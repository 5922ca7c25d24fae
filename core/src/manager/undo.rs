//! What the manager notes while a batch is open, so that it can be undone.

use crate::changelog::Mark;

/// The memory that is kept from one batch to the next.
const KEPT_BYTES: usize = 1 << 20;
/// The length of a value that was not there.
pub(super) const ABSENT: u32 = u32::MAX;

/// What is needed to undo the open batch.
#[derive(Debug, Default)]
pub(super) struct Undo {
    /// Where the changelog ended when the batch began. It is `None` if no batch is open.
    pub(super) mark: Option<Mark>,
    /// The values that the mutations after the mark replaced, one after the other.
    pub(super) values: Vec<u8>,
    /// The length of each of them, or [`ABSENT`].
    pub(super) lens: Vec<u32>,
}

impl Undo {
    /// Tells whether a batch is open.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.mark.is_some()
    }

    /// Returns the bytes held from the allocator.
    pub(super) fn allocated_bytes(&self) -> usize {
        self.values.capacity() + 4 * self.lens.capacity()
    }

    /// Notes the value that a mutation replaces.
    #[inline]
    pub(super) fn note(&mut self, before: Option<&[u8]>) {
        self.lens.push(before.map_or(ABSENT, |value| value.len() as u32));
        self.values.extend_from_slice(before.unwrap_or_default());
    }

    /// Ends the batch, so that it cannot be undone any more.
    pub(super) fn close(&mut self) {
        self.mark = None;
        self.values.clear();
        self.lens.clear();
        self.values.shrink_to(KEPT_BYTES);
        self.lens.shrink_to(KEPT_BYTES / 4);
    }
}
