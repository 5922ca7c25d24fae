//! Reads a partition, epoch by epoch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use alluvium_connectors::Batch;
use alluvium_connectors::source::{Polled, Position, Reader, Schema, SourceError, noting_left, pass_over_noting_left};
use alluvium_core::StreamPosition;

use crate::error::ClusterError;
use crate::inputs::{Input, ReadTime};
use crate::lag::Lag;
use crate::left_out::BadRecord;
use crate::message::{PartitionEnd, Piece};

/// So many records of a partition are read at once.
const BATCH_RECORDS: u32 = 1_000;
const BATCH_BYTES: usize = 1 << 20;

/// A partition that a worker reads.
pub(crate) struct Reading {
    input: u32,
    partition: u32,
    /// What errors call it.
    place: String,
    reader: Box<dyn Reader>,
    time: Option<(String, ReadTime)>,
    /// The field that holds the event time, if records have fields.
    time_field: Option<usize>,
    /// The columns, and the schema that they are of.
    schema: Option<(Arc<Schema>, Option<Vec<String>>)>,
    time_ms: Option<i64>,
    is_bounded: bool,
    /// How many records the epoch has so far.
    in_epoch: u32,
    has_ended: bool,
    /// The records of the epoch that cannot be read, if they are left out.
    unreadable: Option<Vec<BadRecord>>,
    /// The ends of the files that were left for the next one in the epoch.
    left: Vec<Position>,
}

impl Reading {
    /// Opens a partition where the position in the stream says, which knows it by the name `known_as`, if it does.
    /// Records that cannot be read are left out, or they are errors.
    pub(crate) fn open(
        (number, input): (u32, &Input),
        (partition, name): (u32, &str),
        known_as: Option<&str>,
        at: &StreamPosition,
        leaves_out: bool,
    ) -> Result<Self, ClusterError> {
        let mut reader = input.open(name)?;
        let positions = at.positions.get(input.name()).zip(known_as);
        if let Some(position) = positions.and_then(|(partitions, name)| partitions.get(name)) {
            reader.seek(position)?;
        }
        let times = at.watermarks.get(input.name()).zip(known_as);
        let time_ms = times.and_then(|(partitions, name)| partitions.get(name)).copied();
        let place = if name.is_empty() { input.name().to_owned() } else { format!("{}, {name}", input.name()) };
        let time = input.time.clone();
        Ok(Self {
            input: number,
            partition,
            place,
            reader,
            time,
            time_field: None,
            schema: None,
            time_ms,
            is_bounded: !input.is_growing(),
            in_epoch: 0,
            has_ended: false,
            unreadable: leaves_out.then(Vec::new),
            left: Vec::new(),
        })
    }

    /// Whether the epoch has as many records as it may have of the partition, or no more will come.
    pub(crate) fn is_done(&self, epoch_records: u32) -> bool {
        self.has_ended || self.in_epoch >= epoch_records
    }

    /// Reads records for the epoch, without waiting. Returns `None` if none are at hand.
    pub(crate) fn read(&mut self, epoch_records: u32) -> Result<Option<Piece>, ClusterError> {
        let mut batch = Batch::new(BATCH_RECORDS.min(epoch_records - self.in_epoch), BATCH_BYTES);
        let polled = noting_left(&mut *self.reader, &mut self.left, |reader| {
            (reader.poll(&mut batch, Instant::now()), batch.count())
        });
        match polled {
            Ok(Polled::Records) => {}
            Ok(Polled::Nothing) => return Ok(None),
            Ok(Polled::End) => {
                self.has_ended = true;
                return Ok(None);
            }
            Err(error) if error.is_transient() => {
                tracing::warn!("{}: {error}; it is tried again", self.place);
                return Ok(None);
            }
            Err(error) => return self.pass_over(&error).map(Some),
        }
        self.note_schema()?;
        let header = self.schema.as_ref().and_then(|(_, header)| header.clone());
        let first = self.in_epoch;
        self.in_epoch += batch.count();
        let (count, lens, bytes) = batch.into_parts();
        let width = u32::try_from(lens.len() / count.max(1) as usize).unwrap_or(u32::MAX);
        let numbers = (first..first + count).collect();
        let piece = Piece { input: self.input, partition: self.partition, header, numbers, width, lens, bytes };
        self.note_times(piece).map(Some)
    }

