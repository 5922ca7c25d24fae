//! Each row of `fixtures/laminar/README.md`: directories that LaminarDB wrote.

use std::collections::BTreeMap;

use alluvium_core::directory::block_on;
use alluvium_core::format::laminar_snapshot::{decode_state_snapshot, encode_state_snapshot};
use alluvium_core::gc;
use alluvium_core::tools::verify::verify;
use alluvium_core::{IncrementalCheckpointError as Error, IncrementalCheckpointMetadata};
use alluvium_test_harness::golden::all;
use alluvium_test_harness::{
    Expected, Files, Manager, checkpoint, fixture, here, keep, load, memory, open, open_with, options,
};

/// Id, epoch, wal position, offsets and watermark of the newest checkpoint, as opening gives them.
fn check_latest(manager: &Manager, id: u64, offsets: &[(&str, u64)], watermark: Option<i64>) {
    assert_eq!(manager.latest_checkpoint_id(), Some(id));
    assert_eq!(manager.epoch(), id * 10);
    assert_eq!(manager.wal_position(), id * 1000);
    let offsets: BTreeMap<String, u64> =
        offsets.iter().map(|(source, offset)| ((*source).to_string(), *offset)).collect();
    assert_eq!(*manager.source_offsets(), offsets);
    assert_eq!(manager.watermark(), watermark);
    let latest = block_on(manager.load_checkpoint_metadata(id)).unwrap();
    assert_eq!((latest.id, latest.epoch, latest.wal_position), (id, id * 10, id * 1000));
    assert_eq!((latest.source_offsets, latest.watermark), (offsets, watermark));
}

fn check_listed(manager: &Manager, ids: &[u64]) {
    let listed = block_on(manager.list_checkpoints()).unwrap();
    assert_eq!(listed.iter().map(|each| each.id).collect::<Vec<_>>(), ids);
}

/// The directory works on: a checkpoint, a reopening, and what LaminarDB wrote is still there.
fn check_goes_on(name: &str, next_id: u64) {
    let directory = fixture(name);
    let mut manager = open_with(&directory, keep(100), options().allow_fallback(true)).unwrap();
    manager.put(b"after", b"LaminarDB").unwrap();
    assert_eq!(checkpoint(&mut manager), next_id, "{name}");
    drop(manager);
    let manager = open(&directory).unwrap();
    assert_eq!(manager.latest_checkpoint_id(), Some(next_id));
    assert_eq!(manager.get(b"after"), Some(b"LaminarDB".as_slice()));
    let files = directory.to_files();
    for (path, content) in load(&here("fixtures/laminar").join(name)) {
        assert_eq!(files.get(&path), Some(&content), "{name}: {path}");
    }
}

#[test]
fn opaque() {
    let manager = open(&fixture("opaque")).unwrap();
    check_latest(&manager, 3, &[("source-a", 300), ("source-b", 600)], Some(15_000));
    check_listed(&manager, &[3, 2, 1]);
    for id in 1..=3 {
        let verbatim = std::fs::read(here("fixtures/laminar/opaque").join(format!("checkpoint_{id:016x}/state.bin")));
        assert_eq!(block_on(manager.load_checkpoint_state(id)).unwrap(), verbatim.unwrap());
    }
    check_goes_on("opaque", 4);
}

#[test]
fn snapshot() {
    let manager = open(&fixture("snapshot")).unwrap();
    check_latest(&manager, 3, &[("source-a", 300), ("source-b", 600)], Some(15_000));
    check_listed(&manager, &[3, 2, 1]);
    let state = block_on(manager.load_checkpoint_state(3)).unwrap();
    let snapshot = decode_state_snapshot(&state).unwrap();
    assert_eq!(snapshot.entries.len(), 50);
    for (number, (key, value)) in snapshot.entries.iter().enumerate() {
        assert_eq!(*key, format!("key-{number:012}").as_bytes());
        assert!(value.starts_with(format!("value-{number:012}-").as_bytes()));
    }
    check_goes_on("snapshot", 4);
}

#[test]
fn bare() {
    let manager = open(&fixture("bare")).unwrap();
    check_latest(&manager, 4, &[], None);
    check_listed(&manager, &[4, 3, 2, 1]);
    for id in 1..=4 {
        let error = block_on(manager.load_checkpoint_state(id)).unwrap_err();
        assert!(matches!(error, Error::NotFound(_)), "{error:?}");
    }
    assert!(manager.is_empty());
    check_goes_on("bare", 5);
}

