//! A source in memory, for tests and examples.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::{Identity, Partition, Place, Polled, Position, Progress, Reader, Schema, Source, SourceError};
use super::{SourceErrorKind as Kind, partition::PartitionNameTooLong};
use crate::batch::Batch;

/// A stream of raw records in memory. Clones are the same stream.
///
/// ```
/// use std::time::Instant;
///
/// use alluvium_connectors::Batch;
/// use alluvium_connectors::source::{MemoryStream, Partition, Polled, Source};
///
/// let stream = MemoryStream::new("orders");
/// stream.push(&Partition::whole(), b"first");
/// let mut reader = stream.source().open(&Partition::whole())?;
/// let mut batch = Batch::default();
/// assert_eq!(reader.poll(&mut batch, Instant::now())?, Polled::Records);
/// assert_eq!(reader.poll(&mut batch, Instant::now())?, Polled::Nothing);
/// stream.end();
/// assert_eq!(reader.poll(&mut batch, Instant::now())?, Polled::End);
/// # Ok::<(), alluvium_connectors::source::SourceError>(())
/// ```
#[derive(Debug, Clone)]
pub struct MemoryStream {
    identity: Identity,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    content: Mutex<Content>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Content {
    partitions: Vec<(Partition, Vec<Vec<u8>>)>,
    is_ended: bool,
}

impl Content {
    fn records(&self, partition: &Partition) -> &[Vec<u8>] {
        self.partitions.iter().find(|(name, _)| name == partition).map_or(&[], |(_, records)| records)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryStream {
    /// Returns a stream without partitions.
    pub fn new(name: impl Into<String>) -> Self {
        Self { identity: Identity::new("memory", name), shared: Arc::default() }
    }

    /// Adds a partition without records, if there is none of this name.
    pub fn partition(&self, name: impl Into<String>) -> Result<Partition, PartitionNameTooLong> {
        let partition = Partition::new(name)?;
        self.change(|content| {
            if !content.partitions.iter().any(|(known, _)| *known == partition) {
                content.partitions.push((partition.clone(), Vec::new()));
            }
        });
        Ok(partition)
    }

    /// Appends a record to a partition, which is added if it is missing.
    pub fn push(&self, partition: &Partition, record: impl Into<Vec<u8>>) {
        self.change(|content| match content.partitions.iter_mut().find(|(name, _)| name == partition) {
            Some((_, records)) => records.push(record.into()),
            None => content.partitions.push((partition.clone(), vec![record.into()])),
        });
    }

    /// Ends the stream: no reader waits for records any more.
    pub fn end(&self) {
        self.change(|content| content.is_ended = true);
    }

    /// Returns a source over the stream.
    pub fn source(&self) -> MemorySource {
        MemorySource { stream: self.clone() }
    }

    fn change(&self, change: impl FnOnce(&mut Content)) {
        change(&mut self.shared.lock());
        self.shared.changed.notify_all();
    }
}

/// A source over a [`MemoryStream`]. A position is the number of records before it.
#[derive(Debug, Clone)]
pub struct MemorySource {
    stream: MemoryStream,
}

impl Source for MemorySource {
    fn identity(&self) -> &Identity {
        &self.stream.identity
    }

    fn partitions(&mut self) -> Result<Vec<Partition>, SourceError> {
        Ok(self.stream.shared.lock().partitions.iter().map(|(name, _)| name.clone()).collect())
    }

    fn open(&mut self, partition: &Partition) -> Result<Box<dyn Reader>, SourceError> {
        if !self.partitions()?.contains(partition) {
            let what = format!("has no partition {:?}", partition.name());
            return Err(SourceError::new(Kind::Open, self.identity().name(), what));
        }
        let (stream, schema) = (self.stream.clone(), Arc::new(Schema::Raw));
        Ok(Box::new(MemoryReader { stream, partition: partition.clone(), next: 0, schema }))
    }
}

#[derive(Debug)]
struct MemoryReader {
    stream: MemoryStream,
    partition: Partition,
    next: usize,
    schema: Arc<Schema>,
}

impl Reader for MemoryReader {
    fn schema(&self) -> Option<&Arc<Schema>> {
        Some(&self.schema)
    }

    fn position(&self) -> Position {
        Position::Offset(self.next as u64)
    }

    fn seek(&mut self, position: &Position) -> Result<(), SourceError> {
        let failed = |kind, what| {
            let error = SourceError::new(kind, self.stream.identity.name(), what);
            Err(error.at(Place::Position(position.clone())))
        };
        let records = self.stream.shared.lock().records(&self.partition).len();
        match position {
            Position::Offset(offset) => match usize::try_from(*offset).ok().filter(|next| *next <= records) {
                Some(next) => self.next = next,
                None => return failed(Kind::TooShort { records: records as u64 }, format!("has {records} records")),
            },
            Position::Opaque(_) => return failed(Kind::Position, "is none of a source in memory".to_owned()),
        }
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch, deadline: Instant) -> Result<Polled, SourceError> {
        if !batch.has_room() {
            return Ok(Polled::Nothing);
        }
        let mut content = self.stream.shared.lock();
        loop {
            let mut polled = Polled::Nothing;
            while let Some(record) = content.records(&self.partition).get(self.next).filter(|_| batch.has_room()) {
                batch.push([record.as_slice()]);
                self.next += 1;
                polled = Polled::Records;
            }
            if polled == Polled::Records {
                return Ok(polled);
            }
            if content.is_ended {
                return Ok(Polled::End);
            }
            let wait = deadline.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                return Ok(Polled::Nothing);
            }
            let waited = self.stream.shared.changed.wait_timeout(content, wait);
            content = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn progress(&self) -> Progress {
        let behind = self.stream.shared.lock().records(&self.partition).len().saturating_sub(self.next);
        Progress { lag_records: Some(behind as u64), ..Progress::default() }
    }
}
