//! Syncing many files and directories at once. A disk that is asked once answers about as fast as
//! one that is asked for one file: the file system commits all of them together.

use std::os::fd::BorrowedFd;
use std::thread;

use alluvium_core::directory::{DirectoryError, Operation};

use super::error::directory_error;
use super::openat::Root;
use crate::watch::Call;

/// Threads that wait for the disk at once, the caller's included. More would wait for each other.
const WAITING_MAX: usize = 8;

/// A written file or a directory, and the call that makes it durable.
pub(super) struct Unsynced<'a> {
    pub(super) fd: BorrowedFd<'a>,
    pub(super) call: Call<'a>,
    /// What an error is named after.
    pub(super) path: &'a str,
}

/// Syncs all of them; the error is that of the first that failed, in the order given.
///
/// With a watcher, they are synced one after another, in the same order every time.
pub(super) fn sync_in_parallel(root: &Root, unsynced: &[Unsynced<'_>]) -> Result<(), DirectoryError> {
    let one = |unsynced: &Unsynced<'_>| {
        let sync = || match unsynced.call {
            Call::SyncDirectory(_) => rustix::fs::fsync(unsynced.fd),
            _ => rustix::fs::fdatasync(unsynced.fd),
        };
        root.call(unsynced.call, sync).map_err(|errno| directory_error(errno, Operation::Create, unsynced.path))
    };
    let all = |part: &[Unsynced<'_>]| part.iter().try_for_each(one);
    if unsynced.len() < 2 || root.is_watched() {
        return all(unsynced);
    }
    let (own, others) = unsynced.split_at(unsynced.len().div_ceil(WAITING_MAX));
    thread::scope(|scope| {
        let spawn = |part| (part, thread::Builder::new().spawn_scoped(scope, move || all(part)));
        let waiting: Vec<_> = others.chunks(own.len()).map(spawn).collect();
        let mut result = all(own);
        for (part, thread) in waiting {
            let synced = match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                // No more threads to be had: then one after another.
                Err(_) => all(part),
            };
            result = result.and(synced);
        }
        result
    })
}
