//! The end of a log at some moment.

/// The end of a log at some moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The number of sealed chunks.
    pub(super) sealed: usize,
    /// The length of the chunk after them.
    pub(super) last: usize,
    pub(super) bytes: usize,
    pub(super) count: usize,
    pub(super) allocated: usize,
}

impl Mark {
    /// Returns what this mark of a log is in the log that it was appended to at `begin`.
    pub(super) fn after(self, begin: Self) -> Self {
        // In the middle of a chunk, a log was copied that had no chunk but its last.
        let was_copied = begin.last > 0;
        Self {
            sealed: begin.sealed + self.sealed,
            last: begin.last + self.last,
            bytes: begin.bytes + self.bytes,
            count: begin.count + self.count,
            allocated: begin.allocated + if was_copied { 0 } else { self.allocated },
        }
    }
}
