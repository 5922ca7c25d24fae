//! A directory whose power can fail. Where the contract leaves open what a failure leaves behind, the
//! simulation makes each outcome happen.
//!
//! Everything follows from the seed and the calls, so a failure replays exactly.

mod nodes;
mod storage;

pub use nodes::{Node, Nodes};
pub use storage::Fault;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::directory::contract::{Directory, Entry, EntryKind, NewFile, check_names};
use crate::directory::error::{DirectoryError, DirectoryErrorKind, Operation};
use crate::directory::testing::simulated::nodes::{Change, outcome};
use crate::directory::testing::simulated::storage::Storage;

/// Up to this many undecided names of one call, every outcome is tried. Beyond it, as many outcomes are
/// drawn by seed.
const UNDECIDED_MAX: usize = 8;

/// A directory in memory that keeps the contract of [`Directory`] and promises nothing beyond it.
///
/// - A call that a [crash](Self::crash_at) cuts short has done any subset of its work. The last file of
///   a batch exists only if all others do. Deleted files may have come back. Half-written files may be
///   left behind. [`crash_states`](Self::crash_states) returns all outcomes, and
///   [`restart`](Self::restart) chooses one by seed.
/// - A call that fails with an [injected](Self::inject) error has done such a subset too. The seed
///   decides at once which one.
///
/// ```
/// use alluvium_core::directory::{block_on, Directory, NewFile, SimulatedDirectory};
///
/// let directory = SimulatedDirectory::new(1);
/// directory.crash_at(0);
/// let batch = ["a", "b"].map(|path| NewFile { path: path.into(), content: Vec::new() });
/// assert!(block_on(directory.create(batch.to_vec())).is_err());
/// // "b" is the last file of the batch, so it never exists without "a".
/// let states = directory.crash_states();
/// assert!(states.iter().all(|state| !state.contains_key("b") || state.contains_key("a")));
/// ```
#[derive(Debug)]
pub struct SimulatedDirectory {
    storage: Mutex<Storage>,
}

impl SimulatedDirectory {
    /// Returns an empty directory whose choices follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self::from_nodes(seed, Nodes::new())
    }

    /// Returns a directory that holds `nodes`. Any path is allowed.
    pub fn from_nodes(seed: u64, nodes: Nodes) -> Self {
        let storage = Storage { durable: nodes, random: seed, ..Storage::default() };
        Self { storage: Mutex::new(storage) }
    }

    /// Returns a directory that holds `files`, given as path and content. Any path is allowed.
    pub fn from_files(seed: u64, files: BTreeMap<String, Vec<u8>>) -> Self {
        Self::from_nodes(seed, files.into_iter().map(|(path, content)| (path, Node::File(content))).collect())
    }

    /// Returns everything that would survive a crash now.
    pub fn to_nodes(&self) -> Nodes {
        self.storage().durable.clone()
    }

    /// Returns the operation of each call since the directory was made or restarted.
    pub fn calls(&self) -> Vec<Operation> {
        self.storage().calls.clone()
    }

    /// Plans an error: it happens when its call comes.
    pub fn inject(&self, fault: Fault) {
        self.storage().faults.push(fault);
    }

    /// Lets the power fail during the call number `call`, counted as in [`Fault::call`]. This call and all
    /// later ones fail.
    pub fn crash_at(&self, call: u64) {
        self.storage().crash_at = Some(call);
    }

    /// Returns whether the power is gone.
    pub fn is_down(&self) -> bool {
        self.storage().is_down
    }

    /// Returns every state in which the crash may have left the directory. While the power is on, that is
    /// only the present one.
    ///
    /// If more than eight names are undecided, it returns up to 256 outcomes drawn by seed.
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

    /// Brings the power back, with one of the [`crash_states`](Self::crash_states), drawn by seed. Faults
    /// that have not happened are forgotten, and calls are counted from 0 again.
    pub fn restart(&self) {
        let mut states = self.crash_states();
        let mut storage = self.storage();
        let drawn = storage.draw() as usize % states.len();
        *storage = Storage { durable: states.swap_remove(drawn), random: storage.random, ..Storage::default() };
    }

    fn storage(&self) -> MutexGuard<'_, Storage> {
        // Nothing panics while the lock is held, so even a poisoned lock guards a whole state.
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
        check_names(&batch, |path| Ok(storage.is_taken(path)))?;
        let name = batch.last().map_or("", |file| file.path.as_str());
        let changes: Vec<Change> = batch.iter().cloned().map(Change::Create).collect();
        storage.enter(Operation::Create, name, &changes)?;
        for file in batch {
            // A directory that holds a file is no longer listed as empty.
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
