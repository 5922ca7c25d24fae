//! How far all partitions of all inputs are consumed, and reading them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use alluvium_connectors::source::{Partition, Schema};
use alluvium_host::{Engine, RuntimeError};

use super::arguments::Run;
use super::bookmarks::{self, Bookmark};
use super::cursor::{Cursor, Kind};
use super::event_time::Times;
use super::input_options::{OnError, Resume};
use super::order::{BLOCK, Lane, Order};
use super::reading::{self, Cuts, Message, Open, Outlet, Plan, Read, WAITING_MAX};
use super::service::{InputStatus, Status};
use super::signals::Signals;
use crate::failure::Failure;

/// All partitions of all inputs. Messages name one by its number.
pub(super) struct Cursors {
    pub(super) all: Vec<Cursor>,
    /// In which order those are taken that end.
    pub(super) order: Order,
    /// Whether the last message came from a live partition.
    pub(super) was_live: bool,
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
    /// All partitions, and the names that were ever read. Those that end get their places in the order.
    pub(super) fn new(mut all: Vec<Cursor>, known: Known) -> Self {
        let mut order = Order::default();
        let mut in_turn = BTreeMap::new();
        for cursor in all.iter_mut().filter(|cursor| !cursor.kind.is_live()) {
            let has_times = !cursor.time_column.is_empty();
            let mut begin = || order.add(Lane::new(has_times, cursor.kind == Kind::Pipe));
            let number =
                if cursor.kind == Kind::InTurn { *in_turn.entry(cursor.input).or_insert_with(begin) } else { begin() };
            let lane = order.lane_mut(number);
            lane.partitions_left += 1;
            lane.advance(cursor.consumed(), cursor.time_ms());
            cursor.lane = Some(number);
        }
        Self { all, order, was_live: false, known, sender: None }
    }

    /// Starts reading. Partitions are read each in a thread of its own, but for those in turn. The channel closes when
    /// all have ended.
    pub(super) fn start(&mut self, with: &With<'_>) -> Result<Receiver<Message>, Failure> {
        let (sender, receiver) = sync_channel(WAITING_MAX * self.all.len());
        let mut turns = BTreeMap::<usize, Vec<(Open, Plan)>>::new();
        for number in 0..self.all.len() {
            let Some((open, plan)) = self.plan(number, with) else { continue };
            match self.all[number].lane {
                Some(lane) => turns.entry(lane).or_default().push((open, plan)),
                None => reading::start(vec![(open, plan)], Outlet { sender: sender.clone(), credits: None })?,
            }
        }
        for (lane, turns) in turns {
            let credits = Some(self.order.begin(lane));
            reading::start(turns, Outlet { sender: sender.clone(), credits })?;
        }
        self.sender = self.all.iter().any(|cursor| cursor.kind == Kind::Followed).then_some(sender);
        Ok(receiver)
    }

    /// Starts reading a partition that has come.
    pub(super) fn add(&mut self, cursor: Cursor, with: &With<'_>) -> Result<(), Failure> {
        let number = self.all.len();
        self.known.entry(cursor.input_name.clone()).or_default().insert(cursor.partition.name().to_owned());
        self.all.push(cursor);
        let (Some((open, plan)), Some(sender)) = (self.plan(number, with), &self.sender) else { return Ok(()) };
        reading::start(vec![(open, plan)], Outlet { sender: sender.clone(), credits: None })
    }

    /// Adds no more partitions, so that the channel closes when those that are read have ended.
    pub(super) fn close(&mut self) {
        self.sender = None;
    }

    fn plan(&mut self, number: usize, with: &With<'_>) -> Option<(Open, Plan)> {
        let With { run, cuts, signals, status } = with;
        let cursor = &mut self.all[number];
        let lane = cursor.lane.map(|lane| &*self.order.lane_mut(lane));
        let consumed_in_turn = lane.map_or(cursor.consumed(), |lane| lane.consumed);
        // With several in an order, what is consumed of all of them is not known to one.
        let is_ordered = lane.is_some() && self.order.is_of_several();
        let blocks = Cuts { checkpoint_every: BLOCK, sync_every: u64::MAX, records_max: cuts.records_max };
        let plan = Plan {
            number,
            source_name: cursor.source_name.clone(),
            times: Times { column: cursor.time_column.clone(), format: run.reading.time_format },
            consumed: cursor.consumed(),
            consumed_in_turn,
            cuts: if is_ordered { blocks } else { *cuts },
            skips_bad: run.reading.on_error != OnError::Stop,
            begins_another: cursor.bookmark.is_some() && run.resume == Some(Resume::Next),
            is_followed: cursor.kind == Kind::Followed,
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
        if let Some(lane) = cursor.lane {
            self.order.lane_mut(lane).advance(read.count.into(), time_ms);
        }
    }

    /// Takes note that a partition has ended.
    pub(super) fn ended(&mut self, number: usize) {
        let cursor = &mut self.all[number];
        cursor.has_ended = true;
        if let Some(lane) = cursor.lane {
            self.order.lane_mut(lane).partitions_left -= 1;
        }
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

    /// Puts how far the partitions are consumed into the checkpoints and logs to come.
    pub(super) fn store(&self, engine: &mut dyn Engine) -> Result<(), RuntimeError> {
        for (input, names) in &self.known {
            bookmarks::set_known_partitions(engine, input, names)?;
        }
        // The next run must find that the checkpoint is one of these inputs.
        if self.known.is_empty() && self.all.iter().all(|cursor| cursor.bookmark.is_none()) {
            for Cursor { input_name, partition, .. } in &self.all {
                bookmarks::set_name(engine, input_name, partition)?;
            }
        }
        for Cursor { input_name, partition, bookmark, schema, finds_columns, left, .. } in &self.all {
            if let Some(bookmark) = bookmark {
                bookmarks::set(engine, input_name, partition, bookmark)?;
            }
            if !left.is_empty() {
                bookmarks::set_left(engine, input_name, partition, left)?;
            }
            if let (true, Some(Schema::Fields(columns))) = (finds_columns, schema.as_deref()) {
                bookmarks::set_columns(engine, input_name, partition, columns)?;
            }
        }
        Ok(())
    }
}
