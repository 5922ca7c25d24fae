//! Recovery under LaminarDB's names.

use alluvium_core::directory::block_on;
use alluvium_core::{
    IncrementalCheckpointError as Error, RecoveredState, RecoveryConfig, RecoveryManager, validate_checkpoint,
};
use alluvium_test_harness::golden::Golden;
use alluvium_test_harness::{Expected, empty, fixture, memory};

fn check_recovered(recovered: &RecoveredState, expected: &Expected) {
    let state = recovered.state.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    let found = Expected {
        state,
        source_offsets: recovered.source_offsets.clone(),
        watermark: recovered.watermark,
        epoch: recovered.epoch,
        wal_position: recovered.wal_position,
        // LaminarDB's recovered state has no room for the others.
        ..expected.clone()
    };
    assert_eq!(found, *expected);
}

#[test]
fn recovery_under_laminars_names() {
    let config = RecoveryConfig::new();
    assert!(config.repair_wal && !config.collect_state_changes && config.max_wal_entries == 0);

    let golden = Golden::named("logged");
    let directory = memory(golden.files.clone());
    let recovered = block_on(RecoveryManager::new(config.clone()).recover(&*directory)).unwrap();
    assert!(recovered.has_state() && recovered.state_changes.is_empty());
    assert_eq!(recovered.checkpoint_id, Some(golden.latest()));
    assert_eq!(recovered.wal_entries_replayed, 12 + 3);
    check_recovered(&recovered, &golden.logged[2]);

    let changes = block_on(RecoveryManager::recover_with_changes(&*directory)).unwrap().state_changes;
    assert_eq!(changes.len(), 15);
    assert!(changes.contains(&(b"logged 4".to_vec(), None)));
    assert!(changes.contains(&(b"logged 3".to_vec(), Some(b"twice".to_vec()))));

    let limited = block_on(RecoveryManager::new(config.with_max_wal_entries(12)).recover(&*directory)).unwrap();
    check_recovered(&limited, &golden.logged[0]);
    assert_eq!(directory.to_files(), golden.files, "recovery changes nothing");

    let nothing = block_on(RecoveryManager::recover_simple(&*empty())).unwrap();
    assert!(!nothing.has_state() && nothing.checkpoint_id.is_none());
    check_recovered(&nothing, &Expected::default());
    check_recovered(&RecoveredState::empty(), &Expected::default());
}

#[test]
fn recovery_of_what_laminar_wrote_brings_its_opaque_state() {
    let recovered = block_on(RecoveryManager::recover_simple(&*fixture("opaque"))).unwrap();
    assert!(recovered.has_state() && recovered.state.is_empty());
    assert_eq!((recovered.checkpoint_id, recovered.epoch, recovered.wal_position), (Some(3), 30, 3_000));
    assert_eq!((recovered.source_offsets["source-b"], recovered.watermark), (600, Some(15_000)));
    assert_eq!(recovered.opaque_state.map(|state| state.len()), Some(7));
    let bare = block_on(RecoveryManager::recover_simple(&*fixture("bare"))).unwrap();
    assert!(!bare.has_state());
    assert_eq!(bare.checkpoint_id, Some(4));
}

#[test]
fn a_checkpoint_can_be_validated_by_its_id() {
    let golden = Golden::named("deltas");
    let mut files = golden.files.clone();
    let path = files.keys().rfind(|path| path.ends_with(".delta")).unwrap().clone();
    files.get_mut(&path).unwrap()[70] ^= 1;
    let directory = memory(files);
    for id in 1..golden.latest() {
        block_on(validate_checkpoint(&*directory, id)).unwrap();
    }
    let error = block_on(validate_checkpoint(&*directory, golden.latest())).unwrap_err();
    assert!(error.is_corruption() && error.to_string().contains(&path), "{error:?}");
    assert!(matches!(block_on(validate_checkpoint(&*directory, 99)), Err(Error::NotFound(_))));
}
