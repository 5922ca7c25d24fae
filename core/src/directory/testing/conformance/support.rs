//! Helpers of the checks: calls on a directory, and comparisons that say what was found and expected.

use std::fmt::Debug;

use crate::directory::contract::{Directory, Entry, EntryKind, NewFile};
use crate::directory::error::{DirectoryError, DirectoryErrorKind as Kind, Operation};

/// The result of one check: the text says what it found and what it expected.
pub(super) type Outcome = Result<(), String>;

pub(super) fn file(path: &str, content: &[u8]) -> NewFile {
    NewFile { path: path.to_owned(), content: content.to_vec() }
}

/// Compares what a check found with what it expected. Every check ends in this comparison.
#[allow(clippy::needless_pass_by_value, reason = "most arguments are literals or fresh values")]
pub(super) fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}")) }
}

pub(super) async fn creates(directory: &impl Directory, files: &[(&str, &[u8])]) -> Outcome {
    let batch = files.iter().map(|(path, content)| file(path, content)).collect();
    directory.create(batch).await.map_err(|error| format!("creating was refused: {error}"))
}

pub(super) async fn deletes(directory: &impl Directory, paths: &[&str]) -> Outcome {
    let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
    directory.delete(&paths).await.map_err(|error| format!("deleting was refused: {error}"))
}

pub(super) async fn reads(directory: &impl Directory, path: &str, expected: &[u8]) -> Outcome {
    let found = directory.read(path).await.map_err(|error| error.to_string())?;
    same(path, found.as_slice(), expected)
}

pub(super) async fn reads_range(
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

/// Checks that the directory lists exactly the `expected` files, given as path and length.
pub(super) async fn lists(directory: &impl Directory, expected: &[(&str, u64)]) -> Outcome {
    let found = directory.list().await.map_err(|error| error.to_string())?;
    let entry = |&(path, bytes): &(&str, u64)| Entry { path: path.to_owned(), bytes, kind: EntryKind::File };
    same("the listing", found, expected.iter().map(entry).collect())
}

pub(super) async fn names(directory: &impl Directory) -> Result<Vec<String>, String> {
    let found = directory.list().await.map_err(|error| error.to_string())?;
    Ok(found.into_iter().map(|entry| entry.path).collect())
}

/// Checks that a call failed with this kind of error, and that the error names operation and file.
pub(super) fn refuses<T: Debug>(
    found: Result<T, DirectoryError>,
    kind: Kind,
    operation: Operation,
    name: &str,
) -> Outcome {
    let found = found.map_err(|error| (error.kind(), error.operation(), error.name().to_owned()));
    match found {
        Err(found) => same(&format!("the error on {name:?}"), found, (kind, operation, name.to_owned())),
        Ok(found) => Err(format!("{operation} {name:?}: succeeded with {found:?}, expected {kind:?}")),
    }
}
