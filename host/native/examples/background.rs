//! A stream that does not wait for the disk: a thread of the manager's own writes its checkpoints.

use alluvium::{CheckpointConfig, IncrementalCheckpointError, IncrementalCheckpointManager};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(directory.path()))?;
    for record in 1..=100_000_u64 {
        manager.put(&(record % 1_000).to_le_bytes(), &record.to_le_bytes())?;
        manager.set_source_offset("records".into(), record)?;
        if record % 10_000 == 0 {
            match manager.begin_checkpoint(0) {
                // Too many are being written: this one is left out, and the next has its changes.
                Err(IncrementalCheckpointError::BufferOverflow { .. }) => {}
                begun => drop(begun?),
            }
        }
        for durable in manager.poll_checkpoints()? {
            let waited_us = durable.statistics().freeze_us;
            println!("checkpoint {} is durable; the stream waited {waited_us} µs", durable.metadata().id);
        }
    }
    let rest = manager.wait_for_checkpoints()?.len();
    println!("{rest} more at the end of the stream");
    Ok(())
}
