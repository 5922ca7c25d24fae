//! The suite that every [`Directory`] must pass, for whoever implements the trait.
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::{Mutex, PoisonError};
//!
//! use alluvium_core::directory::testing::conformance;
//! use alluvium_core::directory::{MemoryDirectory, block_on};
//!
//! let storages = Mutex::new(BTreeMap::new());
//! let open = async |storage: &str| {
//!     let mut storages = storages.lock().unwrap_or_else(PoisonError::into_inner);
//!     *storages.entry(storage.to_owned()).or_insert_with(|| &*Box::leak(Box::new(MemoryDirectory::new())))
//! };
//! let report = block_on(conformance::run(conformance::Handles::Many, open));
//! report.assert();
//! ```
//!
//! What it cannot ask for is a crash: that a created file survives one, and that a batch leaves no
//! last file without the ones before it, is for whoever owns the storage beneath: see
//! [`crash_certificate`](crate::directory::testing::crash_certificate).

use std::fmt::{Debug, Write};

use crate::directory::{Directory, DirectoryError, DirectoryErrorKind as Kind, Entry, EntryKind, NewFile, Operation};

/// How many handles on one storage the implementation allows at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handles {
    /// One: opening holds a lock. The checks of [`SHARED_CHECKS`] are left out.
    One,
    /// Any number.
    Many,
}

/// What the suite found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a report that nobody looks at tests nothing: call `assert`"]
pub struct Report {
    /// The names of the checks that passed.
    pub passed: Vec<&'static str>,
    /// The checks that failed, each with what it found and what it expected.
    pub failed: Vec<(&'static str, String)>,
}

impl Report {
    /// Panics, naming every failed check, unless all passed and there were any at all. Returns how
    /// many checks ran.
    pub fn assert(&self) -> usize {
        let mut failures = String::new();
        for (check, what) in &self.failed {
            let _ = write!(failures, "\n{check}: {what}");
        }
        let count = self.passed.len() + self.failed.len();
        assert!(failures.is_empty(), "{} of {count} checks failed:{failures}", self.failed.len());
        assert!(count >= CHECKS.len(), "only {count} of {} checks ran", CHECKS.len());
        count
    }

    fn note(&mut self, check: &'static str, outcome: Outcome) {
        match outcome {
            Ok(()) => self.passed.push(check),
            Err(what) => self.failed.push((check, what)),
        }
    }
}

/// Runs every check on a storage of its own.
///
/// `open` is given the name of a storage: a new name is a storage that is empty, a name that was
/// given before is another handle on the storage that it was given for. With [`Handles::One`] the
/// handle before has been dropped by then.
pub async fn run<D: Directory>(handles: Handles, open: impl AsyncFn(&str) -> D) -> Report {
    let mut report = Report { passed: Vec::new(), failed: Vec::new() };
    run_checks(&open, &mut report).await;
    if handles == Handles::Many {
        run_shared_checks(&open, &mut report).await;
    }
    report
}

/// Makes the list of names and the function that runs them from one list, so that no check is in one
/// and not in the other; a check in neither is dead code, which the compiler reports.
macro_rules! checks {
    ($(#[$doc:meta])* $names:ident, $run:ident: $($check:ident,)+) => {
        $(#[$doc])*
        pub const $names: &[&str] = &[$(stringify!($check)),+];

        async fn $run<D: Directory>(open: &impl AsyncFn(&str) -> D, report: &mut Report) {
            $(report.note(stringify!($check), $check(async || open(stringify!($check)).await).await);)+
        }
    };
}

checks! {
    /// The names of the checks that every implementation runs.
    CHECKS, run_checks:
    a_new_directory_is_empty,
    a_listing_is_in_order_of_path,
    a_file_reads_back_whole,
    a_file_may_be_empty,
    a_file_may_have_five_mib,
    names_may_be_64_characters_long,
    a_batch_spans_directories_in_any_order,
    ranges_are_exact,
    ranges_past_the_end_are_out_of_range,
    lengths_are_checked_before_memory_is_taken,
    what_is_not_there_is_not_found,
    creating_and_listing_shows_what_was_created,
    a_taken_name_fails_the_batch,
    a_name_twice_in_a_batch_fails_it,
    names_outside_the_contract_are_refused,
    deleting_twice_is_no_error,
    deleting_leaves_the_other_files,
    a_directory_goes_with_its_last_file,
    a_deleted_name_is_free_again,
    files_outlive_the_handle,
    deletions_outlive_the_handle,
}

checks! {
    /// The names of the checks that need two handles on one storage at a time.
    SHARED_CHECKS, run_shared_checks:
    two_handles_see_the_same_files,
    of_two_handles_the_first_to_create_wins,
}

type Outcome = Result<(), String>;

async fn a_new_directory_is_empty<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    lists(&directory, &[]).await?;
    creates(&directory, &[]).await?;
    lists(&directory, &[]).await
}

async fn a_listing_is_in_order_of_path<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("b/2", b"22"), ("c", b"ccc"), ("b/1", b"1"), ("b-", b"")]).await?;
    creates(&directory, &[("a/9", b"")]).await?;
    // `-` stands before `/`: the order is that of whole paths, not of directories.
    lists(&directory, &[("a/9", 0), ("b-", 0), ("b/1", 1), ("b/2", 2), ("c", 3)]).await
}

