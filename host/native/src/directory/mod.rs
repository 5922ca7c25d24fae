//! A directory of the file system, with the contract of [`Directory`].
//!
//! Everything is opened beneath a file descriptor of the directory and never through a symbolic
//! link, so that nothing outside it can be read or written, whatever the names in it are. Each
//! operation has its file: `create`, `delete`, `listing`. `openat` opens names, and `lock` keeps a
//! second writer away.

mod create;
mod delete;
mod error;
mod listing;
mod lock;
mod openat;
mod parallel_sync;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use alluvium_core::directory::{Directory, DirectoryError, DirectoryErrorKind, Entry, NewFile, Operation, Wanted};
use alluvium_core::seeded_defects::{self, Defect};
use rustix::buffer::spare_capacity;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use self::create::{CANNOT_NAME, MAY_OVERWRITE, Naming};
use self::error::directory_error;
use self::lock::Lock;
use self::openat::Root;
pub use crate::watch::{Call, Watch};

/// Up to this many subdirectories are synced one by one when a writer opens the directory. Each waits for the
/// disk, so with more of them the whole file system is synced at once.
const SYNCED_ONE_BY_ONE_MAX: usize = 64;

/// A directory of the file system.
///
/// ```
/// use alluvium_core::directory::{block_on, Directory, NewFile};
/// use alluvium::NativeDirectory;
///
/// let scratch = tempfile::tempdir()?;
/// let directory = NativeDirectory::create(scratch.path().join("checkpoints"))?;
/// block_on(directory.create(vec![NewFile { path: "segments/1".into(), content: b"sediment".to_vec() }]))?;
/// assert_eq!(block_on(directory.read("segments/1"))?, b"sediment");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct NativeDirectory {
    root: Root,
    path: PathBuf,
    /// Subdirectories whose own names are known to survive a crash.
    durable_dirs: Mutex<BTreeSet<String>>,
    /// Held for the lifetime of a writer that asked for it.
    lock: Option<Lock>,
    naming: Naming,
}

