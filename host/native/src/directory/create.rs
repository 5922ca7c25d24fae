//! Creating an ordered batch: whole and synced under temporary names, then named in order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, NewFile, Operation, check_names};
use alluvium_core::seeded_defects::{self, Defect};
use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, linkat, mkdirat, openat, renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;

use super::error::{directory_error, errno};
use super::listing::TEMPORARY_PREFIX;
use super::openat::{Root, split};
use super::parallel_sync::{Unsynced, sync_in_parallel};
use crate::watch::Call;

/// How often a directory that another thread deletes under our hands is made again.
const ATTEMPTS_MAX: usize = 100;

/// Distinguishes the temporary files of one process.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// What is said of a file system without both.
pub(super) const CANNOT_NAME: &str = "this file system can neither rename without replacing nor make hard links";

/// What that means for a writer.
pub(super) const MAY_OVERWRITE: &str = "two writers at the same moment may overwrite each other";

/// How a file gets its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Naming {
    /// In one step that never replaces another file, or not at all.
    #[default]
    Exclusive,
    /// The same, on a file system that can do it, where a check would have been accepted.
    ExclusiveHere,
    /// By a rename after a check that the name is free.
    Checked,
}

/// Tries out what the file system can do, for one who accepts that it cannot name exclusively.
pub(super) fn try_naming(root: &Root) -> Result<Naming, DirectoryError> {
    let failed = |errno| directory_error(errno, Operation::Open, "");
    let new = NewFile { path: "tried".to_owned(), content: Vec::new() };
    let mut pending = Pending::new(root, Naming::Exclusive);
    drop(pending.create_temporary(&new.path).map_err(failed)?);
    let temporary = pending.temporary(&new.path);
    // Such a name is never a file of the contract, whatever becomes of this process.
    let name = format!("{temporary}-named");
    match pending.name_exclusively(&new.path, &temporary, &name) {
        Ok(()) => {
            pending.temporaries.clear();
            root.call(Call::Unlink(&name), || unlinkat(root, name.as_str(), AtFlags::empty())).map_err(failed)?;
            Ok(Naming::ExclusiveHere)
        }
        Err(errno) if is_incapable(errno) => Ok(Naming::Checked),
        Err(errno) => Err(failed(errno)),
    }
}

/// Tells whether the file system cannot make a hard link.
fn is_incapable(errno: Errno) -> bool {
    matches!(errno, Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL)
}

/// Creates the batch; `durable_dirs` are the subdirectories whose names are known to be durable.
///
/// The syncs are the least that the contract allows, in three waves that each wait for the disk
/// once: every file's bytes, and the root when a directory is new; the directories of all files but
/// the last; the last one's directory.
pub(super) fn create(
    root: &Root,
    durable_dirs: &Mutex<BTreeSet<String>>,
    naming: Naming,
    batch: &[NewFile],
) -> Result<(), DirectoryError> {
    check_names(batch, |path| is_taken(root, path))?;
    let Some((last, earlier)) = batch.split_last() else { return Ok(()) };
    let mut pending = Pending::new(root, naming);
    // All bytes are handed to the kernel before the first sync waits for the disk.
    let files = batch.iter().map(|file| pending.write(file)).collect::<Result<Vec<_>, _>>()?;
    let not_durable_dirs = pending.not_durable_dirs(&durable_dirs.lock().unwrap_or_else(PoisonError::into_inner));
    // New directories have their names already: these can become durable while the bytes do.
    let root_too = if not_durable_dirs.is_empty() { &[][..] } else { &[""] };
    pending.sync(&files, batch, root_too)?;
    for file in earlier {
        pending.name(file)?;
    }
    let named_in: BTreeSet<&str> = earlier.iter().map(|file| split(&file.path).0).collect();
    pending.sync(&[], &[], &named_in.into_iter().collect::<Vec<_>>())?;
    // Only now: nothing that the last file promises can be lost any more.
    pending.name(last)?;
    pending.sync(&[], &[], &[split(&last.path).0])?;
    durable_dirs.lock().unwrap_or_else(PoisonError::into_inner).extend(not_durable_dirs);
    Ok(())
}

