//! Deleting files, durably; directories left empty go with them.

use std::collections::BTreeSet;

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};
use rustix::fs::{AtFlags, FileType, statat, unlinkat};
use rustix::io::Errno;

use super::error::directory_error;
use super::lock::LOCK_FILE;
use super::openat::{Root, is_beneath, split};
use crate::watch::Call;

/// Deletes `paths`; directories that go are no longer `durable_dirs`.
pub(super) fn delete(root: &Root, durable_dirs: &mut BTreeSet<String>, paths: &[String]) -> Result<(), DirectoryError> {
    // All are looked at before any goes, so that a refused call changes nothing.
    let mut found = Vec::new();
    for path in paths {
        if let Some(flags) = how(root, path)? {
            found.push((path, flags));
        }
    }
    let mut touched = BTreeSet::new();
    for (path, flags) in found {
        let (directory, name) = split(path);
        let call = if flags.is_empty() { Call::Unlink(path) } else { Call::RemoveDirectory(path) };
        let removed = root.open_directory(directory).and_then(|fd| root.call(call, || unlinkat(&fd, name, flags)));
        match removed {
            // Somebody else has deleted it meanwhile, or the same path was given twice.
            Ok(()) | Err(Errno::NOENT) => drop(touched.insert(directory)),
            Err(errno) => return Err(failed(errno, path)),
        }
        durable_dirs.remove(path);
    }
    sync_or_remove(root, durable_dirs, touched)
}

/// Removes the directories that are empty now, and syncs the others.
fn sync_or_remove(
    root: &Root,
    durable_dirs: &mut BTreeSet<String>,
    touched: BTreeSet<&str>,
) -> Result<(), DirectoryError> {
    let mut to_sync = BTreeSet::new();
    for directory in touched {
        let (above, name) = split(directory);
        if directory.is_empty() {
            to_sync.insert("");
            continue;
        }
        let remove = |fd| root.call(Call::RemoveDirectory(directory), || unlinkat(&fd, name, AtFlags::REMOVEDIR));
        match root.open_directory(above).and_then(remove) {
            Ok(()) | Err(Errno::NOENT) => {
                durable_dirs.remove(directory);
                to_sync.insert(above);
            }
            Err(Errno::NOTEMPTY | Errno::EXIST) => drop(to_sync.insert(directory)),
            Err(errno) => return Err(failed(errno, directory)),
        }
    }
    for directory in to_sync {
        match root.sync_directory(directory) {
            // Gone meanwhile, with everything in it.
            Err(Errno::NOENT) if !directory.is_empty() => {}
            result => result.map_err(|errno| failed(errno, directory))?,
        }
    }
    Ok(())
}

/// How to delete what a path stands for; nothing when it is not there.
fn how(root: &Root, path: &str) -> Result<Option<AtFlags>, DirectoryError> {
    let invalid =
        |why: &str| Err(DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Delete, path).because(why));
    if !is_beneath(path) {
        return invalid("not a path within the directory");
    }
    if path == LOCK_FILE {
        return invalid("the lock of the directory stays");
    }
    let (directory, name) = split(path);
    let stat = root.open_directory(directory).and_then(|fd| statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW));
    match stat {
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(failed(errno, path)),
        Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok(Some(AtFlags::empty())),
            FileType::Directory => Ok(Some(AtFlags::REMOVEDIR)),
            _ => invalid("neither a regular file nor a directory"),
        },
    }
}

fn failed(source: impl Into<std::io::Error>, path: &str) -> DirectoryError {
    let source = source.into();
    if matches!(Errno::from_io_error(&source), Some(Errno::NOTEMPTY | Errno::EXIST)) {
        return DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Delete, path)
            .because("the directory is not empty");
    }
    directory_error(source, Operation::Delete, path)
}
