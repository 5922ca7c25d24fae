//! Every error has the case that its caller acts by, and a text that names the place.

use std::fs;

use alluvium_test_harness::load;
use wasmtime_wasi::FsPerms;

use crate::support::{Error, OpenOptions, columns, engine, engine_with, options};

/// The case of an error, and its text.
fn of<T: std::fmt::Debug>(result: Result<T, Error>) -> (&'static str, String) {
    match result.expect_err("an error") {
        Error::NotFound(text) => ("not-found", text),
        Error::AlreadyExists(text) => ("already-exists", text),
        Error::Corruption(text) => ("corruption", text),
        Error::Fenced(text) => ("fenced", text),
        Error::NoSpace(text) => ("no-space", text),
        Error::LimitExceeded(text) => ("limit-exceeded", text),
        Error::InvalidInput(text) => ("invalid-input", text),
        Error::Backpressure(text) => ("backpressure", text),
        Error::Reopen(text) => ("reopen", text),
        Error::Unsupported(text) => ("unsupported", text),
        Error::Io(text) => ("io", text),
        Error::Other(text) => ("other", text),
    }
}

fn check<T: std::fmt::Debug>(result: Result<T, Error>, case: &str, says: &str) {
    let (found, text) = of(result);
    assert!(found == case && text.contains(says), "{found}: {text}; {case} with {says:?} expected");
}

#[test]
fn opening_says_what_is_wrong() {
    let scratch = tempfile::tempdir().unwrap();
    let mut engine = engine(scratch.path());
    check(engine.open(&OpenOptions { create: false, ..options() }), "not-found", "holds no checkpoint");
    check(engine.open(&OpenOptions { checkpoint: Some(9), ..options() }), "not-found", "checkpoint 9");
    check(engine.open(&OpenOptions { store_id: Some(vec![1; 15]), ..options() }), "invalid-input", "15 bytes, not 16");
    check(engine.open(&OpenOptions { max_retained: 0, ..options() }), "invalid-input", "max_retained");
    check(engine.open(&OpenOptions { interval_ms: 0, ..options() }), "invalid-input", "interval");
    let elsewhere = OpenOptions { directory: Some("elsewhere".into()), ..options() };
    check(engine.open(&elsewhere), "not-found", r#"it grants "data""#);
    assert_eq!(load(scratch.path()).len(), 0, "nothing is left behind");

    check(engine_with(&[]).open(&options()), "not-found", "it grants none");
    let two = tempfile::tempdir().unwrap();
    let granted = [(scratch.path(), "one", FsPerms::ReadWrite), (two.path(), "two", FsPerms::ReadWrite)];
    check(engine_with(&granted).open(&options()), "invalid-input", r#""one", "two": say which one"#);
}

#[test]
fn a_directory_that_may_only_be_read_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let mut engine = engine_with(&[(scratch.path(), "data", FsPerms::ReadOnly)]);
    check(engine.open(&options()), "io", "not-permitted");
}

#[test]
fn a_refused_batch_changes_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let mut engine = engine(scratch.path());
    let manager = engine.open(&OpenOptions { memory_limit_bytes: Some(64 << 20), ..options() }).unwrap();
    engine.put(manager, b"kept", b"old").unwrap();
    let good = columns(&[(b"kept", Some(b"new")), (b"more", Some(b"x"))]);
    let mut unknown = good.clone();
    unknown.ops[1] = 2;
    let mut lengths = good.clone();
    lengths.value_lens.pop();
    let mut sums = good.clone();
    sums.key_lens[0] = u32::MAX;
    let mut tail = good.clone();
    tail.values.push(0);
    let mut deletes = good.clone();
    deletes.ops[1] = 1;
    for (bad, case, says) in [
        (unknown, "invalid-input", "record 1: unknown operation 2"),
        (lengths, "invalid-input", "columns differ in length"),
        (sums, "limit-exceeded", "key of 4294967295 bytes"),
        (tail, "invalid-input", "add up to"),
        (deletes, "invalid-input", "record 1: a delete with a value"),
    ] {
        check(engine.on(manager, |m, s, this| m.call_apply(s, this, 0, &bad)), case, says);
        check(engine.state(|state, store| state.call_apply(store, 0, &bad)), case, says);
        assert_eq!(engine.get(manager, b"kept"), Some(b"old".to_vec()));
        assert_eq!(engine.on(manager, |m, s, this| m.call_len(s, this, 0)).unwrap(), 1);
    }
    check(engine.put(manager, &vec![0; 65_536], b""), "limit-exceeded", "key of 65536 bytes");
    check(engine.put(manager, b"large", &vec![0; 63 << 20]), "limit-exceeded", "memory");
    assert_eq!(engine.on(manager, |m, s, this| m.call_apply(s, this, 0, &good)).unwrap(), 2);
}

