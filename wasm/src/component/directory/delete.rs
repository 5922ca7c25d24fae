//! Deletes files durably, with the directories that become empty.

use std::cell::RefCell;
use std::collections::BTreeSet;

use alluvium_core::directory::{DirectoryError, Operation};
use wasip2::filesystem::types::{DescriptorType, ErrorCode};

use super::Promises;
use super::error::{directory_error, refused};
use super::handle::{Root, check_path, split, until_synced};
use super::listing::LOCK_FILE;
use crate::component::pieces::next_piece;

/// Deletes `paths`. Removed directories are removed from `settled`.
pub(super) async fn delete(
    root: &Root,
    promises: Promises,
    settled: &RefCell<BTreeSet<String>>,
    paths: &[String],
) -> Result<(), DirectoryError> {
    // All paths are checked before the first is deleted, so that a refused call changes nothing.
    let mut found = Vec::new();
    for path in paths {
        if let Some(type_) = what(root, path)? {
            found.push((path, type_));
        }
    }
    let mut touched = BTreeSet::new();
    for (path, type_) in found {
        next_piece().await;
        let (directory, name) = split(path);
        let removed = root.directory(directory).and_then(|handle| match type_ {
            DescriptorType::Directory => handle.remove_directory(name),
            _ => handle.unlink(name),
        });
        match removed {
            // Another process has deleted it in the meantime, or the same path was given twice.
            Ok(()) | Err(ErrorCode::NoEntry) => drop(touched.insert(directory)),
            Err(code) => return Err(failed(code, path)),
        }
        settled.borrow_mut().remove(path);
    }
    let to_sync = remove_empty(root, &mut settled.borrow_mut(), touched)?;
    for directory in to_sync.into_iter().filter(|_| promises.syncs_directories) {
        next_piece().await;
        let synced = match root.directory(directory) {
            Ok(handle) => until_synced(|| handle.sync()).await,
            Err(code) => Err(code),
        };
        match synced {
            // The directory was removed in the meantime, with everything in it.
            Err(ErrorCode::NoEntry) if !directory.is_empty() => {}
            result => result.map_err(|code| failed(code, directory))?,
        }
    }
    Ok(())
}

/// Removes the directories that are now empty. Returns those whose names have changed and that are left.
fn remove_empty<'p>(
    root: &Root,
    settled: &mut BTreeSet<String>,
    touched: BTreeSet<&'p str>,
) -> Result<BTreeSet<&'p str>, DirectoryError> {
    let mut to_sync = BTreeSet::new();
    for directory in touched {
        let (above, name) = split(directory);
        if directory.is_empty() {
            to_sync.insert("");
            continue;
        }
        match root.directory(above).and_then(|handle| handle.remove_directory(name)) {
            Ok(()) | Err(ErrorCode::NoEntry) => {
                settled.remove(directory);
                to_sync.insert(above);
            }
            Err(ErrorCode::NotEmpty | ErrorCode::Exist) => drop(to_sync.insert(directory)),
            Err(code) => return Err(failed(code, directory)),
        }
    }
    Ok(to_sync)
}

/// Returns the type of a path, or none if it does not exist.
fn what(root: &Root, path: &str) -> Result<Option<DescriptorType>, DirectoryError> {
    check_path(path, Operation::Delete)?;
    if path == LOCK_FILE {
        return Err(refused(Operation::Delete, path, "the lock of the directory stays"));
    }
    let (directory, name) = split(path);
    match root.directory(directory).and_then(|handle| handle.stat_if_there(name)) {
        // Alluvium has no files behind a link or below a file, so there is nothing to delete.
        Err(ErrorCode::NoEntry | ErrorCode::NotDirectory | ErrorCode::Loop | ErrorCode::NameTooLong) | Ok(None) => {
            Ok(None)
        }
        Err(code) => Err(failed(code, path)),
        Ok(Some(stat)) => match stat.type_ {
            DescriptorType::RegularFile | DescriptorType::Directory => Ok(Some(stat.type_)),
            _ => Err(refused(Operation::Delete, path, "neither a regular file nor a directory")),
        },
    }
}

fn failed(code: ErrorCode, path: &str) -> DirectoryError {
    let error = directory_error(code, Operation::Delete, path);
    if code == ErrorCode::NotEmpty { error.because("the directory is not empty") } else { error }
}