#[test]
fn retained() {
    let manager = open(&fixture("retained")).unwrap();
    check_latest(&manager, 6, &[("source-a", 600), ("source-b", 1200)], Some(30_000));
    check_listed(&manager, &[6, 5]);
    assert!(!block_on(verify(&*fixture("retained"))).unwrap().is_damaged(), "a missing parent is no damage");
    check_goes_on("retained", 7);
}

#[test]
fn partial() {
    let directory = fixture("partial");
    let manager = open(&directory).unwrap();
    check_latest(&manager, 1, &[], None);
    check_listed(&manager, &[1]);
    drop(manager);

    let leftover = "checkpoint_0000000000000003/state.bin";
    let report = block_on(verify(&*directory)).unwrap();
    assert!(report.findings.iter().any(|finding| finding.path == leftover), "{:?}", report.findings);
    let plan = block_on(gc::plan(&*directory, None)).unwrap();
    let verdict = plan.files.iter().find(|verdict| verdict.path == leftover).expect("a verdict on every file");
    assert!(!verdict.keep && !verdict.why.is_empty());

    let mut manager = open(&directory).unwrap();
    block_on(manager.collect_garbage()).unwrap();
    assert!(!directory.to_files().contains_key(leftover));
    assert_eq!(checkpoint(&mut manager), 4, "the leftover's id is not given again");
}

#[test]
fn partial_leftover_counts_for_the_next_id() {
    let mut manager = open(&fixture("partial")).unwrap();
    assert_eq!(checkpoint(&mut manager), 4);
}

/// LaminarDB recovers "Ok" here, with no state and offsets that have moved on.
#[test]
fn a_state_that_is_missing_or_short_is_never_half_a_recovery() {
    let path = "checkpoint_0000000000000003/state.bin";
    for length in [None, Some(0), Some(2975)] {
        let mut files = fixture("snapshot").to_files();
        match length {
            None => drop(files.remove(path)),
            Some(length) => files.get_mut(path).unwrap().truncate(length),
        }
        let directory = memory(files);
        let error = open(&directory).map(|_| ()).unwrap_err();
        assert!(error.is_corruption() && error.to_string().contains(path), "{length:?}: {error:?}");
        let report = block_on(verify(&*directory)).unwrap();
        assert!(report.is_damaged() && report.findings.iter().any(|finding| finding.path == path), "{report:?}");
        let manager = open_with(&directory, keep(10), options().allow_fallback(true)).unwrap();
        check_latest(&manager, 2, &[("source-a", 200), ("source-b", 400)], Some(10_000));
    }
}

#[test]
fn torn() {
    let directory = fixture("torn");
    let error = open(&directory).map(|_| ()).unwrap_err();
    assert!(error.is_corruption(), "{error:?}");
    assert!(error.to_string().contains("checkpoint_0000000000000003/metadata.json"), "{error}");

    let report = block_on(verify(&*directory)).unwrap();
    assert!(report.is_damaged());
    assert!(report.findings.iter().any(|finding| finding.path == "checkpoint_0000000000000003/metadata.json"));

    let manager = open_with(&directory, keep(10), options().allow_fallback(true)).unwrap();
    assert_eq!(manager.epoch(), 20);
    assert_eq!(manager.wal_position(), 2000);
    assert_eq!(manager.watermark(), Some(10_000));
    let recovered = manager.recovered().expect("a summary");
    assert_eq!(recovered.checkpoint_id, 2);
    assert_eq!(recovered.skipped.iter().map(|skipped| skipped.id).collect::<Vec<_>>(), [3]);
    assert!(!recovered.skipped[0].reason.is_empty());
    check_goes_on("torn", 4);
}

#[test]
fn every_snapshot_of_laminar_re_encodes_to_its_own_bytes() {
    let mut snapshots = 0;
    for (path, content) in load(&here("fixtures/laminar")) {
        if path.ends_with("state.bin") && !path.starts_with("opaque/") && !path.starts_with("partial/") {
            let snapshot = decode_state_snapshot(&content).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert_eq!(encode_state_snapshot(snapshot.entries, snapshot.timestamp_ns).unwrap(), content, "{path}");
            snapshots += 1;
        }
    }
    assert_eq!(snapshots, 8);
}

