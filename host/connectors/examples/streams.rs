//! Counts the records of a stream by their first word, and writes each record's word and count: every line once,
//! however often the program is killed.
//!
//! `cargo run --features nats --example streams -- INPUT STATE OUTPUT`, where input and output are addresses, as
//! `nats://localhost/ORDERS` and `nats://localhost/COUNTS?subject=counts&waiting=waiting`. With the feature `kafka`,
//! they may be `kafka://localhost/orders` and `kafka://localhost/counts?waiting=waiting`. The first partition of the
//! input is read. Killed at any moment, it continues after its last checkpoint when it is started again.

use std::path::Path;
use std::time::{Duration, Instant};

use alluvium::{CheckpointConfig, IncrementalCheckpointManager};
use alluvium_connectors::{Batch, sink, source};

type Error = Box<dyn std::error::Error>;

/// A checkpoint is taken after this many records, or when no more come for a while.
const EVERY: u32 = 500;
const WHILE: Duration = Duration::from_millis(50);

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, state, output] = &arguments[..] else {
        return Err("usage: streams INPUT STATE-DIRECTORY OUTPUT".into());
    };
    let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(Path::new(state)))?;
    let mut source = source::from_url(input)?;
    let partition = source.partitions()?.remove(0);
    let mut reader = source.open(&partition)?;
    let mut sink = sink::from_url(output)?;

    // Where the newest checkpoint says.
    let stored = manager.position();
    sink.recover(stored.sinks.get("output").map(std::slice::from_ref).unwrap_or_default())?;
    if let Some(position) = stored.positions.get("input").and_then(|partitions| partitions.get(partition.name())) {
        reader.seek(position)?;
    }

    loop {
        let mut batch = Batch::new(EVERY, 16 << 20);
        let deadline = Instant::now() + WHILE;
        while batch.has_room() && Instant::now() < deadline {
            reader.poll(&mut batch, deadline)?;
        }
        if batch.is_empty() {
            continue;
        }
        let mut lines = Vec::new();
        for record in batch.records() {
            let word = record.bytes().split(|byte| *byte == b' ').next().unwrap_or_default();
            let count = manager.get(word).map_or(Ok(0), |value| value.try_into().map(u64::from_le_bytes))? + 1;
            manager.put(word, &count.to_le_bytes())?;
            lines.push(format!("{} {count}", String::from_utf8_lossy(word)));
        }
        sink.write(&Batch::of_raw(lines.iter().map(String::as_bytes)))?;

        // Durable, and out of sight; then the commit; then it is shown.
        let token = sink.prepare()?;
        manager.set_position("input", partition.name(), reader.position());
        manager.set_sink_token("output", token.as_bytes())?;
        manager.create_checkpoint(0)?;
        sink.publish(&token)?;
    }
}
