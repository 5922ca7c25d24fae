//! Files that come to a set while its other files are read.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use super::FileSet;
use crate::files::file_id;
use crate::source::{FileSource, Partition, SourceError};

/// How many files that had the same name, one after the other, are told apart.
const EARLIER_MAX: usize = 16;

/// The device and the number of a file.
type Id = (u64, u64);

/// The files of a [`FileSet`] that were seen.
#[derive(Debug, Clone, Default)]
pub struct SeenFiles(BTreeMap<String, VecDeque<Id>>);

/// A file that has come to a [`FileSet`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    partition: Partition,
    was: Option<Partition>,
    id: Id,
}

impl NewFile {
    /// Returns its partition.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// Returns the partition whose name this file had before. Another file has that name now, or none has. It may be
    /// wrong: the number of a file that was deleted can be given to another one.
    pub fn was(&self) -> Option<&Partition> {
        self.was.as_ref()
    }
}

impl SeenFiles {
    /// Adds a file, so that it is new no more.
    pub fn add(&mut self, file: &NewFile) {
        self.see(file.partition.name(), file.id);
    }

    fn see(&mut self, name: &str, id: Id) {
        let ids = self.0.entry(name.to_owned()).or_default();
        if ids.back() != Some(&id) {
            ids.push_back(id);
        }
        if ids.len() > EARLIER_MAX {
            ids.pop_front();
        }
    }
}

impl<F: Fn(PathBuf) -> FileSource> FileSet<F> {
    /// Returns the files that are new, in the order of their names. A file is new until it is [added](SeenFiles::add)
    /// to those that were seen.
    ///
    /// ```
    /// use alluvium_connectors::source::{FileSet, FileSource, SeenFiles};
    ///
    /// let scratch = tempfile::tempdir()?;
    /// let set = FileSet::of_directory(scratch.path(), FileSource::new);
    /// let mut seen = SeenFiles::default();
    /// std::fs::write(scratch.path().join("a.csv"), "carrier\n")?;
    /// for file in set.new_files(&mut seen)? {
    ///     assert_eq!(file.partition().name(), "a.csv");
    ///     seen.add(&file);
    /// }
    /// std::fs::rename(scratch.path().join("a.csv"), scratch.path().join("b.csv"))?;
    /// let renamed = set.new_files(&mut seen)?;
    /// assert_eq!(renamed[0].was().map(|partition| partition.name()), Some("a.csv"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new_files(&self, seen: &mut SeenFiles) -> Result<Vec<NewFile>, SourceError> {
        let id_of = |path: &Path| fs::metadata(path).ok().map(|found| file_id(&found));
        // One that is gone in the meantime is not meant.
        let found: Vec<(String, Id)> =
            self.files()?.into_iter().filter_map(|(name, path)| id_of(&path).map(|id| (name, id))).collect();
        for (name, id) in &found {
            if seen.0.contains_key(name) {
                seen.see(name, *id);
            }
        }
        let earlier_name = |id: Id| {
            // The newest file of a name may have it still, beside the new one.
            let had =
                |(name, ids): &(&String, &VecDeque<Id>)| ids.contains(&id) && !found.contains(&((*name).clone(), id));
            seen.0.iter().find(had).map(|(name, _)| name.as_str())
        };
        let is_new = |(name, _): &&(String, Id)| !seen.0.contains_key(name);
        found
            .iter()
            .filter(is_new)
            .map(|(name, id)| {
                let was = earlier_name(*id).map(|name| self.partition(name)).transpose()?;
                Ok(NewFile { partition: self.partition(name)?, was, id: *id })
            })
            .collect()
    }
}
