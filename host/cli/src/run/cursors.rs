//! How far all partitions of all inputs are consumed, and reading them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use alluvium_connectors::source::{Partition, Schema};
use alluvium_host::{Engine, RuntimeError};

use super::arguments::Run;
use super::bookmarks::{self, Bookmark};
use super::cursor::{Cursor, PartitionEnd};
use super::event_time::Times;
use super::input_options::{OnError, Resume};
use super::reading::{self, Cuts, Message, Open, Plan, Read, WAITING_MAX};
use super::service::{InputStatus, Status};
use super::signals::Signals;
use crate::failure::Failure;

/// All partitions of all inputs. Messages name one by its number.
pub(super) struct Cursors {
    all: Vec<Cursor>,
    /// The names of all files that were ever read, for each input of many files.
    known: Known,
    /// What readers send to, while others may come.
    sender: Option<SyncSender<Message>>,
}

/// What all partitions are read with.
pub(super) struct With<'a> {
    pub(super) run: &'a Run,
    pub(super) cuts: Cuts,
    pub(super) signals: &'a Signals,
    pub(super) status: &'a Status,
}

/// Names of partitions by the name of the input.
pub(super) type Known = BTreeMap<String, BTreeSet<String>>;

impl Cursors {
    /// All partitions, and the names that were ever read.
    pub(super) fn new(all: Vec<Cursor>, known: Known) -> Self {
        Self { all, known, sender: None }
    }

    /// Starts reading. Partitions are read each in a thread of its own, but for those in turn. The channel closes when
    /// all have ended.
    pub(super) fn start(&mut self, with: &With<'_>) -> Result<Receiver<Message>, Failure> {
        let (sender, receiver) = sync_channel(WAITING_MAX * self.all.len());
        let in_turn = |cursor: &&Cursor| cursor.is_in_turn;
        let consumed_in_turn = self.all.iter().filter(in_turn).map(Cursor::consumed).sum();
        let mut turns = Vec::new();
        for number in 0..self.all.len() {
            let Some((open, plan)) = self.plan(number, consumed_in_turn, with) else { continue };
            if self.all[number].is_in_turn {
                turns.push((open, plan));
            } else {
                reading::start(vec![(open, plan)], sender.clone())?;
            }
        }
        if !turns.is_empty() {
            reading::start(turns, sender.clone())?;
        }
        self.sender = self.all.iter().any(|cursor| cursor.is_followed).then_some(sender);
        Ok(receiver)
    }

    /// Starts reading a partition that has come.
    pub(super) fn add(&mut self, cursor: Cursor, with: &With<'_>) -> Result<(), Failure> {
        let number = self.all.len();
        self.known.entry(cursor.input_name.clone()).or_default().insert(cursor.partition.name().to_owned());
        self.all.push(cursor);
        let (Some((open, plan)), Some(sender)) = (self.plan(number, 0, with), &self.sender) else { return Ok(()) };
        reading::start(vec![(open, plan)], sender.clone())
    }

    /// Adds no more partitions, so that the channel closes when those that are read have ended.
    pub(super) fn close(&mut self) {
        self.sender = None;
    }

    fn plan(&mut self, number: usize, consumed_in_turn: u64, with: &With<'_>) -> Option<(Open, Plan)> {
        let With { run, cuts, signals, status } = with;
        let cursor = &mut self.all[number];
        let plan = Plan {
            number,
            source_name: cursor.source_name.clone(),
            times: Times { column: cursor.time_column.clone(), format: run.reading.time_format },
            consumed: cursor.consumed(),
            consumed_in_turn: if cursor.is_in_turn { consumed_in_turn } else { cursor.consumed() },
            cuts: *cuts,
            skips_bad: run.reading.on_error != OnError::Stop,
            begins_another: cursor.bookmark.is_some() && run.reading.resume == Some(Resume::Next),
            is_followed: cursor.is_followed,
            signals: (*signals).clone(),
            status: (*status).clone(),
        };
        Some((cursor.open.take()?, plan))
    }

    /// Returns the partition of an input, by its name.
    pub(super) fn of(&self, input: usize, partition: &Partition) -> Option<&Cursor> {
        self.all.iter().find(|cursor| cursor.input == input && cursor.partition == *partition)
    }

    /// How many partitions an input has.
    pub(super) fn count(&self, input: usize) -> usize {
        self.all.iter().filter(|cursor| cursor.input == input).count()
    }

    /// Returns a partition by its number.
    pub(super) fn get(&self, number: usize) -> &Cursor {
        &self.all[number]
    }

    /// Takes note of how the records of a partition look from here on.
    pub(super) fn set_schema(&mut self, number: usize, schema: &Arc<Schema>) {
        self.all[number].schema = Some(Arc::clone(schema));
    }

    /// Records consumed of all partitions, by earlier runs too.
    pub(super) fn consumed(&self) -> u64 {
        self.all.iter().map(Cursor::consumed).sum()
    }

