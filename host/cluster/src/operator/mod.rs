//! Operators: what workers do with records.

mod native;
#[cfg(feature = "plugins")]
mod plugin;

use std::sync::Arc;

use alluvium_core::directory::Stores;
use alluvium_core::job::{JobPart, StoreId};
use alluvium_core::model::hash_range::HashRange;
use alluvium_core::recovery::Part;

use crate::error::ClusterError;
use crate::left_out::{BadRecord, Refusal};
use crate::message::{Emitted, Piece};

pub use native::{Context, NativeOperator, Operator};
#[cfg(feature = "plugins")]
pub use plugin::PluginOperator;

/// The directory of one worker, to be opened.
#[derive(Debug)]
pub struct Opening<D> {
    /// The worker.
    pub worker: u32,
    /// The id of its directory.
    pub store: StoreId,
    /// Its directory, which is empty.
    pub directory: Arc<D>,
    /// The parts that its state is made of.
    pub parts: Vec<Part<D>>,
    /// The directories of segments that the parts name elsewhere.
    pub stores: Stores<D>,
    /// The hashes of the keys that it owns.
    pub range: HashRange,
    /// How many checkpoints it must keep.
    pub max_retained: u32,
}

/// What all workers of a process start with: an operator, for which each worker has an instance.
///
/// [`NativeOperator`] is for operators in Rust, and `PluginOperator` for WebAssembly plugins.
pub trait Build<D>: Send + Sync + 'static {
    /// Returns the name of the operator, which the job keeps. A job belongs to one operator.
    fn name(&self) -> String;

    /// Returns the names of the inputs, in their order.
    fn inputs(&self) -> Vec<String>;

    /// Returns the names of the outputs, in their order.
    fn outputs(&self) -> Vec<String>;

    /// Opens the state of a worker.
    #[doc(hidden)]
    fn open(&self, opening: Opening<D>) -> Result<Box<dyn Worker>, ClusterError>;

    /// Returns what finds the owners of records, for a worker that reads.
    #[doc(hidden)]
    fn router(&self) -> Result<Box<dyn Router>, ClusterError>;
}

/// Finds the owners of records.
#[doc(hidden)]
pub trait Router {
    /// Returns the hash of the key of each record.
    fn route(&mut self, piece: &Piece) -> Result<Vec<u64>, Refusal>;
}

/// The end of an epoch, which all workers see alike.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// The epoch.
    pub epoch: u64,
    /// The watermark in milliseconds of Unix time, if there is one.
    pub watermark: Option<i64>,
    /// What the clock of the machine showed, in milliseconds of Unix time.
    pub now_ms: Option<i64>,
    /// Whether all inputs have ended: all timers of event time are due, and the operator is told of the end.
    pub is_last: bool,
}

/// What comes of the records of an epoch, beside the state.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Work {
    /// What is emitted.
    pub emitted: Vec<Emitted>,
    /// The records that the operator refuses, if they are left out. Otherwise a refusal is an error.
    pub left_out: Option<Vec<BadRecord>>,
}

/// An operator over the state of one worker.
#[doc(hidden)]
pub trait Worker {
    /// Processes records.
    fn process(&mut self, piece: Piece, work: &mut Work) -> Result<(), ClusterError>;

    /// Moves the clocks at the end of an epoch, and does the work of the timers that are due.
    fn end_epoch(&mut self, end: &Cut, emitted: &mut Vec<Emitted>) -> Result<(), ClusterError>;

    /// Returns the digest of the state.
    fn digest(&mut self) -> Result<u64, ClusterError>;

    /// Freezes the part of an epoch, to be written while the stream continues.
    fn begin_part(&mut self) -> Result<(), ClusterError>;

    /// Returns the parts that have become durable, oldest first.
    fn durable_parts(&mut self) -> Result<Vec<JobPart>, ClusterError>;
}

impl Piece {
    /// Returns the number of records.
    pub(crate) fn count(&self) -> usize {
        self.numbers.len()
    }

    /// Returns the records: the number, the lengths of the fields, and the bytes.
    pub(crate) fn records(&self) -> impl Iterator<Item = (u32, &[u32], &[u8])> {
        let mut at = 0;
        self.numbers.iter().zip(self.lens.chunks_exact(self.width.max(1) as usize)).map(move |(number, lens)| {
            let bytes: usize = lens.iter().map(|len| *len as usize).sum();
            let record = &self.bytes[at..at + bytes];
            at += bytes;
            (*number, lens, record)
        })
    }

    /// Adds a record.
    pub(crate) fn push(&mut self, number: u32, lens: &[u32], bytes: &[u8]) {
        self.numbers.push(number);
        self.lens.extend_from_slice(lens);
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns a piece of the same partition without records.
    pub(crate) fn empty_like(&self) -> Self {
        let Self { input, partition, width, .. } = *self;
        Self { input, partition, width, header: self.header.clone(), ..Self::default() }
    }
}

/// Puts the fields of a record in the place of those of another one.
pub(crate) fn divide_fields<'r>(fields: &mut Vec<&'r [u8]>, lens: &[u32], mut bytes: &'r [u8]) {
    fields.clear();
    for len in lens {
        let (field, after) = bytes.split_at(*len as usize);
        fields.push(field);
        bytes = after;
    }
}
