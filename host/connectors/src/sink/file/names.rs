//! The names of the files that a sink keeps beside its own.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::FileSink;

/// What stands behind the name of a file whose records wait.
const PENDING: &str = ".pending";

impl FileSink {
    /// Returns the file in which the records of a sink over `path` wait until they are published. There is none if
    /// `path` names no file.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use alluvium_connectors::sink::FileSink;
    ///
    /// assert_eq!(FileSink::pending_path(Path::new("logs/a.csv")), Some("logs/a.csv.pending".into()));
    /// assert_eq!(FileSink::pending_path(Path::new("..")), None);
    /// ```
    pub fn pending_path(path: &Path) -> Option<PathBuf> {
        let mut name = path.file_name()?.to_os_string();
        name.push(PENDING);
        Some(path.with_file_name(name))
    }

    /// Whether a sink over `path` keeps files of its own under the name `other`: records that wait, and with `rotates`
    /// the files that it has moved aside.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use alluvium_connectors::sink::FileSink;
    ///
    /// let keeps = |other: &str, rotates| FileSink::keeps(Path::new("a.csv"), Path::new(other), rotates);
    /// assert!(keeps("a.csv.pending", false) && keeps("a.csv.1", true));
    /// assert!(!keeps("a.csv.1", false) && !keeps("logs/a.csv.1", true) && !keeps("b.csv", true));
    /// ```
    pub fn keeps(path: &Path, other: &Path, rotates: bool) -> bool {
        let (Some(own), Some(name)) = (path.file_name(), other.file_name()) else { return false };
        let suffix = name.as_bytes().strip_prefix(own.as_bytes()).filter(|_| path.parent() == other.parent());
        let Some(suffix) = suffix else { return false };
        let waits = suffix.strip_prefix(PENDING.as_bytes()).is_some_and(is_of_writer);
        waits || rotates && rotated_number(OsStr::from_bytes(suffix)).is_some()
    }
}

/// Whether that is behind the name of a file whose records wait, for any writer.
pub(super) fn is_of_writer(rest: &[u8]) -> bool {
    rest.is_empty() || rest.starts_with(b".")
}

/// Returns the number of a file that was moved aside, from what stands behind the name.
pub(super) fn rotated_number(suffix: &OsStr) -> Option<u64> {
    suffix.to_str()?.strip_prefix('.')?.parse().ok()
}
