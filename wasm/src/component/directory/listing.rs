//! Lists every name in the directory and below it, with its kind.

use alluvium_core::directory::{DirectoryError, Entry, EntryKind, Operation, Wanted};
use wasip2::filesystem::types::{DescriptorType, ErrorCode};

use super::error::directory_error;
use super::handle::Root;

/// The prefix of temporary files. It is the same as natively, so that each build can clean up after the other.
pub(super) const TEMPORARY_PREFIX: &str = ".tmp-";

/// The lock file of a native writer. It is neither listed nor deleted, because it belongs to no checkpoint.
pub(super) const LOCK_FILE: &str = ".lock";

/// The length of the longest relative path that the listing descends into.
const PATH_BYTES_MAX: usize = 3500;

/// Returns every name below the root that is wanted, sorted by path. For a name that is not wanted, the runtime is not
/// asked anything.
pub(super) fn list(root: &Root, wanted: Wanted) -> Result<Vec<Entry>, DirectoryError> {
    let mut entries = Vec::new();
    let mut directories = vec![String::new()];
    while let Some(directory) = directories.pop() {
        let failed = |code| directory_error(code, Operation::List, &directory);
        let handle = match root.directory(&directory) {
            // The directory was just deleted, or replaced by something else.
            Err(ErrorCode::NoEntry | ErrorCode::NotDirectory | ErrorCode::Loop) if !directory.is_empty() => continue,
            result => result.map_err(failed)?,
        };
        let names = handle.names().map_err(failed)?;
        if names.is_empty() && !directory.is_empty() {
            entries.push(Entry { path: directory, bytes: 0, kind: EntryKind::EmptyDirectory });
            continue;
        }
        for (name, _) in names.into_iter().filter(|(name, _)| !directory.is_empty() || name != LOCK_FILE) {
            let path = if directory.is_empty() { name.clone() } else { format!("{directory}/{name}") };
            if !wanted(&path) {
                continue;
            }
            // The type in the listing may be unknown. The type from stat is reliable, and stat has the size.
            let stat = handle.stat_if_there(&name).map_err(|code| directory_error(code, Operation::List, &path))?;
            let Some(stat) = stat else { continue };
            match stat.type_ {
                DescriptorType::Directory if path.len() <= PATH_BYTES_MAX => directories.push(path),
                DescriptorType::RegularFile => {
                    let is_temporary = name.starts_with(TEMPORARY_PREFIX);
                    let kind = if is_temporary { EntryKind::Temporary } else { EntryKind::File };
                    entries.push(Entry { path, bytes: stat.size, kind });
                }
                _ => entries.push(Entry { path, bytes: 0, kind: EntryKind::Other }),
            }
        }
    }
    entries.sort_unstable();
    Ok(entries)
}
