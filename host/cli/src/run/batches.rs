//! From CSV text to batches of records, in a thread of its own: it reads ahead while the plugin
//! works, and an interrupt need not wait for input that never comes.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use alluvium_host::Records;
use csv::{ByteRecord, Reader, ReaderBuilder};

use super::input::Input;
use crate::failure::Failure;

/// A batch is handed over with this many records, or bytes, at the latest; and after this time, so
/// that the records of a slow source need not wait for more.
const RECORDS_MAX: u64 = 1_000;
const BYTES_MAX: usize = 1 << 20;
const AGE_MAX: Duration = Duration::from_millis(200);

/// How many batches may wait: enough to keep both sides busy, little enough to bound memory.
const WAITING_MAX: usize = 4;

/// Where batches must end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// Records consumed by the checkpoint that the run continues from: they are skipped.
    pub(super) consumed: u64,
    /// Where in a plain file they end, if the checkpoint says so: reading continues there.
    pub(super) end_byte: Option<u64>,
    /// A batch ends where the records consumed are a multiple of this.
    pub(super) checkpoint_every: u64,
    /// And of this.
    pub(super) sync_every: u64,
    /// No record after this one is read.
    pub(super) last: u64,
}

impl Plan {
    /// The number of the last record of a batch that begins after `consumed` records.
    fn batch_end(&self, consumed: u64) -> u64 {
        let next = |every: u64| (consumed / every + 1).saturating_mul(every);
        next(self.checkpoint_every).min(next(self.sync_every)).min(self.last).min(consumed.saturating_add(RECORDS_MAX))
    }
}

/// A batch, and the largest event time in it.
pub(super) struct Batch {
    pub(super) records: Records,
    pub(super) time_ms: Option<i64>,
    /// Where in a plain file its last record ends.
    pub(super) end_byte: Option<u64>,
}

/// What the reading thread has to say, in order: a header, batches, and possibly a failure.
pub(super) enum Message {
    Header(Vec<String>),
    Batch(Batch),
    /// The input holds fewer records than a checkpoint has consumed.
    TooShort(u64),
    Failed(Failure),
}

/// Starts reading; the channel closes at the end of the input.
pub(super) fn read(input: Input, time_column: String, plan: Plan) -> Result<Receiver<Message>, Failure> {
    let (sender, receiver) = sync_channel(WAITING_MAX);
    let reading = move || {
        if let Err(Stopped::Failed(failure)) = send_all(input, &time_column, plan, &sender) {
            let _ = sender.send(Message::Failed(failure));
        }
    };
    let thread = std::thread::Builder::new().name("input".to_owned()).spawn(reading);
    thread.map(|_| receiver).map_err(|error| Failure::at("a thread for the input", error))
}

