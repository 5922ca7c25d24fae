//! Handles of directories: names are opened in them one step at a time, never through a link.

use alluvium_core::directory::{DirectoryError, Operation};
use wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};

use super::error::refused;

/// Never follow a symbolic link.
fn no_links() -> PathFlags {
    PathFlags::empty()
}

/// The directory that everything is in.
#[derive(Debug)]
pub(super) struct Root(Descriptor);

/// A directory in it, or itself.
#[derive(Debug)]
pub(super) struct Handle(Descriptor);

impl Root {
    pub(super) fn new(handle: Descriptor) -> Self {
        Self(handle)
    }

    /// Opens the directory `path`; `""` is the root itself.
    pub(super) fn directory(&self, path: &str) -> Result<Handle, ErrorCode> {
        // A handle of its own even for the root: what is opened here can be synced.
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
        // Runtimes differ in what they say of a link here, so it is looked at first.
        if self.stat(name)?.type_ == DescriptorType::SymbolicLink {
            return Err(ErrorCode::Loop);
        }
        open_directory(&self.0, name).map(Self)
    }

    /// What a name stands for; a link stands for itself.
    pub(super) fn stat(&self, name: &str) -> Result<DescriptorStat, ErrorCode> {
        self.0.stat_at(no_links(), name)
    }

    /// The same, or nothing when there is no such name.
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

    /// Creates a file that is not there, for writing alone: to ask for reading too is refused where
    /// only writing is granted.
    pub(super) fn create_file(&self, name: &str) -> Result<Descriptor, ErrorCode> {
        self.0.open_at(no_links(), name, OpenFlags::CREATE | OpenFlags::EXCLUSIVE, DescriptorFlags::WRITE)
    }

    pub(super) fn create_directory(&self, name: &str) -> Result<(), ErrorCode> {
        self.0.create_directory_at(name)
    }

    /// Gives a file a second name, unless it is taken.
    pub(super) fn link(&self, from: &str, to: &str) -> Result<(), ErrorCode> {
        self.0.link_at(no_links(), from, &self.0, to)
    }

    /// Gives a file another name, and takes it away from whoever had it.
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

    /// The names in this directory, unordered.
    pub(super) fn names(&self) -> Result<Vec<(String, DescriptorType)>, ErrorCode> {
        let stream = self.0.read_directory()?;
        let mut names = Vec::new();
        while let Some(entry) = stream.read_directory_entry()? {
            // Runtimes leave these out, as they should; one that does not must not make us circle.
            if entry.name != "." && entry.name != ".." {
                names.push((entry.name, entry.type_));
            }
        }
        Ok(names)
    }
}

/// Refuses a path that is not relative or does not go down only.
pub(super) fn check_path(path: &str, operation: Operation) -> Result<(), DirectoryError> {
    let is_beneath = !path.contains('\0') && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if is_beneath { Ok(()) } else { Err(refused(operation, path, "not a path within the directory")) }
}

/// The directory of a path and the name in it; the directory of a plain name is `""`.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
