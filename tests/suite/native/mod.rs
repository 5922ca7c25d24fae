//! The same promises on a real directory: what only a file system can get in the way with.

mod beside_writer;
mod media;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use alluvium::NativeDirectory;
use alluvium_core::archive::{export, import};
use alluvium_core::directory::{DirectoryErrorKind, block_on};
use alluvium_core::gc;
use alluvium_core::tools::verify::verify;
use alluvium_test_harness::golden::{Golden, all};
use alluvium_test_harness::{Expected, checkpoint, here, is_root, keep, load, open_with, options, skipped, store};
use tempfile::TempDir;

/// A golden directory on disk.
fn on_disk(golden: &Golden) -> (TempDir, Arc<NativeDirectory>) {
    let scratch = tempfile::tempdir().unwrap();
    store(scratch.path(), &golden.files);
    let directory = Arc::new(NativeDirectory::open(scratch.path()).unwrap());
    (scratch, directory)
}

#[test]
fn golden_directories_open_from_disk() {
    for golden in all() {
        let (_scratch, directory) = on_disk(&golden);
        for (id, expected) in &golden.checkpoints {
            let manager = open_with(&directory, keep(10), options().checkpoint(Some(*id))).unwrap();
            assert_eq!(Expected::of(&manager), *expected, "{} {id}", golden.name);
        }
        assert!(!block_on(verify(&*directory)).unwrap().is_damaged(), "{}", golden.name);
    }
}

#[test]
fn the_same_operations_give_the_same_files_on_disk_and_in_memory() {
    let scratch = tempfile::tempdir().unwrap();
    let native = Arc::new(NativeDirectory::open(scratch.path()).unwrap());
    let memory = alluvium_test_harness::empty();
    let mut on_disk = open_with(&native, keep(2), options()).unwrap();
    let mut in_memory = open_with(&memory, keep(2), options()).unwrap();
    for round in 0_u64..6 {
        for number in 0..50 {
            let (key, value) = (format!("key {}", number * round % 70), format!("round {round}"));
            on_disk.put(key.as_bytes(), value.as_bytes()).unwrap();
            in_memory.put(key.as_bytes(), value.as_bytes()).unwrap();
        }
        on_disk.delete(b"key 7").unwrap();
        in_memory.delete(b"key 7").unwrap();
        assert_eq!(checkpoint(&mut on_disk), checkpoint(&mut in_memory));
    }
    assert_eq!(load(scratch.path()), memory.to_files());
    assert_eq!(block_on(export(&*native, None)).unwrap(), block_on(export(&*memory, None)).unwrap());
}

#[test]
fn an_archive_goes_in_and_comes_out_again() {
    let golden = Golden::named("opaque");
    let (_from, from) = on_disk(&golden);
    let archive = block_on(export(&*from, None)).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let to = Arc::new(NativeDirectory::create(scratch.path().join("new")).unwrap());
    block_on(import(&archive, Arc::clone(&to), keep(3), options())).unwrap();
    assert_eq!(block_on(export(&*to, None)).unwrap(), archive);
    assert_eq!(Expected::of(&open_with(&to, keep(3), options()).unwrap()), golden.checkpoints[&golden.latest()]);
}

#[test]
fn laminar_fixtures_open_from_disk() {
    for (name, id) in [("opaque", 3), ("snapshot", 3), ("bare", 4), ("retained", 6), ("partial", 1)] {
        let directory = Arc::new(NativeDirectory::open(here("fixtures/laminar").join(name)).unwrap());
        let manager = open_with(&directory, keep(10), options()).unwrap();
        assert_eq!(manager.latest_checkpoint_id(), Some(id), "{name}");
    }
}

#[test]
fn opening_alone_leaves_a_directory_as_it_was() {
    for name in ["opaque", "partial"] {
        let scratch = tempfile::tempdir().unwrap();
        store(scratch.path(), &load(&here("fixtures/laminar").join(name)));
        let before = load(scratch.path());
        let directory = Arc::new(NativeDirectory::open(scratch.path()).unwrap());
        open_with(&directory, keep(1), options()).unwrap();
        assert_eq!(load(scratch.path()), before, "{name}");
    }
}

#[test]
fn empty_directories_of_laminar_count_for_the_next_id_and_are_reclaimed() {
    let scratch = tempfile::tempdir().unwrap();
    for name in ["checkpoint_0000000000000003", "checkpoint_000000000000000b", "checkpoint_c"] {
        fs::create_dir(scratch.path().join(name)).unwrap();
    }
    let directory = Arc::new(NativeDirectory::open(scratch.path()).unwrap());
    let mut manager = open_with(&directory, keep(10), options()).unwrap();
    assert_eq!(manager.latest_checkpoint_id(), None);
    assert_eq!(checkpoint(&mut manager), 12);
    block_on(manager.collect_garbage()).unwrap();
    let left = |name: &str| scratch.path().join(name).exists();
    assert!(!left("checkpoint_0000000000000003") && !left("checkpoint_000000000000000b"));
    assert!(left("checkpoint_c"), "not a name of ours");
}

