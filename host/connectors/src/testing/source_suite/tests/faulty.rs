//! Sources in memory with one fault each.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::batch::Batch;
use crate::opaque::{self, Opaque};
use crate::source::{
    Identity, MemorySource, MemoryStream, Partition, Polled, Position, Reader, Schema, Source, SourceError,
};
use crate::testing::source_suite::SourceFixture;
use crate::testing::source_suite::support::TOLERANCE;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    None,
    SeekIgnored,
    SeekMovesOthers,
    PositionLagsBehind,
    PositionCountsBatches,
    PositionAfterTheSeekOnly,
    ForeignPositionAccepted,
    PastTheEndAccepted,
    BatchOverfilled,
    BatchEmptiedFirst,
    EndComesEarly,
    EndIsForgotten,
    NothingTooEarly,
    WaitsForAFullBatch,
    DeadlineIgnored,
    PartitionsMixed,
    PartitionsReordered,
    SchemaMissing,
    SchemasMixed,
    LongRecordsCut,
    ErrorsWithoutName,
}

/// Streams in memory, read with a fault.
pub(super) struct Faulty {
    fault: Fault,
    ends: bool,
    streams: BTreeMap<String, MemoryStream>,
    opened: Arc<AtomicUsize>,
}

impl Faulty {
    pub(super) fn new(fault: Fault, ends: bool) -> Self {
        Self { fault, ends, streams: BTreeMap::new(), opened: Arc::default() }
    }
}

impl SourceFixture for Faulty {
    fn partitions_max(&self) -> usize {
        4
    }
    fn ends(&self) -> bool {
        self.ends
    }
    fn create(&mut self, stream: &str, partitions: &[Vec<String>]) {
        let memory = MemoryStream::new(stream);
        for (number, records) in partitions.iter().enumerate() {
            let partition = memory.partition(number.to_string()).unwrap();
            for record in records {
                memory.push(&partition, record.as_str());
            }
        }
        if self.ends {
            memory.end();
        }
        self.streams.insert(stream.to_owned(), memory);
    }
    fn append(&mut self, stream: &str, partition: usize, records: &[String]) {
        let partition = Partition::new(partition.to_string()).unwrap();
        for record in records {
            self.streams[stream].push(&partition, record.as_str());
        }
    }
    fn has_other_schemas(&self) -> bool {
        self.fault == Fault::SchemasMixed
    }
    fn append_other(&mut self, stream: &str, records: &[String]) {
        self.append(stream, 0, records);
    }
    fn open(&mut self, stream: &str) -> Box<dyn Source> {
        let inner = self.streams[stream].source();
        let (opened, sought) = (Arc::clone(&self.opened), Arc::default());
        Box::new(FaultySource { fault: self.fault, inner, opened, sought, readers: 0 })
    }
}

struct FaultySource {
    fault: Fault,
    inner: MemorySource,
    opened: Arc<AtomicUsize>,
    /// Where the reader is that sought last, for those that it moves.
    sought: Sought,
    readers: u64,
}

/// The number of the reader that sought last, and where to.
type Sought = Arc<Mutex<Option<(u64, Position)>>>;

impl Source for FaultySource {
    fn identity(&self) -> &Identity {
        self.inner.identity()
    }
    fn partitions(&mut self) -> Result<Vec<Partition>, SourceError> {
        let mut partitions = self.inner.partitions()?;
        if self.fault == Fault::PartitionsReordered && self.opened.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
            partitions.reverse();
        }
        Ok(partitions)
    }
    fn open(&mut self, partition: &Partition) -> Result<Box<dyn Reader>, SourceError> {
        let first = self.inner.partitions()?.remove(0);
        let partition = if self.fault == Fault::PartitionsMixed { &first } else { partition };
        let (fault, sought, inner) = (self.fault, Arc::clone(&self.sought), self.inner.open(partition)?);
        self.readers += 1;
        let other = Arc::new(Schema::Fields(vec!["other".to_owned()]));
        Ok(Box::new(FaultyReader { fault, inner, sought, number: self.readers, polls: 0, shown: None, other }))
    }
}

struct FaultyReader {
    fault: Fault,
    inner: Box<dyn Reader>,
    sought: Sought,
    number: u64,
    polls: u64,
    shown: Option<Position>,
    /// The schema of the third record and those after it, if there are others.
    other: Arc<Schema>,
}

