//! What a power failure may leave of a directory, for whoever implements [`Directory`]: certified in
//! one line over a storage whose power can be made to fail.
//!
//! ```
//! use alluvium_core::directory::testing::crash_certificate::certify;
//! use alluvium_core::directory::{SimulatedDirectory, block_on};
//!
//! block_on(certify(|| SimulatedDirectory::new(7))).assert();
//! ```
//!
//! A storage says how it is opened, how its power fails and what that may leave. This one keeps whole
//! calls, as a store with transactions does:
//!
//! ```
//! use std::cell::Cell;
//! use alluvium_core::directory::testing::crash_certificate::{Storage, certify};
//! use alluvium_core::directory::{
//!     Directory, DirectoryError, DirectoryErrorKind, Entry, MemoryDirectory, NewFile, Operation, block_on,
//! };
//!
//! struct Transactions {
//!     files: MemoryDirectory,
//!     /// Calls until the power fails; none of them does when there is no number.
//!     left: Cell<Option<u64>>,
//! }
//!
//! impl Transactions {
//!     fn over(files: MemoryDirectory) -> Self {
//!         Self { files, left: Cell::new(None) }
//!     }
//!     fn step(&self, operation: Operation) -> Result<(), DirectoryError> {
//!         let left = self.left.get();
//!         self.left.set(left.map(|left| left.saturating_sub(1)));
//!         if left == Some(0) { Err(DirectoryError::new(DirectoryErrorKind::Io, operation, "")) } else { Ok(()) }
//!     }
//! }
//!
//! impl Directory for Transactions {
//!     async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
//!         self.step(Operation::List)?;
//!         self.files.list().await
//!     }
//!     async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
//!         self.step(Operation::Read)?;
//!         self.files.read(path).await
//!     }
//!     async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
//!         self.step(Operation::Read)?;
//!         self.files.read_range(path, offset, length).await
//!     }
//!     async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
//!         self.step(Operation::Create)?;
//!         self.files.create(batch).await
//!     }
//!     async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
//!         self.step(Operation::Delete)?;
//!         self.files.delete(paths).await
//!     }
//! }
//!
//! impl Storage for Transactions {
//!     type Handle<'a> = &'a Self;
//!     async fn open(&self) -> Result<&Self, DirectoryError> {
//!         Ok(self)
//!     }
//!     fn fail_after(&self, steps: u64) {
//!         self.left.set(Some(steps));
//!     }
//!     fn has_failed(&self) -> bool {
//!         self.left.get() == Some(0)
//!     }
//!     fn after_failure(&self, _seed: u64) -> Vec<Self> {
//!         vec![Self::over(MemoryDirectory::from_files(self.files.to_files()))]
//!     }
//! }
//!
//! let report = block_on(certify(|| Transactions::over(MemoryDirectory::new())));
//! assert!(report.assert() > 15);
//! ```

use std::collections::BTreeMap;
use std::fmt::Write;
use std::future::Future;

use crate::directory::{Directory, DirectoryError, EntryKind, NewFile, SimulatedDirectory};

/// Steps of going on after a failure, at most, in which the power fails once more.
const AGAIN_MAX: u64 = 6;

/// States of a second failure that are looked at, at most.
const STATES_AGAIN_MAX: usize = 6;

/// A script that has not come to its end after so many steps never does.
const STEPS_MAX: u64 = 10_000;

/// So many violations are told in full.
const TOLD_MAX: usize = 5;

/// A storage whose power can be made to fail.
pub trait Storage: Sized {
    /// A handle on it.
    type Handle<'a>: Directory
    where
        Self: 'a;

    /// Opens it, as a process that starts now does.
    fn open(&self) -> impl Future<Output = Result<Self::Handle<'_>, DirectoryError>>;

    /// Lets so many more steps succeed, and then the power fail: that step and all later ones fail,
    /// through every handle. What a step is, is the storage's affair: a system call, a request.
    fn fail_after(&self, steps: u64);

    /// Whether the power has failed.
    fn has_failed(&self) -> bool;

    /// Every state that the failure may have left, or some of them drawn by `seed`: each a storage of
    /// its own, and the power is back.
    fn after_failure(&self, seed: u64) -> Vec<Self>;
}

