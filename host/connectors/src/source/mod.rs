//! Where records come from.
//!
//! A [`Source`] is a stream in one [`Partition`] or several. A [`Reader`] reads one partition. It hands
//! records out in order, and [`position`](Reader::position) is always after the last record that it
//! handed out. A checkpoint stores that position; after a restart, [`seek`](Reader::seek) continues
//! there.
//!
//! To read from elsewhere, implement both traits and run
//! [`source_suite`](crate::testing::source_suite).

mod error;
mod file;
mod file_set;
#[cfg(any(feature = "kafka", feature = "nats"))]
mod gaps;
#[cfg(feature = "http")]
mod http;
mod json;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(any(feature = "http", feature = "socket"))]
#[cfg_attr(not(feature = "socket"), allow(dead_code))]
mod line_buffer;
mod memory;
#[cfg(feature = "nats")]
mod nats;
#[cfg(any(feature = "http", feature = "kafka", feature = "nats"))]
mod panicked;
mod partition;
// Each of them needs something that the other does not.
#[cfg(any(feature = "http", feature = "nats"))]
#[cfg_attr(not(all(feature = "http", feature = "nats")), allow(dead_code))]
mod queue;
mod renamed;
#[cfg(feature = "socket")]
mod socket;
mod url;

use std::sync::Arc;
use std::time::Instant;

pub use alluvium_core::model::source_position::SourcePosition as Position;
pub use error::{Place, SourceError, SourceErrorKind};
pub use file::{Csv, FilePosition, FileSource, Format, UnknownEncoding};
pub use file_set::{FileSet, NewFile, SeenFiles};
#[cfg(any(feature = "kafka", feature = "nats"))]
pub use gaps::Gaps;
#[cfg(feature = "http")]
pub use http::{DurableStreamOptions, DurableStreamSource, SseOptions, SseSource, WithoutId};
pub use json::JsonReader;
#[cfg(feature = "kafka")]
pub use kafka::{KafkaOptions, KafkaSource};
pub use memory::{MemorySource, MemoryStream};
#[cfg(feature = "nats")]
pub use nats::{JetStreamOptions, JetStreamSource};
pub use partition::{Identity, Partition, PartitionNameTooLong};
pub use renamed::{Renamed, fits, left_at, noting_left, pass_over_noting_left, renamed};
#[cfg(feature = "socket")]
pub use socket::{AfterClose, Peer, SocketOptions, SocketSource};
pub use url::from_url;

use crate::batch::Batch;

/// A stream of records, in partitions.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use alluvium_connectors::Batch;
/// use alluvium_connectors::source::{FileSource, Partition, Polled, Source};
///
/// let scratch = tempfile::tempdir()?;
/// let path = scratch.path().join("flights.csv");
/// std::fs::write(&path, "carrier,delay\nUA,3\nAA,-1\nDL,0\n")?;
///
/// let mut reader = FileSource::new(&path).open(&Partition::whole())?;
/// let soon = Instant::now() + Duration::from_secs(1);
/// let mut first = Batch::new(1, 1 << 20);
/// assert_eq!(reader.poll(&mut first, soon)?, Polled::Records);
/// let position = reader.position();              // a checkpoint stores it
///
/// let mut reader = FileSource::new(&path).open(&Partition::whole())?;
/// reader.seek(&position)?;
/// let mut rest = Batch::default();
/// while reader.poll(&mut rest, soon)? != Polled::End {}
/// let carriers: Vec<&[u8]> = rest.records().map(|record| record.field(0).unwrap()).collect();
/// assert_eq!(carriers, [b"AA", b"DL"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Source: Send {
    /// Returns what it is. It stays the same for as long as the stream is the same, also in another
    /// process.
    fn identity(&self) -> &Identity;

    /// Returns the partitions that there are now, in an order that stays the same. A stream that is not
    /// partitioned has the one [`Partition::whole`].
    fn partitions(&mut self) -> Result<Vec<Partition>, SourceError>;

    /// Opens one partition, from its first record. Every call returns a reader of its own: nothing that
    /// is done with one reader moves another.
    fn open(&mut self, partition: &Partition) -> Result<Box<dyn Reader>, SourceError>;
}

/// One partition of a [`Source`], read in order.
pub trait Reader: Send {
    /// Returns what the records look like. `None` is allowed only until the first record, or the end, was
    /// polled. All records of a batch have one schema, although the batch may be filled by several polls: if the
    /// next record has another one, a batch with records is [closed](Batch::close), and the schema changes with the
    /// poll into an empty batch.
    fn schema(&self) -> Option<&Arc<Schema>>;

    /// Returns the position after the last record that was handed out. It depends on the records before
    /// it, and never on how they were divided into batches.
    fn position(&self) -> Position;

    /// Continues at a position that a reader of this partition returned, also in an earlier process. The
    /// reader's own position is that one at once. Reading the way there may be left to `poll`, which
    /// reports then if the partition has no such position.
    ///
    /// A position that is none of this source's is an error of the kind
    /// [`Position`](SourceErrorKind::Position), and the reader stays where it was.
    fn seek(&mut self, position: &Position) -> Result<(), SourceError>;

    /// Adds records to `batch` for as long as it has room and records are at hand. If none is at hand, it
    /// waits for one until `deadline`, and no longer. A deadline in the past means not to wait. A batch
    /// without room gets nothing, at once.
    ///
    /// An error adds no records; those before the place of the error were handed out by the polls before.
    /// The same error is returned again until a seek, unless it [`is_transient`](SourceError::is_transient).
    fn poll(&mut self, batch: &mut Batch, deadline: Instant) -> Result<Polled, SourceError>;

    /// Whether it can go to a position without reading what is before it once more. A pipe cannot: after a
    /// restart only its writer knows with which record it begins. A seek passes over the records before
    /// the position then.
    fn is_seekable(&self) -> bool {
        true
    }

    /// After the end: adds a last record that may be half of one, because nothing ends it, to an empty batch. It is
    /// before no position, and a reader that continues hands it out again. The schema may change with it. Returns
    /// whether there is one.
    fn unfinished(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        let _ = batch;
        Ok(false)
    }

    /// After an error of the kind [`Record`](SourceErrorKind::Record): passes over the record, as if it had
    /// been handed out, and returns its bytes. `None` means that the reader cannot continue after it.
    fn pass_over(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// Returns where the last record is that was handed out, as people find it. What decodes raw records
    /// names it in its errors.
    fn place(&mut self) -> Option<Place> {
        None
    }

    /// Returns how far it is, as far as it knows. It is meant for people.
    fn progress(&self) -> Progress {
        Progress::default()
    }
}

/// What a poll came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled {
    /// Records were added.
    Records,
    /// No records were added: none came until the deadline.
    Nothing,
    /// No records were added, and none will come.
    End,
}

/// What the records of a partition look like.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schema {
    /// Records have fields, and these are the names of the fields.
    Fields(Vec<String>),
    /// Records are bytes.
    Raw,
}

/// How far a reader is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The bytes that were read, as they are stored.
    pub read_bytes: u64,
    /// The bytes that are stored, if that is known.
    pub total_bytes: Option<u64>,
    /// How many records are known to wait behind the position.
    pub lag_records: Option<u64>,
    /// Whether its connection is lost, and it tries to connect again.
    pub is_cut_off: bool,
}
