//! Reading a partition in a thread of its own: it reads ahead while the plugin works, and a batch is
//! handed on when it is full or old, whether or not a further record comes.

mod message;
mod plan;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use alluvium_connectors::source::{
    Polled, Position, Reader, Schema, SourceError, SourceErrorKind, noting_left, pass_over_noting_left,
};
use alluvium_connectors::{Batch, BatchLimits, Batcher};

use super::bad_record::BadRecord;
use crate::failure::Failure;

pub(super) use message::{Message, Outlet, Part, Read, What};
pub(super) use plan::{Cuts, Plan};

/// How many batches of a partition may wait: enough to keep both sides busy, little enough to bound memory.
pub(super) const WAITING_MAX: usize = 4;

/// How long a poll waits when nothing else is to be done.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long the first record of a batch waits for others. A record that waits when the state is made durable is in the
/// next log only, so this adds to the time until the effect of a record is durable.
const BATCH_AGE: Duration = Duration::from_millis(5);

/// Why reading ended before the partition did.
enum Stopped {
    SourceFailed(SourceError),
    Failed(Failure),
    /// The receiver is gone.
    Unwanted,
}

/// Opens a reader when its turn comes.
pub(super) type Open = Box<dyn FnOnce() -> Result<Box<dyn Reader>, Failure> + Send>;

/// Starts reading partitions, one after the other.
pub(super) fn start(turns: Vec<(Open, Plan)>, outlet: Outlet) -> Result<(), Failure> {
    let reading = move || {
        let Some(from) = turns.first().map(|(_, plan)| plan.number) else { return };
        // Its end would be taken for that of the input.
        let read = catch_unwind(AssertUnwindSafe(|| read_in_turn(turns, &outlet)));
        if read.is_err() {
            let failure = Failure::plain("a thread that reads an input panicked: this is a fault of the reader");
            outlet.send(Message { from, what: What::Failed(failure) });
        }
        outlet.close(from);
    };
    let thread = std::thread::Builder::new().name("input".to_owned()).spawn(reading);
    thread.map(drop).map_err(|error| Failure::thread("a thread for the input", &error))
}

fn read_in_turn(turns: Vec<(Open, Plan)>, outlet: &Outlet) {
    let mut read_before = 0;
    for (open, plan) in turns {
        if plan.signals.stop() || read_before >= plan.cuts.records_max {
            return;
        }
        let from = plan.number;
        let what = match open() {
            Err(failure) => What::Failed(failure),
            Ok(reader) => {
                let mut partition = Reading {
                    reader,
                    plan,
                    outlet: outlet.clone(),
                    schema: None,
                    time_column: None,
                    left: Vec::new(),
                    read: 0,
                    read_before,
                };
                let ended = partition.read_all();
                read_before += partition.read;
                match ended {
                    Ok(()) => continue,
                    Err(Stopped::Unwanted) => return,
                    Err(Stopped::SourceFailed(error)) => What::SourceFailed(error),
                    Err(Stopped::Failed(failure)) => What::Failed(failure),
                }
            }
        };
        outlet.send(Message { from, what });
        return;
    }
}

/// A partition that is read.
struct Reading {
    reader: Box<dyn Reader>,
    plan: Plan,
    outlet: Outlet,
    schema: Option<Arc<Schema>>,
    time_column: Option<usize>,
    /// The ends of files that were left since records were handed on.
    left: Vec<Position>,
    /// Records that were handed on.
    read: u64,
    /// Those of the partitions before it.
    read_before: u64,
}

impl Reading {
    fn send(&self, what: What) -> Result<(), Stopped> {
        let is_wanted = self.outlet.send(Message { from: self.plan.number, what });
        if is_wanted { Ok(()) } else { Err(Stopped::Unwanted) }
    }

    fn read_all(&mut self) -> Result<(), Stopped> {
        let limits = BatchLimits::default().age(BATCH_AGE);
        let mut batcher = Batcher::new(limits);
        while self.read_before + self.read < self.plan.cuts.records_max {
            let read = self.read_before + self.read;
            batcher.cut_at(self.plan.cuts.room(self.plan.consumed_in_turn + read, read));
            let deadline = batcher.deadline(Instant::now() + PATIENCE);
            let polled = self.poll(batcher.batch(), deadline);
            let now = Instant::now();
            batcher.filled(now);
            self.show(&polled);
            self.note_schema()?;
            let continues = matches!(polled, Ok(Polled::Records | Polled::Nothing)) && !self.plan.signals.stop();
            // What came before the end, or before an error, is taken first.
            if let Some(batch) = if continues { batcher.take_due(now) } else { batcher.take() } {
                self.hand_on(batch)?;
            }
            match polled {
                _ if continues => {}
                Ok(Polled::End) => return self.end(),
                Ok(_) => return Ok(()),
                Err(error) if error.is_transient() && !self.plan.signals.stop() => self.wait_for(error)?,
                Err(error) => self.get_over(error)?,
            }
        }
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch, deadline: Instant) -> Result<Polled, SourceError> {
        if !self.plan.is_followed {
            return self.reader.poll(batch, deadline);
        }
        noting_left(&mut *self.reader, &mut self.left, |reader| {
            let count = batch.count();
            (reader.poll(batch, deadline), batch.count() - count)
        })
    }

