//! A directory that holds files of checkpoints and no checkpoint: every command says so, and none deletes anything.

use std::fs;
use std::path::Path;

use crate::support::{Bench, alluvium, delays, fails, files, flights, text};

/// Removes the metadata of every checkpoint.
fn lose_metadata(directory: &Path) {
    let mut removed = 0;
    for path in files(directory).into_keys().filter(|path| path.ends_with("metadata.json")) {
        fs::remove_file(path).expect("it was listed");
        removed += 1;
    }
    assert!(removed > 0, "no metadata in {}", directory.display());
}

fn lost() -> Bench {
    let bench = Bench::with_checkpoints();
    lose_metadata(&bench.dir());
    bench
}

const SAID: [&str; 3] = ["no checkpoint, but files of checkpoints", "segments/", "half of a copy"];

#[test]
fn every_command_refuses_it_and_says_what_there_is() {
    let bench = lost();
    for verb in ["show", "dump", "top", "gc"] {
        fails(bench.over_dir(verb, &[]), &bench.dir(), &SAID);
    }
    fails(bench.over_dir("gc", &["--dry-run"]), &bench.dir(), &SAID);
    for verb in ["restore", "delete"] {
        fails(bench.over_dir(verb, &["1"]), &bench.dir(), &SAID);
    }
    fails(bench.over_dir("export", &[&text(&bench.path("to"))]), &bench.dir(), &SAID);
    for arguments in [&[][..], &["--json"]] {
        let listed = alluvium(bench.over_dir("list", arguments));
        assert_eq!(listed.code, Some(1), "{listed:?}");
        assert!(SAID.iter().all(|said| listed.err.contains(said)), "{listed:?}");
    }
    let verified = alluvium(bench.over_dir("verify", &[]));
    assert_eq!(verified.code, Some(1), "{verified:?}");
    assert!(SAID.iter().all(|said| verified.out.contains(said)), "{verified:?}");
}

#[test]
fn a_run_refuses_it_and_create_begins_beside_what_is_there() {
    let bench = lost();
    let before = files(&bench.dir());
    let arguments = bench.run_arguments(&["--checkpoint-every", "1000", "--stop-after", "3000"]);
    let refused = fails(arguments.clone(), &bench.dir(), &SAID);
    assert!(refused.err.contains("alluvium run --create"), "{refused:?}");
    let mut creating = arguments.clone();
    creating.push("--create".into());
    // Whether the option is given again makes no difference once there is a checkpoint.
    for arguments in [&creating, &arguments, &creating] {
        let done = alluvium(arguments);
        assert_eq!(done.code, Some(0), "{done:?}");
        let after = files(&bench.dir());
        for (path, content) in &before {
            assert_eq!(after.get(path), Some(content), "{}", path.display());
        }
    }
    let collected = alluvium(bench.over_dir("gc", &[]));
    assert_eq!(collected.code, Some(0), "{collected:?}");
    let after = files(&bench.dir());
    assert!(before.keys().all(|path| !after.contains_key(path)), "{collected:?}");
    assert_eq!(alluvium(bench.over_dir("verify", &[])).code, Some(0));
}

#[test]
fn an_empty_or_missing_directory_begins_without_the_option() {
    for is_there in [true, false] {
        let bench = Bench::new();
        if is_there {
            fs::create_dir(bench.dir()).expect("a directory");
        }
        let done = alluvium([
            "run",
            &text(&delays()),
            "--dir",
            &text(&bench.dir()),
            "--input",
            &text(&flights()),
            "--stop-after",
            "100",
        ]);
        assert_eq!(done.code, Some(0), "{done:?}");
    }
}