async fn a_file_reads_back_whole<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    let every_byte: Vec<u8> = (0..=255).collect();
    creates(&directory, &[("segments/bytes", &every_byte), ("plain", b"plain")]).await?;
    reads(&directory, "segments/bytes", &every_byte).await?;
    reads(&directory, "plain", b"plain").await
}

async fn a_file_may_be_empty<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("empty", b"")]).await?;
    lists(&directory, &[("empty", 0)]).await?;
    reads(&directory, "empty", b"").await?;
    reads_range(&directory, "empty", 0, 0, Ok(b"")).await?;
    reads_range(&directory, "empty", 0, 1, Err(Kind::OutOfRange)).await
}

async fn a_file_may_have_five_mib<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    // No period that a chunk of a round size could share.
    let large: Vec<u8> = (0..5_u32 << 20).map(|at| (at % 251) as u8).collect();
    creates(&directory, &[("large", &large), ("last", b"last")]).await?;
    let found = directory.read("large").await.map_err(|error| error.to_string())?;
    same("the length read", found.len(), large.len())?;
    same("the position of the first wrong byte", found.iter().zip(&large).position(|(a, b)| a != b), None)?;
    let (start, end) = ((1 << 20) - 3, (4 << 20) + 5);
    let found = directory.read_range("large", start as u64, end - start).await.map_err(|error| error.to_string())?;
    same("whether a long range is right", found == large[start..end], true)
}

async fn names_may_be_64_characters_long<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    let long = "abcdefghijklmnopqrstuvwxyz-0123456789_abcdefghijklmnopqrstuvwx.z";
    same("the length of the name", long.len(), 64)?;
    let path = format!("{long}/{long}");
    creates(&directory, &[(&path, b"deep"), (&long[1..], b"flat")]).await?;
    lists(&directory, &[(&path, 4), (&long[1..], 4)]).await?;
    reads(&directory, &path, b"deep").await
}

async fn a_batch_spans_directories_in_any_order<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("z/2", b"1"), ("a/1", b"2"), ("z/1", b"3"), ("m", b"4"), ("a/commit", b"5")]).await?;
    lists(&directory, &[("a/1", 1), ("a/commit", 1), ("m", 1), ("z/1", 1), ("z/2", 1)]).await?;
    reads(&directory, "z/2", b"1").await?;
    reads(&directory, "a/commit", b"5").await
}

async fn ranges_are_exact<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("a/f", b"0123456789")]).await?;
    for (offset, length) in [(0, 10), (0, 1), (9, 1), (4, 3), (0, 0), (10, 0)] {
        let expected = &b"0123456789"[offset..offset + length];
        reads_range(&directory, "a/f", offset as u64, length, Ok(expected)).await?;
    }
    Ok(())
}