/// Whether a name is taken.
fn is_taken(root: &Root, path: &str) -> Result<bool, DirectoryError> {
    match root.open(path, OFlags::PATH, Mode::empty()) {
        Err(Errno::NOENT) => Ok(false),
        Ok(_) => Ok(true),
        // A link of that name takes it too; a link or file on the way is refused.
        Err(Errno::LOOP) if !path.contains('/') => Ok(true),
        Err(errno) => Err(failed(errno, path)),
    }
}

fn failed(source: impl Into<std::io::Error>, path: &str) -> DirectoryError {
    directory_error(source, Operation::Create, path)
}

/// `name` in the directory of `path`.
fn beside(path: &str, name: &str) -> String {
    match split(path).0 {
        "" => name.to_owned(),
        directory => format!("{directory}/{name}"),
    }
}

/// A file that has its bytes but not yet its name.
struct Temporary {
    path: String,
    name: String,
}

/// The batch on its way; temporary files that did not get their names are deleted with it.
struct Pending<'a> {
    root: &'a Root,
    naming: Naming,
    directories: BTreeMap<String, OwnedFd>,
    temporaries: Vec<Temporary>,
}

impl<'a> Pending<'a> {
    fn new(root: &'a Root, naming: Naming) -> Self {
        Self { root, naming, directories: BTreeMap::new(), temporaries: Vec::new() }
    }

    /// Writes a file under a temporary name in the directory of its final one.
    fn write(&mut self, new: &NewFile) -> Result<File, DirectoryError> {
        let mut file = self.create_temporary(&new.path).map_err(|errno| failed(errno, &new.path))?;
        let call = Call::Write(&self.temporary(&new.path), &new.content);
        let written = self.root.call(call, || file.write_all(&new.content).map_err(|source| errno(&source)));
        written.map_err(|source| failed(source, &new.path))?;
        Ok(file)
    }

    /// The relative path under which the file that will be `path` is written.
    fn temporary(&self, path: &str) -> String {
        let name = self.temporaries.iter().find(|temporary| temporary.path == path).map_or("", |found| &found.name);
        beside(path, name)
    }

    fn create_temporary(&mut self, path: &str) -> Result<File, Errno> {
        let directory = split(path).0;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // As any new file: the umask decides, and it is what keeps secrets.
        let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH;
        for _ in 0..ATTEMPTS_MAX {
            self.open_directory(directory)?;
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let name = format!("{TEMPORARY_PREFIX}{}-{count}", std::process::id());
            let fd = &self.directories[directory];
            match self.root.call(Call::Create(&beside(path, &name)), || openat(fd, name.as_str(), flags, mode)) {
                Ok(fd) => {
                    self.temporaries.push(Temporary { path: path.to_owned(), name });
                    return Ok(File::from(fd));
                }
                // Left behind by a dead process of the same number: take the next name.
                Err(Errno::EXIST) => {}
                // The directory was empty and another thread has deleted it: make it again.
                Err(Errno::NOENT) => drop(self.directories.remove(directory)),
                Err(errno) => return Err(errno),
            }
        }
        Err(Errno::NOENT)
    }

    fn open_directory(&mut self, directory: &str) -> Result<(), Errno> {
        for _ in 0..ATTEMPTS_MAX {
            if self.directories.contains_key(directory) {
                return Ok(());
            }
            if !directory.is_empty() {
                let mode = Mode::RWXU | Mode::RWXG | Mode::RWXO;
                match self.root.call(Call::MakeDirectory(directory), || mkdirat(self.root, directory, mode)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(errno) => return Err(errno),
                }
            }
            match self.root.open_directory(directory) {
                Ok(fd) => drop(self.directories.insert(directory.to_owned(), fd)),
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(errno),
            }
        }
        Err(Errno::NOENT)
    }

