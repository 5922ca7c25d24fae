//! The operations on files. Nothing is opened through a link, and nothing outside the directory.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Entry, EntryKind, NewFile, Operation, check_names};

use super::{Call, LOCK_FILE, NativeDirectory, directory_error};

/// How the names of half-made files start.
const TEMPORARY_PREFIX: &str = ".tmp-";

/// Distinguishes the temporary files of one process.
static COUNTER: AtomicU64 = AtomicU64::new(0);

fn invalid(operation: Operation, path: &str, why: &str) -> DirectoryError {
    DirectoryError::new(DirectoryErrorKind::Invalid, operation, path).because(why)
}

/// The directory of a path and the name in it; the directory of a plain name is `""`.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// The absolute path, if the relative one goes nowhere but down, and through no link.
fn beneath(directory: &NativeDirectory, path: &str, operation: Operation) -> Result<PathBuf, DirectoryError> {
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\0', '\\', ':']);
    if !path.split('/').all(is_plain) {
        return Err(invalid(operation, path, "not a path within the directory"));
    }
    let mut found = directory.path.clone();
    for part in path.split('/') {
        if found.is_symlink() && found != directory.path {
            return Err(invalid(operation, path, "a link is on the way"));
        }
        found.push(part);
    }
    Ok(found)
}

/// Makes the names in a directory durable, where the system can.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

fn sync(directory: &NativeDirectory, name: &str, operation: Operation) -> Result<(), DirectoryError> {
    let path = if name.is_empty() { directory.path.clone() } else { directory.path.join(name) };
    match directory.call(Call::SyncDirectory(name), || sync_directory(&path)) {
        // It has been deleted meanwhile, with everything in it.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !name.is_empty() => Ok(()),
        result => result.map_err(|error| directory_error(error, operation, name)),
    }
}

pub(super) fn list(directory: &NativeDirectory) -> Result<Vec<Entry>, DirectoryError> {
    let mut entries = Vec::new();
    let mut waiting = vec![String::new()];
    while let Some(name) = waiting.pop() {
        let failed = |error| directory_error(error, Operation::List, &name);
        let path = directory.path.join(&name);
        let read = match directory.call(Call::List(&name), || fs::read_dir(&path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !name.is_empty() => continue,
            read => read.map_err(failed)?,
        };
        let mut is_empty = true;
        for found in read {
            let found = found.map_err(failed)?;
            let text = found.file_name().to_str().map(str::to_owned);
            if name.is_empty() && text.as_deref() == Some(LOCK_FILE) {
                continue;
            }
            is_empty = false;
            let shown = found.file_name().to_string_lossy().into_owned();
            let path = if name.is_empty() { shown.clone() } else { format!("{name}/{shown}") };
            match found.metadata() {
                // It has just been deleted.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
                Ok(metadata) if text.is_some() && metadata.is_dir() => waiting.push(path),
                Ok(metadata) => entries.push(entry(path, &shown, text.is_some(), &metadata)),
            }
        }
        if is_empty && !name.is_empty() {
            entries.push(Entry { path: name, bytes: 0, kind: EntryKind::EmptyDirectory });
        }
    }
    entries.sort_unstable();
    Ok(entries)
}

fn entry(path: String, name: &str, is_text: bool, metadata: &Metadata) -> Entry {
    match (is_text && metadata.is_file(), name.starts_with(TEMPORARY_PREFIX)) {
        (true, true) => Entry { path, bytes: metadata.len(), kind: EntryKind::Temporary },
        (true, false) => Entry { path, bytes: metadata.len(), kind: EntryKind::File },
        (false, _) => Entry { path, bytes: 0, kind: EntryKind::Other },
    }
}

pub(super) fn read(
    directory: &NativeDirectory,
    path: &str,
    range: Option<(u64, usize)>,
) -> Result<Vec<u8>, DirectoryError> {
    let failed = |error| directory_error(error, Operation::Read, path);
    let error = |kind| DirectoryError::new(kind, Operation::Read, path);
    let found = beneath(directory, path, Operation::Read)?;
    let metadata = fs::symlink_metadata(&found).map_err(failed)?;
    if !metadata.is_file() {
        return Err(error(DirectoryErrorKind::Invalid).because("not a regular file"));
    }
    let bytes = metadata.len();
    let (offset, length) = match range {
        Some(range) => range,
        None => (0, usize::try_from(bytes).map_err(|_| error(DirectoryErrorKind::OutOfRange))?),
    };
    if offset.checked_add(length as u64).is_none_or(|end| end > bytes) {
        let what = format!("{length} bytes at {offset} of a file of {bytes}");
        return Err(error(DirectoryErrorKind::OutOfRange).because(what));
    }
    let mut content = Vec::new();
    content.try_reserve_exact(length).map_err(|refused| error(DirectoryErrorKind::Io).because(refused))?;
    let fill = || {
        let mut file = File::open(&found)?;
        file.seek(SeekFrom::Start(offset))?;
        file.take(length as u64).read_to_end(&mut content)
    };
    let read = directory.call(Call::Read(path), fill).map_err(failed)?;
    if read < length {
        return Err(error(DirectoryErrorKind::Io).because("the file was cut short while it was read"));
    }
    Ok(content)
}

/// A file that has its bytes; unless it gets its name, it goes.
struct Temporary {
    path: PathBuf,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be deleted now is listed as temporary, and goes later.
        let _ = fs::remove_file(&self.path);
    }
}