async fn ranges_past_the_end_are_out_of_range<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("f", b"0123456789")]).await?;
    for (offset, length) in [(0, 11), (9, 2), (10, 1), (11, 0), (1 << 40, 0), (1 << 40, 1)] {
        reads_range(&directory, "f", offset, length, Err(Kind::OutOfRange)).await?;
    }
    Ok(())
}

async fn lengths_are_checked_before_memory_is_taken<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("f", b"0123456789")]).await?;
    for offset in [0, 9, 1 << 63, u64::MAX - 9, u64::MAX] {
        for length in [usize::MAX, usize::MAX / 2 + 1, 1 << 30] {
            reads_range(&directory, "f", offset, length, Err(Kind::OutOfRange)).await?;
        }
    }
    reads(&directory, "f", b"0123456789").await
}

async fn what_is_not_there_is_not_found<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("a/there", b"x")]).await?;
    for path in ["missing", "a/missing", "missing/there", "there"] {
        refuses(directory.read(path).await, Kind::NotFound, Operation::Read, path)?;
        reads_range(&directory, path, 0, 0, Err(Kind::NotFound)).await?;
    }
    Ok(())
}

async fn creating_and_listing_shows_what_was_created<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("b", b"before"), ("gone", b"")]).await?;
    directory.delete(&["gone".into()]).await.map_err(|error| error.to_string())?;
    let file = |path: &str, content: &[u8]| NewFile { path: path.into(), content: content.to_vec() };
    let created = directory.create_and_list(vec![file("c/1", b"1"), file("a", b"commit")]).await;
    let listed = created.clone().map_err(|error| error.to_string())?;
    same("the listing", listed, directory.list().await.map_err(|error| error.to_string())?)?;
    lists(&directory, &[("a", 6), ("b", 6), ("c/1", 1)]).await?;
    // Refused like any other creation.
    let taken = directory.create_and_list(vec![file("d", b""), file("a", b"again")]).await;
    same("a taken name", taken.map_err(|error| error.kind()), Err(Kind::AlreadyExists))?;
    let nothing = directory.create_and_list(Vec::new()).await;
    same("nothing created", nothing.is_ok(), true)?;
    reads(&directory, "a", b"commit").await
}

async fn a_taken_name_fails_the_batch<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("a/taken", b"old"), ("taken", b"older")]).await?;
    for taken in ["a/taken", "taken"] {
        for at in 0..3 {
            let mut batch = vec![file("a/x", b"new"), file("y", b"new"), file("last/commit", b"new")];
            batch[at] = file(taken, b"new content, longer than the old one");
            refuses(directory.create(batch).await, Kind::AlreadyExists, Operation::Create, taken)?;
            let found = names(&directory).await?;
            same("whether the commit is there", found.iter().any(|name| name == "last/commit"), false)?;
            reads(&directory, "a/taken", b"old").await?;
            reads(&directory, "taken", b"older").await?;
            // Files before the taken name may be there; they are in the way of the next round.
            let rest: Vec<String> = found.into_iter().filter(|name| !name.ends_with("taken")).collect();
            directory.delete(&rest).await.map_err(|error| error.to_string())?;
        }
    }
    lists(&directory, &[("a/taken", 3), ("taken", 5)]).await
}

async fn a_name_twice_in_a_batch_fails_it<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    let batch = vec![file("twice", b"1"), file("a/between", b"2"), file("twice", b"3"), file("last", b"4")];
    refuses(directory.create(batch).await, Kind::AlreadyExists, Operation::Create, "twice")?;
    same("whether the commit is there", names(&directory).await?.iter().any(|name| name == "last"), false)?;
    let batch = vec![file("last", b"1"), file("last", b"2")];
    refuses(directory.create(batch).await, Kind::AlreadyExists, Operation::Create, "last")
}

