//! A directory whose power can fail: the persistence that the contract leaves open, made to happen.
//!
//! Everything follows from the seed and the calls, so a failure replays exactly.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::directory::{
    Directory, DirectoryError, DirectoryErrorKind, Entry, EntryKind, NewFile, Operation, is_valid_path,
};

/// At most this many undecided names of one call are gone through one by one; beyond it, as many
/// outcomes are drawn by seed.
const UNDECIDED_MAX: usize = 8;

/// What a name of a simulated directory stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// A whole file.
    File(Vec<u8>),
    /// What a creation that was cut short left behind.
    Temporary(Vec<u8>),
    /// A directory with nothing in it.
    EmptyDirectory,
    /// A link, pipe or device.
    Other,
}

/// The names of a simulated directory, by path.
pub type Nodes = BTreeMap<String, Node>;

/// An error to come.
///
/// ```
/// use alluvium_core::directory::{block_on, Directory, DirectoryErrorKind, Fault, SimulatedDirectory};
///
/// let directory = SimulatedDirectory::new(7);
/// directory.inject(Fault { call: 1, kind: DirectoryErrorKind::Io, lasting: false });
/// assert!(block_on(directory.list()).is_ok());
/// assert!(block_on(directory.list()).is_err());
/// assert!(block_on(directory.list()).is_ok());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The call that fails, counted from 0 since the directory was made or [restarted].
    ///
    /// [restarted]: SimulatedDirectory::restart
    pub call: u64,
    /// What the caller is told.
    pub kind: DirectoryErrorKind,
    /// Whether every later call of the same operation fails too.
    pub lasting: bool,
}

/// One change that a call asked for and a crash may take away.
#[derive(Debug, Clone)]
enum Change {
    Create(NewFile),
    Delete(String),
}

#[derive(Debug, Default)]
struct Storage {
    durable: Nodes,
    /// Changes of the call that the crash cut short.
    undecided: Vec<Change>,
    faults: Vec<Fault>,
    /// Operations that fail from now on.
    broken: Vec<(Operation, DirectoryErrorKind)>,
    crash_at: Option<u64>,
    is_down: bool,
    calls: Vec<Operation>,
    random: u64,
}

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

/// What is there when of `changes` those in `chosen` happened, and those in `leftovers` left a
/// half-made file.
fn outcome(durable: &Nodes, changes: &[Change], chosen: u64, leftovers: u64) -> Nodes {
    let bit = |bits: u64, at: usize| bits >> (at % 64) & 1 == 1;
    let mut nodes = durable.clone();
    let is_commit = |at: usize| at + 1 == changes.len();
    // The last file is the commit: it is there only with all the others.
    let all = (0..changes.len()).all(|at| bit(chosen, at));
    for (at, change) in changes.iter().enumerate() {
        match change {
            Change::Create(file) if bit(chosen, at) && (!is_commit(at) || all) => {
                nodes.insert(file.path.clone(), Node::File(file.content.clone()));
            }
            Change::Create(file) if bit(leftovers, at) => {
                let half = file.content[..file.content.len() / 2].to_vec();
                let path = file.path.rsplit_once('/').map_or("", |(directory, _)| directory);
                let path = if path.is_empty() { format!(".tmp-{at}") } else { format!("{path}/.tmp-{at}") };
                nodes.insert(path, Node::Temporary(half));
            }
            Change::Delete(path) if bit(chosen, at) => {
                nodes.remove(path);
            }
            Change::Create(_) | Change::Delete(_) => {}
        }
    }
    nodes
}

impl Storage {
    /// The next number of the seed's sequence (`SplitMix64`).
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Bits of which all or none are set often: chance alone would hardly ever give that.
    fn draw_some(&mut self) -> u64 {
        match self.draw() % 4 {
            0 => u64::MAX,
            1 => 0,
            _ => self.draw(),
        }
    }

    /// Counts a call that would make `changes`, and fails it when its time has come.
    fn enter(&mut self, operation: Operation, name: &str, changes: &[Change]) -> Result<(), DirectoryError> {
        let error = |kind, why: &str| DirectoryError::new(kind, operation, name).because(why);
        let call = self.calls.len() as u64;
        self.calls.push(operation);
        if self.is_down {
            return Err(error(DirectoryErrorKind::Io, "the power is gone"));
        }
        if self.crash_at == Some(call) {
            self.is_down = true;
            self.undecided = changes.to_vec();
            return Err(error(DirectoryErrorKind::Io, "the power failed"));
        }
        let broken = self.broken.iter().find(|(broken, _)| *broken == operation).map(|(_, kind)| *kind);
        let planned = self.faults.iter().find(|fault| fault.call == call).copied();
        let Some(kind) = planned.map(|fault| fault.kind).or(broken) else { return Ok(()) };
        if planned.is_some_and(|fault| fault.lasting) {
            self.broken.push((operation, kind));
        }
        // Whoever is told that a name is taken, or that another writer was first, has changed nothing.
        if !matches!(kind, DirectoryErrorKind::AlreadyExists | DirectoryErrorKind::Fenced) && !changes.is_empty() {
            let (chosen, leftovers) = (self.draw_some(), self.draw());
            self.durable = outcome(&self.durable, changes, chosen, leftovers);
        }
        Err(error(kind, "as injected"))
    }

