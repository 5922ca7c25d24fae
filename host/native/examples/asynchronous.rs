//! The manager in an asynchronous program: awaiting a checkpoint leaves the executor's thread to others.

use alluvium::CheckpointConfig;
use alluvium::asynchronous::IncrementalCheckpointManager;
use futures_lite::future::{block_on, yield_now, zip};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    block_on(async {
        let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(directory.path())).await?;
        for key in 0..200_000_u32 {
            manager.put(&key.to_le_bytes(), &[0; 100])?;
        }
        let is_done = std::cell::Cell::new(false);
        let checkpoint = async {
            let checkpoint = manager.create_checkpoint(0).await;
            is_done.set(true);
            checkpoint
        };
        let other = async {
            let mut turns = 0_u64;
            while !is_done.get() {
                turns += 1;
                yield_now().await;
            }
            turns
        };
        let (checkpoint, turns) = zip(checkpoint, other).await;
        println!(
            "checkpoint {} of {} bytes; another task had {turns} turns",
            checkpoint?.id,
            manager.memory().payload_bytes
        );
        Ok(())
    })
}