async fn names_outside_the_contract_are_refused<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    let long = "x".repeat(65);
    let names = [
        "",
        ".",
        "..",
        "/",
        "a/",
        "/a",
        "//",
        "a//b",
        "../escape",
        "a/../b",
        "a/..",
        "./a",
        "/etc/passwd",
        "a/b/c",
        "a\\b",
        "c:",
        "c:/a",
        "nul\0",
        "UPPER",
        "a/Upper",
        "white space",
        "ümlaut",
        ".hidden",
        "a/.hidden",
        "a*",
        "a?",
        "con:",
        "a\n",
        &long,
    ];
    for name in names {
        let batch = vec![file("before", b"x"), file(name, b"x"), file("last", b"x")];
        refuses(directory.create(batch).await, Kind::Invalid, Operation::Create, name)?;
        // Wrong names are the caller's mistake, and known before anything is done.
        lists(&directory, &[]).await?;
    }
    Ok(())
}

async fn deleting_twice_is_no_error<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("a/x", b"x"), ("y", b"y")]).await?;
    deletes(&directory, &["a/x"]).await?;
    deletes(&directory, &["a/x", "never", "never/there"]).await?;
    deletes(&directory, &["y", "y"]).await?;
    deletes(&directory, &[]).await?;
    lists(&directory, &[]).await
}

async fn deleting_leaves_the_other_files<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("a/1", b"1"), ("a/10", b"10"), ("a/2", b"2"), ("b/1", b"3"), ("b/2", b"4")]).await?;
    deletes(&directory, &["a/1", "b/2"]).await?;
    lists(&directory, &[("a/10", 2), ("a/2", 1), ("b/1", 1)]).await?;
    reads(&directory, "a/10", b"10").await?;
    refuses(directory.read("a/1").await, Kind::NotFound, Operation::Read, "a/1")
}

async fn a_directory_goes_with_its_last_file<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("a/1", b"1"), ("a/2", b"2"), ("b/1", b"3")]).await?;
    deletes(&directory, &["a/1"]).await?;
    lists(&directory, &[("a/2", 1), ("b/1", 1)]).await?;
    deletes(&directory, &["a/2", "b/1"]).await?;
    lists(&directory, &[]).await?;
    creates(&directory, &[("a/1", b"again")]).await?;
    reads(&directory, "a/1", b"again").await
}

async fn a_deleted_name_is_free_again<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    for content in [b"first".as_slice(), b"", b"the third content is the longest"] {
        creates(&directory, &[("a/x", content)]).await?;
        reads(&directory, "a/x", content).await?;
        deletes(&directory, &["a/x"]).await?;
    }
    lists(&directory, &[]).await
}

async fn files_outlive_the_handle<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("a/x", b"sediment"), ("last", b"")]).await?;
    drop(directory);
    let directory = open().await;
    lists(&directory, &[("a/x", 8), ("last", 0)]).await?;
    reads(&directory, "a/x", b"sediment").await?;
    let taken = directory.create(vec![file("last", b"new")]).await;
    refuses(taken, Kind::AlreadyExists, Operation::Create, "last")?;
    reads(&directory, "last", b"").await
}

async fn deletions_outlive_the_handle<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("a/x", b"x"), ("b/y", b"y"), ("b/z", b"z")]).await?;
    deletes(&directory, &["a/x", "b/y"]).await?;
    drop(directory);
    lists(&open().await, &[("b/z", 1)]).await
}

async fn two_handles_see_the_same_files<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let (one, other) = (open().await, open().await);
    creates(&one, &[("a/x", b"from one")]).await?;
    creates(&other, &[("a/y", b"from the other")]).await?;
    reads(&other, "a/x", b"from one").await?;
    reads(&one, "a/y", b"from the other").await?;
    deletes(&one, &["a/x"]).await?;
    deletes(&other, &["a/y"]).await?;
    lists(&one, &[]).await?;
    creates(&one, &[("a/x", b"again")]).await?;
    lists(&other, &[("a/x", 5)]).await
}

async fn of_two_handles_the_first_to_create_wins<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let (one, other) = (open().await, open().await);
    creates(&one, &[("segments/1", b"one"), ("commit/metadata", b"one")]).await?;
    let late = vec![file("segments/2", b"other"), file("commit/metadata", b"the other's")];
    refuses(other.create(late).await, Kind::AlreadyExists, Operation::Create, "commit/metadata")?;
    reads(&one, "commit/metadata", b"one").await?;
    reads(&other, "commit/metadata", b"one").await
}

