//! What one worker does with the records of an epoch: it keeps them until all of them are there, orders them, and
//! works them into its state.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use alluvium_core::job::JobPart;

use crate::error::ClusterError;
use crate::left_out::BadRecord;
use crate::message::{Emitted, EpochEnd, EpochPosition, Message, PartDone, PartitionEnd, Piece};
use crate::operator::{Cut, Work, Worker};
use crate::options::JobOptions;
use crate::run::Ended;

/// The records of an epoch so far.
#[derive(Debug, Default)]
struct Gathered {
    pieces: Vec<Piece>,
    left_out: Vec<BadRecord>,
    ends: Vec<EpochEnd>,
}

/// One worker's records and state.
pub(crate) struct Stash {
    number: u32,
    worker: Box<dyn Worker>,
    gathered: BTreeMap<u64, Gathered>,
    /// The partitions as the last epoch left them.
    partitions: BTreeMap<(u32, u32), PartitionEnd>,
    watermark: Option<i64>,
    delay_ms: i64,
    finish: bool,
    /// Whether records that the operator refuses are left out.
    leaves_out: bool,
    /// The epoch after which there is nothing to do, and why.
    last: Option<(u64, Ended)>,
    /// The digest of the opened state, until it was handed over.
    opened: Option<u64>,
    /// Epochs whose parts are being written.
    writing: VecDeque<(u64, Unwritten)>,
}

/// What belongs to an epoch beside its part.
struct Unwritten {
    emitted: Vec<Emitted>,
    left_out: Vec<BadRecord>,
    position: EpochPosition,
    opened: Option<u64>,
    records: u64,
    stall_us: u64,
}

impl Stash {
    /// Returns the stash of a worker whose state was opened. `watermark` is that of the manifest.
    pub(crate) fn new(
        number: u32,
        mut worker: Box<dyn Worker>,
        watermark: Option<i64>,
        options: &JobOptions,
    ) -> Result<Self, ClusterError> {
        let opened = Some(worker.digest()?);
        Ok(Self {
            number,
            worker,
            gathered: BTreeMap::new(),
            partitions: BTreeMap::new(),
            watermark,
            delay_ms: options.watermark_delay_ms,
            finish: options.finish,
            leaves_out: options.leaves_out,
            last: None,
            opened,
            writing: VecDeque::new(),
        })
    }

    /// Keeps what came for an epoch.
    pub(crate) fn add(&mut self, epoch: u64, message: Message) {
        let gathered = self.gathered.entry(epoch).or_default();
        match message {
            Message::Piece(piece) => gathered.pieces.push(piece),
            Message::LeftOut(records) => gathered.left_out.extend(records),
            Message::End(end) => gathered.ends.push(end),
        }
    }

    /// Returns the last epoch of the generation, and why it is the last, once that is known.
    pub(crate) fn last(&self) -> Option<(u64, Ended)> {
        self.last
    }

    /// Works in an epoch of which everything is there, and begins its part. Returns whether it counts.
    pub(crate) fn process(&mut self, epoch: u64) -> Result<bool, ClusterError> {
        let Gathered { mut pieces, mut left_out, ends } = self.gathered.remove(&epoch).unwrap_or_default();
        if self.last.is_some_and(|(last, _)| epoch > last) {
            return Ok(false);
        }
        pieces.sort_by_key(|piece| (piece.input, piece.partition, piece.numbers.first().copied()));
        let records: u64 = pieces.iter().map(|piece| piece.count() as u64).sum();
        let mut work = Work { left_out: self.leaves_out.then(Vec::new), ..Work::default() };
        for piece in pieces {
            self.worker.process(piece, &mut work)?;
        }
        let Work { mut emitted, left_out: refused } = work;
        let refused = refused.unwrap_or_default();
        let records = records - refused.len() as u64;
        left_out.extend(refused);
        let now_ms = ends.iter().find_map(|end| end.now_ms);
        let has_grown = ends.iter().any(|end| end.has_grown);
        for end in ends.into_iter().flat_map(|end| end.partitions) {
            self.partitions.insert((end.input, end.partition), end);
        }
        let has_ended = self.partitions.values().all(|partition| partition.has_ended);
        self.follow_watermark();
        let is_finished = has_ended && self.finish;
        let end = Cut { epoch, watermark: self.watermark, now_ms, is_last: is_finished };
        self.worker.end_epoch(&end, &mut emitted)?;
        if has_ended || has_grown {
            self.last = Some((epoch, if has_ended { Ended::Finished } else { Ended::Grown }));
        }
        let begun = Instant::now();
        self.worker.begin_part()?;
        let stall_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let position = self.position(is_finished);
        let opened = self.opened.take();
        self.writing.push_back((epoch, Unwritten { emitted, left_out, position, opened, records, stall_us }));
        Ok(true)
    }

    /// The watermark is the least of the partitions' times, less the delay. Those that have ended do not count, unless
    /// all have, and neither does an input without times. Only until such an input has come to its end, if it has one,
    /// the watermark stays: it is a table, and what waits for the time would miss the records that are not read yet.
    fn follow_watermark(&mut self) {
        let is_table = |partition: &&PartitionEnd| partition.is_bounded && !partition.is_timed;
        if self.partitions.values().filter(is_table).any(|table| !table.has_ended) {
            return;
        }
        let timed = || self.partitions.values().filter(|partition| partition.is_timed);
        let live = timed().filter(|partition| !partition.has_ended);
        // A partition without a record so far holds the watermark back.
        let least = match live.map(|partition| partition.time_ms).min() {
            Some(least) => least,
            None => timed().filter_map(|partition| partition.time_ms).max(),
        };
        self.watermark = self.watermark.max(least.map(|time_ms| time_ms.saturating_sub(self.delay_ms)));
    }

    fn position(&self, is_finished: bool) -> EpochPosition {
        let partitions = || self.partitions.iter();
        EpochPosition {
            positions: partitions().map(|(at, end)| (*at, end.position.clone())).collect(),
            left: partitions()
                .flat_map(|((input, _), end)| end.left.iter().map(|left| (*input, left.clone())))
                .collect(),
            times: partitions().filter_map(|(at, end)| Some((*at, end.time_ms?))).collect(),
            watermark: self.watermark,
            lags: partitions().map(|(at, end)| (*at, end.lag)).collect(),
            is_finished,
        }
    }

    /// Whether the part of an epoch is being written.
    pub(crate) fn is_begun(&self, epoch: u64) -> bool {
        self.writing.iter().any(|(begun, _)| *begun == epoch)
    }

    /// Whether parts are being written.
    pub(crate) fn is_writing(&self) -> bool {
        !self.writing.is_empty()
    }

    /// Returns the parts that have become durable, with their epochs, oldest first.
    pub(crate) fn durable(&mut self) -> Result<Vec<(u64, PartDone)>, ClusterError> {
        let worker = self.number;
        let done = |(part, (epoch, unwritten)): (JobPart, (u64, Unwritten))| {
            let Unwritten { emitted, left_out, position, opened, records, stall_us } = unwritten;
            let position = (worker == 0).then_some(position);
            (epoch, PartDone { worker, part, emitted, left_out, position, opened, records, stall_us })
        };
        let parts = self.worker.durable_parts()?;
        let count = parts.len();
        Ok(parts.into_iter().zip(self.writing.drain(..count)).map(done).collect())
    }
}
