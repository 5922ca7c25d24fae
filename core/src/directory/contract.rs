//! The trait `Directory`, the entries that it lists, and the files that it creates.

use std::collections::BTreeSet;
use std::future::Future;

use crate::directory::error::{DirectoryError, DirectoryErrorKind, Operation};

/// One entry of a [listing](Directory::list).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The relative path. A `/` separates its components.
    pub path: String,
    /// The length of a regular file in bytes. It is 0 for anything else.
    pub bytes: u64,
    /// What kind of thing the path names.
    pub kind: EntryKind,
}

/// What kind of thing an entry of a listing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A whole regular file.
    File,
    /// A directory with nothing in it. A directory that holds files is not listed; its files are.
    EmptyDirectory,
    /// A file that a [creation](Directory::create) left behind when a crash cut it short. It is never
    /// a file of the contract. The owner of the directory may delete it.
    Temporary,
    /// A link, a pipe, a device or something similar. It is never read and never deleted.
    Other,
}

/// Tells whether the caller of a listing wants to know of a path. It is asked about directories too.
pub type Wanted = fn(&str) -> bool;

/// Returns the entries that are wanted and that are in a directory that is wanted, for a storage that lists all of them.
pub fn only_wanted(mut entries: Vec<Entry>, wanted: Wanted) -> Vec<Entry> {
    entries.retain(|entry| entry.path.split_once('/').is_none_or(|(top, _)| wanted(top)) && wanted(&entry.path));
    entries
}

/// A file to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// The relative path. The directories on it are created as needed.
    pub path: String,
    /// The whole content.
    pub content: Vec<u8>,
}

/// A directory of immutable files.
///
/// The futures of native and WASI implementations are ready at once, and
/// [`block_on`](crate::directory::block_on()) drives them. The trait does not require `Send`, because
/// the browser's futures are not `Send`. Code that uses a concrete directory still gets `Send` futures if
/// the futures of that directory are `Send`.
#[allow(async_fn_in_trait, reason = "a Send bound would exclude the browser; see above")]
pub trait Directory {
    /// Returns every entry in the directory and below it, in order of `path`.
    ///
    /// Files that Alluvium did not write are listed like all others.
    fn list(&self) -> impl Future<Output = Result<Vec<Entry>, DirectoryError>>;

    /// Returns the entries that are `wanted`, as [`list`](Self::list) does. An entry below a directory that is not
    /// wanted is not returned either.
    ///
    /// A storage that pays for each name should not pay for names that are not wanted.
    fn list_only(&self, wanted: Wanted) -> impl Future<Output = Result<Vec<Entry>, DirectoryError>> {
        async move { Ok(only_wanted(self.list().await?, wanted)) }
    }

    /// Reads the whole content of a file. A caller may start several reads before the first one ends.
    ///
    /// It fails with [`DirectoryErrorKind::NotFound`] if there is no such file, and with
    /// [`DirectoryErrorKind::Invalid`] if the path does not name a regular file.
    fn read(&self, path: &str) -> impl Future<Output = Result<Vec<u8>, DirectoryError>>;

    /// Reads exactly `length` bytes of a file, starting at byte `offset`.
    ///
    /// A range that reaches past the end fails with [`DirectoryErrorKind::OutOfRange`]. The call never
    /// allocates more memory than the file has bytes. Other errors are those of [`read`](Self::read).
    fn read_range(
        &self,
        path: &str,
        offset: u64,
        length: usize,
    ) -> impl Future<Output = Result<Vec<u8>, DirectoryError>>;

    /// Reads the whole content of a file that has at most `bytes` bytes, as [`read`](Self::read) does, and returns
    /// `None` if it has more. It never allocates much more memory than `bytes`.
    ///
    /// A storage that learns the length with the content should need one step for both.
    fn read_at_most(&self, path: &str, bytes: u64) -> impl Future<Output = Result<Option<Vec<u8>>, DirectoryError>> {
        async move {
            match self.read_range(path, bytes, 1).await {
                Ok(_) => Ok(None),
                Err(error) if error.kind() == DirectoryErrorKind::OutOfRange => self.read(path).await.map(Some),
                Err(error) => Err(error),
            }
        }
    }

    /// Creates an ordered batch of files durably. It never replaces an existing file.
    ///
    /// When it resolves to `Ok`, every file survives a crash. If a name is taken, it fails with
    /// [`DirectoryErrorKind::AlreadyExists`]. Files of the batch before that name may then have been
    /// created; the last one has not, and no existing file has changed. After any other error the last
    /// file may or may not exist: the caller must reopen the directory to find out.
    fn create(&self, batch: Vec<NewFile>) -> impl Future<Output = Result<(), DirectoryError>>;

    /// [Creates](Self::create) a batch, then [lists](Self::list) the directory. A storage that can do
    /// both in one step should, so that the writer of a checkpoint waits for it only once.
    ///
    /// The listing is taken at the moment of the commit or after it, never before. The errors are those
    /// of `create` and of `list`.
    fn create_and_list(&self, batch: Vec<NewFile>) -> impl Future<Output = Result<Vec<Entry>, DirectoryError>> {
        async {
            self.create(batch).await?;
            self.list().await
        }
    }

