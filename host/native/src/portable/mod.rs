//! A directory of the file system by the standard library alone, for systems other than Linux.
//!
//! It keeps the contract of [`Directory`], and passes its suite, with three differences from Linux:
//!
//! - A symbolic link is refused when it is seen. One that another process puts in place between that
//!   look and the opening is followed.
//! - Windows has no call that syncs a directory. There, a checkpoint's bytes are durable when a call
//!   returns, and its name as soon as the file system writes its journal.
//! - Files get their names by hard links, so the file system must have them (APFS and NTFS do).
//!
//! The tests of this module run on Linux. For macOS and Windows it is only checked that it compiles.

mod files;
#[cfg(test)]
mod tests;

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alluvium_core::directory::{Directory, DirectoryError, DirectoryErrorKind, Entry, NewFile, Operation};

pub use crate::watch::{Call, Watch};

/// The file that carries the lock.
const LOCK_FILE: &str = ".lock";

/// A directory of the file system.
#[derive(Debug)]
pub struct NativeDirectory {
    path: PathBuf,
    watcher: Option<Arc<dyn Watch>>,
    /// Held for the lifetime of a writer that asked for it; closing the file releases it.
    lock: Option<File>,
}

impl NativeDirectory {
    /// Opens an existing directory. Nothing is created, not even a lock.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        let path = path.into();
        let is_directory = fs::metadata(&path).map_err(|error| opening(error, &path))?.is_dir();
        if !is_directory {
            return Err(opening(io::ErrorKind::NotADirectory.into(), &path));
        }
        Ok(Self { path, watcher: None, lock: None })
    }

    /// Opens a directory, creating it when it is missing, and the ones above it.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        let path = path.into();
        fs::create_dir_all(&path).map_err(|error| opening(error, &path))?;
        files::sync_directory(&path).map_err(|error| opening(error, &path))?;
        Self::open(path)
    }

    /// Opens an existing directory for its only writer. While another one has it open, this fails with
    /// [`DirectoryErrorKind::Fenced`]. The system releases the lock when the process ends.
    pub fn open_exclusive(path: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        let mut directory = Self::open(path)?;
        directory.lock = Some(lock(&directory.path)?);
        Ok(directory)
    }

    /// As [`open_exclusive`](Self::open_exclusive), with `watcher` told of the calls that decide what a
    /// crash leaves.
    pub fn open_exclusive_watched(path: impl Into<PathBuf>, watcher: Arc<dyn Watch>) -> Result<Self, DirectoryError> {
        Ok(Self { watcher: Some(watcher), ..Self::open_exclusive(path)? })
    }

    /// Whether this is the directory's only writer, holding its lock.
    pub fn is_exclusive(&self) -> bool {
        self.lock.is_some()
    }

    /// Where the directory is, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a call that decides what a crash leaves; a watcher may make it fail.
    fn call<T>(&self, call: Call<'_>, make: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let Some(watcher) = &self.watcher else { return make() };
        watcher.before(call)?;
        let result = make()?;
        watcher.done(call);
        Ok(result)
    }
}

impl Directory for NativeDirectory {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        files::list(self)
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        files::read(self, path, None)
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        files::read(self, path, Some((offset, length)))
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        files::create(self, &batch)
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        files::delete(self, paths)
    }
}

/// Takes the lock, or says that another writer has it.
fn lock(directory: &Path) -> Result<File, DirectoryError> {
    let failed = |error| directory_error(error, Operation::Open, LOCK_FILE);
    let path = directory.join(LOCK_FILE);
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Where a lock also forbids reading, the number stays unknown.
            let _ = (&mut file).take(20).read_to_string(&mut holder);
            let holder = holder.trim();
            let who = if holder.is_empty() { "another process".to_owned() } else { format!("process {holder}") };
            let error = DirectoryError::new(DirectoryErrorKind::Fenced, Operation::Open, LOCK_FILE);
            return Err(error.because(format!("{who} is writing here: let it finish, or stop it")));
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
        Ok(()) => {}
    }
    // The number is for people; a full disk must not keep a writer from freeing space.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

/// The directory's error for a failed call of `operation` on `name`.
fn directory_error(source: io::Error, operation: Operation, name: &str) -> DirectoryError {
    let kind = match source.kind() {
        io::ErrorKind::NotFound => DirectoryErrorKind::NotFound,
        io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename if operation == Operation::Read => {
            DirectoryErrorKind::NotFound
        }
        io::ErrorKind::AlreadyExists => DirectoryErrorKind::AlreadyExists,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DirectoryErrorKind::NoSpace,
        io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::DirectoryNotEmpty
        | io::ErrorKind::InvalidFilename
        | io::ErrorKind::InvalidInput => DirectoryErrorKind::Invalid,
        _ => DirectoryErrorKind::Io,
    };
    DirectoryError::new(kind, operation, name).because(source)
}

/// An error of opening the directory itself, named by its whole path.
fn opening(source: io::Error, path: &Path) -> DirectoryError {
    directory_error(source, Operation::Open, &path.display().to_string())
}
