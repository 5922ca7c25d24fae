//! A directory whose power can fail: the persistence that the contract leaves open, made to happen.
//!
//! Everything follows from the seed and the calls, so a failure replays exactly.

mod nodes;
mod storage;

pub use nodes::{Node, Nodes};
pub use storage::Fault;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::directory::contract::{Directory, Entry, EntryKind, NewFile, is_valid_path};
use crate::directory::error::{DirectoryError, DirectoryErrorKind, Operation};
use crate::directory::testing::simulated::nodes::{Change, outcome};
use crate::directory::testing::simulated::storage::Storage;

/// At most this many undecided names of one call are gone through one by one; beyond it, as many
/// outcomes are drawn by seed.
const UNDECIDED_MAX: usize = 8;

/// A directory in memory with the contract of every [`Directory`] and nothing beyond it.
///
/// - A call that a [crash](Self::crash_at) cuts short has done any subset of what it was asked:
///   of a batch never the last file unless all are there; deletes may have come back. Half-made
///   files may be left behind. [`crash_states`](Self::crash_states) gives all outcomes,
///   [`restart`](Self::restart) takes one by seed.
/// - A call that an [injected](Self::inject) error fails has done such a subset too; which one is
///   drawn by seed at once.
///
/// ```
/// use alluvium_core::directory::{block_on, Directory, NewFile, SimulatedDirectory};
///
/// let directory = SimulatedDirectory::new(1);
/// directory.crash_at(0);
/// let batch = ["a", "b"].map(|path| NewFile { path: path.into(), content: Vec::new() });
/// assert!(block_on(directory.create(batch.to_vec())).is_err());
/// // Nothing, a leftover in either's place or both, the first alone with one and without, or both.
/// let states = directory.crash_states();
/// assert!(states.iter().all(|state| !state.contains_key("b") || state.contains_key("a")));
/// ```
#[derive(Debug)]
pub struct SimulatedDirectory {
    storage: Mutex<Storage>,
}

impl SimulatedDirectory {
    /// An empty directory.
    pub fn new(seed: u64) -> Self {
        Self::from_nodes(seed, Nodes::new())
    }

    /// A directory that holds `nodes`, whatever they are called.
    pub fn from_nodes(seed: u64, nodes: Nodes) -> Self {
        let storage = Storage { durable: nodes, random: seed, ..Storage::default() };
        Self { storage: Mutex::new(storage) }
    }

    /// A directory that holds `files`, whatever they are called.
    pub fn from_files(seed: u64, files: BTreeMap<String, Vec<u8>>) -> Self {
        Self::from_nodes(seed, files.into_iter().map(|(path, content)| (path, Node::File(content))).collect())
    }

    /// Everything that would be there after a crash now.
    pub fn to_nodes(&self) -> Nodes {
        self.storage().durable.clone()
    }

    /// The operation of each call so far.
    pub fn calls(&self) -> Vec<Operation> {
        self.storage().calls.clone()
    }

    /// Lets an error happen once its call comes.
    pub fn inject(&self, fault: Fault) {
        self.storage().faults.push(fault);
    }

    /// Lets the power fail during the call `call`, counted as in [`Fault::call`]: it and all later
    /// ones fail.
    pub fn crash_at(&self, call: u64) {
        self.storage().crash_at = Some(call);
    }

    /// Whether the power is gone.
    pub fn is_down(&self) -> bool {
        self.storage().is_down
    }

