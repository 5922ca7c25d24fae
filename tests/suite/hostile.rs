//! Directories made to hurt: a typed error, and no more memory than the files themselves ask for.

use alluvium_core::IncrementalCheckpointError as Error;
use alluvium_core::IncrementalCheckpointMetadata;
use alluvium_core::directory::block_on;
use alluvium_core::model::hash::checksum;
use alluvium_test_harness::golden::Golden;
use alluvium_test_harness::hostile::{METADATA, NAMES_THAT_LEAD_ELSEWHERE, bounded, refused, sealed};
use alluvium_test_harness::{Expected, Files, checkpoint, fresh, keep, memory, open, open_with, options};

/// The golden directory `small` with its metadata edited and sealed again.
fn forged(from: &str, to: &str) -> Files {
    let mut files = Golden::named("small").files;
    let json = String::from_utf8(files[METADATA].clone()).unwrap();
    assert!(json.contains(from), "{from} is not in {json}");
    files.insert(METADATA.into(), sealed(&json.replace(from, to)));
    files
}

fn check_refused(files: Files, what: &str) -> Error {
    refused(files).unwrap_or_else(|why| panic!("{what}: {why}"))
}

#[test]
fn lengths_and_counts_out_of_this_world() {
    let golden = Golden::named("small");
    let json = String::from_utf8(golden.files[METADATA].clone()).unwrap();
    let field = |name: &str| {
        let at = json.find(&format!("\"{name}\"")).unwrap_or_else(|| panic!("{name} in {json}"));
        let end = json[at..].find([',', '\n', '}']).unwrap();
        json[at..at + end].to_string()
    };
    let huge = [1_u64 << 63, u64::MAX, u64::from(u32::MAX), 1 << 40];
    for value in huge {
        for name in ["key_count", "state_bytes"] {
            check_refused(forged(&field(name), &format!("\"{name}\": {value}")), &format!("{name} {value}"));
        }
        let bytes = json.rfind("\"bytes\":").map(|at| &json[at..at + json[at..].find(',').unwrap()]).unwrap();
        check_refused(forged(bytes, &format!("\"bytes\":{value}")), &format!("segment of {value} bytes"));
    }
    let chunks = json.rfind("\"chunks\":").map(|at| &json[at..at + json[at..].find(',').unwrap()]).unwrap();
    for value in [0, 2, u32::MAX] {
        check_refused(forged(chunks, &format!("\"chunks\":{value}")), &format!("{value} chunks"));
    }
    for number in ["18446744073709551616", "-1", "1e3", "0.5", "\"1\"", "null"] {
        check_refused(forged(&field("key_count"), &format!("\"key_count\": {number}")), number);
    }
}

#[test]
fn a_chunk_table_that_claims_more_records_than_bytes() {
    // One key, so that the chunk lies in one group: recovery makes room for as many as it is told.
    let (directory, mut manager) = fresh();
    manager.put(b"bed", b"gravel").unwrap();
    checkpoint(&mut manager);
    let files = directory.to_files();
    let json = String::from_utf8(files[METADATA].clone()).unwrap();
    let path = files.keys().find(|path| path.ends_with(".base")).unwrap();
    let mut segment = files[path].clone();
    let table = segment.len() - 40;
    // One chunk entry: bytes, records, tombstones, flags, hashes, checksum. The forger recomputes all sums.
    for records in [u32::MAX, 1 << 30, 1 << 24] {
        segment[table + 4..table + 8].copy_from_slice(&records.to_le_bytes());
        let sum = checksum(&segment[table..], checksum(&segment[..64], 0));
        segment[64..72].copy_from_slice(&sum.to_le_bytes());
        let at = json.rfind("\"checksum\":\"").unwrap() + "\"checksum\":\"".len();
        let edited = format!("{}{sum:016x}{}", &json[..at], &json[at + 16..]);
        let mut files = files.clone();
        files.insert(path.clone(), segment.clone());
        files.insert(METADATA.into(), sealed(&edited));
        let error = check_refused(files, &format!("{records} records in a small chunk"));
        assert!(error.to_string().contains(path.as_str()), "{error}");
    }
}