/// What LaminarDB's reader asks of `metadata.json`: its own fields, in its order, with their types.
#[test]
fn our_metadata_is_what_laminars_reader_expects() {
    let fields = [
        "id",
        "epoch",
        "timestamp",
        "wal_position",
        "source_offsets",
        "watermark",
        "size_bytes",
        "key_count",
        "is_incremental",
        "parent_id",
        "sst_files",
    ];
    let mut read = 0;
    for golden in all() {
        for (path, content) in golden.files.iter().filter(|(path, _)| path.ends_with("metadata.json")) {
            let json: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(content).unwrap();
            let names: Vec<&str> = json.keys().map(String::as_str).collect();
            assert_eq!(names[..fields.len()], fields, "{}/{path}", golden.name);
            assert!(names[fields.len()..].iter().all(|name| ["alluvium", "checksum"].contains(name)), "{names:?}");
            for name in ["id", "epoch", "timestamp", "wal_position", "size_bytes", "key_count"] {
                assert!(json[name].is_u64(), "{}/{path}: {name}", golden.name);
            }
            assert!(json["watermark"].is_i64() || json["watermark"].is_null());
            assert!(json["source_offsets"].as_object().unwrap().values().all(serde_json::Value::is_u64));
            assert!(json["sst_files"].as_array().unwrap().iter().all(serde_json::Value::is_string));
            assert!(!content.ends_with(b"\n"), "no newline at the end");
            read += 1;
        }
    }
    assert!(read > 20, "only {read} metadata files");
}

/// The way out and back: a checkpoint of ours as a directory of LaminarDB, and that as live state.
#[test]
fn a_state_travels_through_laminars_form_and_back() {
    for golden in all() {
        let newest = golden.checkpoints[&golden.latest()].clone();
        // LaminarDB's form has no room for anything else.
        let expected = &Expected {
            state: newest.state,
            source_offsets: newest.source_offsets,
            watermark: newest.watermark,
            epoch: newest.epoch,
            wal_position: newest.wal_position,
            ..Expected::default()
        };
        let state = encode_state_snapshot(&expected.state, 7).unwrap();
        let metadata = IncrementalCheckpointMetadata {
            wal_position: expected.wal_position,
            source_offsets: expected.source_offsets.clone(),
            watermark: expected.watermark,
            size_bytes: state.len() as u64,
            ..IncrementalCheckpointMetadata::new(1, expected.epoch)
        };
        let laminar = memory(Files::from([
            (format!("{}/state.bin", metadata.checkpoint_path()), state),
            (format!("{}/metadata.json", metadata.checkpoint_path()), metadata.to_json().unwrap().into_bytes()),
        ]));
        let mut manager = open(&laminar).unwrap();
        let state = block_on(manager.load_checkpoint_state(1)).unwrap();
        for (key, value) in decode_state_snapshot(&state).unwrap().entries {
            manager.put(key, value).unwrap();
        }
        assert_eq!(Expected::of(&manager), *expected, "{}", golden.name);
        checkpoint(&mut manager);
        assert_eq!(Expected::of(&open(&laminar).unwrap()), *expected, "{}", golden.name);
    }
}

#[test]
fn opaque_bytes_are_not_taken_for_a_snapshot() {
    for (path, content) in load(&here("fixtures/laminar/opaque")) {
        if path.ends_with("state.bin") {
            assert!(decode_state_snapshot(&content).is_err(), "{path}");
        }
    }
}

#[test]
fn every_flip_in_a_snapshot_is_refused_or_says_exactly_itself() {
    let content = std::fs::read(here("fixtures/laminar/snapshot/checkpoint_0000000000000003/state.bin")).unwrap();
    for at in 0..content.len() {
        for bit in 0..8 {
            let mut flipped = content.clone();
            flipped[at] ^= 1 << bit;
            if let Ok(snapshot) = decode_state_snapshot(&flipped) {
                let again = encode_state_snapshot(snapshot.entries, snapshot.timestamp_ns).unwrap();
                assert_eq!(again, flipped, "bit {bit} of byte {at}");
            }
        }
    }
}
