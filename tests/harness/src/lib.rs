//! What the tests of Alluvium share: golden data, faulty directories, and the oracle of every crash test.
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "figures of tests are small")]

pub mod faulty;
pub mod golden;
pub mod memory;
pub mod oracle;
pub mod power_failure;
pub mod tally;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alluvium_core::directory::{Directory, MemoryDirectory, block_on};
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError, IncrementalCheckpointManager, ManualClock, OpenOptions,
};

/// 2026-01-01T00:00:00Z: where every test's clock starts.
pub const START_MS: u64 = 1_767_225_600_000;

/// The store id of every directory that the tests make.
pub const STORE_ID: [u8; 16] = *b"alluvium-testing";

/// Files by path: what a directory holds.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A manager over files in memory.
pub type Manager = IncrementalCheckpointManager<MemoryDirectory>;

/// Everything that a checkpoint must bring back together, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Expected {
    /// Keys and values.
    pub state: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Positions in the sources.
    pub source_offsets: BTreeMap<String, u64>,
    /// Event time, in milliseconds.
    pub watermark: Option<i64>,
    /// The epoch.
    pub epoch: u64,
    /// The caller's position in the caller's own log.
    pub wal_position: u64,
    /// Short texts of the caller's.
    pub annotations: BTreeMap<String, String>,
}

impl Expected {
    /// What a manager holds now.
    pub fn of<D: Directory>(manager: &IncrementalCheckpointManager<D>) -> Self {
        Self {
            state: manager.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect(),
            source_offsets: manager.source_offsets().clone(),
            watermark: manager.watermark(),
            epoch: manager.epoch(),
            wal_position: manager.wal_position(),
            annotations: manager.annotations().clone(),
        }
    }
}

/// A clock at [`START_MS`].
pub fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(START_MS))
}

/// Options over a fresh clock and the tests' store id.
pub fn options() -> OpenOptions {
    OpenOptions::new(clock()).store_id(STORE_ID)
}

/// A configuration that keeps `max_retained` checkpoints.
pub fn keep(max_retained: usize) -> CheckpointConfig {
    CheckpointConfig::new().with_max_retained(max_retained)
}

/// An empty directory in memory.
pub fn empty() -> Arc<MemoryDirectory> {
    Arc::new(MemoryDirectory::new())
}

/// A directory in memory holding `files`.
pub fn memory(files: Files) -> Arc<MemoryDirectory> {
    Arc::new(MemoryDirectory::from_files(files))
}

/// Opens with defaults, keeping ten checkpoints.
pub fn open(directory: &Arc<MemoryDirectory>) -> Result<Manager, IncrementalCheckpointError> {
    open_with(directory, keep(10), options())
}

/// Opens as told.
pub fn open_with<D: Directory>(
    directory: &Arc<D>,
    config: CheckpointConfig,
    options: OpenOptions,
) -> Result<IncrementalCheckpointManager<D>, IncrementalCheckpointError> {
    block_on(IncrementalCheckpointManager::open(Arc::clone(directory), config, options))
}

/// A manager over a new directory in memory, keeping ten checkpoints.
pub fn fresh() -> (Arc<MemoryDirectory>, Manager) {
    fresh_with(keep(10))
}

/// A manager over a new directory in memory.
pub fn fresh_with(config: CheckpointConfig) -> (Arc<MemoryDirectory>, Manager) {
    let directory = empty();
    let manager = open_with(&directory, config, options()).expect("an empty directory opens");
    (directory, manager)
}

/// Takes a checkpoint at the position where the manager is; gives its id.
pub fn checkpoint<D: Directory>(manager: &mut IncrementalCheckpointManager<D>) -> u64 {
    let position = manager.wal_position();
    block_on(manager.create_checkpoint(position)).expect("checkpoint").id
}

/// A path below the tests' own directory.
pub fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Every file below a directory of the real file system, by relative path.
pub fn load(root: &Path) -> Files {
    fn walk(root: &Path, at: &Path, files: &mut Files) {
        let entries = std::fs::read_dir(at).unwrap_or_else(|error| panic!("{}: {error}", at.display()));
        for entry in entries {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let name = path.strip_prefix(root).expect("below the root").to_str().expect("UTF-8").replace('\\', "/");
                files.insert(name, std::fs::read(&path).expect("readable"));
            }
        }
    }
    let mut files = Files::new();
    walk(root, root, &mut files);
    files
}

/// Writes `files` below a directory of the real file system, which is made anew.
pub fn store(root: &Path, files: &Files) {
    match std::fs::remove_dir_all(root) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{}: {error}", root.display()),
        _ => {}
    }
    for (path, content) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("below the root")).expect("directory");
        std::fs::write(path, content).expect("file");
    }
}

/// Returns the number in an environment variable, if it is set.
pub fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable}={value}: a number was expected")))
}

/// One of the directories that LaminarDB wrote.
pub fn fixture(name: &str) -> Arc<MemoryDirectory> {
    memory(load(&here("fixtures/laminar").join(name)))
}

/// A new directory on the fastest storage that there is: for tests of which nothing depends on it,
/// since what a power failure leaves is simulated, and what SIGKILL leaves is the same everywhere.
pub fn scratch() -> std::io::Result<tempfile::TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}
