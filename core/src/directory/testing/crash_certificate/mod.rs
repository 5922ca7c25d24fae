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

mod expected;
mod report;
mod storage;

pub use report::CrashReport;
pub use storage::Storage;

use crate::directory::contract::Directory;
use crate::directory::error::DirectoryError;
use crate::directory::testing::crash_certificate::expected::{Call, Cut, Expected};

/// Steps of going on after a failure, at most, in which the power fails once more.
const AGAIN_MAX: u64 = 6;

/// States of a second failure that are looked at, at most.
const STATES_AGAIN_MAX: usize = 6;

/// A script that has not come to its end after so many steps never does.
const STEPS_MAX: u64 = 10_000;

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
mod tests;