impl FaultyReader {
    fn without_name(&self, error: SourceError) -> SourceError {
        if self.fault == Fault::ErrorsWithoutName { SourceError::new(error.kind(), "?", "?") } else { error }
    }
}

impl Reader for FaultyReader {
    fn schema(&self) -> Option<&Arc<Schema>> {
        if self.fault == Fault::SchemasMixed && matches!(self.inner.position(), Position::Offset(3..)) {
            return Some(&self.other);
        }
        self.inner.schema().filter(|_| self.fault != Fault::SchemaMissing)
    }

    fn position(&self) -> Position {
        match (self.fault, self.inner.position()) {
            (Fault::PositionLagsBehind, Position::Offset(offset)) => Position::Offset(offset.saturating_sub(1)),
            (Fault::PositionCountsBatches, Position::Offset(offset)) => {
                Position::Opaque(Opaque::new(format!("{offset} {}", self.polls)).unwrap())
            }
            (Fault::PositionAfterTheSeekOnly, position) => self.shown.clone().unwrap_or(position),
            (_, position) => position,
        }
    }

    fn seek(&mut self, position: &Position) -> Result<(), SourceError> {
        let mut to = position.clone();
        match (self.fault, position) {
            (Fault::SeekIgnored, Position::Offset(_)) | (Fault::ForeignPositionAccepted, Position::Opaque(_)) => {
                return Ok(());
            }
            (Fault::PositionCountsBatches, Position::Opaque(token)) => {
                let offset = opaque::as_text(token).and_then(|text| text.split_once(' ')?.0.parse().ok());
                to = offset.map_or(to, Position::Offset);
            }
            (Fault::PositionAfterTheSeekOnly, _) => self.shown = Some(self.inner.position()),
            _ => {}
        }
        match self.inner.seek(&to) {
            Err(_) if self.fault == Fault::PastTheEndAccepted && matches!(to, Position::Offset(_)) => {}
            sought => sought.map_err(|error| self.without_name(error))?,
        }
        if self.fault == Fault::SeekMovesOthers {
            *self.sought.lock().unwrap() = Some((self.number, to));
        }
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch, deadline: Instant) -> Result<Polled, SourceError> {
        self.polls += 1;
        self.shown = None;
        // As clones of a descriptor share where they read.
        if let Some((_, position)) = self.sought.lock().unwrap().take_if(|(number, _)| *number != self.number) {
            self.inner.seek(&position)?;
        }
        match self.fault {
            Fault::BatchOverfilled => {
                let mut more = Batch::default();
                let polled = self.inner.poll(&mut more, deadline)?;
                more.records().for_each(|record| batch.push([record.bytes()]));
                return Ok(polled);
            }
            Fault::BatchEmptiedFirst => *batch = Batch::new(batch.count() + 1, usize::MAX),
            Fault::NothingTooEarly => return self.inner.poll(batch, Instant::now()),
            // Only near ones, so that the suite is soon over.
            Fault::DeadlineIgnored if deadline < Instant::now() + Duration::from_millis(30) => {
                return self.inner.poll(batch, deadline + TOLERANCE + Duration::from_millis(500));
            }
            Fault::WaitsForAFullBatch => {
                let wait = Instant::now() + TOLERANCE + Duration::from_millis(500);
                let before = batch.count();
                while batch.has_room() && Instant::now() < wait.min(deadline) {
                    if self.inner.poll(batch, wait.min(deadline))? == Polled::End {
                        break;
                    }
                }
                if batch.count() > before {
                    return Ok(Polled::Records);
                }
            }
            Fault::LongRecordsCut => {
                let mut whole = Batch::new(1, usize::MAX);
                let polled = self.inner.poll(if batch.has_room() { &mut whole } else { batch }, deadline)?;
                whole.records().for_each(|record| batch.push([&record.bytes()[..record.bytes().len().min(65_535)]]));
                return Ok(polled);
            }
            _ => {}
        }
        match self.inner.poll(batch, deadline)? {
            Polled::Records if self.fault == Fault::EndComesEarly && self.polls.is_multiple_of(3) => Ok(Polled::End),
            Polled::End if self.fault == Fault::EndIsForgotten && self.polls.is_multiple_of(3) => Ok(Polled::Nothing),
            polled => Ok(polled),
        }
    }
}
