//! The trait, and the names and files that it deals in.

use std::future::Future;

use crate::directory::error::DirectoryError;
#[cfg(doc)]
use crate::directory::error::DirectoryErrorKind;

/// One name of a [listing](Directory::list).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Relative path, components separated by `/`.
    pub path: String,
    /// Length of a regular file; 0 for anything else.
    pub bytes: u64,
    /// What the name stands for.
    pub kind: EntryKind,
}

/// What a name of a listing stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A whole regular file.
    File,
    /// A directory with nothing in it. One with something in it is not listed: its files are.
    EmptyDirectory,
    /// Leftover of a [creation](Directory::create) that a crash cut short: never a file of the
    /// contract, and free to be deleted by whoever owns the directory.
    Temporary,
    /// A link, pipe, device or the like: never read, never deleted.
    Other,
}

/// A file to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Relative path; its directories are created as needed.
    pub path: String,
    /// The whole content.
    pub content: Vec<u8>,
}

/// A directory of immutable files.
///
/// The futures of native and WASI implementations are ready at once: [`block_on`](crate::directory::block_on()) drives them. No
/// `Send` bound is asked for, since the browser's futures are not `Send`; generic code keeps
/// whatever the concrete type offers.
#[allow(async_fn_in_trait, reason = "a Send bound would shut the browser out; see above")]
pub trait Directory {
    /// Every name in the directory and below it, in order of `path`.
    ///
    /// Names that Alluvium did not write are listed like all others.
    fn list(&self) -> impl Future<Output = Result<Vec<Entry>, DirectoryError>>;

    /// The whole content of a file. Several files may be asked for before the first is there.
    ///
    /// Refuses what is no regular file ([`DirectoryErrorKind::Invalid`]) and what is not there
    /// ([`DirectoryErrorKind::NotFound`]).
    fn read(&self, path: &str) -> impl Future<Output = Result<Vec<u8>, DirectoryError>>;

    /// `length` bytes of a file from `offset` on, all of them.
    ///
    /// A range that reaches past the end is [`DirectoryErrorKind::OutOfRange`], and no memory is
    /// taken for more than the file holds.
    fn read_range(
        &self,
        path: &str,
        offset: u64,
        length: usize,
    ) -> impl Future<Output = Result<Vec<u8>, DirectoryError>>;

    /// Creates an ordered batch of files, durably, none of them over an existing one.
    ///
    /// When it resolves to `Ok`, every file survives a crash. If a name is taken, it fails with
    /// [`DirectoryErrorKind::AlreadyExists`]; files of the batch before that name may have been
    /// created, the last has not, and no existing file has changed. After any other error the last
    /// file may or may not exist: the caller must open the directory anew to find out.
    fn create(&self, batch: Vec<NewFile>) -> impl Future<Output = Result<(), DirectoryError>>;

    /// [Creates](Self::create) a batch, then [lists](Self::list) what is there: in one step where the
    /// storage can, so that the writer of a checkpoint waits for it once.
    ///
    /// The listing is of the moment of the commit or after it, never before.
    fn create_and_list(&self, batch: Vec<NewFile>) -> impl Future<Output = Result<Vec<Entry>, DirectoryError>> {
        async {
            self.create(batch).await?;
            self.list().await
        }
    }

    /// Deletes files, durably: when it resolves, none of them comes back after a crash.
    ///
    /// A path that is not there is no error. Deletes [`EntryKind::File`],
    /// [`EntryKind::EmptyDirectory`] and [`EntryKind::Temporary`]; refuses
    /// [`EntryKind::Other`] with [`DirectoryErrorKind::Invalid`]. A directory left empty goes with
    /// its last file. The order within one call is free: to order deletions, call twice.
    fn delete(&self, paths: &[String]) -> impl Future<Output = Result<(), DirectoryError>>;
}

impl<D: Directory + ?Sized> Directory for &D {
    fn list(&self) -> impl Future<Output = Result<Vec<Entry>, DirectoryError>> {
        (**self).list()
    }
    fn read(&self, path: &str) -> impl Future<Output = Result<Vec<u8>, DirectoryError>> {
        (**self).read(path)
    }
    fn read_range(
        &self,
        path: &str,
        offset: u64,
        length: usize,
    ) -> impl Future<Output = Result<Vec<u8>, DirectoryError>> {
        (**self).read_range(path, offset, length)
    }
    fn create(&self, batch: Vec<NewFile>) -> impl Future<Output = Result<(), DirectoryError>> {
        (**self).create(batch)
    }
    fn create_and_list(&self, batch: Vec<NewFile>) -> impl Future<Output = Result<Vec<Entry>, DirectoryError>> {
        (**self).create_and_list(batch)
    }
    fn delete(&self, paths: &[String]) -> impl Future<Output = Result<(), DirectoryError>> {
        (**self).delete(paths)
    }
}

/// Whether `path` is one that a [`Directory`] must accept: relative, one or two components, each
/// 1 to 64 characters of `a–z 0–9 . _ -`, none starting with a dot.
///
/// Lower case only, so that names stay distinct where case is folded; never `..`, never a drive
/// letter, never an absolute path.
///
/// ```
/// use alluvium_core::directory::is_valid_path;
///
/// assert!(is_valid_path("checkpoint_0000000000000001/metadata.json"));
/// assert!(!is_valid_path("../../etc/passwd"));
/// assert!(!is_valid_path("segments/CON"));
/// ```
pub fn is_valid_path(path: &str) -> bool {
    let component = |name: &str| {
        (1..=64).contains(&name.len())
            && !name.starts_with('.')
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'))
    };
    match path.split_once('/') {
        Some((directory, name)) => component(directory) && component(name),
        None => component(path),
    }
}