#[test]
fn names_that_lead_elsewhere() {
    let golden = Golden::named("small");
    let path = golden.files.keys().find(|path| path.ends_with(".base")).unwrap().clone();
    for name in NAMES_THAT_LEAD_ELSEWHERE {
        let error = check_refused(forged(&path, name), name);
        assert!(matches!(error, Error::Deserialization { .. }), "{name}: {error:?}");
    }
}

#[test]
fn laminar_metadata_names_nothing_that_is_opened() {
    // It has no checksum and always an empty list there; this forgery wants a file to be read.
    for name in ["../../etc/passwd", "/etc/passwd", "segments/0000000000000001.base", "notes.txt"] {
        let mut metadata = IncrementalCheckpointMetadata::new(1, 10);
        metadata.sst_files = vec![name.into()];
        let files = Files::from([
            (METADATA.to_string(), metadata.to_json().unwrap().into_bytes()),
            ("notes.txt".to_string(), b"private".to_vec()),
        ]);
        let directory = memory(files);
        if let Ok(mut manager) = open(&directory) {
            assert!(manager.is_empty());
            checkpoint(&mut manager);
            block_on(manager.delete_checkpoint(1)).unwrap();
            block_on(manager.collect_garbage()).unwrap();
        }
        assert_eq!(directory.to_files()["notes.txt"], b"private", "{name}");
        let exported = block_on(alluvium_core::archive::export(&*directory, Some(1)));
        assert!(exported.is_err(), "{name} must not leave in an archive");
    }
}

#[test]
fn json_a_million_deep() {
    for (opening, closing) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", opening.repeat(1_000_000), closing.repeat(1_000_000));
        check_refused(Files::from([(METADATA.to_string(), deep.clone().into_bytes())]), "deep");
        let json = String::from_utf8(Golden::named("small").files[METADATA].clone()).unwrap();
        let within = json.replace("\"key_groups\"", &format!("\"x-more\": {deep},\n    \"key_groups\""));
        let mut files = Golden::named("small").files;
        files.insert(METADATA.into(), sealed(&within));
        // The reader skips an extension without recursion, so depth costs neither stack nor much memory.
        let directory = memory(files);
        let opened = bounded("opening", || open(&directory).map(|manager| Expected::of(&manager)));
        assert_eq!(opened.unwrap().unwrap(), Golden::named("small").checkpoints[&1], "deep within an extension");
    }
}

#[test]
fn metadata_that_is_no_metadata() {
    for content in [&b""[..], b"{}", b"[]", b"null", b"\0\0\0\0", b"\xff\xfe", b"{\"id\":1}", &[b' '; 4096]] {
        check_refused(Files::from([(METADATA.to_string(), content.to_vec())]), &format!("{content:?}"));
    }
}

#[test]
fn fields_twice_and_segments_twice() {
    check_refused(forged("\"epoch\": 1,", "\"epoch\": 1,\n  \"epoch\": 2,"), "epoch twice");
    let golden = Golden::named("small");
    let json = String::from_utf8(golden.files[METADATA].clone()).unwrap();
    let start = json.find("\n      {\"path\"").unwrap();
    let end = start + json[start..].find('}').unwrap() + 1;
    let entry = &json[start..end];
    let path = golden.files.keys().find(|path| path.ends_with(".base")).unwrap();
    let twice = json.replace(entry, &format!("{entry},{entry}"));
    let twice = twice.replacen(&format!("\"{path}\"\n"), &format!("\"{path}\",\n    \"{path}\"\n"), 1);
    assert_ne!(twice, json);
    let mut files = golden.files.clone();
    files.insert(METADATA.into(), sealed(&twice));
    check_refused(files, "the same segment twice");
}

#[test]
fn a_checkpoint_that_is_its_own_parent() {
    // The parent is a note for people: recovery follows no chain, so there is no cycle to fall into.
    let golden = Golden::named("small");
    let files = forged("\"parent_id\": null", "\"parent_id\": 1");
    let manager = open(&memory(files)).unwrap();
    assert_eq!(Expected::of(&manager), golden.checkpoints[&1]);
}

