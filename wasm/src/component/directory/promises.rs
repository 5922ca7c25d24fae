//! Tests what a runtime can do.

use alluvium_core::directory::{DirectoryError, Operation};
use wasip2::filesystem::types::ErrorCode;

use super::create::create_temporary;
use super::error::directory_error;
use super::handle::{Handle, Root};
use super::listing::TEMPORARY_PREFIX;

/// The abilities of the runtime in this directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promises {
    /// Whether it can sync a file.
    pub syncs_files: bool,
    /// Whether it can sync a directory.
    pub syncs_directories: bool,
    /// Whether it can name a file exclusively, by a hard link.
    pub names_exclusively: bool,
}

impl Promises {
    /// All abilities that the contract requires.
    pub const ALL: Self = Self { syncs_files: true, syncs_directories: true, names_exclusively: true };

    /// Tests the runtime with temporary files, and removes them.
    pub(super) fn find_out(root: &Root) -> Result<Self, DirectoryError> {
        let failed = |code| directory_error(code, Operation::Open, "");
        let directory = root.directory("").map_err(failed)?;
        let (file, name) = create_temporary(&directory).map_err(failed)?;
        let found = can(file.sync_data()).and_then(|syncs_files| {
            drop(file);
            let names_exclusively = can_link(&directory, &name)?;
            Ok(Self { syncs_files, syncs_directories: can(directory.sync())?, names_exclusively })
        });
        let cleaned = directory.unlink(&name);
        let found = found.map_err(failed)?;
        cleaned.map_err(failed)?;
        Ok(found)
    }

    /// Returns the promises that cannot be kept, one sentence each.
    pub fn weaker(self) -> Vec<String> {
        let sentences = [
            (self.syncs_files, "this runtime cannot sync files: checkpoints may be lost when the machine crashes"),
            (
                self.syncs_directories,
                "this runtime cannot sync directories: the newest checkpoints may be lost when the machine crashes",
            ),
            (
                self.names_exclusively,
                "this runtime cannot make hard links: two writers at the same moment may overwrite each other",
            ),
        ];
        sentences.into_iter().filter(|(kept, _)| !kept).map(|(_, sentence)| sentence.to_owned()).collect()
    }
}

/// Returns whether the runtime supports an operation. Errors that do not answer this question are returned.
fn can(result: Result<(), ErrorCode>) -> Result<bool, ErrorCode> {
    match result {
        Ok(()) => Ok(true),
        // Runtimes return these codes for the sync of a directory, and for calls that they do not implement.
        Err(
            ErrorCode::BadDescriptor
            | ErrorCode::IsDirectory
            | ErrorCode::Unsupported
            | ErrorCode::Invalid
            | ErrorCode::NotPermitted
            | ErrorCode::Access,
        ) => Ok(false),
        Err(code) => Err(code),
    }
}

/// Returns whether the runtime can create hard links, and whether they never replace a file.
fn can_link(directory: &Handle, name: &str) -> Result<bool, ErrorCode> {
    let (second, taken) = create_temporary(directory)?;
    drop(second);
    let onto_taken = directory.link(name, &taken);
    directory.unlink(&taken)?;
    if !matches!(onto_taken, Err(ErrorCode::Exist)) {
        return Ok(false);
    }
    let free = format!("{TEMPORARY_PREFIX}link-{}", &taken[TEMPORARY_PREFIX.len()..]);
    let linked = can(directory.link(name, &free))?;
    if linked {
        directory.unlink(&free)?;
    }
    Ok(linked)
}