fn file(path: &str, content: &[u8]) -> NewFile {
    NewFile { path: path.to_owned(), content: content.to_vec() }
}

/// The one comparison behind every check.
#[allow(clippy::needless_pass_by_value, reason = "most of what is compared is a literal or a fresh value")]
fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}")) }
}

async fn creates(directory: &impl Directory, files: &[(&str, &[u8])]) -> Outcome {
    let batch = files.iter().map(|(path, content)| file(path, content)).collect();
    directory.create(batch).await.map_err(|error| format!("creating was refused: {error}"))
}

async fn deletes(directory: &impl Directory, paths: &[&str]) -> Outcome {
    let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
    directory.delete(&paths).await.map_err(|error| format!("deleting was refused: {error}"))
}

async fn reads(directory: &impl Directory, path: &str, expected: &[u8]) -> Outcome {
    let found = directory.read(path).await.map_err(|error| error.to_string())?;
    same(path, found.as_slice(), expected)
}

async fn reads_range(
    directory: &impl Directory,
    path: &str,
    offset: u64,
    length: usize,
    expected: Result<&[u8], Kind>,
) -> Outcome {
    let found = directory.read_range(path, offset, length).await;
    match (&found, expected) {
        (Err(_), Err(kind)) => refuses(found, kind, Operation::Read, path),
        _ => same(
            &format!("{length} bytes of {path} at {offset}"),
            found.as_deref().map_err(DirectoryError::kind),
            expected,
        ),
    }
}

/// The files listed, which must be all that is listed.
async fn lists(directory: &impl Directory, expected: &[(&str, u64)]) -> Outcome {
    let found = directory.list().await.map_err(|error| error.to_string())?;
    let entry = |&(path, bytes): &(&str, u64)| Entry { path: path.to_owned(), bytes, kind: EntryKind::File };
    same("the listing", found, expected.iter().map(entry).collect())
}

async fn names(directory: &impl Directory) -> Result<Vec<String>, String> {
    let found = directory.list().await.map_err(|error| error.to_string())?;
    Ok(found.into_iter().map(|entry| entry.path).collect())
}

