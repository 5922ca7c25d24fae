//! What the scenarios need: directories, a file system that is watched, and copies.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use alluvium::directory::{Call, Watch};
use alluvium::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
use tempfile::TempDir;

pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// Settings that keep everything.
pub(crate) fn keep_all(directory: &Path) -> CheckpointConfig {
    CheckpointConfig::new(directory).with_max_retained(100)
}

pub(crate) fn open(directory: &Path) -> IncrementalCheckpointManager {
    IncrementalCheckpointManager::new(keep_all(directory)).unwrap()
}

/// Options that make two runs write the same bytes.
pub(crate) fn deterministic(clock: &Arc<ManualClock>) -> OpenOptions {
    OpenOptions::new().create(true).store_id([7; 16]).writer(7).clock(Arc::clone(clock) as _)
}

/// Every file below a directory but the lock, by its relative path.
pub(crate) fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let relative = path.strip_prefix(directory).unwrap().to_owned();
            if path.is_dir() {
                open.push(path);
            } else if relative != Path::new(".lock") {
                found.insert(relative, fs::read(path).unwrap());
            }
        }
    }
    found
}

pub(crate) fn write_files(directory: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    for (path, content) in files {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// A system call, remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Write(String),
    Sync(String),
    Rename(String, String),
    Unlink(String),
    SyncDirectory(String),
    Read(String),
}

/// Remembers calls, and makes `unlink` fail while it is told to.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    seen: Mutex<Vec<Seen>>,
    refuses_unlink: Mutex<bool>,
}

impl Witness {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// What was seen since the last call.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    pub(crate) fn refuse_unlink(&self, refuse: bool) {
        *self.refuses_unlink.lock().unwrap() = refuse;
    }
}

impl Watch for Witness {
    fn before(&self, call: Call<'_>) -> Result<(), io::Error> {
        match call {
            Call::Unlink(_) if *self.refuses_unlink.lock().unwrap() => Err(io::ErrorKind::PermissionDenied.into()),
            _ => Ok(()),
        }
    }

    fn done(&self, call: Call<'_>) {
        let seen = match call {
            Call::Write(path, _) => Seen::Write(path.to_owned()),
            Call::Sync(path) => Seen::Sync(path.to_owned()),
            Call::Rename(from, to) => Seen::Rename(from.to_owned(), to.to_owned()),
            Call::Unlink(path) => Seen::Unlink(path.to_owned()),
            Call::SyncDirectory(path) => Seen::SyncDirectory(path.to_owned()),
            Call::Read(path) => Seen::Read(path.to_owned()),
            _ => return,
        };
        self.seen.lock().unwrap().push(seen);
    }
}

pub(crate) fn open_watched(config: CheckpointConfig, witness: &Arc<Witness>) -> IncrementalCheckpointManager {
    let options = OpenOptions::new().create(true).watcher(Arc::clone(witness) as _);
    IncrementalCheckpointManager::open(config, options).unwrap()
}
