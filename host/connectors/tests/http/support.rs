//! What the tests have in common.

use std::time::{Duration, Instant};

use alluvium_connectors::sink::Sink;
use alluvium_connectors::source::{Partition, Polled, Reader, Source, SourceError};
use alluvium_connectors::{Batch, HttpEndpoint, Opaque, Retry};

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

pub(crate) fn numbers(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|number| format!("record {number}")).collect()
}

/// The endpoint of a path, with pauses that are short enough for tests.
pub(crate) fn endpoint(port: u16, path: &str) -> HttpEndpoint {
    let endpoint = HttpEndpoint::new(&format!("http://127.0.0.1:{port}/{path}")).unwrap();
    endpoint.retry(Retry::default().longest_pause(Duration::from_millis(200)))
}

pub(crate) fn open(mut source: impl Source) -> Box<dyn Reader> {
    source.open(&Partition::whole()).unwrap()
}

pub(crate) fn texts(batch: &Batch) -> Vec<String> {
    batch.records().map(|record| String::from_utf8(record.bytes().to_vec()).unwrap()).collect()
}

/// Reads so many records, and no more.
pub(crate) fn read(reader: &mut dyn Reader, count: usize) -> Result<Vec<String>, SourceError> {
    let mut batch = Batch::new(u32::try_from(count).unwrap(), usize::MAX);
    let give_up = soon();
    while batch.has_room() && Instant::now() < give_up {
        if reader.poll(&mut batch, give_up)? == Polled::End {
            break;
        }
    }
    Ok(texts(&batch))
}

/// Reads until an error, and returns the records before it as well.
pub(crate) fn read_to_error(reader: &mut dyn Reader) -> (Vec<String>, SourceError) {
    let mut batch = Batch::default();
    let give_up = soon();
    loop {
        match reader.poll(&mut batch, give_up) {
            Err(error) => return (texts(&batch), error),
            Ok(polled) => assert!(polled == Polled::Records && Instant::now() < give_up, "{polled:?}"),
        }
    }
}

pub(crate) fn batch(records: &[String]) -> Batch {
    Batch::of_raw(records.iter().map(String::as_bytes))
}

pub(crate) fn epoch(sink: &mut dyn Sink, records: &[String]) -> Opaque {
    sink.write(&batch(records)).unwrap();
    sink.prepare().unwrap()
}
