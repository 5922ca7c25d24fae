//! Paths and files, as sources, sinks and commands need them.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Returns the directory that a path names something in.
///
/// ```
/// use std::path::Path;
///
/// use alluvium_connectors::files::directory_of;
///
/// assert_eq!(directory_of(Path::new("logs/a.csv")), Path::new("logs"));
/// assert_eq!(directory_of(Path::new("a.csv")), Path::new("."));
/// ```
pub fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns the path that a link leads to, or the path itself if it is none. What the link leads to may be
/// missing.
///
/// ```
/// use alluvium_connectors::files::resolve_link;
///
/// let scratch = tempfile::tempdir()?;
/// let link = scratch.path().join("link");
/// std::os::unix::fs::symlink("missing", &link)?;
/// assert_eq!(resolve_link(&link), scratch.path().join("missing"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn resolve_link(path: &Path) -> PathBuf {
    let link =
        || std::fs::read_link(path).map(|to| path.parent().map_or_else(|| to.clone(), |parent| parent.join(&to)));
    std::fs::canonicalize(path).or_else(|_| link()).unwrap_or_else(|_| path.to_owned())
}

/// Returns where a file is through all links, or where it would be created. It is an error if the directory for it is
/// missing.
///
/// ```
/// use alluvium_connectors::files::resolve;
///
/// let scratch = tempfile::tempdir()?;
/// let folder = scratch.path().canonicalize()?;
/// std::os::unix::fs::symlink(&folder, folder.join("link"))?;
/// assert_eq!(resolve(&folder.join("link/to-come"))?, folder.join("to-come"));
/// assert!(resolve(&folder.join("missing/to-come")).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    let path = &resolve_link(path);
    let to_come = || Ok(directory_of(path).canonicalize()?.join(path.file_name().unwrap_or_default()));
    path.canonicalize().or_else(|_| to_come())
}

/// Returns the device and the number of a file: what it is by whatever name.
pub fn file_id(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Whether it is what rotation puts behind a name.
pub(crate) fn is_number(suffix: &[u8]) -> bool {
    let Some((b'.' | b'-', number)) = suffix.split_first() else { return false };
    number.first().is_some_and(u8::is_ascii_digit)
        && number.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_and_dates_are_of_a_rotation() {
        for suffix in [".1", "-20130101", ".2013-01-01", "-2013010112.3"] {
            assert!(is_number(suffix.as_bytes()), "{suffix}");
        }
        for suffix in ["", ".", ".lock", ".1.gz", "1", ".pending", "-a", "..1"] {
            assert!(!is_number(suffix.as_bytes()), "{suffix}");
        }
    }
}
