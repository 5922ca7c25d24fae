//! Opening names beneath a directory: never outside it, never through a symbolic link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

use super::error::errno;
use crate::watch::{Call, Watch};

/// The descriptor that everything is opened beneath.
#[derive(Debug)]
pub(super) struct Root {
    fd: OwnedFd,
    /// Set once the kernel (before Linux 5.6) or a sandbox has refused `openat2`.
    by_component: AtomicBool,
    watcher: Option<Arc<dyn Watch>>,
}

impl Root {
    pub(super) fn new(fd: OwnedFd, watcher: Option<Arc<dyn Watch>>) -> Self {
        Self { fd, by_component: AtomicBool::new(false), watcher }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Whether there is a watcher.
    pub(super) fn is_watched(&self) -> bool {
        self.watcher.is_some()
    }

    /// Makes a call that decides what a crash leaves; a watcher may make it fail.
    pub(super) fn call<T>(&self, call: Call<'_>, make: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
        let Some(watcher) = &self.watcher else { return make() };
        watcher.before(call).map_err(|error| errno(&error))?;
        let result = make()?;
        watcher.done(call);
        Ok(result)
    }

    /// Opens `path` beneath the directory; `""` is the directory itself.
    pub(super) fn open(&self, path: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        if path.is_empty() {
            return openat(&self.fd, c".", flags | OFlags::CLOEXEC, mode);
        }
        if !is_beneath(path) {
            return Err(Errno::INVAL);
        }
        if !self.by_component.load(Ordering::Relaxed) {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            match openat2(&self.fd, path, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, mode, resolve) {
                // EPERM is how some sandboxes refuse a system call that they do not know.
                Err(Errno::NOSYS | Errno::PERM) => self.by_component.store(true, Ordering::Relaxed),
                result => return result,
            }
        }
        self.open_by_component(path, flags, mode)
    }

    /// The same without `openat2`: one directory after the other, none of them a link.
    pub(super) fn open_by_component(&self, path: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (directories, name) = path.rsplit_once('/').map_or((None, path), |(above, name)| (Some(above), name));
        let mut parent: Option<OwnedFd> = None;
        for directory in directories.into_iter().flat_map(|above| above.split('/')) {
            let at = parent.as_ref().map_or(self.fd.as_fd(), AsFd::as_fd);
            parent = Some(openat(at, directory, step, Mode::empty())?);
        }
        let at = parent.as_ref().map_or(self.fd.as_fd(), AsFd::as_fd);
        let file = openat(at, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, mode)?;
        // With O_PATH alone, O_NOFOLLOW hands out the link itself.
        if flags.contains(OFlags::PATH)
            && rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode).is_symlink()
        {
            return Err(Errno::LOOP);
        }
        Ok(file)
    }

    /// Opens a directory for listing, creating in and syncing.
    pub(super) fn open_directory(&self, path: &str) -> Result<OwnedFd, Errno> {
        self.open(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
    }

    /// Makes all names of the file system durable.
    pub(super) fn sync_file_system(&self) -> Result<(), Errno> {
        rustix::fs::syncfs(self.open_directory("")?)
    }

    /// Makes the names in a directory durable.
    pub(super) fn sync_directory(&self, path: &str) -> Result<(), Errno> {
        let directory = self.open_directory(path)?;
        self.call(Call::SyncDirectory(path), || rustix::fs::fsync(&directory))
    }
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Whether a path is relative and goes nowhere but down.
pub(super) fn is_beneath(path: &str) -> bool {
    !path.is_empty() && !path.contains('\0') && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// The directory of a path and the name in it; the directory of a plain name is `""`.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
