//! Many files as one source: those of a directory, or those that a pattern matches.

mod new_files;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

pub use self::new_files::{NewFile, SeenFiles};

use super::{
    FileSource, Identity, Partition, PartitionNameTooLong, Reader, Source, SourceError, SourceErrorKind as Kind,
};
use crate::files::{directory_of, is_number};

/// Hidden files are not meant, and a star stays within a directory.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// A source over the files of a directory, or over those that a pattern matches. Each file is a partition, and
/// partitions are ordered by their names, byte by byte.
///
/// The name of a partition is the path behind the directory, or behind the part of the pattern without wildcards.
/// A checkpoint knows files by it, so a file that was read must keep its name, or go. A pattern has the wildcards
/// `*`, `?`, `[…]` and `**`. Hidden files, directories and what is no regular file are left out. Files that come
/// later are found by [`new_files`](Self::new_files).
///
/// ```
/// use alluvium_connectors::source::{FileSet, FileSource, Source};
///
/// let scratch = tempfile::tempdir()?;
/// for name in ["b.csv", "a.csv", "a.csv.1", "notes.txt"] {
///     std::fs::write(scratch.path().join(name), "carrier\nUA\n")?;
/// }
/// let pattern = scratch.path().join("*.csv*");
/// let mut set = FileSet::matching(&pattern, FileSource::new)?.without_rotated(true);
/// let names: Vec<String> = set.partitions()?.iter().map(|partition| partition.name().to_owned()).collect();
/// assert_eq!(names, ["a.csv", "b.csv"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FileSet<F> {
    identity: Identity,
    /// What the names of partitions are relative to.
    base: PathBuf,
    /// None means all files of the directory.
    pattern: Option<Pattern>,
    without_rotated: bool,
    open: F,
}

impl<F: Fn(PathBuf) -> FileSource> FileSet<F> {
    /// Returns the source over the files directly in a directory. `open` says how each is read.
    pub fn of_directory(directory: impl Into<PathBuf>, open: F) -> Self {
        let base = directory.into();
        let identity = Identity::new("files", base.display().to_string());
        Self { identity, base, pattern: None, without_rotated: false, open }
    }

    /// Returns the source over the files that a pattern matches. `open` says how each is read. A pattern that is
    /// none, or is no text, is an error of the kind [`Open`](Kind::Open).
    pub fn matching(pattern: impl AsRef<Path>, open: F) -> Result<Self, SourceError> {
        let path = pattern.as_ref();
        let failed = |what: String| SourceError::new(Kind::Open, path.display().to_string(), what);
        let text = path.to_str().ok_or_else(|| failed("is no text, as a pattern must be".to_owned()))?;
        let pattern = Pattern::new(text).map_err(|error| failed(format!("is no pattern: {error}")))?;
        let is_plain = |part: &Path| !part.to_string_lossy().contains(['*', '?', '[']);
        let base = path.ancestors().skip(1).find(|part| is_plain(part)).unwrap_or(Path::new("")).to_owned();
        let identity = Identity::new("files", text);
        Ok(Self { identity, base, pattern: Some(pattern), without_rotated: false, open })
    }

    /// Leaves out files that are called like another one of them with a number or a date behind, as `name.1`.
    /// A reader that follows a file reads these itself.
    #[must_use]
    pub fn without_rotated(self, without_rotated: bool) -> Self {
        Self { without_rotated, ..self }
    }

    /// Whether a file at this path, which may be missing, is or would be one of them.
    pub fn contains(&self, path: &Path) -> bool {
        let within = |path: &Path| match &self.pattern {
            Some(pattern) => pattern.matches_path_with(path, OPTIONS),
            None => directory_of(path) == self.base.as_path(),
        };
        let absolute = |path: &Path| std::fs::canonicalize(path).ok();
        let place = absolute(directory_of(path)).zip(path.file_name()).map(|(above, name)| above.join(name));
        let real_base = absolute(if self.base.as_os_str().is_empty() { Path::new(".") } else { &self.base });
        let as_listed = place
            .as_deref()
            .zip(real_base)
            .and_then(|(place, real_base)| place.strip_prefix(&real_base).ok().map(|below| self.base.join(below)));
        within(path) || as_listed.is_some_and(|path| within(&path))
    }

    /// Returns where the file of a partition is.
    pub fn path(&self, partition: &Partition) -> PathBuf {
        self.base.join(partition.name())
    }

    fn failed(&self, error: io::Error) -> SourceError {
        SourceError::io(Kind::Open, self.identity.name(), error)
    }

    fn partition(&self, name: &str) -> Result<Partition, SourceError> {
        Partition::new(name).map_err(|error: PartitionNameTooLong| {
            SourceError::new(Kind::Open, self.base.join(name).display().to_string(), error.to_string())
        })
    }

    /// Lists the files, by the names of their partitions.
    fn files(&self) -> Result<BTreeMap<String, PathBuf>, SourceError> {
        let mut paths = Vec::new();
        match &self.pattern {
            None => {
                for entry in std::fs::read_dir(&self.base).map_err(|error| self.failed(error))? {
                    let entry = entry.map_err(|error| self.failed(error))?;
                    if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                        paths.push(entry.path());
                    }
                }
            }
            Some(pattern) => {
                let found = glob::glob_with(pattern.as_str(), OPTIONS);
                let found =
                    found.map_err(|error| SourceError::new(Kind::Open, self.identity.name(), error.to_string()))?;
                for path in found {
                    paths.push(path.map_err(|error| self.failed(error.into()))?);
                }
            }
        }
        let mut files = BTreeMap::new();
        for path in paths {
            // What is gone in the meantime, or is no file, is not meant.
            if !std::fs::metadata(&path).is_ok_and(|found| found.is_file()) {
                continue;
            }
            let name = path.strip_prefix(&self.base).unwrap_or(&path).to_str();
            let name = name.ok_or_else(|| {
                let what = "its name is no text, so that no checkpoint can name it; rename it";
                SourceError::new(Kind::Open, path.display().to_string(), what)
            })?;
            files.insert(name.to_owned(), path);
        }
        if self.without_rotated {
            let rotated: BTreeSet<String> = files.keys().filter(|name| is_rotated(name, &files)).cloned().collect();
            files.retain(|name, _| !rotated.contains(name));
        }
        Ok(files)
    }
}

/// Whether a file is called like another one with a number or a date behind.
fn is_rotated(name: &str, files: &BTreeMap<String, PathBuf>) -> bool {
    let ends = name.match_indices(['.', '-']).map(|(at, _)| at);
    ends.into_iter().any(|at| is_number(&name.as_bytes()[at..]) && files.contains_key(&name[..at]))
}

impl<F: Fn(PathBuf) -> FileSource + Send> Source for FileSet<F> {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn partitions(&mut self) -> Result<Vec<Partition>, SourceError> {
        self.files()?.into_keys().map(|name| self.partition(&name)).collect()
    }

    fn open(&mut self, partition: &Partition) -> Result<Box<dyn Reader>, SourceError> {
        let Some(path) = self.files()?.remove(partition.name()) else {
            let what = format!("has no partition {:?}", partition.name());
            return Err(SourceError::new(Kind::Open, self.identity.name(), what));
        };
        (self.open)(path).open(&Partition::whole())
    }
}
