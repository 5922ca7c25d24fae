//! The public data types are written and read by serde, here through JSON. Their fields have the names that
//! code written for LaminarDB expects.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::gc::{FileVerdict, GarbageReport};
use alluvium_core::model::hash::checksum;
use alluvium_core::model::namespace::Namespaces;
use alluvium_core::model::opaque::Opaque;
use alluvium_core::recovery::{SkippedCheckpoint, SkippedWal};
use alluvium_core::tools::diff::{Difference, KeyChange};
use alluvium_core::tools::inspect::CheckpointSummary;
use alluvium_core::tools::verify::{Finding, Severity, VerifyReport};
use alluvium_core::{
    CheckpointConfig, CheckpointStatistics, IncrementalCheckpointError as Error, IncrementalCheckpointManager,
    IncrementalCheckpointMetadata, MaintenanceReport, ManualClock, MemoryUsage, OpenOptions, RecoverySummary,
    StreamPosition,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Checks that a value is written as this JSON and read from it again.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, expected: &Value) {
    assert_eq!(&serde_json::to_value(value).unwrap(), expected);
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value);
}

/// Makes a checkpoint with state, offsets, a watermark and an annotation.
fn checkpoint() -> IncrementalCheckpointMetadata {
    let options = OpenOptions::new(Arc::new(ManualClock::new(1_700_000_000_000))).store_id([7; 16]).create(true);
    let directory = Arc::new(MemoryDirectory::new());
    let manager = IncrementalCheckpointManager::open(directory, CheckpointConfig::new(), options);
    let mut manager = block_on(manager).unwrap();
    manager.put(b"bed", b"gravel").unwrap();
    manager.set_source_offset("input", u64::MAX).unwrap();
    manager.set_watermark(-1);
    manager.set_annotation("plugin", "a \"quoted\" name");
    block_on(manager.create_checkpoint(6)).unwrap()
}

#[test]
fn metadata_is_written_and_read_by_serde() {
    let metadata = checkpoint();
    let json = serde_json::to_value(&metadata).unwrap();
    assert_eq!(json["id"], 1);
    assert_eq!(json["wal_position"], 6);
    assert_eq!(json["source_offsets"], json!({ "input": u64::MAX }));
    assert_eq!(json["watermark"], -1);
    assert_eq!(json["key_count"], 1);
    assert_eq!(json["parent_id"], Value::Null);
    assert_eq!(json["sst_files"], json!(metadata.sst_files));
    assert_eq!(json["alluvium"]["store_id"], "07".repeat(16));
    check(&metadata, &json);
    // LaminarDB's metadata has no section of Alluvium's.
    let plain = IncrementalCheckpointMetadata::new(1, 2);
    let expected = json!({
        "id": 1, "epoch": 2, "timestamp": 0, "wal_position": 0, "source_offsets": {}, "watermark": null,
        "size_bytes": 0, "key_count": 0, "is_incremental": false, "parent_id": null, "sst_files": [],
    });
    check(&plain, &expected);
}

#[test]
fn statistics_are_written_and_read_by_serde() {
    let statistics = CheckpointStatistics {
        id: 1,
        keys_changed: 2,
        tombstones: 3,
        bytes_changed: 4,
        delta_bytes: 5,
        rebased_bytes: 6,
        bytes_written: 7,
        freeze_us: 8,
        write_us: 9,
    };
    let expected = json!({
        "id": 1, "keys_changed": 2, "tombstones": 3, "bytes_changed": 4, "delta_bytes": 5,
        "rebased_bytes": 6, "bytes_written": 7, "freeze_us": 8, "write_us": 9,
    });
    check(&statistics, &expected);
}

#[test]
fn a_recovery_summary_is_written_and_read_by_serde() {
    let summary = RecoverySummary {
        checkpoint_id: 4,
        skipped: vec![SkippedCheckpoint { id: 5, reason: "damaged".into() }],
        key_count: 1,
        bytes_read: 2,
        wal_entries: 3,
        wal_cut: Some(SkippedWal { path: "wal/x.log".into(), reason: "torn".into() }),
        is_laminar: false,
    };
    let expected = json!({
        "checkpoint_id": 4, "skipped": [{ "id": 5, "reason": "damaged" }], "key_count": 1, "bytes_read": 2,
        "wal_entries": 3, "wal_cut": { "path": "wal/x.log", "reason": "torn" }, "is_laminar": false,
    });
    check(&summary, &expected);
}

#[test]
fn reports_are_written_and_read_by_serde() {
    let maintenance = MaintenanceReport {
        deleted: vec!["segments/a.base".into()],
        reclaimed_bytes: 1,
        rebased_bytes: 2,
        rebase_read_bytes: 3,
        errors: vec!["disk full".into()],
    };
    let expected = json!({
        "deleted": ["segments/a.base"], "reclaimed_bytes": 1, "rebased_bytes": 2, "rebase_read_bytes": 3,
        "errors": ["disk full"],
    });
    check(&maintenance, &expected);

    let severities = [(Severity::Damage, "damage"), (Severity::Leftover, "leftover"), (Severity::Foreign, "foreign")];
    for (severity, name) in severities {
        assert_eq!(severity.name(), name);
        let finding = Finding { path: "a".into(), severity, what: "b".into() };
        let report = VerifyReport { findings: vec![finding], checkpoints: 1, files: 2, bytes: 3 };
        let findings = json!([{ "path": "a", "severity": name, "what": "b" }]);
        check(&report, &json!({ "findings": findings, "checkpoints": 1, "files": 2, "bytes": 3 }));
    }
}

