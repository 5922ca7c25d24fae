//! Listing: every name in the directory and below it, and what it stands for.

use std::os::fd::OwnedFd;

use alluvium_core::directory::{DirectoryError, Entry, EntryKind, Operation, Wanted};
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

/// Every name beneath the root that is wanted, in order of path. The lock file is the directory's own affair
/// and not listed. A name that is not wanted costs nothing more than to read it.
pub(super) fn list(root: &Root, wanted: Wanted) -> Result<Vec<Entry>, DirectoryError> {
    let mut entries = Vec::new();
    let mut directories = vec![String::new()];
    while let Some(directory) = directories.pop() {
        let Some((fd, names)) = names(root, &directory)? else { continue };
        if names.is_empty() && !directory.is_empty() {
            entries.push(Entry { path: directory, bytes: 0, kind: EntryKind::EmptyDirectory });
            continue;
        }
        for Named { name, is_text, .. } in names {
            let path = if directory.is_empty() { name.clone() } else { format!("{directory}/{name}") };
            if !wanted(&path) {
                continue;
            }
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
    // Where the file system tells the kind with the name, files are not asked about.
    let may_be_directory = |named: &Named| matches!(named.kind, FileType::Directory | FileType::Unknown);
    for Named { name, .. } in names.into_iter().filter(|named| named.is_text && may_be_directory(named)) {
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

/// A name in a directory.
struct Named {
    name: String,
    /// Whether it is UTF-8.
    is_text: bool,
    /// What the directory says that it stands for, which may be unknown.
    kind: FileType,
}

/// The names in one directory; nothing when the directory has just been deleted or exchanged for something else.
fn names(root: &Root, directory: &str) -> Result<Option<(OwnedFd, Vec<Named>)>, DirectoryError> {
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
            let (text, is_text) = (name.to_string_lossy().into_owned(), name.to_str().is_ok());
            names.push(Named { name: text, is_text, kind: entry.file_type() });
        }
    }
    Ok(Some((fd, names)))
}
