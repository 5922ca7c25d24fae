//! Handles of directories. Names are opened one step at a time, and never through a link.

use alluvium_core::directory::{DirectoryError, Operation};
use wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};

use super::error::refused;
use crate::component::pieces::{self, next_piece};

/// The flags that never follow a symbolic link.
fn no_links() -> PathFlags {
    PathFlags::empty()
}

/// The root directory that contains everything.
#[derive(Debug)]
pub(super) struct Root(Descriptor);

/// A handle of the root directory or of a directory in it.
#[derive(Debug)]
pub(super) struct Handle(Descriptor);

impl Root {
    pub(super) fn new(handle: Descriptor) -> Self {
        Self(handle)
    }

    /// Opens the directory `path`; `""` is the root itself.
    pub(super) fn directory(&self, path: &str) -> Result<Handle, ErrorCode> {
        // Even the root gets a separate handle, because a handle that is opened here can be synced.
        let mut handle = Handle(open_directory(&self.0, ".")?);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            handle = handle.directory(name)?;
        }
        Ok(handle)
    }
}

fn open_directory(parent: &Descriptor, name: &str) -> Result<Descriptor, ErrorCode> {
    parent.open_at(no_links(), name, OpenFlags::DIRECTORY, DescriptorFlags::READ)
}

impl Handle {
    /// Opens a directory in this one.
    pub(super) fn directory(&self, name: &str) -> Result<Self, ErrorCode> {
        // Runtimes report different errors for a link here, so the type is checked first.
        if self.stat(name)?.type_ == DescriptorType::SymbolicLink {
            return Err(ErrorCode::Loop);
        }
        open_directory(&self.0, name).map(Self)
    }

    /// Returns the metadata of a name. It does not follow links.
    pub(super) fn stat(&self, name: &str) -> Result<DescriptorStat, ErrorCode> {
        self.0.stat_at(no_links(), name)
    }

    /// Returns the metadata of a name, or none if there is no such name.
    pub(super) fn stat_if_there(&self, name: &str) -> Result<Option<DescriptorStat>, ErrorCode> {
        match self.stat(name) {
            Err(ErrorCode::NoEntry) => Ok(None),
            result => result.map(Some),
        }
    }

    /// Opens a file for reading.
    pub(super) fn open_file(&self, name: &str) -> Result<Descriptor, ErrorCode> {
        self.0.open_at(no_links(), name, OpenFlags::empty(), DescriptorFlags::READ)
    }

    /// Creates a new file, only for writing. A request to read it too would be refused where only writing is
    /// granted.
    pub(super) fn create_file(&self, name: &str) -> Result<Descriptor, ErrorCode> {
        self.0.open_at(no_links(), name, OpenFlags::CREATE | OpenFlags::EXCLUSIVE, DescriptorFlags::WRITE)
    }

    pub(super) fn create_directory(&self, name: &str) -> Result<(), ErrorCode> {
        self.0.create_directory_at(name)
    }

    /// Gives a file a second name, unless that name is taken.
    pub(super) fn link(&self, from: &str, to: &str) -> Result<(), ErrorCode> {
        self.0.link_at(no_links(), from, &self.0, to)
    }

    /// Renames a file. It replaces a file that has the new name.
    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), ErrorCode> {
        self.0.rename_at(from, &self.0, to)
    }

    pub(super) fn unlink(&self, name: &str) -> Result<(), ErrorCode> {
        self.0.unlink_file_at(name)
    }

    pub(super) fn remove_directory(&self, name: &str) -> Result<(), ErrorCode> {
        self.0.remove_directory_at(name)
    }

    /// Makes the names in this directory durable.
    pub(super) fn sync(&self) -> Result<(), ErrorCode> {
        self.0.sync()
    }

    /// Returns the names in this directory, unordered.
    pub(super) fn names(&self) -> Result<Vec<(String, DescriptorType)>, ErrorCode> {
        let stream = self.0.read_directory()?;
        let mut names = Vec::new();
        while let Some(entry) = stream.read_directory_entry()? {
            // Runtimes should leave these names out. If one does not, they would make the listing recurse forever.
            if entry.name != "." && entry.name != ".." {
                names.push((entry.name, entry.type_));
            }
        }
        Ok(names)
    }
}

/// Makes something durable. A host that gives pieces of time may have that done beside them, and says until then that the
/// call would block.
pub(super) async fn until_synced(sync: impl Fn() -> Result<(), ErrorCode>) -> Result<(), ErrorCode> {
    loop {
        match sync() {
            Err(ErrorCode::WouldBlock) if pieces::are_on() => next_piece().await,
            result => return result,
        }
    }
}

/// Refuses a path that is not relative or that can leave the directory.
pub(super) fn check_path(path: &str, operation: Operation) -> Result<(), DirectoryError> {
    let is_beneath = !path.contains('\0') && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if is_beneath { Ok(()) } else { Err(refused(operation, path, "not a path within the directory")) }
}

/// Splits a path into its directory and the name in it. The directory of a plain name is `""`.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