#[test]
fn results_of_the_tools_are_written_and_read_by_serde() {
    let file = FileVerdict { path: "a".into(), bytes: 1, keep: true, why: "b".into() };
    let file_json = json!({ "path": "a", "bytes": 1, "keep": true, "why": "b" });
    let garbage = GarbageReport { files: vec![file], errors: vec!["c".into()] };
    check(&garbage, &json!({ "files": [file_json], "errors": ["c"] }));

    let change = KeyChange { namespace: 0, key: vec![1], before: None, after: Some(vec![2]) };
    let difference = Difference {
        changes: vec![change],
        bytes_read: 3,
        groups_compared_whole: 4,
        namespaces: Namespaces::default(),
    };
    let changes = json!([{ "key": [1], "before": null, "after": [2] }]);
    check(&difference, &json!({ "changes": changes, "bytes_read": 3, "groups_compared_whole": 4 }));

    let metadata = IncrementalCheckpointMetadata::new(1, 2);
    let metadata_json = json!({ "Ok": serde_json::to_value(&metadata).unwrap() });
    for (metadata, json) in [(Ok(metadata), metadata_json), (Err("partial".into()), json!({ "Err": "partial" }))] {
        let summary = CheckpointSummary { id: 1, metadata, metadata_bytes: 5 };
        check(&summary, &json!({ "id": 1, "metadata": json, "metadata_bytes": 5 }));
    }

    let memory = MemoryUsage { state_bytes: 3, changelog_bytes: 2, payload_bytes: 1 };
    check(&memory, &json!({ "state_bytes": 3, "changelog_bytes": 2, "payload_bytes": 1 }));
}

#[test]
fn a_configuration_is_written_and_read_by_serde_and_may_be_partial() {
    let config = CheckpointConfig::new().with_interval(Duration::from_millis(1_500)).with_max_rebase_bytes(Some(9));
    let expected = json!({
        "interval": { "secs": 1, "nanos": 500_000_000 }, "max_retained": 3, "truncate_wal": true,
        "min_wal_size_for_checkpoint": 64 << 20, "incremental": true, "recovery_read_ratio": 1.25,
        "max_rebase_bytes": 9, "max_in_flight": 4, "memory_limit_bytes": null,
    });
    check(&config, &expected);
    let partial: CheckpointConfig = serde_json::from_str(r#"{ "max_retained": 5 }"#).unwrap();
    assert_eq!(partial, CheckpointConfig::new().with_max_retained(5));
    let mistyped = serde_json::from_str::<CheckpointConfig>(r#"{ "max_retaned": 5 }"#).unwrap_err();
    assert!(mistyped.to_string().contains("max_retaned"), "{mistyped}");
}

#[test]
fn a_position_is_written_and_read_by_serde() {
    let position = StreamPosition {
        epoch: 1,
        wal_position: 2,
        watermark: Some(-3),
        source_offsets: BTreeMap::from([("input".into(), u64::MAX)]),
        annotations: BTreeMap::from([("sink".into(), "0 7".into())]),
        ..StreamPosition::default()
    };
    let mut expected = json!({
        "epoch": 1, "wal_position": 2, "watermark": -3, "source_offsets": { "input": u64::MAX },
        "annotations": { "sink": "0 7" },
    });
    check(&position, &expected);
    let mut position = position;
    position.set_position("clicks", "0", Opaque::new([0, 0xff]).unwrap());
    position.set_position("clicks", "1", u64::MAX);
    position.set_partition_watermark("clicks", "0", -4);
    position.set_processing_time(5);
    position.set_sink_token("out", *b"token").unwrap();
    expected["positions"] = json!({ "clicks": { "0": "00ff", "1": u64::MAX } });
    expected["watermarks"] = json!({ "clicks": { "0": -4 } });
    expected["processing_time_ms"] = json!(5);
    expected["sinks"] = json!({ "out": "746f6b656e" });
    check(&position, &expected);
}

/// Adds a member in front of the first `before` of a checkpoint's metadata, and gives the text a checksum
/// that holds.
fn sealed_with(member: &str, before: &str) -> String {
    const TAIL: &str = "\"\n}";
    let json = checkpoint().to_json().unwrap();
    assert!(json.contains(before) && json.ends_with(TAIL));
    let edited = json.replacen(before, &format!("{member}, {before}"), 1);
    let covered = &edited[..edited.len() - 16 - TAIL.len()];
    format!("{covered}{:016x}{TAIL}", checksum(covered.as_bytes(), 0))
}

#[test]
fn an_unknown_field_of_sealed_metadata_is_refused_and_an_extension_is_skipped() {
    // The first place is among LaminarDB's fields, the second in Alluvium's own section.
    for (before, prefix) in [("\"epoch\"", ""), ("\"key_groups\"", "alluvium.")] {
        for value in ["1", "null", "[1, {}]", r#"{ "more": { "x-even": "more" } }"#] {
            let error = IncrementalCheckpointMetadata::from_json(&sealed_with(&format!("\"later\": {value}"), before));
            let error = error.unwrap_err();
            assert!(matches!(error, Error::Deserialization { .. }), "{error}");
            assert!(error.to_string().contains(&format!("unknown field {prefix}later")), "{error}");

            let extended = sealed_with(&format!("\"x-later\": {value}"), before);
            assert_eq!(IncrementalCheckpointMetadata::from_json(&extended).unwrap(), checkpoint());
            // serde_json reads the text itself, not only what `from_json` lets through.
            assert_eq!(serde_json::from_str::<IncrementalCheckpointMetadata>(&extended).unwrap(), checkpoint());
        }
    }
}