    /// Leaves a record out that cannot be read, and returns no records; if it cannot continue, the error.
    fn pass_over(&mut self, error: &SourceError) -> Result<Piece, ClusterError> {
        let (input, partition, number) = (self.input, self.partition, self.in_epoch);
        let text =
            if self.unreadable.is_some() { pass_over_noting_left(&mut *self.reader, &mut self.left) } else { None };
        let (Some(unreadable), Some(text)) = (&mut self.unreadable, text) else {
            return Err(ClusterError::Source(error.to_string()));
        };
        let (columns, fields, is_refused) = (None, vec![text], false);
        unreadable.push(BadRecord { input, partition, number, error: error.to_string(), is_refused, columns, fields });
        self.in_epoch += 1;
        Ok(Piece::default())
    }

    /// How records look may be known now, or have changed.
    fn note_schema(&mut self) -> Result<(), ClusterError> {
        let Some(found) = self.reader.schema() else { return Ok(()) };
        if self.schema.as_ref().is_some_and(|(known, _)| known == found) {
            return Ok(());
        }
        let header = if let Schema::Fields(header) = &**found { Some(header.clone()) } else { None };
        if let (Some((column, _)), Some(header)) = (&self.time, &header) {
            let missing = || {
                let columns = header.join(", ");
                ClusterError::Source(format!("{}: has no column {column}; its columns are {columns}", self.place))
            };
            self.time_field = Some(header.iter().position(|name| name == column).ok_or_else(missing)?);
        }
        self.schema = Some((Arc::clone(found), header));
        Ok(())
    }

    /// Takes note of event times. Returns the records without those whose time cannot be read.
    fn note_times(&mut self, piece: Piece) -> Result<Piece, ClusterError> {
        let (Some((_, time)), Some(field)) = (&self.time, self.time_field) else { return Ok(piece) };
        let mut bad = BTreeMap::new();
        for (number, lens, bytes) in piece.records() {
            let before: u32 = lens.iter().take(field).sum();
            let len = lens.get(field).copied().unwrap_or_default();
            match time(&bytes[before as usize..][..len as usize]) {
                Ok(read) => self.time_ms = self.time_ms.max(read),
                Err(what) => drop(bad.insert(number, what)),
            }
        }
        let Some((number, what)) = bad.first_key_value() else { return Ok(piece) };
        let Some(unreadable) = &mut self.unreadable else {
            let what = format!("{}: record {} of the epoch: {what}", self.place, number + 1);
            return Err(ClusterError::Source(what));
        };
        let (bad_ones, good) = piece.partition(|number| bad.contains_key(&number));
        unreadable.extend(bad_ones.left_out(|number| (bad[&number].clone(), false)));
        Ok(good)
    }

    /// Takes the records of the epoch so far that cannot be read.
    pub(crate) fn take_unreadable(&mut self) -> Vec<BadRecord> {
        self.unreadable.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Ends the epoch of the partition.
    pub(crate) fn end_epoch(&mut self) -> PartitionEnd {
        self.in_epoch = 0;
        PartitionEnd {
            input: self.input,
            partition: self.partition,
            position: self.reader.position(),
            left: std::mem::take(&mut self.left),
            is_timed: self.time_field.is_some() || (self.time.is_some() && self.schema.is_none()),
            is_bounded: self.is_bounded,
            time_ms: self.time_ms,
            has_ended: self.has_ended,
            lag: Lag::of(&self.reader.progress()),
        }
    }
}
