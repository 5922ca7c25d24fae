//! What the checks of a source have in common.

use std::time::{Duration, Instant};

use super::SourceFixture;
use crate::batch::Batch;
use crate::source::{Polled, Reader, SourceError};
use crate::testing::report::during;

/// A poll may return this much after its deadline, on a machine that does other things.
pub(super) const TOLERANCE: Duration = Duration::from_secs(2);

/// Records that are there come within this time.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn soon() -> Instant {
    Instant::now() + PATIENCE
}

/// The records `r<from>` to `r<to - 1>`. Their lengths differ, so that no two rows are as long by chance.
pub(super) fn records(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|number| format!("r{number}{}", "x".repeat(number % 7))).collect()
}

/// Makes a stream of one partition and returns its records.
pub(super) fn create(fixture: &mut dyn SourceFixture, stream: &str, count: usize) -> Vec<String> {
    let records = records(0, count);
    fixture.create(stream, std::slice::from_ref(&records));
    records
}

/// Opens a partition of a stream, as another process would.
pub(super) fn open(fixture: &mut dyn SourceFixture, stream: &str, partition: usize) -> Result<Box<dyn Reader>, String> {
    let mut source = fixture.open(stream);
    let partitions = source.partitions().map_err(during("partitions"))?;
    let name =
        partitions.get(partition).ok_or(format!("{} partitions, none has number {partition}", partitions.len()))?;
    source.open(name).map_err(during("open"))
}

/// The records of a batch as texts.
pub(super) fn texts(batch: &Batch) -> Vec<String> {
    let text = |field: Option<&[u8]>| String::from_utf8_lossy(field.unwrap_or_default()).into_owned();
    batch.records().map(|record| text(record.field(0))).collect()
}

/// Reads `count` records in batches of at most `batch`, or fewer if no more come in time.
pub(super) fn read(reader: &mut dyn Reader, count: usize, batch: usize) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut idle = 0;
    while found.len() < count {
        let room = u32::try_from(batch.min(count - found.len())).unwrap_or(u32::MAX);
        let mut records = Batch::new(room, usize::MAX);
        match reader.poll(&mut records, soon()).map_err(during("poll"))? {
            Polled::Records if records.is_empty() => return Err("a poll said records, and added none".to_owned()),
            Polled::Records => found.extend(texts(&records)),
            Polled::End => break,
            // Not even a slow machine has nothing twice.
            Polled::Nothing if idle > 0 => break,
            Polled::Nothing => idle += 1,
        }
    }
    Ok(found)
}

/// Reads until nothing more is there. `count` records are waited for, and more of them only for a moment.
pub(super) fn read_rest(
    fixture: &dyn SourceFixture,
    reader: &mut dyn Reader,
    count: usize,
) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    loop {
        let mut records = Batch::default();
        // A stream that does not end is at its end when no record comes for a while.
        let is_complete = !fixture.ends() && found.len() >= count;
        let deadline = if is_complete { Instant::now() + Duration::from_millis(50) } else { soon() };
        match reader.poll(&mut records, deadline).map_err(during("poll"))? {
            Polled::Records => found.extend(texts(&records)),
            Polled::Nothing if fixture.ends() => return Err("nothing came, and the stream did not end".to_owned()),
            Polled::Nothing | Polled::End => return Ok(found),
        }
    }
}

/// Polls until something other than nothing comes, for as long as a check has patience.
pub(super) fn poll(reader: &mut dyn Reader) -> Result<Polled, SourceError> {
    let deadline = soon();
    loop {
        match reader.poll(&mut Batch::default(), deadline) {
            Ok(Polled::Nothing) if Instant::now() < deadline => {}
            polled => return polled,
        }
    }
}