    /// The size of all partitions, if each of them has one.
    pub(super) fn total_bytes(&self) -> Option<u64> {
        self.all.iter().map(|cursor| cursor.total_bytes).sum()
    }

    /// Bytes that the readers have read.
    pub(super) fn read_bytes(&self) -> u64 {
        self.all.iter().map(|cursor| cursor.read_bytes).sum()
    }

    /// Takes note that what was read of a partition is consumed. `time_ms` is the largest event time in it.
    pub(super) fn advance(&mut self, number: usize, read: &Read, time_ms: Option<i64>) {
        let cursor = &mut self.all[number];
        cursor.note_left(&read.left);
        let records = cursor.consumed() + u64::from(read.count);
        let time_ms = cursor.time_ms().max(time_ms);
        cursor.bookmark = Some(Bookmark { records, position: read.position.clone(), time_ms });
        cursor.read_bytes = read.progress.read_bytes;
        cursor.consumed_now += u64::from(read.count);
        cursor.last_read = Instant::now();
    }

    /// Takes note that a partition has ended.
    pub(super) fn ended(&mut self, number: usize) {
        self.all[number].end = PartitionEnd::Reached;
    }

    /// Counts a record of a partition that is left out.
    pub(super) fn leave_out(&mut self, number: usize, is_refused: bool) {
        let cursor = &mut self.all[number];
        *(if is_refused { &mut cursor.refused } else { &mut cursor.unreadable }) += 1;
    }

    /// Shows how far the partitions are. What their readers see stays.
    pub(super) fn show(&self, shown: &mut Vec<InputStatus>) {
        let mut readers = std::mem::take(shown).into_iter().map(|input| input.reader);
        shown.extend(self.all.iter().map(|cursor| InputStatus {
            name: cursor.input_name.clone(),
            partition: cursor.partition.name().to_owned(),
            source: cursor.source_name.clone(),
            records: cursor.consumed(),
            records_now: cursor.consumed_now,
            position: cursor.bookmark.as_ref().map(|bookmark| bookmark.position.clone()),
            time_ms: cursor.time_ms(),
            consumed_bytes: cursor.read_bytes,
            reader: readers.next().unwrap_or_default(),
            unreadable: cursor.unreadable,
            refused: cursor.refused,
        }));
    }

    /// Returns the watermark that all partitions allow: the least of their largest event times. There is
    /// none before each of them had an event time. Partitions that are read in turn are one sequence.
    ///
    /// What has ended does not hold others up, nor does a partition without a record for so long as `idle` says. If all
    /// are idle, none holds another up, and the watermark is the greatest of theirs. An input without event times, as a
    /// table, holds them up until its end, if it has one.
    pub(super) fn watermark_ms(&self, idle: Option<Duration>) -> Option<i64> {
        let (timed, tables): (Vec<&Cursor>, Vec<&Cursor>) =
            self.all.iter().partition(|cursor| !cursor.time_column.is_empty());
        if tables.iter().any(|table| table.end == PartitionEnd::Ahead) {
            return None;
        }
        let is_idle = |cursor: &Cursor| idle.is_some_and(|idle| cursor.last_read.elapsed() >= idle);
        let is_active = |cursor: &&Cursor| cursor.is_in_turn || cursor.end != PartitionEnd::Reached && !is_idle(cursor);
        let active: Vec<&Cursor> = timed.iter().copied().filter(is_active).collect();
        // What is not active has ended or is idle.
        if active.is_empty() && timed.iter().any(|cursor| cursor.end != PartitionEnd::Reached) {
            return timed.iter().filter_map(|cursor| cursor.time_ms()).max();
        }
        let counted = if active.is_empty() { timed } else { active };
        let (in_turn, beside): (Vec<&Cursor>, Vec<&Cursor>) = counted.into_iter().partition(|cursor| cursor.is_in_turn);
        let sequence = (!in_turn.is_empty()).then(|| in_turn.iter().filter_map(|cursor| cursor.time_ms()).max());
        sequence.into_iter().chain(beside.iter().map(|cursor| cursor.time_ms())).min().flatten()
    }

    /// Puts how far the partitions are consumed into the checkpoints and logs to come.
    pub(super) fn store(&self, engine: &mut dyn Engine) -> Result<(), RuntimeError> {
        for (input, names) in &self.known {
            bookmarks::set_known_partitions(engine, input, names)?;
        }
        for Cursor { input_name, partition, bookmark, schema, finds_columns, .. } in &self.all {
            if let Some(bookmark) = bookmark {
                bookmarks::set(engine, input_name, partition, bookmark)?;
            }
            if let (true, Some(Schema::Fields(columns))) = (finds_columns, schema.as_deref()) {
                bookmarks::set_columns(engine, input_name, partition, columns)?;
            }
        }
        Ok(())
    }
}