impl Storage for SimulatedDirectory {
    type Handle<'a> = &'a Self;

    async fn open(&self) -> Result<&Self, DirectoryError> {
        Ok(self)
    }

    fn fail_after(&self, steps: u64) {
        self.crash_at(self.calls().len() as u64 + steps);
    }

    fn has_failed(&self) -> bool {
        self.is_down()
    }

    fn after_failure(&self, seed: u64) -> Vec<Self> {
        let nodes = self.crash_states().into_iter();
        nodes.map(|nodes| Self::from_nodes(seed, nodes)).collect()
    }
}

/// What certification tried and found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a report that nobody looks at tests nothing: call `assert`"]
pub struct CrashReport {
    /// States that were looked at.
    pub states: u64,
    /// How many of them break the contract.
    pub violated: u64,
    /// The first few, in full.
    pub violations: Vec<String>,
}

impl CrashReport {
    /// Panics, naming the first violations, unless there are none and anything was looked at. Returns
    /// how many states were.
    pub fn assert(&self) -> u64 {
        let mut told = String::new();
        for violation in &self.violations {
            let _ = write!(told, "\n{violation}");
        }
        assert!(self.violated == 0, "{} of {} crash states break the contract:{told}", self.violated, self.states);
        assert!(self.states > 0, "no crash state was looked at: does the power ever fail?");
        self.states
    }

    fn note(&mut self, outcome: Result<(), String>) {
        self.states += 1;
        if let Err(what) = outcome {
            self.violated += 1;
            if self.violations.len() < TOLD_MAX {
                self.violations.push(what);
            }
        }
    }
}

/// One call of the script.
#[derive(Debug, Clone, Copy)]
enum Call {
    Create(&'static [(&'static str, usize)]),
    Delete(&'static [&'static str]),
}

/// Batches over several directories, old and new, large and empty; deletions of some and of all of a
/// directory's files; names given again.
const SCRIPT: [Call; 10] = [
    Call::Create(&[("segments/1", 600), ("segments/2", 0), ("one/commit", 20)]),
    Call::Create(&[("plain", 3)]),
    Call::Create(&[("segments/3", 70_000), ("two/side", 1), ("wal/1", 5), ("two/commit", 30)]),
    Call::Delete(&["one/commit"]),
    Call::Delete(&["segments/1", "plain"]),
    Call::Create(&[("segments/1", 10), ("plain", 9), ("one/commit", 8)]),
    Call::Create(&[("segments/4", 4), ("segments/5", 5), ("three/commit", 6)]),
    Call::Delete(&["two/side", "two/commit", "segments/2", "never/there"]),
    Call::Delete(&["wal/1"]),
    Call::Create(&[("two/commit", 40)]),
];

/// What must be there, and what may be.
#[derive(Debug, Clone, Default)]
struct Expected {
    there: BTreeMap<String, Vec<u8>>,
    /// The call that the failure cut short.
    cut: Option<Cut>,
}

#[derive(Debug, Clone)]
enum Cut {
    Create(Vec<NewFile>),
    Delete(Vec<String>),
}

/// A file's content, which its name and its length tell.
fn content(path: &str, bytes: usize) -> Vec<u8> {
    path.bytes().cycle().zip(0_u8..=250).map(|(byte, at)| byte ^ at).cycle().take(bytes).collect()
}

impl Call {
    fn cut(self) -> Cut {
        match self {
            Self::Create(files) => {
                let file =
                    |(path, bytes): &(&str, usize)| NewFile { path: (*path).into(), content: content(path, *bytes) };
                Cut::Create(files.iter().map(file).collect())
            }
            Self::Delete(paths) => Cut::Delete(paths.iter().map(|path| (*path).to_owned()).collect()),
        }
    }
}

impl Expected {
    /// Makes a call; what it promises counts once it has succeeded.
    async fn call<D: Directory>(&mut self, directory: &D, call: Call) -> Result<(), DirectoryError> {
        self.cut = Some(call.cut());
        match call.cut() {
            Cut::Create(batch) => {
                directory.create(batch.clone()).await?;
                self.there.extend(batch.into_iter().map(|file| (file.path, file.content)));
            }
            Cut::Delete(paths) => {
                directory.delete(&paths).await?;
                self.there.retain(|path, _| !paths.contains(path));
            }
        }
        self.cut = None;
        Ok(())
    }

