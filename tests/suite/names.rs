//! Work that must not grow with names that do not matter: foreign files, and what crashes left behind. System calls
//! are counted from outside, by strace.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use alluvium::NativeDirectory;
use alluvium_core::directory::block_on;
use alluvium_core::model::work::take_names_read;
use alluvium_core::tools::{inspect, verify::verify};
use alluvium_core::{MaintenanceReport, gc};
use alluvium_test_harness::{Files, checkpoint, has_strace, keep, memory, open_with, options, skipped};

/// How many checkpoints [`checkpoints`] takes.
const CHECKPOINTS: usize = 5;

/// What the tests below run under strace.
#[test]
#[ignore = "run by other tests, under strace"]
fn checkpoints() {
    let path = std::env::var_os("ALLUVIUM_TRACED").expect("the directory to write to");
    let directory = Arc::new(NativeDirectory::open_exclusive(path).unwrap());
    let mut manager = open_with(&directory, keep(2), options()).unwrap();
    for round in 0..CHECKPOINTS {
        manager.put(b"round", &[round as u8]).unwrap();
        checkpoint(&mut manager);
    }
}

/// Returns how many calls of the kinds in `trace` a run of [`checkpoints`] makes over a directory, or `None` where
/// they cannot be counted.
fn calls(test: &str, directory: &Path, trace: &str) -> Option<usize> {
    if !has_strace() {
        skipped(test, "strace is missing or not allowed");
        return None;
    }
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("trace");
    let output = Command::new("strace")
        .args(["-f", "-qq", "-e", &format!("trace={trace}"), "-o"])
        .arg(&log)
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "names::checkpoints"].map(OsStr::new))
        .env("ALLUVIUM_TRACED", directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(fs::read_to_string(&log).unwrap().lines().count())
}

fn numbered(directory: &Path, count: usize, name: impl Fn(usize) -> String) {
    for number in 0..count {
        let path = directory.join(name(number));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"").unwrap();
    }
}

#[test]
fn a_checkpoint_looks_at_no_foreign_file() {
    let stats = "newfstatat,statx,stat,lstat";
    let count = |foreign: usize| {
        let scratch = tempfile::tempdir().unwrap();
        numbered(scratch.path(), foreign / 3, |number| format!("note-{number}.txt"));
        numbered(scratch.path(), foreign / 3, |number| format!("segments/readme-{number}"));
        numbered(scratch.path(), foreign / 3, |number| format!("more/of/them-{number}"));
        calls("a_checkpoint_looks_at_no_foreign_file", scratch.path(), stats)
    };
    let (Some(none), Some(many)) = (count(0), count(3_000)) else { return };
    assert!(many < none + 500, "{none} files were looked at, and {many} with 3,000 foreign ones");
}

#[test]
fn opening_syncs_many_directories_at_once() {
    let scratch = tempfile::tempdir().unwrap();
    numbered(scratch.path(), 1_000, |number| format!("checkpoint_{:016x}/state.bin", number + 9));
    numbered(scratch.path(), 1, |_| "checkpoint_0000000000000000/deleted".into());
    let syncs = calls("opening_syncs_many_directories_at_once", scratch.path(), "fsync,fdatasync,syncfs");
    let Some(syncs) = syncs else { return };
    assert!(syncs < 150, "{syncs} syncs");
}

/// Returns the files of a directory with one checkpoint.
fn one_checkpoint() -> Files {
    let directory = memory(Files::new());
    let mut manager = open_with(&directory, keep(2), options()).unwrap();
    manager.put(b"bed", b"gravel").unwrap();
    checkpoint(&mut manager);
    directory.to_files()
}

#[test]
fn one_maintenance_deletes_a_bounded_number_of_leftovers() {
    let partial = |number: usize| (format!("checkpoint_{:016x}/state.bin", number + 9), Vec::new());
    let mut files = one_checkpoint();
    files.extend((0..1_000).map(partial));
    let directory = memory(files);
    let mut manager = open_with(&directory, keep(2), options()).unwrap();
    let mut deleted = Vec::new();
    for _ in 0..8 {
        checkpoint(&mut manager);
        let report: &MaintenanceReport = manager.last_maintenance().unwrap();
        assert_eq!(report.errors, [""; 0]);
        deleted.push(report.deleted.iter().filter(|path| path.ends_with("state.bin")).count());
    }
    assert!(deleted.iter().all(|count| *count <= 256), "{deleted:?}");
    assert_eq!(deleted.iter().sum::<usize>(), 1_000, "{deleted:?}");
    // A collection that was asked for deletes all of them.
    let mut files = one_checkpoint();
    files.extend((0..1_000).map(partial));
    let directory = memory(files);
    block_on(open_with(&directory, keep(2), options()).unwrap().collect_garbage()).unwrap();
    assert!(directory.to_files().keys().all(|path| !path.ends_with("state.bin")));
}

/// Names that crashes and deletions may leave, and foreign ones.
const LEFT: [fn(usize) -> String; 5] = [
    |number| format!("checkpoint_{:016x}/state.bin", number + 9),
    |number| format!("checkpoint_{:016x}/deleted", number + 9),
    |number| format!("segments/{:016x}.delta", number + 9),
    |number| format!("wal/{:016x}-{:016x}.log", number + 9, 1),
    |number| format!("notes/{number}"),
];

/// Runs each operation over a directory with `count` names of a kind, and returns how many names it looked at.
fn names_read(count: usize, name: fn(usize) -> String) -> Vec<(&'static str, u64)> {
    let mut files = one_checkpoint();
    files.extend((0..count).map(|number| (name(number), Vec::new())));
    let directory = memory(files);
    let mut read = Vec::new();
    let mut note = |what| read.push((what, take_names_read()));
    take_names_read();
    let mut manager = open_with(&directory, keep(2), options()).unwrap();
    note("open");
    manager.put(b"bed", b"sand").unwrap();
    checkpoint(&mut manager);
    note("checkpoint");
    manager.put(b"bed", b"silt").unwrap();
    block_on(manager.sync(1)).unwrap();
    note("sync");
    block_on(inspect::list_checkpoints(&*directory)).unwrap();
    note("list");
    block_on(verify(&*directory)).unwrap();
    note("verify");
    block_on(gc::plan(&*directory, None)).unwrap();
    note("plan");
    block_on(manager.collect_garbage()).unwrap();
    note("collect");
    read
}

/// An operation looks at each name so many times at most, however many there are.
const READS_MAX: u64 = 12;

#[test]
fn no_operation_compares_each_name_with_each_other() {
    let count = 2_000;
    for name in LEFT {
        for (what, read) in names_read(count, name) {
            let (kind, limit) = (name(0), READS_MAX * count as u64);
            assert!(read <= limit, "{what} looks at {read} names where {count} are like {kind}");
        }
    }
}
