//! export and import: one file that stands alone, and LaminarDB's form.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use alluvium_core::format::laminar_snapshot::decode_state_snapshot;
use serde_json::Value;

use crate::support::{Bench, alluvium, fails, files, laminardb, ok, text};

#[test]
fn an_exported_checkpoint_stands_alone() {
    let bench = Bench::with_checkpoints();
    for id in ["1", "2", "3"] {
        let file = text(&bench.path(&format!("{id}.tar")));
        ok(bench.over_dir("export", &[&file, "--id", id]));
        let elsewhere = text(&bench.path(&format!("elsewhere-{id}")));
        ok(["import", &file, &elsewhere]);
        assert!(ok(["dump", &elsewhere]) == ok(bench.over_dir("dump", &["--id", id])), "checkpoint {id}");
        assert!(ok(["verify", &elsewhere]).starts_with("whole: 1 checkpoint recovered"));
    }
    // A run continues from the imported checkpoint as from the original one.
    let away = Bench::new();
    ok(["import", &text(&bench.path("3.tar")), &away.dir_text()]);
    for bench in [&bench, &away] {
        ok(bench.run_arguments(&["--stop-after", "1000"]));
    }
    assert!(bench.dump() == away.dump());
}

#[test]
fn imports_that_must_not_happen() {
    let bench = Bench::with_checkpoints();
    let file = bench.path("one.tar");
    ok(bench.over_dir("export", &[&text(&file)]));
    fails(["import", &text(&file), &bench.dir_text()], &bench.dir(), &["is not empty"]);
    let whole = fs::read(&file).expect("the archive");
    let elsewhere = bench.path("elsewhere");
    let bad = |content: &[u8], words: &[&str]| {
        let bad = bench.path("bad.tar");
        fs::write(&bad, content).expect("it writes");
        fails(["import", &text(&bad), &text(&elsewhere)], &elsewhere, &[&["bad.tar"], words].concat());
        assert!(!elsewhere.exists(), "nothing is created");
    };
    bad(&whole[..whole.len() / 2], &[]);
    bad(b"not a tar", &[]);
    let mut damaged = whole.clone();
    damaged[whole.len() / 3] ^= 1;
    bad(&damaged, &[]);
    fails(["import", "no-such.tar", &text(&elsewhere)], &elsewhere, &["no-such.tar"]);
}

/// Keys and values of a `state.bin` of LaminarDB.
fn snapshot(path: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let bytes = fs::read(path).expect("a state");
    let snapshot = decode_state_snapshot(&bytes).expect("a snapshot");
    snapshot.entries.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

#[test]
fn to_alluvium_and_back_keeps_keys_values_and_position() {
    let bench = Bench::new();
    let source = laminardb("snapshot");
    ok(["import", "--format", "laminardb", &text(&source), &bench.dir_text()]);
    let imported: Value = serde_json::from_str(&ok(bench.over_dir("show", &["--json"]))).expect("JSON");
    assert_eq!(imported["key_count"], 50);
    let back = bench.path("back");
    ok(["export", "--format", "laminardb", &bench.dir_text(), &text(&back)]);
    let (of_source, of_back) = ("checkpoint_0000000000000003", "checkpoint_0000000000000001");
    let before = snapshot(&source.join(of_source).join("state.bin"));
    assert!(before.len() == 50 && before == snapshot(&back.join(of_back).join("state.bin")));
    let metadata = |path: &Path| -> Value {
        serde_json::from_slice(&fs::read(path.join("metadata.json")).expect("metadata")).expect("JSON")
    };
    let (before, after) = (metadata(&source.join(of_source)), metadata(&back.join(of_back)));
    for member in ["epoch", "wal_position", "source_offsets", "watermark", "size_bytes", "key_count", "sst_files"] {
        assert_eq!(before[member], after[member], "{member}");
    }
    assert_eq!(after.get("alluvium"), None, "nothing that LaminarDB does not know");
    // What was exported opens as LaminarDB's own do.
    assert!(ok(["dump", &text(&back)]) == bench.dump() && bench.dump().lines().count() == 50);
}

#[test]
fn every_directory_of_laminardb_is_read_and_left_as_it_is() {
    let check = |name: &str, code: i32, words: &[&str]| {
        let directory = laminardb(name);
        let before = files(&directory);
        for verb in ["list", "show", "dump", "verify"] {
            let done = alluvium([verb, &text(&directory)]);
            let expected = if verb == "list" { 0 } else { code.min(if verb == "verify" { 1 } else { 2 }) };
            if !(verb == "dump" && matches!(name, "opaque" | "retained" | "partial")) {
                assert_eq!(done.code, Some(expected), "{verb} {name}: {}{}", done.out, done.err);
            }
        }
        let shown = alluvium(["show", &text(&directory)]);
        for word in words {
            assert!((shown.out.clone() + &shown.err).contains(word), "{name}: {word:?} is missing in {shown:?}");
        }
        assert_eq!(files(&directory), before, "{name} is left as it is");
    };
    check("opaque", 0, &["checkpoint     3", "source-a at 300", "source-b at 600", "15000 ms", "LaminarDB"]);
    check("snapshot", 0, &["checkpoint     3", "epoch          30", "wal position   3000"]);
    check("bare", 0, &["checkpoint     4", "wal position   4000"]);
    check("retained", 0, &["checkpoint     6", "source-a at 600"]);
    check("torn", 2, &["checkpoint_0000000000000003/metadata.json"]);
    let partial = alluvium(["show", &text(&laminardb("partial")), "1"]);
    assert_eq!(partial.code, Some(0), "{}", partial.err);
    assert!(ok(["list", &text(&laminardb("partial"))]).contains("partial"));
}

#[test]
fn importing_from_laminardb_asks_before_it_takes_an_older_one() {
    let bench = Bench::new();
    let torn = text(&laminardb("torn"));
    let to = bench.dir_text();
    fails(["import", "--format", "laminardb", &torn, &to], &bench.dir(), &["checkpoint_0000000000000003"]);
    ok(["import", "--format", "laminardb", &torn, &to, "--id", "2"]);
    assert_eq!(bench.dump().lines().count(), 50);
    // An opaque state is kept verbatim and given back verbatim.
    let (opaque, back) = (Bench::new(), bench.path("back"));
    // `original` is the name that earlier versions had for it.
    ok(["import", "--format", "original", &text(&laminardb("opaque")), &opaque.dir_text()]);
    ok(["export", "--format", "laminardb", &opaque.dir_text(), &text(&back)]);
    let state = |path: &Path| fs::read(path.join("state.bin")).expect("a state");
    assert_eq!(
        state(&laminardb("opaque").join("checkpoint_0000000000000003")),
        state(&back.join("checkpoint_0000000000000001"))
    );
}