/// The error of the kind expected, naming operation and file.
fn refuses<T: Debug>(found: Result<T, DirectoryError>, kind: Kind, operation: Operation, name: &str) -> Outcome {
    let found = found.map_err(|error| (error.kind(), error.operation(), error.name().to_owned()));
    match found {
        Err(found) => same(&format!("the error on {name:?}"), found, (kind, operation, name.to_owned())),
        Ok(found) => Err(format!("{operation} {name:?}: succeeded with {found:?}, expected {kind:?}")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::future::ready;
    use std::sync::Mutex;

    use super::*;
    use crate::directory::{MemoryDirectory, block_on};

    /// Storages by name, opened over and over.
    fn storages() -> impl AsyncFn(&str) -> &'static MemoryDirectory {
        let storages = Mutex::new(BTreeMap::<String, &'static MemoryDirectory>::new());
        async move |storage: &str| {
            let new = || &*Box::leak(Box::new(MemoryDirectory::new()));
            *storages.lock().unwrap().entry(storage.to_owned()).or_insert_with(new)
        }
    }

    #[test]
    fn memory_passes_all_checks() {
        let report = block_on(run(Handles::Many, storages()));
        assert_eq!(report.assert(), CHECKS.len() + SHARED_CHECKS.len());
        let report = block_on(run(Handles::One, storages()));
        assert_eq!(report.assert(), CHECKS.len());
    }

    /// A directory over memory with one thing wrong.
    struct Wrong<'a>(&'a MemoryDirectory, Fault);

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Fault {
        None,
        ListBackwards,
        ListNothing,
        ReadShort,
        RangeCut,
        Replace,
        CreateFirstOnly,
        AcceptAnyName,
        DeleteMissingFails,
        DeletePrefix,
        DeleteNothing,
        LoseNames,
    }

    impl Directory for Wrong<'_> {
        async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
            let mut listed = self.0.list().await?;
            match self.1 {
                Fault::ListBackwards => listed.reverse(),
                Fault::ListNothing => listed.clear(),
                _ => {}
            }
            Ok(listed)
        }

        async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
            let mut content = self.0.read(path).await?;
            if self.1 == Fault::ReadShort {
                content.truncate(1 << 20);
            }
            Ok(content)
        }

        async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
            match self.0.read_range(path, offset, length).await {
                Err(error) if self.1 == Fault::RangeCut && error.kind() == Kind::OutOfRange => Ok(Vec::new()),
                result => result,
            }
        }

        async fn create(&self, mut batch: Vec<NewFile>) -> Result<(), DirectoryError> {
            let paths = batch.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
            match self.1 {
                Fault::Replace => self.0.delete(&paths).await?,
                Fault::CreateFirstOnly => batch.truncate(1),
                Fault::AcceptAnyName => batch.iter_mut().for_each(|file| {
                    file.path = file.path.to_lowercase();
                }),
                Fault::LoseNames => {
                    return self.0.create(batch).await.map_err(|e| DirectoryError::new(e.kind(), e.operation(), ""));
                }
                _ => {}
            }
            self.0.create(batch).await
        }

        async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
            let listed = self.0.list().await?;
            let missing = paths.iter().find(|path| !listed.iter().any(|entry| entry.path == **path));
            match (self.1, missing) {
                (Fault::DeleteMissingFails, Some(path)) => {
                    Err(DirectoryError::new(Kind::NotFound, Operation::Delete, path))
                }
                (Fault::DeletePrefix, _) => {
                    let gone = |entry: &Entry| paths.iter().any(|path| entry.path.starts_with(path.as_str()));
                    let gone: Vec<String> = listed.into_iter().filter(gone).map(|entry| entry.path).collect();
                    self.0.delete(&gone).await
                }
                (Fault::DeleteNothing, _) => ready(Ok(())).await,
                _ => self.0.delete(paths).await,
            }
        }
    }

    /// The suite is only worth something if it finds what is wrong.
    #[test]
    fn each_fault_fails_a_check_that_names_it() {
        let failed = |fault| {
            let storages = storages();
            let open = async |storage: &str| Wrong(storages(storage).await, fault);
            block_on(run(Handles::Many, open)).failed
        };
        assert_eq!(failed(Fault::None), []);
        for (fault, check) in [
            (Fault::ListBackwards, "a_listing_is_in_order_of_path"),
            (Fault::ListNothing, "a_file_may_be_empty"),
            (Fault::ReadShort, "a_file_may_have_five_mib"),
            (Fault::RangeCut, "ranges_past_the_end_are_out_of_range"),
            (Fault::Replace, "a_taken_name_fails_the_batch"),
            (Fault::CreateFirstOnly, "a_batch_spans_directories_in_any_order"),
            (Fault::AcceptAnyName, "names_outside_the_contract_are_refused"),
            (Fault::DeleteMissingFails, "deleting_twice_is_no_error"),
            (Fault::DeletePrefix, "deleting_leaves_the_other_files"),
            (Fault::DeleteNothing, "a_deleted_name_is_free_again"),
            (Fault::LoseNames, "names_outside_the_contract_are_refused"),
        ] {
            let failed = failed(fault);
            assert!(failed.iter().any(|(name, _)| *name == check), "{fault:?} passed {check}; it failed {failed:?}");
        }
    }

    #[test]
    #[should_panic(expected = "only 0 of")]
    fn a_report_without_checks_is_a_failure() {
        Report { passed: Vec::new(), failed: Vec::new() }.assert();
    }

    #[test]
    #[should_panic(expected = "1 of 1 checks failed:\na_file_may_be_empty: it is not")]
    fn a_failed_check_is_named() {
        Report { passed: Vec::new(), failed: vec![("a_file_may_be_empty", "it is not".into())] }.assert();
    }
}
