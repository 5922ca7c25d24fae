//! Reading a partition in a thread of its own: it reads ahead while the plugin works, and a batch is
//! handed on when it is full or old, whether or not a further record comes.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use alluvium_connectors::source::{Polled, Position, Progress, Reader, Schema, SourceError};
use alluvium_connectors::{Batch, BatchLimits, Batcher};

use super::event_time;
use crate::failure::Failure;

/// How many batches of a partition may wait: enough to keep both sides busy, little enough to bound memory.
pub(super) const WAITING_MAX: usize = 4;

/// How long a poll waits when nothing else is to be done.
const PATIENCE: Duration = Duration::from_millis(200);

/// What is read, and where batches must end.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The number by which messages name the partition.
    pub(super) number: usize,
    /// What errors call the source.
    pub(super) source_name: String,
    /// The column of event times; empty for none.
    pub(super) time_column: String,
    /// Records of the partition that the checkpoint has consumed.
    pub(super) consumed: u64,
    pub(super) cuts: Cuts,
}

/// Where batches must end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cuts {
    /// Where the records consumed are a multiple of this.
    pub(super) checkpoint_every: u64,
    /// And of this.
    pub(super) sync_every: u64,
    /// How many records are read at most.
    pub(super) records_max: u64,
}

impl Cuts {
    /// How many records a batch may have that begins after `consumed` records, `read` of them now.
    fn room(&self, consumed: u64, read: u64) -> u64 {
        let until = |every: u64| every - consumed % every;
        until(self.checkpoint_every).min(until(self.sync_every)).min(self.records_max.saturating_sub(read))
    }
}

/// What a reading thread has to say, in order. Its end says that there are no more records.
pub(super) struct Message {
    /// The number of the partition.
    pub(super) from: usize,
    pub(super) what: What,
}

pub(super) enum What {
    /// How the records look that come next.
    Schema(Arc<Schema>),
    Batch(Read),
    SourceFailed(SourceError),
    Failed(Failure),
}

/// A batch that was read.
pub(super) struct Read {
    pub(super) batch: Batch,
    /// The position after it.
    pub(super) position: Position,
    /// The largest event time in it.
    pub(super) time_ms: Option<i64>,
    pub(super) progress: Progress,
}

/// Why reading ended before the partition did.
enum Stopped {
    SourceFailed(SourceError),
    Failed(Failure),
    /// The receiver is gone.
    Unwanted,
}

/// Starts reading.
pub(super) fn start(reader: Box<dyn Reader>, plan: Plan, sender: SyncSender<Message>) -> Result<(), Failure> {
    let reading = move || {
        let from = plan.number;
        let what = match read_all(reader, &plan, &sender) {
            Err(Stopped::SourceFailed(error)) => What::SourceFailed(error),
            Err(Stopped::Failed(failure)) => What::Failed(failure),
            Ok(()) | Err(Stopped::Unwanted) => return,
        };
        let _ = sender.send(Message { from, what });
    };
    let thread = std::thread::Builder::new().name("input".to_owned()).spawn(reading);
    thread.map(drop).map_err(|error| Failure::at("a thread for the input", error))
}