    /// Gives a written file its name, unless another process has taken it.
    fn name(&mut self, new: &NewFile) -> Result<(), DirectoryError> {
        let at = self.temporaries.iter().position(|temporary| temporary.path == new.path);
        let index = at.ok_or_else(|| failed(Errno::NOENT, &new.path))?;
        let temporary = self.temporaries[index].name.clone();
        let name = split(&new.path).1;
        match self.name_exclusively(&new.path, &temporary, name) {
            Err(errno) if is_incapable(errno) && self.naming == Naming::Checked => {
                self.name_if_free(&new.path, &temporary, name).map_err(|errno| failed(errno, &new.path))
            }
            Err(errno) if is_incapable(errno) => {
                let kind = DirectoryErrorKind::Unsupported;
                Err(DirectoryError::new(kind, Operation::Create, &new.path).because(format!("{CANNOT_NAME} ({errno})")))
            }
            result => result.map_err(|errno| failed(errno, &new.path)),
        }?;
        self.temporaries.remove(index);
        Ok(())
    }

    /// Gives a file beside `path` another name, in a step that fails if the name is taken.
    fn name_exclusively(&self, path: &str, temporary: &str, name: &str) -> Result<(), Errno> {
        let fd = &self.directories[split(path).0];
        let (from, to) = (beside(path, temporary), beside(path, name));
        let rename = || renameat_with(fd, temporary, fd, name, RenameFlags::NOREPLACE);
        match self.root.call(Call::Rename(&from, &to), rename) {
            // A file system without the flag (NFS, FUSE): a hard link is as exclusive.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => self
                .root
                .call(Call::Link(&from, &to), || linkat(fd, temporary, fd, name, AtFlags::empty()))
                .and_then(|()| self.root.call(Call::Unlink(&from), || unlinkat(fd, temporary, AtFlags::empty()))),
            result => result,
        }
    }

    /// Does the same in two steps, between which another process may take the name.
    fn name_if_free(&self, path: &str, temporary: &str, name: &str) -> Result<(), Errno> {
        let fd = &self.directories[split(path).0];
        match statat(fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => return Err(Errno::EXIST),
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
        let (from, to) = (beside(path, temporary), beside(path, name));
        self.root.call(Call::Rename(&from, &to), || renameat(fd, temporary, fd, name))
    }

    /// The directories of this batch whose own names a crash could still take away.
    fn not_durable_dirs(&self, durable_dirs: &BTreeSet<String>) -> Vec<String> {
        self.directories.keys().filter(|name| !name.is_empty() && !durable_dirs.contains(*name)).cloned().collect()
    }

    /// Syncs written files, which will be `batch`, and directories, all at once.
    fn sync(&self, files: &[File], batch: &[NewFile], directories: &[&str]) -> Result<(), DirectoryError> {
        let temporaries: Vec<String> = batch.iter().map(|new| self.temporary(&new.path)).collect();
        let opened = directories.iter().filter(|name| !self.directories.contains_key(**name)).map(|name| {
            let fd = self.root.open_directory(name).map_err(|errno| failed(errno, name))?;
            Ok((*name, fd))
        });
        let opened = opened.collect::<Result<BTreeMap<&str, OwnedFd>, DirectoryError>>()?;
        let mut unsynced = Vec::new();
        if !seeded_defects::is(Defect::SkipFileSync) {
            unsynced.extend(files.iter().zip(batch).zip(&temporaries).map(|((file, new), temporary)| Unsynced {
                fd: file.as_fd(),
                call: Call::Sync(temporary),
                path: &new.path,
            }));
        }
        if !seeded_defects::is(Defect::SkipDirectorySync) {
            unsynced.extend(directories.iter().map(|name| Unsynced {
                fd: self.directories.get(*name).unwrap_or_else(|| &opened[name]).as_fd(),
                call: Call::SyncDirectory(name),
                path: name,
            }));
        }
        sync_in_parallel(self.root, &unsynced)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        // The batch has failed. What cannot be deleted now is listed as temporary and goes later.
        for temporary in &self.temporaries {
            let directory = split(&temporary.path).0;
            if let Some(fd) = self.directories.get(directory) {
                let call = Call::Unlink(&beside(&temporary.path, &temporary.name));
                let _ = self.root.call(call, || unlinkat(fd, temporary.name.as_str(), AtFlags::empty()));
            }
        }
        if !self.temporaries.is_empty() {
            for directory in self.directories.keys().filter(|name| !name.is_empty()) {
                let call = Call::RemoveDirectory(directory);
                let _ = self.root.call(call, || unlinkat(self.root, directory.as_str(), AtFlags::REMOVEDIR));
            }
        }
    }
}
