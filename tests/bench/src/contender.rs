//! Who takes part: engines that keep keyed state and can make it durable, over the same mutations.

use std::hash::Hasher;
use std::path::Path;

use anyhow::Result;
use rustc_hash::{FxHashMap, FxHasher};

use crate::workload::Records;

/// An ordinary map: what recovery must be as good as.
pub type Map = FxHashMap<Box<[u8]>, Box<[u8]>>;

/// What one epoch cost, in microseconds. The barrier is the moment at which its last mutation was
/// taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct Epoch {
    /// How long taking the mutations took.
    pub apply_us: f64,
    /// How long the stream had to wait at the barrier before it could go on.
    pub stall_us: f64,
    /// How long from the barrier until the epoch was durable.
    pub durable_us: f64,
}

/// An engine at work.
pub trait Contender {
    /// Takes mutations and makes them durable.
    fn epoch(&mut self, records: &Records) -> Result<Epoch>;

    /// Takes mutations in an epoch that is not measured: an engine without a history need not make
    /// them durable.
    fn unmeasured(&mut self, records: &Records) -> Result<()> {
        self.epoch(records).map(drop)
    }

    /// What may be done at leisure after an epoch.
    fn tidy(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A kind of engine.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Its name in tables.
    pub name: &'static str,
    /// Starts in an empty directory.
    pub open: fn(&Path) -> Result<Box<dyn Contender>>,
    /// Brings back what a closed one left.
    pub recover: fn(&Path) -> Result<Recovered>,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A state that can be used again.
#[derive(Debug)]
pub enum Recovered {
    /// Ours, as recovery leaves it.
    State(Box<alluvium_core::State>),
    /// The engine's entries in a map.
    Map(Map),
}

impl Recovered {
    /// Live keys.
    pub fn len(&self) -> usize {
        match self {
            Self::State(state) => state.len(),
            Self::Map(map) => map.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same for equal entries, in every contender.
    pub fn digest(&self) -> u64 {
        match self {
            Self::State(state) => digest(state.iter_hash_order()),
            Self::Map(map) => digest(map.iter().map(|(key, value)| (&**key, &**value))),
        }
    }
}

/// A digest of entries that does not depend on their order.
pub fn digest<'a>(entries: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> u64 {
    let one = |(key, value): (&[u8], &[u8])| {
        let mut hasher = FxHasher::default();
        hasher.write(key);
        hasher.write(value);
        hasher.finish()
    };
    entries.map(one).fold(0, u64::wrapping_add)
}
