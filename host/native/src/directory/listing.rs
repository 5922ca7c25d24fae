//! Listing: every name in the directory and below it, and what it stands for.

use std::os::fd::OwnedFd;

use alluvium_core::directory::{DirectoryError, Entry, EntryKind, Operation};
use rustix::fs::{AtFlags, Dir, FileType, Stat, statat};
use rustix::io::Errno;

use super::error::directory_error;
use super::lock::LOCK_FILE;
use super::openat::Root;
use crate::watch::Call;

/// How the names of half-made files start.
pub(super) const TEMPORARY_PREFIX: &str = ".tmp-";

/// The longest relative path that is descended into: what is longer could not be opened in one call.
const PATH_BYTES_MAX: usize = 3500;

/// Every name beneath the root, in order of path. The lock file is the directory's own affair and
/// not listed.
pub(super) fn list(root: &Root) -> Result<Vec<Entry>, DirectoryError> {
    let mut entries = Vec::new();
    let mut directories = vec![String::new()];
    while let Some(directory) = directories.pop() {
        let Some((fd, names)) = names(root, &directory)? else { continue };
        if names.is_empty() && !directory.is_empty() {
            entries.push(Entry { path: directory, bytes: 0, kind: EntryKind::EmptyDirectory });
            continue;
        }
        for (name, is_text) in names {
            let path = if directory.is_empty() { name.clone() } else { format!("{directory}/{name}") };
            if !is_text {
                // A name that no path of ours can say: it cannot be opened by it, so it stays.
                entries.push(Entry { path, bytes: 0, kind: EntryKind::Other });
                continue;
            }
            let Some(stat) = stat(&fd, &name).map_err(|errno| directory_error(errno, Operation::List, &path))? else {
                continue;
            };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory if path.len() <= PATH_BYTES_MAX => directories.push(path),
                FileType::RegularFile => entries.push(file(path, &name, &stat)),
                _ => entries.push(Entry { path, bytes: 0, kind: EntryKind::Other }),
            }
        }
    }
    entries.sort_unstable();
    Ok(entries)
}

/// The names of the directories directly beneath the root.
pub(super) fn subdirectories(root: &Root) -> Result<Vec<String>, DirectoryError> {
    let mut found = Vec::new();
    let Some((fd, names)) = names(root, "")? else { return Ok(found) };
    for (name, _) in names.into_iter().filter(|(_, is_text)| *is_text) {
        let stat = stat(&fd, &name).map_err(|errno| directory_error(errno, Operation::Open, &name))?;
        if stat.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir()) {
            found.push(name);
        }
    }
    Ok(found)
}

fn file(path: String, name: &str, stat: &Stat) -> Entry {
    let kind = if name.starts_with(TEMPORARY_PREFIX) { EntryKind::Temporary } else { EntryKind::File };
    Entry { path, bytes: u64::try_from(stat.st_size).unwrap_or(0), kind }
}

/// What a name stands for, or nothing when it has just been deleted.
fn stat(directory: &OwnedFd, name: &str) -> Result<Option<Stat>, Errno> {
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// The names in one directory, each with whether it is UTF-8; nothing when the directory has just
/// been deleted or exchanged for something else.
#[allow(clippy::type_complexity, reason = "used twice, in this file")]
fn names(root: &Root, directory: &str) -> Result<Option<(OwnedFd, Vec<(String, bool)>)>, DirectoryError> {
    let error = |errno| directory_error(errno, Operation::List, directory);
    let fd = match root.open_directory(directory) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) if !directory.is_empty() => return Ok(None),
        result => result.map_err(error)?,
    };
    let mut names = Vec::new();
    for entry in root.call(Call::List(directory), || Dir::read_from(&fd)).map_err(error)? {
        let entry = entry.map_err(error)?;
        let name = entry.file_name();
        let is_own = directory.is_empty() && name.to_bytes() == LOCK_FILE.as_bytes();
        if !matches!(name.to_bytes(), b"." | b"..") && !is_own {
            names.push((name.to_string_lossy().into_owned(), name.to_str().is_ok()));
        }
    }
    Ok(Some((fd, names)))
}