    /// Does what [`create_and_list`](Self::create_and_list) does, for the entries that are `wanted`, as
    /// [`list_only`](Self::list_only) returns them.
    fn create_and_list_only(
        &self,
        batch: Vec<NewFile>,
        wanted: Wanted,
    ) -> impl Future<Output = Result<Vec<Entry>, DirectoryError>> {
        async move { Ok(only_wanted(self.create_and_list(batch).await?, wanted)) }
    }

    /// Does what [`create_and_list_only`](Self::create_and_list_only) does, for a caller to whom the order of the batch
    /// does not matter, and who is the only one to create files. A storage whose steps take long should do all of
    /// it at once.
    ///
    /// After an error, and after a crash, any of the files may exist. The files of the batch are in the listing.
    fn create_unordered_and_list_only(
        &self,
        batch: Vec<NewFile>,
        wanted: Wanted,
    ) -> impl Future<Output = Result<Vec<Entry>, DirectoryError>> {
        self.create_and_list_only(batch, wanted)
    }

    /// Deletes files durably: once it has resolved, none of them comes back after a crash.
    ///
    /// A path that does not exist is no error. The call deletes [`EntryKind::File`],
    /// [`EntryKind::EmptyDirectory`] and [`EntryKind::Temporary`]. It refuses [`EntryKind::Other`] with
    /// [`DirectoryErrorKind::Invalid`]. A directory is removed together with its last file. The files
    /// of one call may be deleted in any order; to order deletions, call twice.
    fn delete(&self, paths: &[String]) -> impl Future<Output = Result<(), DirectoryError>>;

    /// Comes between two steps of work that needs no storage, such as encoding. A program that does one thing at a
    /// time can turn to something else there. By default the work continues at once.
    fn pause(&self) -> impl Future<Output = ()> {
        async {}
    }
}

impl<D: Directory + ?Sized> Directory for &D {
    fn list(&self) -> impl Future<Output = Result<Vec<Entry>, DirectoryError>> {
        (**self).list()
    }
    fn list_only(&self, wanted: Wanted) -> impl Future<Output = Result<Vec<Entry>, DirectoryError>> {
        (**self).list_only(wanted)
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
    fn read_at_most(&self, path: &str, bytes: u64) -> impl Future<Output = Result<Option<Vec<u8>>, DirectoryError>> {
        (**self).read_at_most(path, bytes)
    }
    fn create(&self, batch: Vec<NewFile>) -> impl Future<Output = Result<(), DirectoryError>> {
        (**self).create(batch)
    }
    fn create_and_list(&self, batch: Vec<NewFile>) -> impl Future<Output = Result<Vec<Entry>, DirectoryError>> {
        (**self).create_and_list(batch)
    }
    fn create_and_list_only(
        &self,
        batch: Vec<NewFile>,
        wanted: Wanted,
    ) -> impl Future<Output = Result<Vec<Entry>, DirectoryError>> {
        (**self).create_and_list_only(batch, wanted)
    }
    fn create_unordered_and_list_only(
        &self,
        batch: Vec<NewFile>,
        wanted: Wanted,
    ) -> impl Future<Output = Result<Vec<Entry>, DirectoryError>> {
        (**self).create_unordered_and_list_only(batch, wanted)
    }
    fn delete(&self, paths: &[String]) -> impl Future<Output = Result<(), DirectoryError>> {
        (**self).delete(paths)
    }
    fn pause(&self) -> impl Future<Output = ()> {
        (**self).pause()
    }
}

/// Returns whether `path` is one that a [`Directory`] must accept.
///
/// Such a path is relative and has one or two components. Each component has 1 to 64 characters of
/// `a–z 0–9 . _ -` and does not start with a dot.
///
/// Only lower case is allowed, so that names stay distinct on storages that fold case. `..`, drive
/// letters and absolute paths are never valid.
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

/// Refuses a batch in which a name is not valid, is taken or comes twice. A [`Directory`] asks this before it creates
/// anything, so that a refused batch leaves no trace. Of several bad names, the error is that of the first.
///
/// `is_taken` looks a valid name up. Where only the creation itself can tell, it is `|_| Ok(false)`.
///
/// ```
/// use alluvium_core::directory::{DirectoryErrorKind, NewFile, check_names};
///
/// let file = |path: &str| NewFile { path: path.into(), content: Vec::new() };
/// let kind_of = |batch: &[NewFile]| check_names(batch, |path| Ok(path == "taken")).map_err(|error| error.kind());
/// assert_eq!(kind_of(&[file("segments/1"), file("metadata.json")]), Ok(()));
/// assert_eq!(kind_of(&[file("../1")]), Err(DirectoryErrorKind::Invalid));
/// assert_eq!(kind_of(&[file("1"), file("1")]), Err(DirectoryErrorKind::AlreadyExists));
/// assert_eq!(kind_of(&[file("taken")]), Err(DirectoryErrorKind::AlreadyExists));
/// ```
pub fn check_names(
    batch: &[NewFile],
    mut is_taken: impl FnMut(&str) -> Result<bool, DirectoryError>,
) -> Result<(), DirectoryError> {
    let mut names = BTreeSet::new();
    for NewFile { path, .. } in batch {
        let refused = |kind| Err(DirectoryError::new(kind, Operation::Create, path));
        if !is_valid_path(path) {
            return refused(DirectoryErrorKind::Invalid);
        }
        if is_taken(path)? || !names.insert(path) {
            return refused(DirectoryErrorKind::AlreadyExists);
        }
    }
    Ok(())
}