/// Why reading ended before the input did.
enum Stopped {
    Failed(Failure),
    /// The receiver is gone.
    Unwanted,
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

fn send_all(input: Input, time_column: &str, plan: Plan, sender: &SyncSender<Message>) -> Result<(), Stopped> {
    let name = input.name;
    let builder = || {
        let mut builder = ReaderBuilder::new();
        builder.buffer_capacity(1 << 16);
        builder
    };
    let mut csv = builder().from_reader(input.text);
    let header = header(&mut csv, &name)?;
    let time_at = time_position(&header, time_column, &name)?;
    let columns = header.len();
    let send = |message| sender.send(message).map_err(|_| Stopped::Unwanted);
    send(Message::Header(header))?;
    let mut record = ByteRecord::new();
    // Where the reader of records starts in the file; nothing when it is no plain file.
    let mut start_byte = input.plain.is_some().then_some(0);
    match plan.end_byte.and_then(|end| Some((end, input.plain.as_ref()?.seek_to_line(end)?))) {
        Some((end, rest)) => {
            // Of records whose length nothing compares with the header any more.
            csv = builder().has_headers(false).flexible(true).from_reader(rest);
            start_byte = Some(end);
        }
        None => {
            for number in 0..plan.consumed {
                if !csv.read_byte_record(&mut record).map_err(|error| csv_failure(&name, &error))? {
                    return send(Message::TooShort(number));
                }
            }
        }
    }
    // Reads a record; says where in a plain file it ends, and nothing at the end of the input.
    let mut next = |record: &mut ByteRecord| -> Result<Option<Option<u64>>, Failure> {
        let is_more = csv.read_byte_record(record).map_err(|error| csv_failure(&name, &error))?;
        if is_more && record.len() != columns {
            let byte = record.position().map_or(0, csv::Position::byte) + start_byte.unwrap_or(0);
            return Err(Failure::at(
                &name,
                format!("byte {byte}: {} fields where the header has {columns}", record.len()),
            )
            .hint("correct the line; the records before the last checkpoint are safe"));
        }
        Ok(is_more.then(|| start_byte.map(|start| start + csv.position().byte())))
    };
    let mut consumed = plan.consumed;
    let mut is_more = true;
    while is_more && consumed < plan.last {
        let end = plan.batch_end(consumed);
        let mut batch = Batch { records: empty(consumed + 1), time_ms: None, end_byte: None };
        let begun = Instant::now();
        while consumed < end && batch.records.fields.len() < BYTES_MAX && begun.elapsed() < AGE_MAX {
            let Some(end_byte) = next(&mut record)? else {
                is_more = false;
                break;
            };
            consumed += 1;
            batch.end_byte = end_byte;
            batch.time_ms = batch.time_ms.max(event_time(&record, time_at, consumed, &name)?);
            push(&mut batch.records, &record);
        }
        if batch.records.count > 0 {
            send(Message::Batch(batch))?;
        }
    }
    Ok(())
}

fn empty(first_record: u64) -> Records {
    Records { first_record, count: 0, field_lens: Vec::new(), fields: Vec::new() }
}

fn push(records: &mut Records, record: &ByteRecord) {
    records.count += 1;
    for field in record {
        // The csv crate's own bound is memory: a field past 4 GiB fills it long before.
        records.field_lens.push(u32::try_from(field.len()).unwrap_or(u32::MAX));
        records.fields.extend_from_slice(field);
    }
}

fn header(csv: &mut Reader<impl io::Read>, name: &str) -> Result<Vec<String>, Failure> {
    let header = csv.byte_headers().map_err(|error| csv_failure(name, &error))?;
    if header.is_empty() {
        return Err(Failure::at(name, "is empty").hint("the first line must name the columns"));
    }
    let text = |field: &[u8]| std::str::from_utf8(field).map(ToOwned::to_owned);
    header.iter().map(text).collect::<Result<_, _>>().map_err(|_| {
        Failure::at(name, "the header is not UTF-8 text").hint("the first line must name the columns of a CSV file")
    })
}

fn time_position(header: &[String], time_column: &str, name: &str) -> Result<Option<usize>, Failure> {
    if time_column.is_empty() {
        return Ok(None);
    }
    header.iter().position(|column| column == time_column).map(Some).ok_or_else(|| {
        Failure::at(name, format!("has no column {time_column}; its columns are {}", header.join(", ")))
            .hint("name the column of event times with --time-column NAME, or --time-column '' if there is none")
    })
}

/// The event time of a record in milliseconds of Unix time, if it has one.
fn event_time(record: &ByteRecord, at: Option<usize>, number: u64, name: &str) -> Result<Option<i64>, Failure> {
    let Some(field) = at.and_then(|at| record.get(at)) else { return Ok(None) };
    if matches!(field, b"" | b"NA") {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(field);
    match text.parse::<jiff::Timestamp>() {
        Ok(time) => Ok(Some(time.as_millisecond())),
        Err(_) => Err(Failure::at(name, format!("record {number}: {text:?} is no time"))
            .hint("event times look like 2013-01-01T10:00:00Z, NA or nothing")),
    }
}

/// Says which record is wrong, and tells a file cut short from a damaged one.
fn csv_failure(name: &str, error: &csv::Error) -> Failure {
    use csv::ErrorKind;
    match error.kind() {
        ErrorKind::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Failure::at(name, "the compressed data ends too early: the file is only half there")
                .hint("fetch it again; the records before the last checkpoint are safe")
        }
        ErrorKind::Io(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            Failure::at(name, format!("the compressed data is damaged: {error}"))
                .hint("fetch it again; the records before the last checkpoint are safe")
        }
        ErrorKind::Io(error) => Failure::at(name, error),
        ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or_else(String::new, |pos| format!("line {}: ", pos.line()));
            Failure::at(name, format!("{line}{len} fields where the header has {expected_len}"))
                .hint("correct the line; the records before the last checkpoint are safe")
        }
        _ => Failure::at(name, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_end_at_checkpoints_and_at_the_last_record() {
        let check = |consumed, every, last, expected| {
            let plan = Plan { consumed: 0, end_byte: None, checkpoint_every: every, sync_every: u64::MAX, last };
            assert_eq!(plan.batch_end(consumed), expected, "{consumed} of {last}, every {every}");
        };
        check(0, 1_000, u64::MAX, 1_000);
        check(999, 1_000, u64::MAX, 1_000);
        check(1_000, 1_000, u64::MAX, 2_000);
        check(0, 7, u64::MAX, 7);
        check(20, 7, 23, 21);
        check(21, 7, 23, 23);
        check(0, u64::MAX, u64::MAX, 1_000);
        check(u64::MAX - 5, 1_000, u64::MAX, u64::MAX);
        let plan = Plan { consumed: 0, end_byte: None, checkpoint_every: 1_000, sync_every: 300, last: u64::MAX };
        assert_eq!([0, 300, 900, 1_000].map(|consumed| plan.batch_end(consumed)), [300, 600, 1_000, 1_200]);
    }
}
