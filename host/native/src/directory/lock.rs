//! The advisory lock of a writer: it makes two writers rare. What keeps them from harm is that files
//! are created exclusively.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;

use super::error::directory_error;
use super::openat::Root;

/// The file that carries the lock. It stays: to delete it would let two writers lock two files.
pub(super) const LOCK_FILE: &str = ".lock";

/// The lock, for as long as this lives.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone would not do: a process that another thread is just starting holds a copy of
        // the descriptor until it executes, and with it the lock.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

impl AsFd for Lock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Lock {
    /// Takes the lock or says who has it.
    pub(super) fn acquire(root: &Root) -> Result<Self, DirectoryError> {
        let error = |source: std::io::Error| directory_error(source, Operation::Open, LOCK_FILE);
        // To hold the lock one must be able to open the file, and that is for those who may write: besides its
        // owner's, there are no rights to read, and the umask takes from the rights to write.
        let mode = Mode::RUSR | Mode::WUSR | Mode::WGRP | Mode::WOTH;
        let open = |access| root.open(LOCK_FILE, access | OFlags::CREATE | OFlags::NONBLOCK, mode);
        let opened = match open(OFlags::RDWR) {
            Err(Errno::ACCESS) => open(OFlags::WRONLY),
            opened => opened,
        };
        let mut file = File::from(opened.map_err(|errno| error(errno.into()))?);
        if !file.metadata().map_err(error)?.is_file() {
            return Err(DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Open, LOCK_FILE)
                .because("not a regular file"));
        }
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Err(held_by_another(&file)),
            result => result.map_err(|errno| error(errno.into()))?,
        }
        // The number is for people; a full disk must not keep a writer from freeing space.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { file })
    }
}

fn held_by_another(file: &File) -> DirectoryError {
    let mut holder = String::new();
    let _ = Read::take(file, 20).read_to_string(&mut holder);
    let holder = holder.trim();
    let who = if holder.is_empty() { "another process".to_owned() } else { format!("process {holder}") };
    DirectoryError::new(DirectoryErrorKind::Fenced, Operation::Open, LOCK_FILE)
        .because(format!("{who} is writing here: let it finish, or stop it"))
}
