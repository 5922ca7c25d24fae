//! What a checkpoint knows of the stream beside offsets: positions, watermarks, tokens, and who wrote it.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::{Error, OpenOptions, PartitionWatermark, Position, SinkToken, SourcePosition, engine, options};

/// A text for each fact, so that lists of records can be compared.
fn facts(positions: &[SourcePosition], watermarks: &[PartitionWatermark], tokens: &[SinkToken]) -> Vec<String> {
    let position = |at: &SourcePosition| match &at.position {
        Position::Offset(offset) => format!("{}/{}: {offset}", at.source, at.partition),
        Position::Opaque(bytes) => format!("{}/{}: {bytes:?}", at.source, at.partition),
    };
    let watermark = |at: &PartitionWatermark| format!("{}/{}: {} ms", at.input, at.partition, at.watermark_ms);
    let token = |at: &SinkToken| format!("{}: {:?}", at.sink, at.token);
    let positions = positions.iter().map(position);
    positions.chain(watermarks.iter().map(watermark)).chain(tokens.iter().map(token)).collect()
}

/// The names of the segments in a directory.
fn segments(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory.join("segments")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn positions_watermarks_and_tokens_are_recovered_with_the_state() {
    let scratch = tempfile::tempdir().unwrap();
    let expected = [
        "clicks/0: [0, 255]",
        "clicks/1: 18446744073709551615",
        "orders/: []",
        "clicks/0: -7 ms",
        "clicks/1: 5 ms",
        "out: [116, 49]",
    ];
    let mut writer = engine(scratch.path());
    let manager = writer.open(&OpenOptions { writer: Some(0xab), ..options() }).unwrap();
    for (source, partition, position) in [
        ("orders", "", Position::Opaque(vec![9])),
        ("clicks", "1", Position::Offset(u64::MAX)),
        ("clicks", "0", Position::Opaque(vec![0, 0xff])),
        ("orders", "", Position::Opaque(vec![])),
    ] {
        writer.on(manager, |m, s, this| m.call_set_position(s, this, source, partition, &position)).unwrap();
    }
    for (partition, watermark_ms) in [("0", -7), ("1", 5), ("1", 4)] {
        writer.on(manager, |m, s, this| m.call_set_partition_watermark(s, this, "clicks", partition, watermark_ms));
    }
    for time_ms in [9, 8] {
        writer.on(manager, |m, s, this| m.call_set_processing_time(s, this, time_ms));
    }
    writer.on(manager, |m, s, this| m.call_set_sink_token(s, this, "out", b"t1")).unwrap();
    let info = writer.checkpoint(manager).unwrap().info;
    assert_eq!(facts(&info.positions, &info.partition_watermarks, &info.sink_tokens), expected);
    assert_eq!((info.processing_time_ms, info.writer), (Some(9), 0xab));
    drop(writer);

    let mut reader = engine(scratch.path());
    let manager = reader.open(&options()).unwrap();
    let positions = reader.on(manager, |m, s, this| m.call_positions(s, this));
    let watermarks = reader.on(manager, |m, s, this| m.call_partition_watermarks(s, this));
    let tokens = reader.on(manager, |m, s, this| m.call_sink_tokens(s, this));
    assert_eq!(facts(&positions, &watermarks, &tokens), expected);
    assert_eq!(reader.on(manager, |m, s, this| m.call_processing_time(s, this)), Some(9));
    assert_eq!(reader.on(manager, |m, s, this| m.call_watermark(s, this)), None, "the stream's is the caller's");
}

#[test]
fn a_position_and_a_token_have_at_most_a_kibibyte() {
    let scratch = tempfile::tempdir().unwrap();
    let mut engine = engine(scratch.path());
    let manager = engine.open(&options()).unwrap();
    for (bytes, fits) in [(1_024, true), (1_025, false)] {
        let position = Position::Opaque(vec![7; bytes]);
        let set = engine.on(manager, |m, s, this| m.call_set_position(s, this, "clicks", "0", &position));
        let token = engine.on(manager, |m, s, this| m.call_set_sink_token(s, this, "out", &vec![7; bytes]));
        for result in [set, token] {
            assert_eq!(result.is_ok(), fits, "{bytes}");
            assert!(fits || matches!(result, Err(Error::LimitExceeded(_))), "{result:?}");
        }
    }
    let kept = engine.on(manager, |m, s, this| m.call_positions(s, this));
    assert!(matches!(&kept[0].position, Position::Opaque(bytes) if bytes.len() == 1_024), "it is unchanged");
}

#[test]
fn the_files_of_a_writer_have_its_number() {
    let scratch = tempfile::tempdir().unwrap();
    for writer in [0x1234, 0x5678] {
        let mut engine = engine(scratch.path());
        let manager = engine.open(&OpenOptions { writer: Some(writer), ..options() }).unwrap();
        engine.put(manager, &writer.to_le_bytes(), b"value").unwrap();
        engine.checkpoint(manager).unwrap();
    }
    let names = segments(scratch.path());
    for writer in ["0000000000001234", "0000000000005678"] {
        assert!(names.iter().any(|name| name.contains(&format!("-{writer}."))), "{writer} in {names:?}");
    }
}

#[test]
fn a_directory_is_begun_beside_lost_checkpoints_only_when_that_is_asked_for() {
    let scratch = tempfile::tempdir().unwrap();
    let mut writer = engine(scratch.path());
    let manager = writer.open(&options()).unwrap();
    writer.put(manager, b"a", b"1").unwrap();
    writer.checkpoint(manager).unwrap();
    drop(writer);
    for entry in std::fs::read_dir(scratch.path()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().starts_with("checkpoint_") {
            std::fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    let remains = segments(scratch.path());
    let mut beside = engine(scratch.path());
    assert!(beside.open(&options()).is_err(), "segments without a checkpoint are no new directory");
    let manager = beside.open(&OpenOptions { begin_beside_remains: true, ..options() }).unwrap();
    assert_eq!(beside.get(manager, b"a"), None);
    beside.put(manager, b"b", b"2").unwrap();
    beside.checkpoint(manager).unwrap();
    let now = segments(scratch.path());
    assert!(!remains.is_empty() && remains.is_subset(&now) && now.len() > remains.len(), "{remains:?}, {now:?}");
}
