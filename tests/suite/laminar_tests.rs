//! LaminarDB's thirteen tests, under their names: what they ask for, asked of Alluvium.
//!
//! Where LaminarDB's test looks into a private field (the next id), this one looks at what it
//! stands for: the id that the next checkpoint gets.

use std::collections::BTreeMap;
use std::time::Duration;

use alluvium_core::directory::block_on;
use alluvium_core::{CheckpointConfig, IncrementalCheckpointMetadata};
use alluvium_test_harness::{Files, checkpoint, empty, fresh, fresh_with, keep, memory, open, open_with, options};

/// Directories as LaminarDB's tests make them: metadata and nothing else.
fn metadata_only(ids: &[u64]) -> Files {
    let entry = |id: &u64| {
        let metadata = IncrementalCheckpointMetadata::new(*id, id * 10);
        (format!("{}/metadata.json", metadata.checkpoint_path()), metadata.to_json().unwrap().into_bytes())
    };
    ids.iter().map(entry).collect()
}

#[test]
fn test_checkpoint_config_validation() {
    let config = CheckpointConfig::new();
    assert!(config.clone().with_interval(Duration::from_mins(1)).with_max_retained(3).validate().is_ok());
    assert!(config.clone().with_max_retained(0).validate().is_err());
    assert!(config.with_interval(Duration::ZERO).validate().is_err());
}

#[test]
fn test_checkpoint_metadata() {
    let metadata = IncrementalCheckpointMetadata::new(1, 100);
    assert_eq!((metadata.id, metadata.epoch, metadata.parent_id), (1, 100, None));
    let again = IncrementalCheckpointMetadata::from_json(&metadata.to_json().unwrap()).unwrap();
    assert_eq!(again, metadata);
}

#[test]
fn test_checkpoint_path() {
    let metadata = IncrementalCheckpointMetadata::new(0x1234_5678_9abc_def0, 1);
    assert_eq!(metadata.checkpoint_path(), "checkpoint_123456789abcdef0");
}

#[test]
fn test_manager_creation() {
    let manager = open(&empty()).unwrap();
    assert_eq!(manager.latest_checkpoint_id(), None);
    assert_eq!(manager.epoch(), 0);
}

#[test]
fn test_manager_create_checkpoint() {
    let (_, mut manager) = fresh();
    manager.set_epoch(42).unwrap();
    let first = block_on(manager.create_checkpoint(1000)).unwrap();
    assert_eq!((first.epoch, first.wal_position, first.parent_id), (42, 1000, None));
    let second = block_on(manager.create_checkpoint(2000)).unwrap();
    assert_eq!(second.parent_id, Some(first.id));
}

#[test]
fn test_manager_create_checkpoint_with_state() {
    let (_, mut manager) = fresh();
    manager.set_epoch(10).unwrap();
    let offsets = BTreeMap::from([("source1".to_string(), 100), ("source2".to_string(), 200)]);
    let state = b"sediment, opaque to us";
    let created = block_on(manager.create_checkpoint_with_state(500, offsets.clone(), Some(5000), state)).unwrap();
    assert_eq!((created.epoch, created.wal_position, created.watermark), (10, 500, Some(5000)));
    assert_eq!(created.source_offsets, offsets);
    assert_eq!(block_on(manager.load_checkpoint_state(created.id)).unwrap(), state);
}

#[test]
fn test_manager_list_checkpoints() {
    let (_, mut manager) = fresh();
    for epoch in 0..5 {
        manager.set_epoch(epoch).unwrap();
        block_on(manager.create_checkpoint(epoch * 100)).unwrap();
    }
    let listed: Vec<_> = block_on(manager.list_checkpoints()).unwrap();
    assert_eq!(listed.iter().map(|each| each.epoch).collect::<Vec<_>>(), [4, 3, 2, 1, 0]);
    assert!(listed.is_sorted_by(|newer, older| newer.id > older.id));
}

#[test]
fn test_manager_cleanup() {
    let (_, mut manager) = fresh_with(keep(2));
    for epoch in 0..5 {
        manager.set_epoch(epoch).unwrap();
        block_on(manager.create_checkpoint(epoch * 100)).unwrap();
    }
    let listed = block_on(manager.list_checkpoints()).unwrap();
    assert_eq!(listed.iter().map(|each| each.epoch).collect::<Vec<_>>(), [4, 3]);
}

#[test]
fn test_manager_find_latest() {
    let (_, mut manager) = fresh();
    assert_eq!(block_on(manager.find_latest_checkpoint()).unwrap(), None);
    manager.set_epoch(1).unwrap();
    let created = block_on(manager.create_checkpoint(100)).unwrap();
    assert_eq!(block_on(manager.find_latest_checkpoint()).unwrap(), Some(created));
}

#[test]
fn test_manager_delete_checkpoint() {
    let (_, mut manager) = fresh();
    let ids = [1, 2].map(|epoch| {
        manager.set_epoch(epoch).unwrap();
        checkpoint(&mut manager)
    });
    assert_eq!(block_on(manager.list_checkpoints()).unwrap().len(), 2);
    block_on(manager.delete_checkpoint(ids[0])).unwrap();
    let listed = block_on(manager.list_checkpoints()).unwrap();
    assert_eq!(listed.iter().map(|each| each.id).collect::<Vec<_>>(), [ids[1]]);
}

#[test]
fn test_manager_should_checkpoint() {
    let (_, manager) = fresh_with(CheckpointConfig::new().with_interval(Duration::from_secs(1)));
    assert!(manager.should_checkpoint());
}

#[test]
fn test_scan_existing_checkpoints() {
    let mut manager = open(&memory(metadata_only(&[1, 2, 3]))).unwrap();
    assert_eq!(manager.latest_checkpoint_id(), Some(3));
    assert_eq!(checkpoint(&mut manager), 4);
}

#[test]
fn test_scan_skips_partial_checkpoint_dirs() {
    // A directory without metadata counts for the next id and never for the latest. Here it has a
    // leftover in it, since a directory in memory has no empty ones; `native.rs` has the empty one.
    let mut files = metadata_only(&[1]);
    files.insert("checkpoint_0000000000000003/state.bin".into(), b"half".to_vec());
    let directory = memory(files);
    let mut manager = open_with(&directory, keep(10), options()).unwrap();
    assert_eq!(manager.latest_checkpoint_id(), Some(1));
    assert_eq!(checkpoint(&mut manager), 4);
}
