//! What LaminarDB got wrong, and the promise that stands there now: one test for each.

mod batches;
mod faults;
mod identity;
mod retention;
mod state;
mod time;

use alluvium_core::IncrementalCheckpointMetadata;
use alluvium_core::directory::block_on;
use alluvium_test_harness::Manager;

/// Puts `count` keys with a value of 100 bytes each.
fn fill(manager: &mut Manager, count: u64, letter: char) {
    for number in 0..count {
        manager.put(format!("key-{number:012}").as_bytes(), letter.to_string().repeat(100).as_bytes()).unwrap();
    }
}

fn latest(manager: &Manager) -> IncrementalCheckpointMetadata {
    block_on(manager.find_latest_checkpoint()).unwrap().expect("a checkpoint")
}
