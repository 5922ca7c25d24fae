//! Files are told apart by their writer: what a stale writer left is in no one's way, and a creation that was
//! repeated is recognised as the writer's own.

use std::sync::Arc;

use alluvium_core::directory::{Directory, DirectoryError, Entry, MemoryDirectory, NewFile, block_on};
use alluvium_core::tools::verify::verify;
use alluvium_core::{CheckpointConfig, IncrementalCheckpointError as Error, OpenOptions};
use alluvium_test_harness::{Expected, empty, keep, memory, open, open_with, options};

/// Options of a writer that drew this number.
fn writer(number: u64) -> OpenOptions {
    options().writer(number)
}

/// A stale writer died while it created its checkpoint: its segment is there, its metadata is not. Then the
/// rightful owner, who had opened the directory before that, takes a checkpoint.
fn beside_an_orphan(stale: u64, rightful: u64) -> Result<Arc<MemoryDirectory>, Error> {
    let directory = empty();
    let mut first = open_with(&directory, keep(2), writer(1)).unwrap();
    first.put(b"bed", b"gravel").unwrap();
    block_on(first.create_checkpoint(1)).unwrap();

    let elsewhere = memory(directory.to_files());
    let mut zombie = open_with(&elsewhere, keep(2), writer(stale)).unwrap();
    let mut owner = open_with(&directory, keep(2), writer(rightful)).unwrap();
    zombie.put(b"bed", b"mud").unwrap();
    block_on(zombie.create_checkpoint(2)).unwrap();
    let before = directory.to_files();
    let is_orphan = |path: &str| path.starts_with("segments/") && !before.contains_key(path);
    let orphans = elsewhere.to_files().into_iter().filter(|(path, _)| is_orphan(path));
    let orphans: Vec<NewFile> = orphans.map(|(path, content)| NewFile { path, content }).collect();
    assert!(!orphans.is_empty());
    block_on(directory.create(orphans)).unwrap();

    owner.put(b"bed", b"sand").unwrap();
    block_on(owner.create_checkpoint(3))?;
    assert_eq!(Expected::of(&open(&directory)?), Expected::of(&owner));
    // What the stale writer left goes, and nothing else is wrong.
    block_on(owner.collect_garbage())?;
    let report = block_on(verify(&*directory))?;
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    Ok(directory)
}

#[test]
fn what_a_stale_writer_left_does_not_fence_the_rightful_one() {
    beside_an_orphan(2, 3).unwrap();
    // Without numbers of their own, both call their files the same.
    let error = beside_an_orphan(0, 0).unwrap_err();
    assert!(matches!(error, Error::Fenced(_)), "{error}");
}

#[test]
fn the_names_of_two_writers_never_meet() {
    let directory = beside_an_orphan(2, 3).unwrap();
    for round in 4..20 {
        let mut manager = open_with(&directory, keep(2), writer(round)).unwrap();
        manager.put(b"round", &[round as u8]).unwrap();
        block_on(manager.create_checkpoint(round)).unwrap();
        let name = format!("-{round:016x}.delta");
        assert!(directory.to_files().keys().any(|path| path.ends_with(&name)), "{name}");
    }
}

/// A directory that loses the answer of every creation and asks again, as a client of an object store does.
struct Repeating(Arc<MemoryDirectory>);

impl Directory for Repeating {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        self.0.list().await
    }
    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        self.0.read(path).await
    }
    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        self.0.read_range(path, offset, length).await
    }
    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        self.0.create(batch.clone()).await?;
        self.0.create(batch).await
    }
    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        self.0.delete(paths).await
    }
}

/// Takes checkpoints, syncs and compacts on a directory that repeats every creation.
fn work_on_a_repeating_directory(number: u64) -> Result<(), Error> {
    let inner = empty();
    let directory = Arc::new(Repeating(Arc::clone(&inner)));
    let config = CheckpointConfig::new().with_max_retained(2).with_recovery_read_ratio(1.05);
    let mut manager = open_with(&directory, config, writer(number))?;
    let mut rebased = 0;
    for round in 0..12_u64 {
        for key in 0..8_u8 {
            manager.put(&[key], &vec![round as u8; 40_000])?;
        }
        block_on(manager.create_checkpoint(round))?;
        let maintenance = manager.last_maintenance().unwrap();
        assert!(maintenance.errors.is_empty(), "{:?}", maintenance.errors);
        rebased += maintenance.rebased_bytes;
        manager.put(b"synced", &[round as u8])?;
        block_on(manager.sync(round))?;
        assert_eq!(Expected::of(&open(&inner)?), Expected::of(&manager), "{round}");
    }
    assert!(rebased > 0, "compaction created files too");
    assert!(!block_on(verify(&*inner))?.is_damaged());
    Ok(())
}

#[test]
fn a_repeated_creation_is_recognised() {
    work_on_a_repeating_directory(7).unwrap();
    // Without a number, the files might as well be another writer's.
    let error = work_on_a_repeating_directory(0).unwrap_err();
    assert!(matches!(error, Error::Fenced(_)), "{error}");
}

#[test]
fn a_name_that_another_writer_took_still_fences() {
    let directory = empty();
    let mut stale = open_with(&directory, keep(2), writer(1)).unwrap();
    let mut newer = open_with(&directory, keep(2), writer(2)).unwrap();
    for manager in [&mut newer, &mut stale] {
        manager.put(b"bed", b"gravel").unwrap();
    }
    block_on(newer.create_checkpoint(1)).unwrap();
    let error = block_on(stale.create_checkpoint(1)).unwrap_err();
    assert!(matches!(error, Error::Fenced(_)), "{error}");
    assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&newer));
}
