//! migrate: directories of version 2 and of LaminarDB, rewritten in the newest format.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Bench, alluvium, fails, files, laminardb, ok, text};

/// A copy of a directory that an earlier version wrote.
fn copy(bench: &Bench, from: &Path) -> PathBuf {
    let to = bench.path("older");
    for (path, content) in files(from) {
        let path = to.join(path.strip_prefix(from).expect("below"));
        fs::create_dir_all(path.parent().expect("a directory")).expect("it is created");
        fs::write(path, content).expect("it writes");
    }
    to
}

#[test]
fn a_directory_of_version_2_holds_the_same_afterwards() {
    let bench = Bench::new();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/v2/deltas");
    let dir = copy(&bench, &golden);
    let dump = ok(["dump", &text(&dir)]);
    let told = ok(["migrate", &text(&dir), "--json"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(
        (&told["written"], &told["left"], &told["errors"]),
        (&6.into(), &Value::Array(vec![]), &Value::Array(vec![]))
    );
    assert!(told["deleted"].as_array().is_some_and(|deleted| !deleted.is_empty()), "{told}");
    assert_eq!(ok(["dump", &text(&dir)]), dump);
    assert!(ok(["verify", &text(&dir)]).starts_with("whole: 1 checkpoint recovered"));
    let before = files(&dir);
    assert_eq!(ok(["migrate", &text(&dir)]), "the newest checkpoint is in the newest format already\n");
    assert_eq!(files(&dir), before);
}

#[test]
fn what_laminardb_wrote_stays_opaque() {
    let bench = Bench::new();
    let dir = copy(&bench, &laminardb("opaque"));
    let states = |dir: &Path| {
        let is_state = |path: &PathBuf| path.ends_with("state.bin");
        files(dir).into_iter().filter(|(path, _)| is_state(path)).map(|(_, content)| content).collect::<Vec<_>>()
    };
    let newest = states(&dir).pop().expect("a state");
    assert!(ok(["migrate", &text(&dir)]).starts_with("wrote checkpoint "));
    assert_eq!(states(&dir), [newest]);
}

#[test]
fn a_damaged_directory_is_left_as_it_is() {
    let bench = Bench::new();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/v2/deltas");
    let dir = copy(&bench, &golden);
    let segment = dir.join("segments/0000000000000004.delta");
    let mut content = fs::read(&segment).expect("a segment");
    content[80] ^= 1;
    fs::write(&segment, content).expect("it writes");
    // An older checkpoint is whole, but what the newest hid would be deleted.
    fails(["migrate", &text(&dir)], &dir, &["segments/0000000000000004.delta"]);
    assert_eq!(alluvium(["migrate", "no-such-directory"]).code, Some(2));
}