    /// Every state in which the crash may have left the directory; the only one while it is up.
    ///
    /// Where more than eight names are undecided, 256 outcomes are drawn by seed.
    pub fn crash_states(&self) -> Vec<Nodes> {
        let mut storage = self.storage();
        let (durable, undecided) = (storage.durable.clone(), storage.undecided.clone());
        let count = undecided.len();
        let mut states: Vec<Nodes> = if count <= UNDECIDED_MAX {
            let leftovers = [false, true];
            (0..1_u64 << count)
                .flat_map(|chosen| leftovers.map(|leftovers| (chosen, leftovers)))
                .map(|(chosen, leftovers)| outcome(&durable, &undecided, chosen, if leftovers { !chosen } else { 0 }))
                .collect()
        } else {
            let draw = |_| {
                let (chosen, leftovers) = (storage.draw_some(), storage.draw());
                outcome(&durable, &undecided, chosen, leftovers)
            };
            (0..1 << UNDECIDED_MAX).map(draw).collect()
        };
        states.sort();
        states.dedup();
        states
    }

    /// Power comes back: the state is one of [`crash_states`](Self::crash_states), drawn by seed;
    /// faults that have not happened are forgotten, and calls are counted from 0 again.
    pub fn restart(&self) {
        let mut states = self.crash_states();
        let mut storage = self.storage();
        let drawn = storage.draw() as usize % states.len();
        *storage = Storage { durable: states.swap_remove(drawn), random: storage.random, ..Storage::default() };
    }

    fn storage(&self) -> MutexGuard<'_, Storage> {
        // Nothing panics while the lock is held, so a poisoned one still guards a whole state.
        self.storage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Directory for SimulatedDirectory {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        let mut storage = self.storage();
        storage.enter(Operation::List, "", &[])?;
        let entry = |(path, node): (&String, &Node)| {
            let (bytes, kind) = match node {
                Node::File(content) => (content.len() as u64, EntryKind::File),
                Node::Temporary(content) => (content.len() as u64, EntryKind::Temporary),
                Node::EmptyDirectory => (0, EntryKind::EmptyDirectory),
                Node::Other => (0, EntryKind::Other),
            };
            Entry { path: path.clone(), bytes, kind }
        };
        Ok(storage.durable.iter().map(entry).collect())
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        let mut storage = self.storage();
        storage.enter(Operation::Read, path, &[])?;
        storage.file(path).cloned()
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        let mut storage = self.storage();
        storage.enter(Operation::Read, path, &[])?;
        let content = storage.file(path)?;
        let range = usize::try_from(offset).ok().and_then(|start| Some(start..start.checked_add(length)?));
        range.and_then(|range| content.get(range)).map(<[u8]>::to_vec).ok_or_else(|| {
            DirectoryError::new(DirectoryErrorKind::OutOfRange, Operation::Read, path)
                .because(format!("{length} bytes at {offset} of a file of {}", content.len()))
        })
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        let mut storage = self.storage();
        let error = |kind, path: &str| Err(DirectoryError::new(kind, Operation::Create, path));
        let mut names = std::collections::BTreeSet::new();
        for file in &batch {
            if !is_valid_path(&file.path) {
                return error(DirectoryErrorKind::Invalid, &file.path);
            }
            if storage.is_taken(&file.path) || !names.insert(&file.path) {
                return error(DirectoryErrorKind::AlreadyExists, &file.path);
            }
        }
        let name = batch.last().map_or("", |file| file.path.as_str());
        let changes: Vec<Change> = batch.iter().cloned().map(Change::Create).collect();
        storage.enter(Operation::Create, name, &changes)?;
        for file in batch {
            // A directory that has something in it is not listed as empty any more.
            if let Some((directory, _)) = file.path.split_once('/') {
                storage.durable.remove(directory);
            }
            storage.durable.remove(&file.path);
            storage.durable.insert(file.path, Node::File(file.content));
        }
        Ok(())
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        let mut storage = self.storage();
        if let Some(path) = paths.iter().find(|path| storage.durable.get(*path) == Some(&Node::Other)) {
            return Err(DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Delete, path));
        }
        let there = |path: &&String| storage.durable.contains_key(*path);
        let changes: Vec<Change> = paths.iter().filter(there).cloned().map(Change::Delete).collect();
        storage.enter(Operation::Delete, paths.first().map_or("", String::as_str), &changes)?;
        for path in paths {
            storage.durable.remove(path);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
