//! Backups: what they copy, what they refuse, and what they mend.

use std::sync::Arc;

use alluvium_core::directory::{Directory, MemoryDirectory, SimulatedDirectory, block_on};
use alluvium_core::tools::backup::{BackupError, BackupReport, backup, check_backup, check_backup_of};
use alluvium_core::tools::verify::Severity;
use alluvium_core::{IncrementalCheckpointError as Error, Reaction, gc};
use alluvium_test_harness::backups::backups;
use alluvium_test_harness::tally::Budget;
use alluvium_test_harness::{
    Expected, Files, Manager, STORE_ID, checkpoint, empty, fresh_with, keep, memory, open, open_with, options,
};

/// The marker of a backup of a directory of the tests.
const MARK: &str = "backup-616c6c757669756d2d74657374696e67";

/// A directory with checkpoints 1 and 2 and two WAL files after 2, and its writer.
fn source() -> (Arc<MemoryDirectory>, Manager) {
    let (directory, mut manager) = fresh_with(keep(2));
    manager.put(b"bed", b"gravel").unwrap();
    checkpoint(&mut manager);
    manager.put(b"bank", &[7; 5_000]).unwrap();
    checkpoint(&mut manager);
    synced(&mut manager, b"reeds");
    synced(&mut manager, b"willows");
    (directory, manager)
}

fn synced(manager: &mut Manager, value: &[u8]) {
    manager.put(b"shore", value).unwrap();
    block_on(manager.sync(manager.wal_position() + 1)).unwrap();
}

fn back_up<S: Directory, D: Directory>(source: &S, destination: &D) -> BackupReport {
    block_on(backup(source, destination)).unwrap()
}

/// What a restart finds in a copy of the directory.
fn content(directory: &MemoryDirectory) -> Expected {
    Expected::of(&open(&memory(directory.to_files())).unwrap())
}

fn is_whole(directory: &MemoryDirectory) -> bool {
    block_on(check_backup(directory)).unwrap().is_whole()
}

/// The file of `files` whose path ends like this.
fn ending<'f>(files: &'f Files, end: &str) -> &'f String {
    files.keys().find(|path| path.ends_with(end)).unwrap()
}

#[test]
fn crashed_failing_and_beside_a_writer_at_every_call() {
    backups(Budget::sample(60)).assert(3_500);
}

#[test]
fn a_backup_is_the_same_files_and_a_mark() {
    let (source, _manager) = source();
    let destination = empty();
    let report = back_up(&*source, &*destination);
    let mut expected = source.to_files();
    expected.insert(MARK.into(), Vec::new());
    assert_eq!(destination.to_files(), expected);
    assert_eq!((report.store_id, report.newest, report.checkpoints, report.wal_files), (STORE_ID, 2, 2, 2));
    let bytes = source.to_files().values().map(|content| content.len() as u64).sum();
    assert_eq!((report.files, report.copied_files), (source.to_files().len() as u64, report.files));
    assert_eq!((report.bytes, report.copied_bytes), (bytes, bytes));
    assert_eq!(report.findings, []);
}

#[test]
fn the_next_backup_copies_what_is_new_and_deletes_what_is_gone() {
    let (source, mut manager) = source();
    let destination = empty();
    let first = back_up(&*source, &*destination);
    assert_eq!(back_up(&*source, &*destination).copied_files, 0);
    synced(&mut manager, b"alders");
    let wal = back_up(&*source, &*destination);
    assert_eq!((wal.copied_files, wal.wal_files, wal.deleted_files), (1, 3, 0));
    manager.put(b"bed", b"sand").unwrap();
    checkpoint(&mut manager);
    let second = back_up(&*source, &*destination);
    assert!(second.copied_bytes < first.copied_bytes / 2, "{second:?} after {first:?}");
    // Checkpoint 1 went, and the three WAL files.
    assert_eq!((second.newest, second.checkpoints, second.wal_files, second.deleted_files), (3, 2, 0, 4));
    let mut expected = source.to_files();
    expected.insert(MARK.into(), Vec::new());
    assert_eq!(destination.to_files(), expected);
}