#[test]
fn epochs_offsets_and_positions_at_their_maximum() {
    let (directory, mut manager) = fresh();
    manager.put(b"bed", b"gravel").unwrap();
    manager.set_epoch(u64::MAX).unwrap();
    manager.set_source_offset("input", u64::MAX).unwrap();
    manager.set_watermark(i64::MAX);
    block_on(manager.create_checkpoint(u64::MAX)).unwrap();
    let expected = Expected::of(&manager);
    assert!(matches!(manager.set_epoch(0), Err(Error::EpochMismatch { expected: u64::MAX, found: 0 })));
    let mut manager = open(&directory).unwrap();
    assert_eq!(Expected::of(&manager), expected);
    block_on(manager.create_checkpoint(u64::MAX)).unwrap();
    assert_eq!(Expected::of(&open(&directory).unwrap()), expected);
}

#[test]
fn the_last_segment_number_is_not_followed_by_the_first() {
    let mut files = Golden::named("small").files;
    let leftover = "segments/ffffffffffffffff.delta";
    files.insert(leftover.into(), b"left by no writer".to_vec());
    let directory = memory(files);
    let outcome = open(&directory).and_then(|mut manager| {
        manager.put(b"one", b"more")?;
        block_on(manager.create_checkpoint(1_000)).map(|_| ())
    });
    // Refused, or a number that is free; never one that wraps onto a file that is there.
    if let Err(error) = &outcome {
        assert!(matches!(error, Error::LimitExceeded(_)), "{error:?}");
    }
    for (path, content) in Golden::named("small").files {
        assert_eq!(directory.to_files().get(&path), Some(&content), "{path}");
    }
}

#[test]
fn logs_that_lead_nowhere() {
    let golden = Golden::named("logged");
    let whole = golden.files.values().find(|content| content.starts_with(b"ALLUVSEG")).unwrap().clone();
    for (name, content) in [
        ("wal/0000000000000002-ffffffffffffffff.log", &b""[..]),
        ("wal/0000000000000002-0000000000000005.log", &whole),
        ("wal/0000000000000002-0000000000000000.log", &whole),
    ] {
        let mut files = golden.files.clone();
        files.insert(name.into(), content.to_vec());
        let error = check_refused(files, name);
        assert!(error.to_string().contains("wal/"), "{name}: {error}");
    }
    // After checkpoints that are not there, they belong to no checkpoint: they are left alone until they are in the way.
    for name in ["wal/ffffffffffffffff-0000000000000001.log", "wal/0000000000000000-0000000000000001.log"] {
        let mut files = golden.files.clone();
        files.insert(name.into(), whole.clone());
        let manager = open(&memory(files)).unwrap();
        assert_eq!(Expected::of(&manager), *golden.expected(golden.latest(), golden.logged.len()), "{name}");
    }
}

#[test]
fn keys_and_values_beyond_the_limits() {
    use alluvium_core::model::record::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
    let (directory, mut manager) = fresh();
    let limit = |outcome: Result<(), Error>| assert!(matches!(outcome, Err(Error::LimitExceeded(_))), "{outcome:?}");
    limit(manager.put(&vec![0; KEY_BYTES_MAX + 1], b""));
    limit(manager.put(b"", &vec![0; VALUE_BYTES_MAX + 1]));
    assert!(manager.is_empty());
    manager.put(&vec![7; KEY_BYTES_MAX], b"the longest key").unwrap();
    manager.put(b"the longest value", &vec![8; VALUE_BYTES_MAX]).unwrap();
    checkpoint(&mut manager);
    let manager = open_with(&directory, keep(1), options()).unwrap();
    assert_eq!(manager.get(&vec![7; KEY_BYTES_MAX]), Some(b"the longest key".as_slice()));
    assert!(manager.get(b"the longest value").is_some_and(|value| value == vec![8; VALUE_BYTES_MAX]));
}

#[test]
fn source_names_of_every_kind() {
    let (directory, mut manager) = fresh();
    for name in [
        "",
        "\"quoted\"",
        "line\nbreak",
        "nul\0",
        "\u{1f30a}",
        "checksum",
        "alluvium",
        "},\"checksum\": \"",
        &"n".repeat(10_000),
    ] {
        manager.set_source_offset(name, 1).unwrap();
    }
    checkpoint(&mut manager);
    assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&manager));
}
