//! How a run ended, and how far it came.

/// Why feeding ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The input has no more records.
    Complete,
    /// The run has consumed as many records as were asked for.
    Enough,
    /// The run was interrupted by Ctrl-C.
    Interrupted,
    /// The run was told to end by SIGTERM, as service managers do.
    Terminated,
}

/// How far a run came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    /// Records consumed, by earlier runs too.
    pub(super) consumed: u64,
    /// Records consumed by this run.
    pub(super) consumed_now: u64,
    /// The newest checkpoint.
    pub(super) checkpoint_id: Option<u64>,
    /// Records that were left out by this run.
    pub(super) left_out: u64,
}
