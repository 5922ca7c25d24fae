//! A directory in memory that counts what is asked of it, and fails when told to.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use alluvium_core::directory::{
    Directory, DirectoryError, DirectoryErrorKind, Entry, MemoryDirectory, NewFile, Operation,
};

use crate::Files;

/// One failure to come.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// The operation that fails.
    pub on: Operation,
    /// How many calls of it still succeed.
    pub after: usize,
    /// How many of the failing call's files are created or deleted all the same.
    pub done: usize,
    /// What the caller is told.
    pub kind: DirectoryErrorKind,
    /// Whether everything fails from then on, as after a crash.
    pub lasting: bool,
}

impl Fault {
    /// The process dies in the `after + 1`th call of `on`, with `done` files of it done.
    pub fn crash(on: Operation, after: usize, done: usize) -> Self {
        Self { on, after, done, kind: DirectoryErrorKind::Io, lasting: true }
    }

    /// One call of `on` fails without any effect; the next one works.
    pub fn once(on: Operation, kind: DirectoryErrorKind) -> Self {
        Self { on, after: 0, done: 0, kind, lasting: false }
    }
}

/// Calls and bytes of each operation so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// Calls by the operation's name.
    pub count: BTreeMap<String, usize>,
    /// Bytes that were read.
    pub read_bytes: u64,
    /// Bytes that were created.
    pub created_bytes: u64,
}

impl Calls {
    /// Calls of `operation`.
    pub fn of(&self, operation: Operation) -> usize {
        self.count.get(&operation.to_string()).copied().unwrap_or_default()
    }
}

#[derive(Debug, Default)]
struct Plan {
    fault: Option<Fault>,
    crashed: bool,
    calls: Calls,
}

/// See the module.
#[derive(Debug, Default)]
pub struct FaultyDirectory {
    inner: MemoryDirectory,
    plan: Mutex<Plan>,
}

impl FaultyDirectory {
    /// A directory holding `files`.
    pub fn over(files: Files) -> Self {
        Self { inner: MemoryDirectory::from_files(files), plan: Mutex::default() }
    }

    /// Lets `fault` happen once its time has come.
    pub fn plan(&self, fault: Fault) {
        self.locked().fault = Some(fault);
    }

    /// Forgets faults and crashes, as a restart does; the files stay.
    pub fn revive(&self) {
        let mut plan = self.locked();
        plan.fault = None;
        plan.crashed = false;
    }

    /// Whether the planned fault has happened.
    pub fn has_failed(&self) -> bool {
        let plan = self.locked();
        plan.crashed || plan.fault.is_none()
    }

    /// A copy of every file.
    pub fn to_files(&self) -> Files {
        self.inner.to_files()
    }

    /// What was asked so far; counting starts anew.
    pub fn take_calls(&self) -> Calls {
        std::mem::take(&mut self.locked().calls)
    }

    fn locked(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().expect("no test panics while it holds the plan")
    }

    /// Counts a call; `Some` when it has to fail, with how much of it is done all the same.
    fn enter(&self, operation: Operation, name: &str) -> Option<(usize, DirectoryError)> {
        let mut plan = self.locked();
        *plan.calls.count.entry(operation.to_string()).or_default() += 1;
        let failure = |kind| DirectoryError::new(kind, operation, name).because("as planned by the test");
        if plan.crashed {
            return Some((0, failure(DirectoryErrorKind::Io)));
        }
        let fault = plan.fault.as_mut().filter(|fault| fault.on == operation)?;
        if fault.after > 0 {
            fault.after -= 1;
            return None;
        }
        let fault = *fault;
        plan.fault = None;
        plan.crashed = fault.lasting;
        Some((fault.done, failure(fault.kind)))
    }
}

impl Directory for FaultyDirectory {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        match self.enter(Operation::List, "") {
            Some((_, error)) => Err(error),
            None => self.inner.list().await,
        }
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        if let Some((_, error)) = self.enter(Operation::Read, path) {
            return Err(error);
        }
        let content = self.inner.read(path).await?;
        self.locked().calls.read_bytes += content.len() as u64;
        Ok(content)
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        if let Some((_, error)) = self.enter(Operation::Read, path) {
            return Err(error);
        }
        let content = self.inner.read_range(path, offset, length).await?;
        self.locked().calls.read_bytes += content.len() as u64;
        Ok(content)
    }

    async fn create(&self, mut batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        let name = batch.last().map(|file| file.path.clone()).unwrap_or_default();
        let failure = self.enter(Operation::Create, &name);
        if let Some((done, error)) = failure {
            batch.truncate(done);
            self.inner.create(batch).await?;
            return Err(error);
        }
        let bytes: u64 = batch.iter().map(|file| file.content.len() as u64).sum();
        self.inner.create(batch).await?;
        self.locked().calls.created_bytes += bytes;
        Ok(())
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        let name = paths.first().map(String::as_str).unwrap_or_default();
        if let Some((done, error)) = self.enter(Operation::Delete, name) {
            self.inner.delete(&paths[..done.min(paths.len())]).await?;
            return Err(error);
        }
        self.inner.delete(paths).await
    }
}