    /// Holds what a directory lists and reads to it; gives the names that are left over.
    async fn check<D: Directory>(&self, directory: &D) -> Result<Vec<String>, String> {
        let mut leftovers = Vec::new();
        let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for entry in directory.list().await.map_err(|error| error.to_string())? {
            match entry.kind {
                EntryKind::File => {
                    let read =
                        directory.read(&entry.path).await.map_err(|error| format!("listed, and then {error}"))?;
                    if read.len() as u64 != entry.bytes {
                        return Err(format!("{}: {} bytes listed, {} read", entry.path, entry.bytes, read.len()));
                    }
                    found.insert(entry.path, read);
                }
                EntryKind::Temporary | EntryKind::EmptyDirectory => leftovers.push(entry.path),
                EntryKind::Other => return Err(format!("{} is no file of ours", entry.path)),
            }
        }
        let may_go = |path: &String| matches!(&self.cut, Some(Cut::Delete(paths)) if paths.contains(path));
        for (path, content) in &self.there {
            match found.remove(path) {
                Some(read) if read == *content => {}
                Some(read) => return Err(format!("{path}: {} bytes that are not what was created", read.len())),
                None if may_go(path) => {}
                None => return Err(format!("{path} was acknowledged, and is gone")),
            }
        }
        if let Some(Cut::Create(batch)) = &self.cut {
            let last = batch.last().filter(|last| found.contains_key(&last.path));
            for file in batch {
                match (found.remove(&file.path), last) {
                    (Some(read), _) if read == file.content => leftovers.push(file.path.clone()),
                    (Some(read), _) => {
                        return Err(format!("{} is listed and not whole: {} bytes", file.path, read.len()));
                    }
                    (None, Some(last)) => return Err(format!("{} is there without {}", last.path, file.path)),
                    (None, None) => {}
                }
            }
        }
        found
            .keys()
            .next()
            .map_or(Ok(leftovers), |path| Err(format!("{path} is there and was never created, or was deleted")))
    }
}

/// Goes through a script of creations and deletions with the power failing before every step of it,
/// holds every state that this may leave to the contract, and goes on from it; there the power fails
/// once more.
///
/// `new` gives an empty storage, each time another one.
pub async fn certify<S: Storage>(new: impl Fn() -> S) -> CrashReport {
    let mut report = CrashReport::default();
    for step in 0..STEPS_MAX {
        let storage = new();
        storage.fail_after(step);
        let mut expected = Expected::default();
        let outcome = run(&storage, &mut expected, SCRIPT).await;
        if !storage.has_failed() {
            report.note(outcome.map_err(|error| format!("without a failure: {error}")));
            return report;
        }
        for (at, state) in storage.after_failure(step).into_iter().enumerate() {
            let outcome = survives(&state, expected.clone(), step, &mut report).await;
            report.note(outcome.map_err(|what| format!("the power failing after step {step}, state {at}: {what}")));
        }
    }
    report.note(Err(format!("the power has not failed once in {STEPS_MAX} steps, nor has the script ended")));
    report
}

/// Opens and makes calls until one fails.
async fn run<S: Storage>(
    storage: &S,
    expected: &mut Expected,
    calls: impl IntoIterator<Item = Call>,
) -> Result<(), DirectoryError> {
    let directory = storage.open().await?;
    for call in calls {
        expected.call(&directory, call).await?;
    }
    Ok(())
}

/// What comes after a failure: looking, clearing up, and creating again, under names that are taken
/// and then are not.
const GOING_ON: [Call; 3] = [
    Call::Create(&[("next/side", 50), ("next/commit", 60)]),
    Call::Delete(&["next/side"]),
    Call::Create(&[("again", 7)]),
];

