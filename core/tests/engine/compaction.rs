//! How much one compaction rewrites if the caller limits it.

use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};

const KEYS: u32 = 8_000;
const CHANGED: u32 = 400;
const EPOCHS: u8 = 80;
const VALUE_BYTES: usize = 1_000;

/// The bytes of all live records.
const LIVE_BYTES: u64 = KEYS as u64 * (VALUE_BYTES as u64 + 4);
/// The most bytes of one key group: half more than the mean, because a hash spreads the keys unevenly.
const GROUP_BYTES: u64 = LIVE_BYTES / 64 * 3 / 2;
/// The most bytes that the files of one compaction hold beside records.
const FILE_OVERHEAD: u64 = 8 << 10;

/// Changes a twentieth of the keys in each epoch. Returns how many bytes the compaction after each epoch
/// wrote, and checks that the state can be recovered.
fn compacted(max_rebase_bytes: Option<u64>) -> Vec<u64> {
    let directory = Arc::new(MemoryDirectory::new());
    let config = CheckpointConfig::new().with_max_rebase_bytes(max_rebase_bytes);
    let open = || {
        let options = OpenOptions::new(Arc::new(ManualClock::new(1_000))).create(true);
        block_on(IncrementalCheckpointManager::open(directory.clone(), config.clone(), options)).unwrap()
    };
    let mut manager = open();
    for key in 0..KEYS {
        manager.put(&key.to_be_bytes(), &[0; VALUE_BYTES]).unwrap();
    }
    let mut each = Vec::new();
    for epoch in 0..EPOCHS {
        for n in 0..CHANGED {
            let key = (u32::from(epoch) * CHANGED + n).wrapping_mul(7_919) % KEYS;
            manager.put(&key.to_be_bytes(), &[epoch; VALUE_BYTES]).unwrap();
        }
        let prepared = manager.prepare_checkpoint(0).unwrap();
        let written = block_on(prepared.write()).unwrap();
        let finished = manager.finish_checkpoint(written).unwrap();
        let report = block_on(finished.maintenance.run());
        assert_eq!(report.errors, [""; 0]);
        each.push(report.rebased_bytes);
    }
    let state = |manager: &IncrementalCheckpointManager<MemoryDirectory>| {
        let mut entries: Vec<_> = manager.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
        entries.sort();
        entries
    };
    assert!(state(&open()) == state(&manager), "another state was recovered");
    each
}

#[test]
fn a_compaction_rewrites_no_more_than_the_caller_allows() {
    let free = compacted(None);
    let largest = free.iter().max().unwrap();
    assert!(*largest > 1 << 20, "a limit would change nothing: {largest}");

    for bound in [512 << 10, 1] {
        let each = compacted(Some(bound));
        let most = bound.max(GROUP_BYTES) + FILE_OVERHEAD;
        assert!(each.iter().all(|bytes| *bytes <= most), "{most} allowed: {each:?}");
        assert!(each.iter().filter(|bytes| **bytes > 0).count() > usize::from(EPOCHS) / 2, "{each:?}");
    }
}