/// Puts something else where a file of a golden directory was: it must be refused, not followed.
fn check_refused(what: &str, replace: impl Fn(&Path)) {
    let golden = Golden::named("opaque");
    for path in golden.files.keys().filter(|path| !path.starts_with("checkpoint_0000000000000001")) {
        let (scratch, directory) = on_disk(&golden);
        let target = scratch.path().join(path);
        fs::remove_file(&target).unwrap();
        replace(&target);
        let before = fs::symlink_metadata(&target).unwrap();
        let exported = block_on(export(&*directory, Some(2)));
        assert!(exported.is_err(), "{what} at {path} was read");
        let opened = open_with(&directory, keep(10), options().checkpoint(Some(2)));
        if !path.ends_with("state.bin") {
            assert!(opened.is_err(), "{what} at {path} was read");
        }
        let report = block_on(verify(&*directory)).unwrap();
        assert!(report.is_damaged(), "{what} at {path}: {:?}", report.findings);
        let plan = block_on(gc::plan(&*directory, None)).unwrap();
        let verdict = plan.files.iter().find(|verdict| verdict.path == *path);
        assert!(verdict.is_none_or(|verdict| verdict.keep), "{what} at {path}: {verdict:?}");
        if let Ok(mut manager) = open_with(&directory, keep(10), options().allow_fallback(true)) {
            let _ = block_on(manager.collect_garbage());
        }
        let after = fs::symlink_metadata(&target).unwrap();
        assert_eq!(after.file_type(), before.file_type(), "{what} at {path} was touched");
    }
}

#[test]
fn symbolic_links_are_refused() {
    let outside = tempfile::tempdir().unwrap();
    let golden = Golden::named("opaque");
    store(outside.path(), &golden.files);
    let outside = outside.path().to_path_buf();
    check_refused("a link to the very same bytes", |target| {
        let inside: Vec<_> = target.components().rev().take(2).collect();
        symlink(outside.join(inside[1]).join(inside[0]), target).unwrap();
    });
    check_refused("a link to nowhere", |target| symlink("nowhere", target).unwrap());
}

#[test]
fn pipes_and_directories_are_refused_without_waiting() {
    check_refused("a pipe", |target| {
        assert!(Command::new("mkfifo").arg(target).status().unwrap().success());
    });
    check_refused("a directory", |target| fs::create_dir(target).unwrap());
}

#[test]
fn devices_are_refused() {
    if !is_root() {
        return skipped("devices_are_refused", "making a device needs root");
    }
    check_refused("a device", |target| {
        assert!(Command::new("mknod").arg(target).args(["c", "1", "5"]).status().unwrap().success());
    });
}

#[test]
fn a_linked_segments_directory_is_refused() {
    let golden = Golden::named("small");
    let (scratch, directory) = on_disk(&golden);
    let elsewhere = tempfile::tempdir().unwrap();
    fs::rename(scratch.path().join("segments"), elsewhere.path().join("segments")).unwrap();
    symlink(elsewhere.path().join("segments"), scratch.path().join("segments")).unwrap();
    assert!(open_with(&directory, keep(10), options()).is_err());
    let mut files = fs::read_dir(elsewhere.path().join("segments")).unwrap();
    assert!(files.next().is_some(), "nothing outside was deleted");
}

#[test]
fn a_missing_directory_and_a_file_in_its_place() {
    let scratch = tempfile::tempdir().unwrap();
    let missing = scratch.path().join("mistyped");
    let error = NativeDirectory::open(&missing).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), DirectoryErrorKind::NotFound);
    assert!(error.to_string().contains("mistyped"), "{error}");
    assert!(!missing.exists(), "asking does not create it");
    let file = scratch.path().join("file");
    fs::write(&file, b"not a directory").unwrap();
    for opened in [NativeDirectory::open(&file), NativeDirectory::create(&file)] {
        let error = opened.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), DirectoryErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("file"), "{error}");
    }
}

#[test]
fn foreign_files_stay_where_they_are() {
    let golden = Golden::named("deltas");
    let (scratch, directory) = on_disk(&golden);
    let foreign = ["notes.txt", ".hidden", "segments/NOTES", "deep/er/still.txt", "checkpoint_0000000000000001/extra"];
    for path in foreign {
        let path = scratch.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"somebody else's").unwrap();
    }
    let mut manager = open_with(&directory, keep(1), options()).unwrap();
    for _ in 0..3 {
        checkpoint(&mut manager);
    }
    block_on(manager.collect_garbage()).unwrap();
    assert_eq!(block_on(manager.list_checkpoints()).unwrap().len(), 1);
    for path in foreign {
        assert_eq!(fs::read(scratch.path().join(path)).unwrap(), b"somebody else's", "{path}");
    }
}

#[test]
fn the_second_writer_is_told_who_is_there() {
    let (scratch, _) = on_disk(&Golden::named("small"));
    let first = NativeDirectory::open_exclusive(scratch.path()).unwrap();
    let error = NativeDirectory::open_exclusive(scratch.path()).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), DirectoryErrorKind::Fenced);
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    drop(first);
    NativeDirectory::open_exclusive(scratch.path()).unwrap();
}