/// Holds one state to what is expected, goes on from it, and fails again in between.
async fn survives<S: Storage>(
    state: &S,
    mut expected: Expected,
    seed: u64,
    report: &mut CrashReport,
) -> Result<(), String> {
    let told = |error: DirectoryError| format!("with the power back: {error}");
    let directory = state.open().await.map_err(told)?;
    let leftovers = expected.check(&directory).await?;
    // Whatever came of the call that was cut short, it is settled now: what is there stays there.
    let there = directory.list().await.map_err(told)?;
    let batch = match expected.cut.take() {
        Some(Cut::Create(batch)) => batch,
        _ => Vec::new(),
    };
    expected.there.retain(|path, _| there.iter().any(|entry| entry.path == *path));
    directory.delete(&leftovers).await.map_err(|error| format!("clearing up: {error}"))?;
    expected.check(&directory).await.map_err(|what| format!("after clearing up: {what}"))?;
    if !batch.is_empty() {
        directory.create(batch.clone()).await.map_err(|error| format!("the same batch again: {error}"))?;
        expected.there.extend(batch.into_iter().map(|file| (file.path, file.content)));
        expected.check(&directory).await.map_err(|what| format!("the same batch again: {what}"))?;
    }
    drop(directory);
    state.fail_after(seed % AGAIN_MAX);
    let outcome = run(state, &mut expected, GOING_ON).await;
    if !state.has_failed() {
        return outcome.map_err(|error| format!("going on: {error}"));
    }
    for again in state.after_failure(seed).into_iter().take(STATES_AGAIN_MAX) {
        let looked = async {
            let directory = again.open().await.map_err(|error| error.to_string())?;
            expected.check(&directory).await
        };
        report.note(looked.await.map(drop).map_err(|what| format!("the power failing once more: {what}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{Entry, Node, block_on};

    #[test]
    fn the_simulation_passes() {
        let states = block_on(certify(|| SimulatedDirectory::new(3))).assert();
        assert!(states > 250, "only {states}");
    }

    /// What may be wrong with a storage's promises.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Wrong {
        LosesAcknowledged,
        CommitsFirst,
        Tears,
        DeletesComeBack,
    }

    /// The simulation, with one promise broken by what a failure leaves.
    struct Breaking(SimulatedDirectory, Wrong);

    impl Directory for Breaking {
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
            let mut batch = batch;
            if self.1 == Wrong::CommitsFirst {
                batch.rotate_right(1);
            }
            self.0.create(batch).await
        }
        async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
            if self.1 == Wrong::DeletesComeBack && paths.iter().any(|path| path == "wal/1") {
                return Ok(());
            }
            self.0.delete(paths).await
        }
    }

    impl Storage for Breaking {
        type Handle<'a> = &'a Self;

        async fn open(&self) -> Result<&Self, DirectoryError> {
            Ok(self)
        }
        fn fail_after(&self, steps: u64) {
            self.0.fail_after(steps);
        }
        fn has_failed(&self) -> bool {
            self.0.has_failed()
        }
        fn after_failure(&self, seed: u64) -> Vec<Self> {
            let broken = |mut nodes: crate::directory::Nodes| {
                let last = nodes
                    .iter()
                    .filter(|(_, node)| matches!(node, Node::File(_)))
                    .map(|(path, _)| path.clone())
                    .next_back();
                match (self.1, last) {
                    (Wrong::LosesAcknowledged, Some(path)) => drop(nodes.remove(&path)),
                    (Wrong::Tears, Some(path)) => drop(nodes.insert(path, Node::File(b"torn".to_vec()))),
                    _ => {}
                }
                Self(SimulatedDirectory::from_nodes(seed, nodes), self.1)
            };
            self.0.crash_states().into_iter().map(broken).collect()
        }
    }

    #[test]
    fn each_broken_promise_is_found() {
        for (wrong, told) in [
            (Wrong::LosesAcknowledged, "was acknowledged, and is gone"),
            (Wrong::CommitsFirst, "is there without"),
            (Wrong::Tears, "not what was created"),
            (Wrong::DeletesComeBack, "was deleted"),
        ] {
            let report = block_on(certify(|| Breaking(SimulatedDirectory::new(1), wrong)));
            assert!(report.violations.iter().any(|what| what.contains(told)), "{wrong:?}: {report:?}");
        }
    }

    #[test]
    #[should_panic(expected = "does the power ever fail?")]
    fn a_report_without_states_is_a_failure() {
        CrashReport::default().assert();
    }
}