#[test]
fn a_restore_is_a_backup_of_the_backup_and_either_continues() {
    let (source, manager) = source();
    let (destination, restored) = (empty(), empty());
    back_up(&*source, &*destination);
    back_up(&*destination, &*restored);
    assert_eq!(restored.to_files(), destination.to_files());
    let mut continued = open(&restored).unwrap();
    assert_eq!(Expected::of(&continued), Expected::of(&manager));
    assert!(!restored.to_files().contains_key(MARK), "a writer has opened it");
    assert_eq!(checkpoint(&mut continued), 3);
    // What was restored is the source from now on.
    assert_eq!(back_up(&*restored, &*destination).newest, 3);
    assert!(is_whole(&destination));
}

fn refusal(source: &MemoryDirectory, destination: &MemoryDirectory) -> String {
    let before = destination.to_files();
    let error = block_on(backup(source, destination)).unwrap_err();
    let is_refusal = matches!(&error, BackupError::Destination(Error::InvalidInput(_)) | BackupError::Lost { .. });
    assert!(is_refusal, "{error:?}");
    assert_eq!(destination.to_files(), before, "refused, and changed");
    error.to_string()
}

#[test]
fn what_is_no_backup_of_this_directory_is_refused() {
    let (source, _manager) = source();
    let plain = memory([("notes.txt".to_owned(), b"mine".to_vec())].into());
    assert!(refusal(&source, &plain).contains("notes.txt"));

    let other = empty();
    let mut manager = open_with(&other, keep(1), options().store_id([9; 16])).unwrap();
    checkpoint(&mut manager);
    assert!(refusal(&source, &other).contains("neither empty nor a backup"));
    let of_other = empty();
    back_up(&*other, &*of_other);
    let told = refusal(&source, &of_other);
    assert!(told.contains(&"09".repeat(16)) && told.contains("616c6c757669756d2d74657374696e67"), "{told}");

    let opened = empty();
    back_up(&*source, &*opened);
    drop(open(&opened).unwrap());
    assert!(refusal(&source, &opened).contains("neither empty nor a backup that no writer has opened"));
    assert!(block_on(check_backup(&*opened)).is_err());
}

