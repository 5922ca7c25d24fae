//! A test of what a power failure leaves of a directory. It takes one line over a storage whose power
//! can be made to fail.
//!
//! ```
//! use alluvium_core::directory::testing::crash_certificate::certify;
//! use alluvium_core::directory::{SimulatedDirectory, block_on};
//!
//! block_on(certify(|| SimulatedDirectory::new(7))).assert();
//! ```
//!
//! A storage defines how it is opened, how its power fails, and what a failure may leave. The one in this
//! example keeps whole calls, as a store with transactions does:
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
//!     /// Calls until the power fails. `None` means that it never fails.
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

/// The second failure of the power comes within this many steps after the first one.
const AGAIN_MAX: u64 = 6;

/// At most this many states of a second failure are checked.
const STATES_AGAIN_MAX: usize = 6;

/// A script that has not ended after this many steps never will.
const STEPS_MAX: u64 = 10_000;

/// The script creates batches over several directories, old and new, with large and empty files. It
/// deletes some and all files of a directory, and creates deleted names again.
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

/// Checks that a storage keeps the contract of [`Directory`] when its power fails, and returns a report.
///
/// It runs a script of creations and deletions once for each step of it, with the power failing before
/// that step. It checks every state that the failure may leave, and continues from it. While it
/// continues, the power fails once more.
///
/// `new` must return an empty storage of its own each time.
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
    report.note(Err(format!("the script did not end within {STEPS_MAX} steps")));
    report
}

/// Opens the storage and makes the calls in order. Returns the error of the first one that fails.
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

/// The calls after a failure: they create files, delete one of them, and create another one.
const GOING_ON: [Call; 3] = [
    Call::Create(&[("next/side", 50), ("next/commit", 60)]),
    Call::Delete(&["next/side"]),
    Call::Create(&[("again", 7)]),
];

/// Checks one state against what is expected and continues from it. The power fails again while it
/// does.
async fn survives<S: Storage>(
    state: &S,
    mut expected: Expected,
    seed: u64,
    report: &mut CrashReport,
) -> Result<(), String> {
    let told = |error: DirectoryError| format!("with the power back: {error}");
    let directory = state.open().await.map_err(told)?;
    let leftovers = expected.check(&directory).await?;
    // The result of the call that was cut short is settled now: files that exist must stay.
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
        return outcome.map_err(|error| format!("continuing: {error}"));
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
