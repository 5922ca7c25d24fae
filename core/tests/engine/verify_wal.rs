//! Verification replays the WAL files after the newest checkpoint as recovery does, so that both say the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::tools::verify::{Severity, verify};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};

type Files = BTreeMap<String, Vec<u8>>;

fn wal_path(sequence: u64) -> String {
    format!("wal/0000000000000001-{sequence:016x}.log")
}

/// Writes a checkpoint, and four WAL files after it.
fn synced(store_id: [u8; 16]) -> Files {
    let directory = Arc::new(MemoryDirectory::new());
    let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true).store_id(store_id);
    let manager = IncrementalCheckpointManager::open(directory.clone(), CheckpointConfig::new(), options);
    let mut manager = block_on(manager).unwrap();
    manager.put(b"bed", b"gravel").unwrap();
    block_on(manager.create_checkpoint(1)).unwrap();
    for n in 2..6 {
        manager.put(format!("layer {n}").as_bytes(), b"silt").unwrap();
        block_on(manager.sync(n)).unwrap();
    }
    directory.to_files()
}

/// Holds verification to what recovery says, and returns the damage that was found.
fn agreed(files: &Files) -> Vec<(String, String)> {
    let directory = MemoryDirectory::from_files(files.clone());
    let report = block_on(verify(&directory)).unwrap();
    let strict = block_on(recover(&directory, &RecoverOptions::new().repair_wal(false)));
    assert_eq!(report.is_damaged(), strict.is_err(), "{report:?}\n{strict:?}");
    let damage = report.findings.iter().filter(|finding| finding.severity == Severity::Damage);
    let damage: Vec<_> = damage.map(|finding| (finding.path.clone(), finding.what.clone())).collect();
    if let Err(error) = strict {
        assert!(damage.iter().any(|(_, what)| *what == error.to_string()), "{error}: {damage:?}");
    }
    damage
}

#[test]
fn every_subset_of_the_wal_files_missing() {
    let files = synced([7; 16]);
    let mut refused = 0;
    for missing in 0..1_u64 << 4 {
        let mut files = files.clone();
        for sequence in (1..=4).filter(|sequence| missing >> (sequence - 1) & 1 == 1) {
            files.remove(&wal_path(sequence)).expect("it was synced");
        }
        let damage = agreed(&files);
        let first_missing = (1..=4).find(|sequence| !files.contains_key(&wal_path(*sequence)));
        let has_gap = first_missing.is_some_and(|first| (first..=4).any(|after| files.contains_key(&wal_path(after))));
        assert_eq!(!damage.is_empty(), has_gap, "{missing:04b}: {damage:?}");
        if has_gap {
            let name = wal_path(first_missing.unwrap());
            assert!(damage.iter().any(|(_, what)| what.contains(&name)), "{name} is not named: {damage:?}");
            refused += 1;
        }
    }
    assert_eq!(refused, 11);
}

#[test]
fn a_wal_file_that_leads_to_another_state_is_damage() {
    // Each of these files is whole, but it is not the one that followed.
    let files = synced([7; 16]);
    for sequence in 1..=4 {
        let mut other = Files::new();
        for (path, content) in &files {
            if !path.starts_with("wal/") {
                other.insert(path.clone(), content.clone());
            }
        }
        let directory = Arc::new(MemoryDirectory::from_files(other));
        let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true);
        let manager = IncrementalCheckpointManager::open(directory.clone(), CheckpointConfig::new(), options);
        let mut manager = block_on(manager).unwrap();
        for n in 1..=sequence {
            manager.put(b"another", n.to_string().as_bytes()).unwrap();
            block_on(manager.sync(1)).unwrap();
        }
        let mut mixed = files.clone();
        let path = wal_path(sequence);
        mixed.insert(path.clone(), directory.to_files()[&path].clone());
        let damage = agreed(&mixed);
        assert!(damage.iter().any(|(found, _)| *found >= path), "{path}: {damage:?}");
    }
}

#[test]
fn a_torn_tail_is_damage_to_verification_and_cut_by_recovery() {
    let mut files = synced([7; 16]);
    files.get_mut(&wal_path(4)).unwrap().truncate(70);
    assert_eq!(agreed(&files).len(), 1);
    let recovered = block_on(recover(&MemoryDirectory::from_files(files), &RecoverOptions::new())).unwrap().unwrap();
    assert_eq!((recovered.wal.files, recovered.wal.cut.unwrap().path), (3, wal_path(4)));
}
