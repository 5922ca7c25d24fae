//! How far a sink is that keeps what waits on a disk.

/// What a sink may do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Recovery comes next: at the beginning, and after an error that does not pass.
    Unknown,
    /// There was nothing to recover, and nothing was written.
    Untouched,
    Open,
}

/// Places in an output, in this order. A sink counts bytes or records.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ends {
    /// Where the first of what waits belongs. It may be published already.
    pub(super) waiting_from: u64,
    /// The end of what is published.
    pub(super) published: u64,
    /// The end of what a token stands for.
    pub(super) prepared: u64,
    /// The end of what was written.
    pub(super) written: u64,
}

impl Ends {
    /// Everything up to `end` is published, and nothing waits.
    pub(super) fn all_at(end: u64) -> Self {
        Self { waiting_from: end, published: end, prepared: end, written: end }
    }
}