impl NativeDirectory {
    /// Opens an existing directory.
    ///
    /// One that is not there is [`DirectoryErrorKind::NotFound`], anything but a directory is
    /// [`DirectoryErrorKind::Invalid`]. Nothing is created, not even a lock: this is how to inspect.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        Self::open_watched(path.into(), None)
    }

    fn open_watched(path: PathBuf, watcher: Option<Arc<dyn Watch>>) -> Result<Self, DirectoryError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(&path, flags, Mode::empty()).map_err(|errno| opening(errno.into(), &path))?;
        Ok(Self {
            root: Root::new(fd, watcher),
            path,
            durable_dirs: Mutex::default(),
            lock: None,
            naming: Naming::default(),
        })
    }

    /// Opens a directory, creating it durably when it is missing, and the ones above it.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        let path = path.into();
        create_durably(&path).map_err(|error| opening(error, &path))?;
        Self::open(path)
    }

    /// Opens an existing directory for its only writer.
    ///
    /// While another process that opened it in this way lives, this fails with
    /// [`DirectoryErrorKind::Fenced`], naming that process. The kernel drops the lock with the
    /// process, however it ends, so no lock is ever stale.
    pub fn open_exclusive(path: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        Self::open_writer(path.into(), None)
    }

    /// As [`open_exclusive`](Self::open_exclusive), with `watcher` told of every call that decides
    /// what a crash leaves: for tests of just that.
    pub fn open_exclusive_watched(path: impl Into<PathBuf>, watcher: Arc<dyn Watch>) -> Result<Self, DirectoryError> {
        Self::open_writer(path.into(), Some(watcher))
    }

    fn open_writer(path: PathBuf, watcher: Option<Arc<dyn Watch>>) -> Result<Self, DirectoryError> {
        let mut directory = Self::open_watched(path, watcher)?;
        directory.lock = Some(Lock::acquire(&directory.root)?);
        directory.sync_names()?;
        Ok(directory)
    }

    /// Opens a directory for a writer that needs no lock, because a claim elsewhere fences it, and creates it if it is
    /// missing. Names that are found are made durable, as [`open_exclusive`](Self::open_exclusive) does.
    pub fn create_unlocked(path: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        let directory = Self::create(path)?;
        directory.sync_names()?;
        Ok(directory)
    }

    /// Accepts a file system that cannot give a file its name without replacing another: one without hard links and
    /// without the rename that Linux has for this. Then a file is renamed after a check that its name is free.
    ///
    /// Without this, a file system of that kind is refused when the first file is created, with
    /// [`DirectoryErrorKind::Unsupported`]. With it, [`weaker_promises`](Self::weaker_promises) says what is weaker.
    /// What the file system can do is tried out here, with files under temporary names.
    pub fn accept_weaker_promises(mut self) -> Result<Self, DirectoryError> {
        self.naming = create::try_naming(&self.root)?;
        Ok(self)
    }

    /// Whether a file system that cannot keep every promise was accepted.
    pub fn accepts_weaker_promises(&self) -> bool {
        self.naming != Naming::Exclusive
    }

    /// The promises of the contract that were found not to be kept here and are accepted, one sentence each.
    pub fn weaker_promises(&self) -> Vec<String> {
        let weaker = (self.naming == Naming::Checked).then(|| format!("{CANNOT_NAME}: {MAY_OVERWRITE}"));
        weaker.into_iter().collect()
    }

    /// Whether this is the directory's only writer, holding its lock.
    pub fn is_exclusive(&self) -> bool {
        self.lock.is_some()
    }

    /// Where the directory is, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory behind a descriptor that another process has opened and handed on, without a lock of its own.
    ///
    /// The process that handed it on is the one that holds the lock; see [`lock`](Self::lock).
    pub fn of_descriptor(descriptor: OwnedFd, path: impl Into<PathBuf>) -> Self {
        let root = Root::new(descriptor, None);
        Self { root, path: path.into(), durable_dirs: Mutex::default(), lock: None, naming: Naming::default() }
    }

    /// The descriptor of the lock, if this is the directory's only writer.
    ///
    /// A process that works for this one in the directory keeps a copy, so that the lock lasts until both have ended.
    pub fn lock(&self) -> Option<BorrowedFd<'_>> {
        self.lock.as_ref().map(Lock::as_fd)
    }

    /// Makes every name that is there durable.
    ///
    /// A process killed between naming a file and syncing its directory leaves a name that may
    /// still vanish with the power: a writer must not build on it, nor tell anybody about it.
    fn sync_names(&self) -> Result<(), DirectoryError> {
        let mut durable_dirs = self.durable_dirs();
        let subdirectories = listing::subdirectories(&self.root)?;
        if subdirectories.len() > SYNCED_ONE_BY_ONE_MAX && !self.root.is_watched() {
            durable_dirs.extend(subdirectories);
            return self.root.sync_file_system().map_err(|errno| directory_error(errno, Operation::Open, ""));
        }
        for entry in subdirectories {
            match self.root.sync_directory(&entry) {
                Ok(()) => drop(durable_dirs.insert(entry)),
                // Another writer, who does not know yet that this one takes over, has just deleted it.
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(directory_error(errno, Operation::Open, &entry)),
            }
        }
        self.root.sync_directory("").map_err(|errno| directory_error(errno, Operation::Open, ""))
    }

    fn durable_dirs(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        // Insertions and removals of whole names: a panic elsewhere leaves nothing half done.
        self.durable_dirs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a regular file for reading; refuses anything else before it is opened for real, since
    /// to open a pipe may wait for ever and to open a device may move it.
    fn open_file(&self, path: &str) -> Result<(OwnedFd, u64), DirectoryError> {
        let open = |flags| self.root.open(path, flags, Mode::empty());
        let length = |fd: &OwnedFd| -> Result<u64, DirectoryError> {
            let stat = rustix::fs::fstat(fd).map_err(|errno| directory_error(errno, Operation::Read, path))?;
            if !rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file() {
                return Err(DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Read, path)
                    .because("not a regular file"));
            }
            Ok(u64::try_from(stat.st_size).unwrap_or(0))
        };
        let probe = open(OFlags::PATH).map_err(|errno| directory_error(errno, Operation::Read, path))?;
        length(&probe)?;
        let file =
            open(OFlags::RDONLY | OFlags::NONBLOCK).map_err(|errno| directory_error(errno, Operation::Read, path))?;
        let bytes = length(&file)?;
        Ok((file, bytes))
    }

    fn read_at(&self, path: &str, range: Option<(u64, usize)>) -> Result<Vec<u8>, DirectoryError> {
        let (file, bytes) = self.open_file(path)?;
        let error = |kind| DirectoryError::new(kind, Operation::Read, path);
        if let (true, Some((_, length))) = (seeded_defects::is(Defect::TrustLength), range) {
            drop(vec![0_u8; length.min(1 << 32)]);
        }
        let (offset, length) = match range {
            Some(range) => range,
            None => (0, usize::try_from(bytes).map_err(|_| error(DirectoryErrorKind::OutOfRange))?),
        };
        if offset.checked_add(length as u64).is_none_or(|end| end > bytes) {
            return Err(error(DirectoryErrorKind::OutOfRange)
                .because(format!("{length} bytes at {offset} of a file of {bytes}")));
        }
        let mut content = Vec::new();
        content.try_reserve_exact(length).map_err(|refused| error(DirectoryErrorKind::Io).because(refused))?;
        self.root
            .call(Call::Read(path), || fill(&file, &mut content, offset, length))
            .map_err(|source| directory_error(source, Operation::Read, path))?;
        Ok(content)
    }
}

