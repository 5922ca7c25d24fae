//! One checkpoint as a tar file: out, in, and nothing else in.

use std::collections::BTreeMap;

use alluvium_core::IncrementalCheckpointError as Error;
use alluvium_core::archive::{export, import, metadata, read};
use alluvium_core::directory::block_on;
use alluvium_core::tools::verify::verify;
use alluvium_test_harness::allocation::largest_block;
use alluvium_test_harness::golden::{Golden, all};
use alluvium_test_harness::{
    Expected, Files, checkpoint, empty, fixture, fresh, keep, memory, open, open_with, options,
};

fn exported(golden: &Golden, id: u64) -> Vec<u8> {
    block_on(export(&*memory(golden.files.clone()), Some(id))).unwrap()
}

#[test]
fn every_golden_checkpoint_comes_back_verbatim() {
    for golden in all() {
        for (id, expected) in &golden.checkpoints {
            let archive = exported(&golden, *id);
            let files = read(&archive).unwrap().to_files();
            for (path, content) in &files {
                assert_eq!(golden.files.get(path), Some(content), "{} {id}: {path}", golden.name);
            }
            let directory = empty();
            let imported = block_on(import(&archive, directory.clone(), keep(3), options())).unwrap();
            assert_eq!(imported.id, *id);
            assert_eq!(metadata(&archive).unwrap(), imported, "it is told before the import");
            assert_eq!(directory.to_files(), files, "into an empty directory the files go as they are");
            assert_eq!(Expected::of(&open(&directory).unwrap()), *expected, "{} {id}", golden.name);
            assert!(!block_on(verify(&*directory)).unwrap().is_damaged());
        }
    }
}

#[test]
fn the_newest_is_exported_unless_told() {
    let golden = Golden::named("deltas");
    let newest = block_on(export(&*memory(golden.files.clone()), None)).unwrap();
    assert_eq!(newest, exported(&golden, golden.latest()));
}

#[test]
fn equal_checkpoints_give_equal_archives() {
    let golden = Golden::named("deltas");
    assert_eq!(exported(&golden, 3), exported(&Golden::named("deltas"), 3));
    // Through a directory of its own it is the same archive again.
    let archive = exported(&golden, 3);
    assert_eq!(block_on(export(&read(&archive).unwrap(), None)).unwrap(), archive);
}

#[test]
fn an_archive_is_a_tar_file_with_metadata_last_and_nothing_of_the_machine() {
    let golden = Golden::named("opaque");
    let archive = exported(&golden, 2);
    let mut reader = tar::Archive::new(archive.as_slice());
    let mut paths = Vec::new();
    for entry in reader.entries().unwrap() {
        let entry = entry.unwrap();
        let header = entry.header();
        assert!(header.as_ustar().is_some());
        let numbers = (header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap(), header.mode().unwrap());
        assert_eq!(numbers, (0, 0, 0, 0o644));
        paths.push(entry.path().unwrap().to_str().unwrap().to_string());
    }
    assert_eq!(paths.last().map(String::as_str), Some("checkpoint_0000000000000002/metadata.json"));
    assert!(paths.contains(&"checkpoint_0000000000000002/state.bin".to_string()));
    assert!(paths.iter().any(|path| path.starts_with("segments/")));
}

#[test]
fn into_a_directory_in_use_it_becomes_the_newest_checkpoint() {
    for golden in all() {
        let id = *golden.checkpoints.keys().next().unwrap();
        let archive = exported(&golden, id);
        let (directory, mut manager) = fresh();
        manager.put(b"older", b"and gone afterwards").unwrap();
        manager.put(b"epoch", b"has another value here").unwrap();
        manager.set_epoch(1_000).unwrap();
        manager.set_source_offset("older", 1_000_000).unwrap();
        block_on(manager.create_checkpoint(1 << 62)).unwrap();
        let before = Expected::of(&manager);
        drop(manager);

        let metadata = block_on(import(&archive, directory.clone(), keep(10), options())).unwrap();
        assert_eq!(metadata.id, 2, "{}", golden.name);
        let mut manager = open(&directory).unwrap();
        assert_eq!(Expected::of(&manager), golden.checkpoints[&id], "{}", golden.name);
        let state_path = format!("checkpoint_{id:016x}/state.bin");
        let state = block_on(manager.load_checkpoint_state(2)).ok();
        assert_eq!(state.as_ref(), golden.files.get(&state_path), "{}: the opaque state too", golden.name);
        // What was there before is still there to be restored.
        let older = open_with(&directory, keep(10), options().checkpoint(Some(1))).unwrap();
        assert_eq!(Expected::of(&older), before);
        assert_eq!(checkpoint(&mut manager), 3);
    }
}

#[test]
fn every_flipped_byte_and_every_cut_of_an_archive_is_refused() {
    let golden = Golden::named("opaque");
    let archive = exported(&golden, 2);
    let target = empty();
    for at in 0..archive.len() {
        for mask in [1 << (at % 8), 0xff] {
            let mut damaged = archive.clone();
            damaged[at] ^= mask;
            assert!(read(&damaged).is_err(), "byte {at} xor {mask:#04x}");
        }
    }
    for length in 0..archive.len() {
        assert!(read(&archive[..length]).is_err(), "cut to {length}");
    }
    for more in [1, 512, 1024] {
        assert!(read(&[archive.as_slice(), &vec![0; more]].concat()).is_err(), "{more} bytes appended");
    }
    let mut damaged = archive;
    damaged[600] ^= 1;
    assert!(block_on(import(&damaged, target.clone(), keep(3), options())).is_err());
    assert!(target.to_files().is_empty(), "a refused import creates nothing");
}

