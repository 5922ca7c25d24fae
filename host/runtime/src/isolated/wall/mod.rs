//! The wall around a worker: what the kernel itself refuses to the process, whatever code runs in it.
//!
//! There are three layers. [Limits](self::limits) bound memory, files and core dumps. [Landlock](self::files) leaves one
//! directory of the file system, and no network. [Seccomp](self::calls) leaves the system calls that the runtime makes,
//! and ends the process at any other. A process cannot take any of them down again.

mod calls;
mod descriptors;
mod files;
mod limits;

use std::io;
use std::os::fd::{BorrowedFd, RawFd};

pub(super) use self::calls::check as check_calls;
pub(super) use self::descriptors::close_others;
pub(super) use self::files::check as check_files;

/// What a process is left with.
#[derive(Debug, Clone, Copy)]
pub struct Wall {
    /// Memory that it may take, in bytes.
    pub memory_bytes: u64,
    /// Address space that it may reserve, in bytes.
    pub address_bytes: u64,
    /// The length of a file that it may write, in bytes.
    pub file_bytes: u64,
    /// Descriptors that it may have open.
    pub descriptors: u64,
    /// Whether it may start threads later on.
    pub starts_threads: bool,
}

impl Wall {
    /// Limits this process, and leaves it `directory` of the file system. It must have one thread yet.
    ///
    /// Fails if the process has more threads, or if the kernel cannot do it.
    pub fn limit(&self, directory: BorrowedFd<'_>) -> io::Result<()> {
        check_is_single()?;
        limits::apply(self)?;
        files::apply(directory)
    }

    /// Leaves all threads of this process the system calls that the runtime makes. Messages come through `socket`.
    ///
    /// Fails if the kernel cannot do it.
    pub fn close(&self, socket: RawFd) -> io::Result<()> {
        if !self.starts_threads {
            limits::refuse_threads()?;
        }
        calls::apply(socket, self.starts_threads)
    }
}

/// Landlock is for one thread and those that it starts: with others beside it, there would be a way around.
fn check_is_single() -> io::Result<()> {
    match std::fs::read_dir("/proc/self/task")?.count() {
        1 => Ok(()),
        threads => {
            Err(io::Error::other(format!("the process has {threads} threads already: a worker begins with one")))
        }
    }
}
