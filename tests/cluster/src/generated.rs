//! A source that makes its records up, so that a benchmark needs no files: a million keys first, then a hot set.

use std::sync::Arc;
use std::time::Instant;

use alluvium_connectors::Batch;
use alluvium_connectors::source::{
    Identity, Partition, Polled, Position, Reader, Schema, Source, SourceError, SourceErrorKind,
};

/// A stream of records `kNNNNNNN`, in partitions. A position is the number of records before it.
#[derive(Debug, Clone)]
pub struct Generated {
    identity: Identity,
    /// How many partitions there are.
    pub partitions: u64,
    /// How many keys there are. Each occurs once at the beginning.
    pub keys: u64,
    /// How many records each partition has.
    pub records: u64,
    /// How many records of a partition come in a second once all keys were there. There is no limit if it is 0.
    pub rate: u64,
}

impl Generated {
    /// Returns a stream.
    pub fn new(partitions: u64, keys: u64, records: u64, rate: u64) -> Self {
        Self { identity: Identity::new("generated", "keys"), partitions, keys, records, rate }
    }

    /// Returns the number of the key of a record of a partition.
    pub fn key(&self, partition: u64, at: u64) -> u64 {
        let first = at * self.partitions + partition;
        // One in a hundred of the keys is hot. The multiplier spreads them over all hashes alike.
        if first < self.keys {
            first
        } else {
            (first.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) % (self.keys / 100).max(1)
        }
    }
}

impl Source for Generated {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn partitions(&mut self) -> Result<Vec<Partition>, SourceError> {
        Ok((0..self.partitions).filter_map(|number| Partition::new(number.to_string()).ok()).collect())
    }

    fn open(&mut self, partition: &Partition) -> Result<Box<dyn Reader>, SourceError> {
        let partition = partition.name().parse().map_err(|_| {
            SourceError::new(SourceErrorKind::Open, "generated", format!("has no partition {:?}", partition.name()))
        })?;
        let (stream, schema) = (self.clone(), Arc::new(Schema::Raw));
        Ok(Box::new(GeneratedReader { stream, partition, next: 0, schema, paced: None }))
    }
}

struct GeneratedReader {
    stream: Generated,
    partition: u64,
    next: u64,
    schema: Arc<Schema>,
    /// Since when and from which record on records come at the rate.
    paced: Option<(Instant, u64)>,
}

impl GeneratedReader {
    /// Returns how many records are at hand.
    fn at_hand(&mut self) -> u64 {
        let left = self.stream.records - self.next;
        if self.stream.rate == 0 || self.next * self.stream.partitions < self.stream.keys {
            return left;
        }
        let (since, from) = *self.paced.get_or_insert((Instant::now(), self.next));
        let due = from + u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX) * self.stream.rate / 1_000_000;
        left.min(due.saturating_sub(self.next))
    }
}

impl Reader for GeneratedReader {
    fn schema(&self) -> Option<&Arc<Schema>> {
        Some(&self.schema)
    }

    fn position(&self) -> Position {
        Position::Offset(self.next)
    }

    fn seek(&mut self, position: &Position) -> Result<(), SourceError> {
        match position {
            Position::Offset(next) => self.next = *next,
            Position::Opaque(_) => {
                return Err(SourceError::new(
                    SourceErrorKind::Position,
                    "generated",
                    "is none of this source".to_owned(),
                ));
            }
        }
        self.paced = None;
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch, _deadline: Instant) -> Result<Polled, SourceError> {
        if self.next >= self.stream.records {
            return Ok(Polled::End);
        }
        let mut key = *b"k0000000";
        let mut polled = Polled::Nothing;
        for _ in 0..self.at_hand() {
            if !batch.has_room() {
                break;
            }
            let mut number = self.stream.key(self.partition, self.next);
            for digit in key[1..].iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
            batch.push([&key[..]]);
            self.next += 1;
            polled = Polled::Records;
        }
        Ok(polled)
    }
}