/// An archive of entries of the test's own making.
fn pack(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, kind, content) in entries {
        let mut header = tar::Header::new_ustar();
        // Past the checks of the library, which would not write such names.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn check_refused(entries: &[(&str, tar::EntryType, &[u8])], expected: &str) {
    let archive = pack(entries);
    let error = read(&archive).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains(expected), "{entries:?}: {error}");
    assert!(!matches!(error, Error::Io(_)), "{error:?}");
    // What asks only for the metadata sees less, and what it refuses it refuses in the same words.
    if let Err(first) = metadata(&archive) {
        assert_eq!(first.to_string(), error.to_string());
    }
}

#[test]
fn only_names_and_files_that_alluvium_writes() {
    use tar::EntryType;
    let golden = Golden::named("small");
    let file = EntryType::Regular;
    let whole: Vec<(&str, EntryType, &[u8])> = {
        let files: BTreeMap<&str, &[u8]> =
            golden.files.iter().map(|(path, content)| (path.as_str(), content.as_slice())).collect();
        let segments = files.iter().filter(|(path, _)| path.starts_with("segments/"));
        let metadata = files.iter().filter(|(path, _)| path.ends_with("metadata.json"));
        segments.chain(metadata).map(|(path, content)| (*path, file, *content)).collect()
    };
    assert!(read(&pack(&whole)).is_ok(), "the whole is accepted before it is spoiled");
    for name in [
        "../../etc/passwd",
        "/etc/passwd",
        "notes.txt",
        "segments/../x",
        "checkpoint_1/metadata.json",
        "segments/1.base",
    ] {
        check_refused(
            &[&[(name, file, b"x".as_slice())], whole.as_slice()].concat(),
            "not a name that Alluvium writes",
        );
    }
    let path = whole[0].0;
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Fifo,
        EntryType::Char,
        EntryType::Directory,
        EntryType::GNULongName,
        EntryType::XHeader,
    ] {
        check_refused(&[&[(path, kind, b"".as_slice())], &whole[1..]].concat(), "not a regular file");
    }
    check_refused(&[&whole[..1], whole.as_slice()].concat(), "is there twice");
    check_refused(&whole[1..], path);
    check_refused(&whole[..whole.len() - 1], "exactly one checkpoint's metadata.json");
    check_refused(&[], "exactly one checkpoint's metadata.json");
    let stray = ("segments/00000000000000aa.delta", file, b"stray".as_slice());
    check_refused(&[&[stray], whole.as_slice()].concat(), "does not belong to checkpoint 1");
    let reversed: Vec<_> = whole.iter().rev().copied().collect();
    check_refused(&reversed, "not what export writes");
}

#[test]
fn a_header_that_claims_more_than_there_is() {
    let golden = Golden::named("small");
    let archive = exported(&golden, 1);
    for size in [u64::MAX >> 1, 1 << 62, 1 << 33, archive.len() as u64] {
        let mut header = tar::Header::from_byte_slice(&archive[..512]).clone();
        header.set_size(size);
        header.set_cksum();
        let mut damaged = archive.clone();
        damaged[..512].copy_from_slice(header.as_bytes());
        let (outcome, largest) = largest_block(|| read(&damaged).map(|_| ()));
        assert!(outcome.is_err(), "{size}");
        assert!(largest < 1 << 20, "{size}: {largest} bytes asked for at once");
    }
}

#[test]
fn a_damaged_checkpoint_is_not_exported() {
    let golden = Golden::named("opaque");
    for path in golden.files.keys().filter(|path| !path.starts_with("checkpoint_0000000000000001")) {
        let mut files = golden.files.clone();
        let file = files.get_mut(path).unwrap();
        let last = file.len() - 1;
        file[last] ^= 1;
        let error = block_on(export(&*memory(files.clone()), Some(2))).unwrap_err();
        assert!(error.to_string().contains(path.as_str()), "{path}: {error}");
        files.remove(path);
        let error = block_on(export(&*memory(files), Some(2))).unwrap_err();
        assert!(!matches!(error, Error::Io(_)), "{path} missing: {error:?}");
    }
}

#[test]
fn what_is_not_there_cannot_be_exported() {
    for (files, id) in [(Files::new(), None), (Files::new(), Some(1)), (Golden::named("small").files, Some(9))] {
        let error = block_on(export(&*memory(files), id)).unwrap_err();
        assert!(matches!(error, Error::NotFound(_)), "{error:?}");
    }
}

#[test]
fn checkpoints_of_laminar_travel_too() {
    for (name, id, state) in [("opaque", 3, true), ("bare", 4, false), ("retained", 6, true), ("partial", 1, false)] {
        let archive = block_on(export(&*fixture(name), None)).unwrap();
        let directory = empty();
        block_on(import(&archive, directory.clone(), keep(3), options())).unwrap();
        let manager = open(&directory).unwrap();
        assert_eq!(manager.latest_checkpoint_id(), Some(id), "{name}");
        assert_eq!(block_on(manager.load_checkpoint_state(id)).is_ok(), state, "{name}");
    }
}
