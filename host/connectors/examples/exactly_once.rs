//! Counts the rows of a CSV file by the value of their first column, and writes a line whenever a count
//! reaches a multiple of a hundred: each of these lines once, however often the program is killed.
//!
//! `cargo run --example exactly_once -- flights.csv state milestones.txt`, killed at any moment, continues
//! after its last checkpoint when it is started again.

use std::path::Path;
use std::time::{Duration, Instant};

use alluvium::{CheckpointConfig, IncrementalCheckpointManager};
use alluvium_connectors::Batch;
use alluvium_connectors::sink::{FileSink, Sink};
use alluvium_connectors::source::{FileSource, Partition, Polled, Source};

type Error = Box<dyn std::error::Error>;

/// A checkpoint is taken after this many records.
const EVERY: u32 = 1_000;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, state, output] = &arguments[..] else {
        return Err("usage: exactly_once INPUT.csv STATE-DIRECTORY OUTPUT".into());
    };
    let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(Path::new(state)))?;
    let mut reader = FileSource::new(input).open(&Partition::whole())?;
    let mut sink = FileSink::new(output)?;

    // Where the newest checkpoint says.
    let stored = manager.position();
    sink.recover(stored.sinks.get(output).map(std::slice::from_ref).unwrap_or_default())?;
    if let Some(position) = stored.positions.get(input).and_then(|partitions| partitions.get("")) {
        reader.seek(position)?;
    }

    loop {
        let mut batch = Batch::new(EVERY, 16 << 20);
        let mut polled = Polled::Records;
        while batch.has_room() && polled != Polled::End {
            polled = reader.poll(&mut batch, Instant::now() + Duration::from_secs(1))?;
        }
        for record in batch.records() {
            let key = record.field(0).unwrap_or_default();
            let count = manager.get(key).map_or(Ok(0), |value| value.try_into().map(u64::from_le_bytes))? + 1;
            manager.put(key, &count.to_le_bytes())?;
            if count.is_multiple_of(100) {
                let line = format!("{} {count}", String::from_utf8_lossy(key));
                sink.write(&Batch::of_raw([line.as_bytes()]))?;
            }
        }

        // Durable, and out of sight; then the commit; then it is shown.
        let token = sink.prepare()?;
        manager.set_position(input, "", reader.position());
        manager.set_sink_token(output, token.as_bytes())?;
        let checkpoint = manager.create_checkpoint(0)?;
        sink.publish(&token)?;
        println!("checkpoint {}: {} keys", checkpoint.id, checkpoint.key_count);
        if polled == Polled::End {
            return Ok(());
        }
    }
}