fn read_all(mut reader: Box<dyn Reader>, plan: &Plan, sender: &SyncSender<Message>) -> Result<(), Stopped> {
    let send = |what| sender.send(Message { from: plan.number, what }).map_err(|_| Stopped::Unwanted);
    let mut batcher = Batcher::new(BatchLimits::default());
    let mut schema: Option<Arc<Schema>> = None;
    let mut time_column = None;
    let mut read = 0;
    let mut ended = Ok(false);
    while matches!(ended, Ok(false)) && read < plan.cuts.records_max {
        batcher.cut_at(plan.cuts.room(plan.consumed + read, read));
        let deadline = batcher.deadline(Instant::now() + PATIENCE);
        ended = reader.poll(batcher.batch(), deadline).map(|polled| polled == Polled::End);
        let now = Instant::now();
        batcher.filled(now);
        if let Some(found) = reader.schema().filter(|found| schema.as_ref() != Some(*found)) {
            time_column = event_time::column(found, &plan.time_column, &plan.source_name).map_err(Stopped::Failed)?;
            schema = Some(Arc::clone(found));
            send(What::Schema(Arc::clone(found)))?;
        }
        // What came before the end, or before an error, is taken first.
        let batch = if matches!(ended, Ok(false)) { batcher.take_due(now) } else { batcher.take() };
        if let Some(batch) = batch {
            let before = plan.consumed + read;
            read += u64::from(batch.count());
            let largest = |column| event_time::largest(&batch, column, before, &plan.source_name);
            let time_ms = time_column.map(largest).transpose().map_err(Stopped::Failed)?.flatten();
            let (position, progress) = (reader.position(), reader.progress());
            send(What::Batch(Read { batch, position, time_ms, progress }))?;
        }
    }
    ended.map(drop).map_err(Stopped::SourceFailed)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use alluvium_connectors::source::{MemoryStream, Partition, Source};

    use super::*;

    #[test]
    fn batches_end_at_checkpoints_and_at_the_last_record() {
        let check = |consumed, read, every, records_max, expected| {
            let cuts = Cuts { checkpoint_every: every, sync_every: u64::MAX, records_max };
            assert_eq!(cuts.room(consumed, read), expected, "{consumed}, {read} of {records_max}, every {every}");
        };
        check(0, 0, 1_000, u64::MAX, 1_000);
        check(999, 999, 1_000, u64::MAX, 1);
        check(1_000, 0, 1_000, u64::MAX, 1_000);
        check(0, 0, 7, u64::MAX, 7);
        check(20, 0, 7, 3, 1);
        check(21, 1, 7, 3, 2);
        check(0, 0, u64::MAX, u64::MAX, u64::MAX);
        let cuts = Cuts { checkpoint_every: 1_000, sync_every: 300, records_max: u64::MAX };
        assert_eq!([0, 300, 900, 1_000].map(|consumed| cuts.room(consumed, consumed)), [300, 300, 100, 200]);
    }

    /// Reads a stream in memory, which ends, and returns the sizes of the batches.
    fn sizes(records: u64, consumed: u64, cuts: Cuts) -> Vec<u32> {
        let stream = MemoryStream::new("numbers");
        stream.partition("").expect("a short name");
        (0..records).for_each(|number| stream.push(&Partition::whole(), number.to_string()));
        stream.end();
        let mut reader = stream.source().open(&Partition::whole()).expect("it opens");
        reader.seek(&Position::Offset(consumed)).expect("it is there");
        let plan =
            Plan { number: 3, source_name: "numbers".to_owned(), time_column: "time".to_owned(), consumed, cuts };
        let (sender, receiver) = sync_channel(WAITING_MAX);
        start(reader, plan, sender).expect("it starts");
        let mut next = consumed;
        receiver
            .iter()
            .filter_map(|message| match (message.from, message.what) {
                (3, What::Batch(read)) => {
                    next += u64::from(read.batch.count());
                    assert_eq!(read.position, Position::Offset(next));
                    Some(read.batch.count())
                }
                (3, What::Schema(schema)) => {
                    assert_eq!((next, *schema == Schema::Raw), (consumed, true), "it comes first, and once");
                    None
                }
                _ => panic!("a failure, or another partition"),
            })
            .collect()
    }

    #[test]
    fn every_record_is_in_one_batch() {
        let cuts = Cuts { checkpoint_every: 1_500, sync_every: u64::MAX, records_max: u64::MAX };
        assert_eq!(sizes(3_700, 0, cuts), [1_000, 500, 1_000, 500, 700]);
        assert_eq!(sizes(3_700, 1_400, cuts), [100, 1_000, 500, 700]);
        assert_eq!(sizes(3_700, 1_400, Cuts { records_max: 1_200, ..cuts }), [100, 1_000, 100]);
        assert_eq!(sizes(0, 0, cuts), [0; 0]);
    }
}
