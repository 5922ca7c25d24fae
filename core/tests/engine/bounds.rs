//! A file may be much longer than what belongs there, as a sparse file is that costs its maker nothing. Lengths are
//! held to one another before anything is read, so that memory is bounded by what is really there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use alluvium_core::directory::{
    Directory, DirectoryError, DirectoryErrorKind, Entry, MemoryDirectory, NewFile, Operation, block_on,
};
use alluvium_core::format::metadata::AlluviumFields;
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::tools::{diff, inspect, verify};
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError as Error, IncrementalCheckpointManager, IncrementalCheckpointMetadata,
    ManualClock, OpenOptions, archive, gc,
};

type Files = BTreeMap<String, Vec<u8>>;

/// A directory whose files end in holes: the bytes that are there are followed by zeros up to the length.
struct Sparse {
    files: MemoryDirectory,
    lengths: BTreeMap<String, u64>,
    /// The most bytes that one call asked for.
    largest: Mutex<u64>,
}

impl Sparse {
    fn new(files: &Files, lengths: BTreeMap<String, u64>) -> Self {
        Self { files: MemoryDirectory::from_files(files.clone()), lengths, largest: Mutex::default() }
    }

    fn note(&self, bytes: u64) {
        let mut largest = self.largest.lock().unwrap();
        *largest = bytes.max(*largest);
    }

    fn largest(&self) -> u64 {
        *self.largest.lock().unwrap()
    }
}

impl Directory for Sparse {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        let mut entries = self.files.list().await?;
        for entry in &mut entries {
            entry.bytes = self.lengths.get(&entry.path).copied().unwrap_or(entry.bytes);
        }
        Ok(entries)
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        match self.lengths.get(path) {
            None => self.files.read(path).await,
            Some(bytes) => {
                self.note(*bytes);
                Err(DirectoryError::new(DirectoryErrorKind::Io, Operation::Read, path).because("no memory for that"))
            }
        }
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        let content = self.files.read(path).await?;
        let bytes = self.lengths.get(path).copied().unwrap_or(content.len() as u64);
        if offset.checked_add(length as u64).is_none_or(|end| end > bytes) {
            return Err(DirectoryError::new(DirectoryErrorKind::OutOfRange, Operation::Read, path));
        }
        self.note(length as u64);
        let start = usize::try_from(offset).map_or(content.len(), |offset| offset.min(content.len()));
        let there = &content[start..];
        let mut range: Vec<u8> = there.iter().copied().take(length).collect();
        range.resize(length, 0);
        Ok(range)
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        self.files.create(batch).await
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        self.files.delete(paths).await
    }
}

fn options() -> OpenOptions {
    OpenOptions::new(Arc::new(ManualClock::new(1_000))).store_id([7; 16]).create(true)
}

/// Writes two checkpoints with an opaque state each, and a WAL file.
fn written() -> Files {
    let directory = Arc::new(MemoryDirectory::new());
    let manager = IncrementalCheckpointManager::open(directory.clone(), CheckpointConfig::new(), options());
    let mut manager = block_on(manager).unwrap();
    for n in 0..2_u8 {
        manager.put(&[n], &[n; 1_000]).unwrap();
        block_on(manager.create_checkpoint_with_state(1, BTreeMap::new(), None, b"opaque")).unwrap();
    }
    manager.put(b"synced", b"1").unwrap();
    block_on(manager.sync(1)).unwrap();
    directory.to_files()
}

/// More than any call may ask for.
const ENOUGH: u64 = 1 << 20;

#[test]
fn a_file_with_a_hole_at_its_end_costs_nothing_and_is_damage() {
    let files = written();
    for bytes in [3 << 30, u64::MAX] {
        for path in files.keys() {
            let directory = Arc::new(Sparse::new(&files, BTreeMap::from([(path.clone(), bytes)])));
            let newest = path != "checkpoint_0000000000000001/metadata.json" && !path.ends_with("state.bin");
            let recovered = block_on(recover(&*directory, &RecoverOptions::new())).map(drop);
            if newest {
                let error = recovered.expect_err(path);
                assert!(error.to_string().contains(path.as_str()), "{path}: {error}");
                assert!(error.is_corruption(), "{path}: {error:?}");
            }
            let report = block_on(verify::verify(&*directory)).unwrap();
            assert!(report.is_damaged(), "{path}");
            assert!(report.findings.iter().any(|finding| finding.path == *path), "{path}: {report:?}");
            for id in [1, 2] {
                let _ = block_on(recover(&*directory, &RecoverOptions::new().checkpoint(Some(id))));
                let _ = block_on(inspect::load_metadata(&*directory, id));
                let _ = block_on(inspect::load_state(&*directory, id));
                let _ = block_on(archive::export(&*directory, Some(id)));
            }
            let _ = block_on(inspect::list_checkpoints(&*directory)).unwrap();
            let _ = block_on(diff::diff(&*directory, 1, 2));
            let _ = block_on(gc::plan(&*directory, Some(1)));
            let options = options().allow_fallback(true);
            let manager = IncrementalCheckpointManager::open(directory.clone(), CheckpointConfig::new(), options);
            if let Ok(mut manager) = block_on(manager) {
                let _ = block_on(manager.collect_garbage());
            }
            assert!(directory.largest() < ENOUGH, "{path}: {} bytes were asked for", directory.largest());
        }
    }
}

#[test]
fn metadata_has_a_longest_length_for_the_writer_too() {
    let directory = Arc::new(MemoryDirectory::new());
    let manager = IncrementalCheckpointManager::open(directory.clone(), CheckpointConfig::new(), options());
    let mut manager = block_on(manager).unwrap();
    manager.set_annotation("long", "x".repeat(65 << 20));
    let refused = block_on(manager.create_checkpoint(1));
    assert!(matches!(refused, Err(Error::LimitExceeded(_))), "{:?}", refused.map(drop));
    assert!(directory.to_files().keys().all(|path| !path.ends_with("metadata.json")));
}

/// Returns the files with metadata whose segments are changed, and whose checksums are right again.
fn forged(files: &Files, id: u64, change: impl Fn(&mut AlluviumFields)) -> Files {
    let mut files = files.clone();
    let path = format!("checkpoint_{id:016x}/metadata.json");
    let json = String::from_utf8(files[&path].clone()).unwrap();
    let mut metadata = IncrementalCheckpointMetadata::from_json(&json).unwrap();
    change(metadata.alluvium.as_mut().unwrap());
    files.insert(path, metadata.to_json().unwrap().into_bytes());
    files
}

#[test]
fn lengths_that_metadata_claims_are_held_to_the_files() {
    let files = written();
    for claimed in [200, 5_000, u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX] {
        for which in 0..2 {
            let files = forged(&files, 2, |fields| fields.segments[which].bytes = claimed);
            let directory = Sparse::new(&files, BTreeMap::new());
            let report = block_on(verify::verify(&directory)).unwrap();
            assert!(report.is_damaged(), "{claimed}");
            let answers = [
                block_on(diff::diff(&directory, 1, 2)).map(drop),
                block_on(diff::diff(&directory, 2, 1)).map(drop),
                block_on(recover(&directory, &RecoverOptions::new())).map(drop),
                block_on(archive::export(&directory, Some(2))).map(drop),
            ];
            for answer in answers {
                let error = answer.expect_err("verification says that it is damaged");
                assert_eq!(error.reaction().name(), "corruption", "{claimed}: {error:?}");
            }
            assert!(directory.largest() < ENOUGH);
        }
    }
}