    /// Shows what the last poll came to.
    fn show(&self, polled: &Result<Polled, SourceError>) {
        let (progress, source_name) = (self.reader.progress(), &self.plan.source_name);
        self.plan.status.read(self.plan.number, |seen| {
            seen.progress = progress;
            match polled {
                Ok(_) if progress.is_cut_off => {
                    seen.cut_off(format!("{source_name}: there is no connection; it is tried again"));
                }
                Ok(polled) => seen.reads(*polled == Polled::End),
                Err(error) if error.is_transient() => seen.cut_off(error.to_string()),
                Err(error) => seen.trouble = Some(error.to_string()),
            }
        });
    }

    /// How the records look may be known, or have changed.
    fn note_schema(&mut self) -> Result<(), Stopped> {
        let Some(found) = self.reader.schema().filter(|found| self.schema.as_ref() != Some(*found)) else {
            return Ok(());
        };
        let found = Arc::clone(found);
        self.time_column = self.plan.times.find(&found, &self.plan.source_name).map_err(Stopped::Failed)?;
        self.schema = Some(Arc::clone(&found));
        self.send(What::Schema(found))
    }

    /// Hands on a batch, without the records whose event times are none.
    fn hand_on(&mut self, mut batch: Batch) -> Result<(), Stopped> {
        let (count, mut parts) = (batch.count(), Vec::new());
        let first_ms = self.first_time(&batch);
        loop {
            let (largest, bad) = self.largest_time(&batch);
            let Some((at, error)) = bad else {
                parts.push(Part::Good(batch, largest));
                break;
            };
            let mut rest = batch.split_off(at);
            let after = rest.split_off(1);
            let number = self.plan.consumed + self.read + u64::from(count - after.count());
            let bad = rest
                .records()
                .next()
                .map(|record| BadRecord::of_record(number, error, &record, self.schema.as_deref()));
            let Some(bad) = bad else { break };
            if !self.plan.skips_bad {
                let failure = Failure::at(&self.plan.source_name, format!("record {number}: {}", bad.error));
                return Err(Stopped::Failed(failure.hint(self.plan.times.hint())));
            }
            if !batch.is_empty() {
                parts.push(Part::Good(batch, largest));
            }
            parts.push(Part::Bad(bad));
            batch = after;
            if batch.is_empty() {
                break;
            }
        }
        self.send_parts(parts, count, first_ms)
    }

    /// Returns the event time of the first record, if it has one.
    fn first_time(&self, batch: &Batch) -> Option<i64> {
        let first = batch.records().next()?;
        self.plan.times.read(first.field(self.time_column?)?).ok().flatten()
    }

    /// Returns the largest event time before a field that is none, and the number of that record.
    fn largest_time(&self, batch: &Batch) -> (Option<i64>, Option<(u32, String)>) {
        let Some(column) = self.time_column else { return (None, None) };
        let mut largest = None;
        for (number, record) in (0..).zip(batch.records()) {
            match self.plan.times.read(record.field(column).unwrap_or_default()) {
                Ok(time) => largest = largest.max(time),
                Err(error) => return (largest, Some((number, error))),
            }
        }
        (largest, None)
    }

    fn send_parts(&mut self, parts: Vec<Part>, count: u32, first_ms: Option<i64>) -> Result<(), Stopped> {
        if parts.is_empty() {
            return Ok(());
        }
        self.read += u64::from(count);
        let (position, progress) = (self.reader.position(), self.reader.progress());
        let left = std::mem::take(&mut self.left);
        self.send(What::Read(Read { parts, count, first_ms, position, left, progress }))
    }

    /// After an error that is not worth another attempt: whether reading continues all the same.
    fn get_over(&mut self, error: SourceError) -> Result<(), Stopped> {
        let is_another = matches!(error.kind(), SourceErrorKind::Replaced | SourceErrorKind::TooShort { .. });
        if is_another && self.plan.begins_another && self.read == 0 {
            self.reader.seek(&Position::Offset(0)).map_err(Stopped::SourceFailed)?;
            self.plan.begins_another = false;
            return self.send(What::Another(error));
        }
        if self.plan.skips_bad
            && let Some(text) = pass_over_noting_left(&mut *self.reader, &mut self.left)
        {
            let number = self.plan.consumed + self.read + 1;
            let bad = Part::Bad(BadRecord::of_text(number, error.to_string(), &text));
            return self.send_parts(vec![bad], 1, None);
        }
        Err(Stopped::SourceFailed(error))
    }

    /// After the end.
    fn end(&mut self) -> Result<(), Stopped> {
        let mut batch = Batch::default();
        let unfinished = self.reader.unfinished(&mut batch);
        self.note_schema()?;
        match unfinished {
            Ok(false) => {}
            Ok(true) => self.send(What::Unfinished(Ok(batch)))?,
            Err(error) => self.send(What::Unfinished(Err(error)))?,
        }
        self.send(What::Ended)
    }

    /// After a lost connection.
    fn wait_for(&self, error: SourceError) -> Result<(), Stopped> {
        self.send(What::Lost(error))?;
        std::thread::sleep(PATIENCE);
        Ok(())
    }
}
