//! Listing: every name in the directory and below it, and what it stands for.

use alluvium_core::directory::{DirectoryError, Entry, EntryKind, Operation};
use wasip2::filesystem::types::{DescriptorType, ErrorCode};

use super::error::directory_error;
use super::handle::Root;

/// How the names of half-made files start; the same as natively, so that either cleans up after the
/// other.
pub(super) const TEMPORARY_PREFIX: &str = ".tmp-";

/// The lock of a native writer: no affair of checkpoints, so neither listed nor deleted.
pub(super) const LOCK_FILE: &str = ".lock";

/// The longest relative path that is descended into.
const PATH_BYTES_MAX: usize = 3500;

/// Every name beneath the root, in order of path.
pub(super) fn list(root: &Root) -> Result<Vec<Entry>, DirectoryError> {
    let mut entries = Vec::new();
    let mut directories = vec![String::new()];
    while let Some(directory) = directories.pop() {
        let failed = |code| directory_error(code, Operation::List, &directory);
        let handle = match root.directory(&directory) {
            // Just deleted, or exchanged for something else.
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
            // The type in the listing may be unknown; what stat says is the truth, and has the size.
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