/// Creates the batch: every file is whole and synced under a temporary name, then named in order.
pub(super) fn create(directory: &NativeDirectory, batch: &[NewFile]) -> Result<(), DirectoryError> {
    check_names(batch, |path| Ok(fs::symlink_metadata(beneath(directory, path, Operation::Create)?).is_ok()))?;
    let Some((last, earlier)) = batch.split_last() else { return Ok(()) };
    let temporaries = batch.iter().map(|file| write(directory, file)).collect::<Result<Vec<_>, _>>()?;
    sync(directory, "", Operation::Create)?;
    for (file, temporary) in earlier.iter().zip(&temporaries) {
        name(directory, file, temporary)?;
    }
    for named_in in earlier.iter().map(|file| split(&file.path).0).collect::<BTreeSet<_>>() {
        sync(directory, named_in, Operation::Create)?;
    }
    // Only now: nothing that the last file promises can be lost any more.
    if let Some(temporary) = temporaries.last() {
        name(directory, last, temporary)?;
    }
    drop(temporaries);
    sync(directory, split(&last.path).0, Operation::Create)
}

/// Writes and syncs a file under a temporary name in the directory of its final one.
fn write(directory: &NativeDirectory, new: &NewFile) -> Result<Temporary, DirectoryError> {
    let failed = |error| directory_error(error, Operation::Create, &new.path);
    let above = directory.path.join(split(&new.path).0);
    match fs::create_dir(&above) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        result => result.map_err(failed)?,
    }
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let path = above.join(format!("{TEMPORARY_PREFIX}{}-{count}", std::process::id()));
    let mut file = File::options().write(true).create_new(true).open(&path).map_err(failed)?;
    let temporary = Temporary { path };
    directory.call(Call::Write(&new.path, &new.content), || file.write_all(&new.content)).map_err(failed)?;
    directory.call(Call::Sync(&new.path), || file.sync_all()).map_err(failed)?;
    Ok(temporary)
}

/// Gives a written file its name, unless that name is taken: a hard link never replaces a file.
fn name(directory: &NativeDirectory, new: &NewFile, temporary: &Temporary) -> Result<(), DirectoryError> {
    let path = directory.path.join(&new.path);
    let link = || fs::hard_link(&temporary.path, &path);
    let named = directory.call(Call::Link(&new.path, &new.path), link);
    named.map_err(|error| directory_error(error, Operation::Create, &new.path))
}

/// Deletes `paths`, and directories that are empty then.
pub(super) fn delete(directory: &NativeDirectory, paths: &[String]) -> Result<(), DirectoryError> {
    // All are looked at before any goes, so that a refused call changes nothing.
    let mut found = Vec::new();
    for path in paths {
        let absolute = beneath(directory, path, Operation::Delete)?;
        if path == LOCK_FILE {
            return Err(invalid(Operation::Delete, path, "the lock of the directory stays"));
        }
        match fs::symlink_metadata(&absolute) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(directory_error(error, Operation::Delete, path)),
            Ok(metadata) if metadata.is_file() || metadata.is_dir() => found.push((path, absolute, metadata.is_dir())),
            Ok(_) => return Err(invalid(Operation::Delete, path, "neither a regular file nor a directory")),
        }
    }
    let mut touched = BTreeSet::new();
    for (path, absolute, is_directory) in found {
        let call = if is_directory { Call::RemoveDirectory(path) } else { Call::Unlink(path) };
        let remove = || if is_directory { fs::remove_dir(&absolute) } else { fs::remove_file(&absolute) };
        match directory.call(call, remove) {
            // It was deleted meanwhile, or given twice.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => result.map_err(|error| directory_error(error, Operation::Delete, path))?,
        }
        touched.insert(split(path).0);
    }
    let mut to_sync = BTreeSet::new();
    for name in touched {
        let path = directory.path.join(name);
        let is_gone = !name.is_empty() && directory.call(Call::RemoveDirectory(name), || fs::remove_dir(path)).is_ok();
        to_sync.insert(if is_gone { split(name).0 } else { name });
    }
    to_sync.into_iter().try_for_each(|name| sync(directory, name, Operation::Delete))
}
