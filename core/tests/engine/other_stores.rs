//! Checkpoints some of whose segments are in other directories: a view of a range of one directory's keys, and a
//! view of two directories together.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::directory::{Directory, MemoryDirectory, NewFile, Stores, block_on};
use alluvium_core::format::metadata::AlluviumFields;
use alluvium_core::format::segment_entry::SegmentEntry;
use alluvium_core::model::hash::key_hash;
use alluvium_core::model::hash_range::HashRange;
use alluvium_core::recovery::{RecoverOptions, recover, recover_with};
use alluvium_core::tools::verify::{verify, verify_with};
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError as Error, IncrementalCheckpointManager, IncrementalCheckpointMetadata,
    ManualClock, OpenOptions, archive,
};

type Manager = IncrementalCheckpointManager<MemoryDirectory>;

fn options(store: u8) -> OpenOptions {
    let options = OpenOptions::new(Arc::new(ManualClock::new(1_000))).create(true);
    options.store_id([store; 16]).writer(u64::from(store))
}

fn config() -> CheckpointConfig {
    CheckpointConfig::new().with_max_retained(2)
}

fn key(number: u32) -> Vec<u8> {
    format!("key {number}").into_bytes()
}

/// A directory with a base and some deltas, which delete, overwrite and add keys.
fn source(store: u8) -> Arc<MemoryDirectory> {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = block_on(Manager::open(directory.clone(), config(), options(store))).unwrap();
    for number in 0..2_000 {
        manager.put(&key(number), format!("{store} of the base").as_bytes()).unwrap();
    }
    block_on(manager.create_checkpoint(1)).unwrap();
    for round in 0..4 {
        for number in (round..2_200).step_by(7) {
            manager.put(&key(number), format!("{store} of round {round}").as_bytes()).unwrap();
            manager.delete(&key(number + 1)).unwrap();
        }
        block_on(manager.create_checkpoint(1)).unwrap();
    }
    directory
}

fn range(first: u64, last: u64) -> HashRange {
    HashRange::new(first, last).unwrap()
}

/// The keys and values of a directory that are in a range of hashes.
fn expected(directory: &MemoryDirectory, range: HashRange) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let recovered = block_on(recover(directory, &RecoverOptions::new())).unwrap().unwrap();
    let entries = recovered.state.iter().filter(|(key, _)| range.contains(key_hash(key)));
    entries.map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

/// Creates a directory whose first checkpoint is made of parts of others.
fn view(store: u8, parts: &[(u8, &MemoryDirectory, HashRange)]) -> Arc<MemoryDirectory> {
    let (mut segments, mut keys, mut bytes, mut digest) = (Vec::new(), 0, 0, 0_u64);
    for (part, directory, range) in parts {
        let part_of = block_on(recover(*directory, &RecoverOptions::new().hashes(*range))).unwrap().unwrap();
        keys += part_of.state.len() as u64;
        bytes += part_of.state.payload_bytes();
        digest = digest.wrapping_add(part_of.state.digest());
        let named = part_of.metadata.alluvium.unwrap().segments;
        segments.extend(named.into_iter().map(|entry| SegmentEntry {
            store: Some([*part; 16]),
            range: Some(*range),
            ..entry
        }));
    }
    segments.sort_by_key(SegmentEntry::order);
    let metadata = IncrementalCheckpointMetadata {
        key_count: keys,
        alluvium: Some(AlluviumFields {
            store_id: [store; 16],
            state_bytes: bytes,
            state_digest: digest,
            segments,
            ..AlluviumFields::default()
        }),
        ..IncrementalCheckpointMetadata::new(1, 1)
    };
    let directory = Arc::new(MemoryDirectory::new());
    let path = "checkpoint_0000000000000001/metadata.json".to_owned();
    let content = metadata.to_json().unwrap().into_bytes();
    block_on(directory.create(vec![NewFile { path, content }])).unwrap();
    directory
}