/// The directory itself, and what is opened beneath it, whatever stands at its path by now.
impl AsFd for NativeDirectory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }
}

/// Reads `length` bytes into memory that was reserved for them: to fill it with zeros first would
/// touch every page twice.
fn fill(file: &OwnedFd, content: &mut Vec<u8>, offset: u64, length: usize) -> Result<(), Errno> {
    while content.len() < length {
        let at = offset + content.len() as u64;
        // The reserve may be more than was asked for, and the file longer.
        match rustix::io::pread(file, spare_capacity(content), at) {
            // The file was cut short behind our back.
            Ok(0) => return Err(Errno::IO),
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    content.truncate(length);
    Ok(())
}

impl Directory for NativeDirectory {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        listing::list(&self.root, |_| true)
    }

    async fn list_only(&self, wanted: Wanted) -> Result<Vec<Entry>, DirectoryError> {
        listing::list(&self.root, wanted)
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        self.read_at(path, None)
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        self.read_at(path, Some((offset, length)))
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        create::create(&self.root, &self.durable_dirs, self.naming, &batch)
    }

    async fn create_and_list_only(&self, batch: Vec<NewFile>, wanted: Wanted) -> Result<Vec<Entry>, DirectoryError> {
        self.create(batch).await?;
        self.list_only(wanted).await
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        delete::delete(&self.root, &mut self.durable_dirs(), paths)
    }
}

/// `mkdir -p`, with every new name synced into the directory above it.
fn create_durably(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    if above != path {
        create_durably(above)?;
    }
    match std::fs::create_dir(path) {
        // Somebody else was quicker, or a file is in the way: opening it will tell.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        result => result?,
    }
    std::fs::File::open(above)?.sync_all()
}

/// An error of opening the directory itself, named by its whole path.
fn opening(source: io::Error, path: &Path) -> DirectoryError {
    let error = directory_error(source, Operation::Open, &path.display().to_string());
    if error.kind() == DirectoryErrorKind::Invalid { error.because("this is not a directory") } else { error }
}
