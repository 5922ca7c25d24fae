//! What was promised: the model that every opening after a fault is held to.

use std::collections::BTreeMap;

use crate::Expected;

/// How many checkpoints are kept by default.
pub const RETAINED: usize = 2;

/// The checkpoints that a directory may come back with.
///
/// A checkpoint is identified by what it must bring back: state, offsets, watermark, epoch and
/// position together. If only a part of it comes back, it is not that checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Journal {
    /// Last acknowledged, or submitted since; the last acknowledged first.
    pub acceptable: Vec<Expected>,
    /// Checkpoints that must be there, by id, each with what it holds.
    pub kept: BTreeMap<u64, Expected>,
    /// What the logs after each checkpoint led to: where deleting a newer one leads back to.
    pub tails: BTreeMap<u64, Vec<Expected>>,
    /// How many checkpoints are kept.
    pub retained: usize,
}

impl Journal {
    /// Returns the journal of a directory in which nothing was promised yet.
    pub fn new() -> Self {
        Self::keeping(RETAINED)
    }

    /// Returns the same for a directory that keeps this many checkpoints.
    pub fn keeping(retained: usize) -> Self {
        Self { acceptable: vec![Expected::default()], retained, ..Self::default() }
    }

    /// From now on until an acknowledgement, `expected` may come back too.
    pub fn submit(&mut self, expected: &Expected) {
        if !self.acceptable.contains(expected) {
            self.acceptable.push(expected.clone());
        }
    }

    /// From now on only `expected` may come back.
    pub fn acknowledge(&mut self, expected: &Expected) {
        self.acceptable = vec![expected.clone()];
    }

    /// A checkpoint with this content is about to be taken: the oldest that is kept may go for it.
    pub fn checkpointing(&mut self, expected: &Expected) {
        self.submit(expected);
        self.keep(self.retained - 1);
    }

    /// Checkpoint `id` is acknowledged: it alone may come back, and is one of those that are kept.
    pub fn checkpointed(&mut self, id: u64, expected: Expected) {
        self.acknowledge(&expected);
        self.kept.insert(id, expected);
        self.keep(self.retained);
    }

    /// From now on only this many of the newest must be there.
    pub fn keep(&mut self, count: usize) {
        while self.kept.len() > count {
            self.kept.pop_first();
        }
    }
}