    fn file(&self, path: &str) -> Result<&Vec<u8>, DirectoryError> {
        let error = |kind| Err(DirectoryError::new(kind, Operation::Read, path));
        match self.durable.get(path) {
            Some(Node::File(content) | Node::Temporary(content)) => Ok(content),
            Some(Node::EmptyDirectory | Node::Other) => error(DirectoryErrorKind::Invalid),
            None => error(DirectoryErrorKind::NotFound),
        }
    }

    /// Whether a name is taken, as a file or as the directory of one.
    fn is_taken(&self, path: &str) -> bool {
        let below = format!("{path}/");
        self.durable.contains_key(path) && self.durable[path] != Node::EmptyDirectory
            || self.durable.range(below.clone()..).next().is_some_and(|(next, _)| next.starts_with(&below))
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
mod tests {
    use super::*;
    use crate::directory::block_on;
    use crate::directory::testing::conformance::{self, Handles};

    fn batch(paths: &[&str]) -> Vec<NewFile> {
        paths.iter().map(|path| NewFile { path: (*path).into(), content: path.as_bytes().to_vec() }).collect()
    }

    fn files(nodes: &Nodes) -> Vec<&str> {
        let file = |(path, node): (&'_ String, &Node)| matches!(node, Node::File(_)).then_some(path.clone());
        nodes.iter().filter(|(path, node)| file((path, node)).is_some()).map(|(path, _)| path.as_str()).collect()
    }

    #[test]
    fn it_passes_the_suite_of_every_directory() {
        let storages = Mutex::new(BTreeMap::new());
        let open = async |storage: &str| {
            let mut storages = storages.lock().unwrap();
            *storages.entry(storage.to_owned()).or_insert_with(|| &*Box::leak(Box::new(SimulatedDirectory::new(1))))
        };
        block_on(conformance::run(Handles::Many, open)).assert();
    }

    #[test]
    fn a_crash_never_leaves_the_last_file_without_the_others() {
        let directory = SimulatedDirectory::new(1);
        directory.crash_at(0);
        assert!(block_on(directory.create(batch(&["a", "b", "c"]))).is_err());
        assert!(block_on(directory.list()).is_err(), "nothing works without power");
        let states = directory.crash_states();
        let mut seen: Vec<Vec<&str>> = states.iter().map(files).collect();
        seen.sort();
        seen.dedup();
        let expected: [&[&str]; 5] = [&[], &["a"], &["a", "b"], &["a", "b", "c"], &["b"]];
        assert_eq!(seen, expected);
        directory.restart();
        assert!(states.contains(&directory.to_nodes()));
        assert!(block_on(directory.list()).is_ok());
    }

    #[test]
    fn deletes_may_come_back_until_they_resolve() {
        let directory = SimulatedDirectory::new(1);
        block_on(directory.create(batch(&["a", "b"]))).unwrap();
        directory.crash_at(1);
        let paths = ["a".to_string(), "b".to_string()];
        assert!(block_on(directory.delete(&paths)).is_err());
        assert_eq!(directory.crash_states().len(), 4);
        let resolved = SimulatedDirectory::new(1);
        block_on(resolved.create(batch(&["a", "b"]))).unwrap();
        block_on(resolved.delete(&paths)).unwrap();
        assert_eq!(resolved.crash_states(), [Nodes::new()]);
    }

    #[test]
    fn lasting_errors_last_for_their_operation() {
        let directory = SimulatedDirectory::new(3);
        directory.inject(Fault { call: 1, kind: DirectoryErrorKind::NoSpace, lasting: true });
        block_on(directory.create(batch(&["a"]))).unwrap();
        for name in ["b", "c"] {
            let error = block_on(directory.create(batch(&[name]))).unwrap_err();
            assert_eq!(error.kind(), DirectoryErrorKind::NoSpace);
        }
        assert!(block_on(directory.read("a")).is_ok());
        directory.restart();
        assert!(block_on(directory.create(batch(&["d"]))).is_ok());
    }

    #[test]
    fn the_same_seed_gives_the_same_states() {
        let play = |seed| {
            let directory = SimulatedDirectory::new(seed);
            let mut states = Vec::new();
            for round in 0..10_u32 {
                directory.crash_at(0);
                let paths: Vec<String> = (0..12).map(|n| format!("d/{round}-{n}")).collect();
                let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
                assert!(block_on(directory.create(batch(&paths))).is_err());
                states.push(directory.crash_states());
                directory.restart();
                states.push(vec![directory.to_nodes()]);
            }
            states
        };
        assert_eq!(play(5), play(5));
        assert_ne!(play(5), play(6));
    }
}