fn state(manager: &Manager) -> BTreeMap<Vec<u8>, Vec<u8>> {
    manager.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

#[test]
fn parts_cut_at_any_hash_add_up_to_the_whole() {
    let source = source(1);
    let whole = block_on(recover(&*source, &RecoverOptions::new())).unwrap().unwrap();
    // The cuts are within key groups, at hashes of records, and beside them.
    let mut hashes: Vec<u64> = whole.state.iter().map(|(key, _)| key_hash(key)).collect();
    hashes.sort_unstable();
    let cuts = [hashes[0], hashes[700] - 1, hashes[700], hashes[701], u64::MAX / 3, u64::MAX - 5];
    let (mut first, mut keys, mut digest, mut bytes_read) = (0, 0, 0_u64, Vec::new());
    for last in cuts.into_iter().chain([u64::MAX]) {
        if last < first {
            continue;
        }
        let options = RecoverOptions::new().hashes(range(first, last));
        let part = block_on(recover(&*source, &options)).unwrap().unwrap();
        assert_eq!(
            part.state.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect::<BTreeMap<_, _>>(),
            expected(&source, range(first, last))
        );
        keys += part.state.len();
        digest = digest.wrapping_add(part.state.digest());
        bytes_read.push(part.bytes_read);
        first = last.wrapping_add(1);
    }
    assert_eq!((keys, digest), (whole.state.len(), whole.state.digest()));
    let narrow = RecoverOptions::new().hashes(range(0, u64::MAX)).groups(3..=5);
    assert!(block_on(recover(&*source, &narrow)).unwrap().unwrap().state.len() < whole.state.len());
    let nothing = RecoverOptions::new().hashes(range(0, 1)).groups(3..=5);
    assert!(matches!(block_on(recover(&*source, &nothing)), Err(Error::InvalidInput(_))));
}

#[test]
fn a_view_of_a_range_is_opened_changed_and_made_its_own() {
    let source = source(1);
    let range = range(u64::MAX / 5, u64::MAX / 2);
    let directory = view(2, &[(1, &source, range)]);
    let stores = Stores::new().with([1; 16], source.clone());
    let mut expected = expected(&source, range);
    let before = source.to_files();

    let mut manager = block_on(Manager::open_with(directory.clone(), stores.clone(), config(), options(2))).unwrap();
    assert_eq!(state(&manager), expected);
    for round in 0..60_u8 {
        let value = vec![round; 40_000];
        for number in 0..3 {
            manager.put(&key(number), &value).unwrap();
            expected.insert(key(number), value.clone());
        }
        manager.delete(&key(u32::from(round) + 10)).unwrap();
        expected.remove(&key(u32::from(round) + 10));
        let metadata = block_on(manager.create_checkpoint(1)).unwrap();
        let maintenance = manager.last_maintenance().unwrap();
        assert!(maintenance.errors.is_empty(), "{:?}", maintenance.errors);
        // What it names in the other directory is not among its own files.
        let own = metadata.alluvium.unwrap().segments.iter().filter(|entry| entry.store.is_none()).count();
        assert_eq!(metadata.sst_files.len(), own, "{round}");
        let recovered = block_on(recover_with(&*directory, &stores, &RecoverOptions::new())).unwrap().unwrap();
        let found: BTreeMap<_, _> = recovered.state.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
        assert_eq!(found, expected, "{round}");
    }
    assert_eq!(block_on(verify_with(&*directory, &stores)).unwrap().findings, []);
    // Compaction has brought everything here by now, and the other directory is as it was.
    let metadata = block_on(manager.find_latest_checkpoint()).unwrap().unwrap();
    assert!(metadata.alluvium.unwrap().segments.iter().all(|entry| entry.store.is_none()));
    assert_eq!(source.to_files(), before);
    drop(manager);
    let manager = block_on(Manager::open(directory, config(), options(2))).unwrap();
    assert_eq!(state(&manager), expected);
}

#[test]
fn two_parts_make_one_state() {
    let (lower, upper) = (source(1), source(2));
    let cut = u64::MAX / 2;
    let parts = [(1, &*lower, range(0, cut)), (2, &*upper, range(cut + 1, u64::MAX))];
    let directory = view(3, &parts);
    let stores = Stores::new().with([1; 16], lower.clone()).with([2; 16], upper.clone());
    let mut both = expected(&lower, parts[0].2);
    both.extend(expected(&upper, parts[1].2));
    let manager = block_on(Manager::open_with(directory.clone(), stores, config(), options(3))).unwrap();
    assert_eq!(state(&manager), both);
}

#[test]
fn without_the_other_directory_the_error_names_it_and_the_segment() {
    let source = source(1);
    let directory = view(2, &[(1, &source, HashRange::ALL)]);
    let check = |error: Error| {
        let text = error.to_string();
        assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
        assert!(text.contains(&"01".repeat(16)) && text.contains("segments/"), "{text}");
    };
    check(block_on(Manager::open(directory.clone(), config(), options(2))).map(|_| ()).unwrap_err());
    // That is no damage, so nothing older is taken instead.
    let fallback = options(2).allow_fallback(true);
    check(block_on(Manager::open(directory.clone(), config(), fallback)).map(|_| ()).unwrap_err());
    check(block_on(recover(&*directory, &RecoverOptions::new())).map(|_| ()).unwrap_err());
    check(block_on(archive::export(&*directory, None)).unwrap_err());
    assert!(block_on(verify(&*directory)).unwrap().is_damaged());
    let other = Stores::new().with([9; 16], source.clone());
    check(block_on(recover_with(&*directory, &other, &RecoverOptions::new())).map(|_| ()).unwrap_err());
    // A directory that is not the one that was meant is found by the checksums.
    let wrong = Stores::new().with([1; 16], self::source(5));
    let error = block_on(recover_with(&*directory, &wrong, &RecoverOptions::new())).map(|_| ()).unwrap_err();
    assert!(error.is_corruption(), "{error}");
}

#[test]
fn what_requires_more_than_the_state_can_hold_is_refused_by_name() {
    let directory = source(1);
    let metadata = block_on(recover(&*directory, &RecoverOptions::new())).unwrap().unwrap().metadata;
    let json = metadata.to_json().unwrap();
    let namespaces = "\"features\": [\"teleportation\"], \"key_groups\"";
    let edited = json.replacen("\"key_groups\"", namespaces, 1);
    let covered = edited.len() - 16 - "\"\n}".len();
    let sum = alluvium_core::model::hash::checksum(&edited.as_bytes()[..covered], 0);
    let sealed = format!("{}{sum:016x}\"\n}}", &edited[..covered]);
    let mut files = directory.to_files();
    files.insert(format!("{}/metadata.json", metadata.checkpoint_path()), sealed.into_bytes());
    let directory = Arc::new(MemoryDirectory::from_files(files));
    let error = block_on(Manager::open(directory, config(), options(1))).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("requires the feature \"teleportation\""), "{error}");
}
