//! Counts words of the standard input by their first letter, with a checkpoint every thousand lines.
//!
//! `yes some words | head -5000 | cargo run --example count -- state`, killed at any moment, continues
//! with the line after its last checkpoint when it is started again.

use std::io::BufRead;
use std::path::Path;

use alluvium::{CheckpointConfig, IncrementalCheckpointManager};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args().nth(1).ok_or("usage: count DIRECTORY < TEXT")?;
    let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(Path::new(&directory)))?;
    let consumed = manager.source_offsets().get("lines").copied().unwrap_or(0);
    let skip = usize::try_from(consumed)?;

    for (line_number, line) in (1..).zip(std::io::stdin().lock().lines()).skip(skip) {
        for first in line?.split_whitespace().filter_map(|word| word.chars().next()) {
            let key = first.to_string();
            let count = manager.get(key.as_bytes()).map_or(Ok(0), |value| value.try_into().map(u64::from_le_bytes))?;
            manager.put(key.as_bytes(), &(count + 1).to_le_bytes())?;
        }
        manager.set_source_offset("lines".into(), line_number)?;
        if line_number % 1_000 == 0 {
            let checkpoint = manager.create_checkpoint(0)?;
            println!("checkpoint {}: {line_number} lines", checkpoint.id);
        }
    }
    manager.create_checkpoint(0)?;
    for (first, count) in manager.iter() {
        println!("{}: {}", String::from_utf8_lossy(first), u64::from_le_bytes(count.try_into()?));
    }
    Ok(())
}