#[test]
fn a_source_without_a_whole_checkpoint_leaves_the_backup_as_it_is() {
    let (source, _manager) = source();
    let destination = empty();
    back_up(&*source, &*destination);
    let before = destination.to_files();
    let lost = memory(source.to_files().into_iter().filter(|(path, _)| !path.ends_with("metadata.json")).collect());
    for (source, reaction) in [(empty(), Reaction::NotFound), (lost, Reaction::Corruption)] {
        match block_on(backup(&*source, &*destination)) {
            Err(BackupError::Source(error)) => assert_eq!(error.reaction(), reaction, "{error}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(destination.to_files(), before);
    }
}

#[test]
fn foreign_and_orphaned_files_stay_and_are_reported() {
    let (source, _manager) = source();
    let mut files = source.to_files();
    files.insert("segments/\u{1b}[2J.base".into(), b"?".to_vec());
    files.insert("wal/0000000000000009-0000000000000001.log".into(), b"?".to_vec());
    // What was created ahead of a checkpoint is no news.
    files.insert("segments/00000000000000ff.delta".into(), b"?".to_vec());
    let destination = empty();
    let report = back_up(&*memory(files), &*destination);
    let found: Vec<_> = report.findings.iter().map(|finding| (finding.severity, finding.path.as_str())).collect();
    let orphan = "wal/0000000000000009-0000000000000001.log";
    assert_eq!(found, [(Severity::Foreign, "segments/\u{1b}[2J.base"), (Severity::Orphan, orphan)]);
    assert_eq!(destination.to_files().len(), source.to_files().len() + 1);
    assert!(!report.is_damaged() && is_whole(&destination));
}

#[test]
fn what_is_damaged_in_the_source_is_left_out_and_the_backup_keeps_its_own() {
    let (source, _manager) = source();
    let destination = empty();
    back_up(&*source, &*destination);
    let (whole, expected) = (destination.to_files(), content(&destination));
    for damaged in whole.keys().filter(|path| *path != MARK) {
        for cut in [false, true] {
            let mut files = source.to_files();
            let content_of = files.get_mut(damaged).unwrap();
            if cut {
                content_of.truncate(content_of.len() / 2);
            } else {
                content_of[40] ^= 1;
            }
            let spoiled = memory(files);
            let kept = memory(whole.clone());
            // The file is in the backup, so nothing is copied, and damage is seen where it is read.
            match block_on(backup(&*spoiled, &*kept)) {
                Ok(_) | Err(BackupError::Source(_)) => {}
                // A WAL file that is whole in the backup alone is not replaced by a damaged one.
                Err(error) => assert!(matches!(&error, BackupError::Lost { path } if path == damaged), "{error:?}"),
            }
            assert_eq!(content(&kept), expected, "{damaged}");
            assert_eq!(kept.to_files(), whole, "{damaged}");
            // A first backup has only what is whole.
            let new = empty();
            match block_on(backup(&*spoiled, &*new)) {
                Ok(report) => {
                    assert!(report.is_damaged(), "{damaged}: {report:?}");
                    assert!(report.findings.iter().any(|finding| finding.path == *damaged), "{damaged}: {report:?}");
                    assert!(is_whole(&new), "{damaged}");
                }
                Err(BackupError::Source(error)) => {
                    assert_eq!(error.reaction(), Reaction::Corruption, "{damaged}: {error}");
                    assert!(!new.to_files().keys().any(|path| path.ends_with("metadata.json")));
                }
                Err(error) => panic!("{damaged}: {error:?}"),
            }
        }
    }
}

#[test]
fn what_is_damaged_in_the_backup_is_mended_by_the_next_one() {
    let (source, _manager) = source();
    let destination = empty();
    back_up(&*source, &*destination);
    let whole = destination.to_files();
    for damaged in whole.keys().filter(|path| *path != MARK) {
        for what in ["missing", "cut", "flipped"] {
            let mut files = whole.clone();
            let content = files.get_mut(damaged).unwrap();
            match what {
                "missing" => drop(files.remove(damaged)),
                "cut" => content.truncate(content.len() / 2),
                _ => content[40] ^= 1,
            }
            let spoiled = memory(files);
            let check = block_on(check_backup_of(&*spoiled, &*source)).unwrap();
            // A checkpoint that is not there at all, or a last WAL file, is behind and not damaged.
            let is_behind = !check.newer.is_empty() || check.newer_wal_files > 0 || check.newest == Some(2);
            assert!(!check.is_whole() || is_behind, "{damaged} {what}: {check:?}");
            let report = back_up(&*source, &*spoiled);
            assert_eq!((report.copied_files, report.is_damaged()), (1, false), "{damaged} {what}: {report:?}");
            assert_eq!(spoiled.to_files(), whole, "{damaged} {what}");
        }
    }
}

#[test]
fn what_only_the_backup_holds_is_not_deleted() {
    let (source, _manager) = source();
    let destination = empty();
    back_up(&*source, &*destination);
    let newest = "checkpoint_0000000000000002/metadata.json";
    for lost in [newest, "wal/0000000000000002-0000000000000002.log"] {
        let mut files = source.to_files();
        files.remove(lost);
        let less = memory(files);
        assert!(refusal(&less, &destination).contains(lost));
        let check = block_on(check_backup_of(&*destination, &*less)).unwrap();
        assert!(check.report.findings.iter().any(|finding| finding.path == lost) && !check.is_whole(), "{check:?}");
    }
    // The source continues from what it has left, and its next checkpoint has the id again that it lost.
    let mut files = source.to_files();
    files.retain(|path, _| !path.contains("0000000000000002/") && !path.starts_with("wal/"));
    let again = memory(files);
    let mut manager = open_with(&again, keep(2), options().writer(8)).unwrap();
    manager.put(b"bank", b"clay").unwrap();
    assert_eq!(checkpoint(&mut manager), 2);
    assert!(refusal(&again, &destination).contains(newest));
    manager.put(b"bank", b"silt").unwrap();
    checkpoint(&mut manager);
    let report = back_up(&*again, &*destination);
    assert_eq!((report.newest, report.checkpoints), (3, 2));
    let mut expected = again.to_files();
    expected.insert(MARK.into(), Vec::new());
    assert_eq!(destination.to_files(), expected);
}

#[test]
fn a_deletion_on_purpose_is_followed() {
    let (source, mut manager) = source();
    let destination = empty();
    back_up(&*source, &*destination);
    block_on(manager.delete_checkpoint(2)).unwrap();
    let report = back_up(&*source, &*destination);
    assert_eq!((report.newest, report.wal_files), (1, 0));
    assert_eq!(content(&destination), content(&source));
    let mut restored = open(&destination).unwrap();
    assert_eq!(checkpoint(&mut restored), 3, "id 2 was given");
}

#[test]
fn half_of_a_first_backup_is_refused_by_a_writer() {
    let (source, _manager) = source();
    let destination = empty();
    back_up(&*source, &*destination);
    let mut files = destination.to_files();
    files.retain(|path, _| !path.ends_with("metadata.json"));
    for half in [files, [(MARK.to_owned(), Vec::new())].into()] {
        let half = memory(half);
        let error = open(&half).unwrap_err();
        assert!(matches!(error, Error::CheckpointsLost { .. }), "{error:?}");
        let before = half.to_files();
        assert!(before.contains_key(MARK), "it is a backup still");
        let report = back_up(&*source, &*half);
        assert_eq!(half.to_files(), destination.to_files(), "{report:?}");
    }
}

#[test]
fn a_mark_is_no_garbage_and_must_be_empty() {
    let (source, _manager) = source();
    let destination = empty();
    back_up(&*source, &*destination);
    let plan = block_on(gc::plan(&*destination, None)).unwrap();
    assert!(plan.files.iter().all(|file| file.keep), "{plan:?}");
    let mut files = destination.to_files();
    files.insert(MARK.into(), b"?".to_vec());
    assert!(!is_whole(&memory(files)));
}

#[test]
fn a_check_says_what_is_newer_in_the_source() {
    let (source, mut manager) = source();
    let destination = empty();
    back_up(&*source, &*destination);
    let check = block_on(check_backup_of(&*destination, &*source)).unwrap();
    assert!(check.is_whole() && check.newer.is_empty() && check.newer_wal_files == 0, "{check:?}");
    synced(&mut manager, b"alders");
    let check = block_on(check_backup_of(&*destination, &*source)).unwrap();
    assert!(check.is_whole() && check.newer.is_empty() && check.newer_wal_files == 1, "{check:?}");
    checkpoint(&mut manager);
    let check = block_on(check_backup_of(&*destination, &*source)).unwrap();
    assert!(check.is_whole() && check.newer == [3] && check.newer_wal_files == 0, "{check:?}");
    let metadata = ending(&destination.to_files(), "2/metadata.json").clone();
    let mut files = destination.to_files();
    files.remove(&metadata);
    let check = block_on(check_backup_of(&*memory(files), &*source));
    assert!(check.is_ok_and(|check| check.newer == [2, 3]));
}

#[test]
fn a_deletion_is_followed_at_once_with_its_wal() {
    // Deleted checkpoint 2 has two WAL files in the backup. Without the first of them the second one would be damage.
    let (source, mut manager) = source();
    let destination = Arc::new(SimulatedDirectory::new(1));
    back_up(&*source, &*destination);
    let before = destination.to_nodes();
    let old = content(&source);
    block_on(manager.delete_checkpoint(2)).unwrap();
    let new = content(&source);
    for call in 0.. {
        let destination = SimulatedDirectory::from_nodes(1, before.clone());
        destination.crash_at(call);
        let done = block_on(backup(&*source, &destination));
        if !destination.is_down() {
            assert_eq!(done.unwrap().newest, 1);
            return;
        }
        for state in destination.crash_states() {
            let left = Arc::new(SimulatedDirectory::from_nodes(1, state));
            let found = Expected::of(&open_with(&left, keep(2), options()).unwrap());
            assert!(found == old || found == new, "call {call}: {found:?}");
        }
    }
}

#[test]
fn a_wal_that_was_written_again_after_a_deletion_is_followed() {
    let (source, mut manager) = fresh_with(keep(2));
    manager.put(b"bed", b"gravel").unwrap();
    checkpoint(&mut manager);
    synced(&mut manager, b"reeds");
    synced(&mut manager, b"willows");
    let destination = empty();
    back_up(&*source, &*destination);
    checkpoint(&mut manager);
    block_on(manager.delete_checkpoint(2)).unwrap();
    drop(manager);
    // Without checkpoint 2, the WAL after checkpoint 1 begins again.
    let mut manager = open(&source).unwrap();
    synced(&mut manager, b"alders");
    assert!(source.to_files().contains_key("wal/0000000000000001-0000000000000001.log"));
    let report = back_up(&*source, &*destination);
    assert_eq!((report.newest, report.wal_files), (1, 1));
    assert_eq!(content(&destination), content(&source));
    assert!(block_on(check_backup_of(&*destination, &*source)).unwrap().is_whole());
}
