//! LaminarDB's thirteen tests, under their names: what they ask for, asked of this crate.
//!
//! Where LaminarDB's test looks into a private field (the next id), this one looks at the id that the
//! next checkpoint gets.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alluvium::{CheckpointConfig, IncrementalCheckpointManager, IncrementalCheckpointMetadata};

use crate::support::scratch;

/// Directories as LaminarDB's tests make them: metadata and nothing else.
fn metadata_only(base: &Path, ids: &[u64]) {
    for id in ids {
        let metadata = IncrementalCheckpointMetadata::new(*id, id * 10);
        let directory = metadata.checkpoint_path(base);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("metadata.json"), metadata.to_json().unwrap()).unwrap();
    }
}

fn take_five(max_retained: usize) -> Vec<IncrementalCheckpointMetadata> {
    let scratch = scratch();
    let config = CheckpointConfig::new(scratch.path()).with_max_retained(max_retained);
    let mut manager = IncrementalCheckpointManager::new(config).unwrap();
    for epoch in 0..5 {
        manager.set_epoch(epoch).unwrap();
        manager.create_checkpoint(epoch * 100).unwrap();
    }
    manager.list_checkpoints().unwrap()
}

#[test]
fn test_checkpoint_config_validation() {
    let config = CheckpointConfig::new(Path::new("/data"));
    assert!(config.clone().with_interval(Duration::from_mins(1)).with_max_retained(3).validate().is_ok());
    assert!(config.clone().with_max_retained(0).validate().is_err());
    assert!(config.with_interval(Duration::ZERO).validate().is_err());
}

#[test]
fn test_checkpoint_metadata() {
    let metadata = IncrementalCheckpointMetadata::new(1, 100);
    assert_eq!((metadata.id, metadata.epoch), (1, 100));
    assert!(metadata.is_incremental && metadata.parent_id.is_none());
    let again = IncrementalCheckpointMetadata::from_json(&metadata.to_json().unwrap()).unwrap();
    assert_eq!(again, metadata);
}

#[test]
fn test_checkpoint_path() {
    let metadata = IncrementalCheckpointMetadata::new(0x1234_5678_9abc_def0, 1);
    let path = metadata.checkpoint_path(Path::new("/data/checkpoints"));
    assert_eq!(path, PathBuf::from("/data/checkpoints/checkpoint_123456789abcdef0"));
}

#[test]
fn test_manager_creation() {
    let scratch = scratch();
    let manager = IncrementalCheckpointManager::new(CheckpointConfig::new(scratch.path())).unwrap();
    assert!(manager.latest_checkpoint_id().is_none());
    assert_eq!(manager.epoch(), 0);
}

#[test]
fn test_manager_create_checkpoint() {
    let scratch = scratch();
    let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(scratch.path())).unwrap();
    manager.set_epoch(42).unwrap();
    let first = manager.create_checkpoint(1000).unwrap();
    assert_eq!((first.epoch, first.wal_position, first.parent_id), (42, 1000, None));
    assert_eq!(manager.create_checkpoint(2000).unwrap().parent_id, Some(first.id));
}

#[test]
fn test_manager_create_checkpoint_with_state() {
    let scratch = scratch();
    let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(scratch.path())).unwrap();
    manager.set_epoch(10).unwrap();
    let offsets = HashMap::from([("source1".to_string(), 100), ("source2".to_string(), 200)]);
    let created = manager.create_checkpoint_with_state(500, offsets.clone(), Some(5000), b"test state data").unwrap();
    assert_eq!((created.epoch, created.wal_position, created.watermark), (10, 500, Some(5000)));
    assert_eq!(created.source_offsets, offsets);
    assert_eq!(manager.load_checkpoint_state(created.id).unwrap(), b"test state data");
}

#[test]
fn test_manager_list_checkpoints() {
    let listed = take_five(10);
    assert_eq!(listed.len(), 5);
    assert!(listed[0].id > listed[4].id);
}

#[test]
fn test_manager_cleanup() {
    let epochs: Vec<u64> = take_five(2).iter().map(|kept| kept.epoch).collect();
    assert_eq!(epochs, [4, 3]);
}

#[test]
fn test_manager_find_latest() {
    let scratch = scratch();
    let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(scratch.path())).unwrap();
    assert!(manager.find_latest_checkpoint().unwrap().is_none());
    manager.set_epoch(1).unwrap();
    let created = manager.create_checkpoint(100).unwrap();
    assert_eq!(manager.find_latest_checkpoint().unwrap().unwrap(), created);
}

#[test]
fn test_manager_delete_checkpoint() {
    let scratch = scratch();
    let config = CheckpointConfig::new(scratch.path()).with_max_retained(10);
    let mut manager = IncrementalCheckpointManager::new(config).unwrap();
    manager.set_epoch(1).unwrap();
    let first = manager.create_checkpoint(100).unwrap();
    manager.set_epoch(2).unwrap();
    let second = manager.create_checkpoint(200).unwrap();
    assert_eq!(manager.list_checkpoints().unwrap().len(), 2);
    manager.delete_checkpoint(first.id).unwrap();
    assert_eq!(manager.list_checkpoints().unwrap(), [second]);
}

#[test]
fn test_manager_should_checkpoint() {
    let scratch = scratch();
    let config = CheckpointConfig::new(scratch.path()).with_interval(Duration::from_secs(1));
    assert!(IncrementalCheckpointManager::new(config).unwrap().should_checkpoint());
}

#[test]
fn test_scan_existing_checkpoints() {
    let scratch = scratch();
    metadata_only(scratch.path(), &[1, 2, 3]);
    let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(scratch.path())).unwrap();
    assert_eq!(manager.latest_checkpoint_id(), Some(3));
    assert_eq!(manager.create_checkpoint(0).unwrap().id, 4);
}

#[test]
fn test_scan_skips_partial_checkpoint_dirs() {
    let scratch = scratch();
    metadata_only(scratch.path(), &[1]);
    fs::create_dir_all(scratch.path().join("checkpoint_0000000000000003")).unwrap();
    let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(scratch.path())).unwrap();
    assert_eq!(manager.latest_checkpoint_id(), Some(1));
    assert_eq!(manager.create_checkpoint(0).unwrap().id, 4);
}