#[test]
fn nothing_goes_backwards() {
    let scratch = tempfile::tempdir().unwrap();
    let mut engine = engine(scratch.path());
    let manager = engine.open(&options()).unwrap();
    engine.on(manager, |m, s, this| m.call_set_epoch(s, this, u64::MAX)).unwrap();
    check(engine.on(manager, |m, s, this| m.call_set_epoch(s, this, 1)), "invalid-input", "backwards");
    engine.on(manager, |m, s, this| m.call_set_source_offset(s, this, "input", 10)).unwrap();
    check(engine.on(manager, |m, s, this| m.call_set_source_offset(s, this, "input", 9)), "invalid-input", "backwards");
    engine.on(manager, |m, s, this| m.call_checkpoint(s, this, 5)).unwrap();
    check(engine.on(manager, |m, s, this| m.call_checkpoint(s, this, 4)), "invalid-input", "backwards");
    check(engine.on(manager, |m, s, this| m.call_retain(s, this, 0)), "invalid-input", "keeping 0");
    check(engine.on(manager, |m, s, this| m.call_delete_checkpoint(s, this, 7)), "not-found", "checkpoint 7");
    check(engine.on(manager, |m, s, this| m.call_restore(s, this, 7)), "not-found", "checkpoint 7");
    check(engine.on(manager, |m, s, this| m.call_export_checkpoint(s, this, Some(7))), "not-found", "checkpoint 7");
}

/// Two engines on one directory: no locks, so the fence has to hold.
#[test]
fn the_later_of_two_writers_is_fenced_and_changes_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let (mut one, mut other) = (engine(scratch.path()), engine(scratch.path()));
    let (first, late) = (one.open(&options()).unwrap(), other.open(&options()).unwrap());
    one.put(first, b"who", b"first").unwrap();
    other.put(late, b"who", b"late").unwrap();
    one.checkpoint(first).unwrap();
    let before = load(scratch.path());
    check(other.checkpoint(late), "fenced", "another writer owns the directory");
    check(other.checkpoint(late), "fenced", "");
    let metadata = |files: &std::collections::BTreeMap<String, Vec<u8>>| -> Vec<_> {
        files.iter().filter(|(path, _)| path.ends_with("metadata.json")).map(|(p, c)| (p.clone(), c.clone())).collect()
    };
    let after = load(scratch.path());
    assert_eq!(metadata(&after), metadata(&before), "no checkpoint came or went");
    assert!(before.iter().all(|(path, content)| after.get(path) == Some(content)), "no file has changed");

    let mut third = engine(scratch.path());
    let manager = third.open(&options()).unwrap();
    assert_eq!(third.get(manager, b"who"), Some(b"first".to_vec()));
}

#[test]
fn damage_is_named_and_passed_over_only_when_allowed() {
    let scratch = tempfile::tempdir().unwrap();
    let mut writer = engine(scratch.path());
    let manager = writer.open(&options()).unwrap();
    for value in [b"one", b"two"] {
        writer.put(manager, b"key", value).unwrap();
        writer.checkpoint(manager).unwrap();
    }
    drop(writer);
    let path = scratch.path().join("checkpoint_0000000000000002/metadata.json");
    let mut content = fs::read(&path).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(&path, content).unwrap();

    let mut engine = engine(scratch.path());
    check(engine.open(&options()), "corruption", "checkpoint_0000000000000002/metadata.json");
    let manager = engine.open(&OpenOptions { allow_fallback: true, ..options() }).unwrap();
    let recovered = engine.on(manager, |m, s, this| m.call_recovered(s, this)).unwrap();
    assert_eq!((recovered.checkpoint_id, recovered.skipped[0].id), (1, 2));
    assert!(recovered.skipped[0].reason.contains("metadata.json"), "{}", recovered.skipped[0].reason);
    assert_eq!(engine.get(manager, b"key"), Some(b"one".to_vec()));
    let report = engine.on(manager, |m, s, this| m.call_verify(s, this)).unwrap();
    let damaged: Vec<_> = report.findings.iter().filter(|f| f.severity == crate::support::Severity::Damage).collect();
    assert_eq!(damaged[0].path, "checkpoint_0000000000000002/metadata.json");
}
