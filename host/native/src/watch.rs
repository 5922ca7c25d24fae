//! The system calls that decide what a crash leaves, reported to a watcher: tests enumerate crash states
//! from them and make single calls fail. Without a watcher, this costs one comparison a call.

use std::fmt::Debug;

/// A system call on names or bytes; paths are relative to the directory, `""` is the directory itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call<'a> {
    /// `mkdirat`.
    MakeDirectory(&'a str),
    /// `openat` with `O_CREAT | O_EXCL`.
    Create(&'a str),
    /// All bytes of a new file.
    Write(&'a str, &'a [u8]),
    /// `fdatasync`.
    Sync(&'a str),
    /// `renameat2` with `RENAME_NOREPLACE`.
    Rename(&'a str, &'a str),
    /// `linkat`, where the file system has no exclusive rename.
    Link(&'a str, &'a str),
    /// `unlinkat` of a file.
    Unlink(&'a str),
    /// `unlinkat` of a directory.
    RemoveDirectory(&'a str),
    /// `fsync` of a directory.
    SyncDirectory(&'a str),
    /// Reading the names of a directory.
    List(&'a str),
    /// Reading bytes of a file.
    Read(&'a str),
}

/// Is told of every [`Call`] of a watched directory.
pub trait Watch: Debug + Send + Sync {
    /// Is called before the call. If this returns an error, the call fails with it and is not made.
    fn before(&self, call: Call<'_>) -> Result<(), std::io::Error>;

    /// Is called after the call has succeeded.
    fn done(&self, call: Call<'_>);
}
