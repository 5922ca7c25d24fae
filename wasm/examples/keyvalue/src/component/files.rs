//! The files of a directory, as the keys of the store say.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::probe::probe;
use super::store::Store;
use super::wit::{Entry, EntryKind, Error};
use crate::keys::{Key, leftover};

/// A file that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct File {
    /// The number of the change that created it.
    pub(super) count: u64,
    /// Its length.
    pub(super) bytes: u64,
}

/// What the keys say.
#[derive(Default)]
struct Listed {
    /// The files by their paths.
    files: BTreeMap<String, File>,
    /// The keys of what an interrupted creation has left, by the name that it is listed by.
    leftovers: BTreeMap<String, Vec<String>>,
    /// The keys of the parts of each file.
    parts: BTreeMap<String, Vec<String>>,
}

/// An open directory.
pub(super) struct Files {
    pub(super) store: Store,
    /// What was listed last.
    listed: RefCell<Listed>,
}

impl Files {
    pub(super) fn open(store: Store) -> Result<Self, Error> {
        let files = Self { store, listed: RefCell::default() };
        files.scan()?;
        if files.listed.borrow().files.is_empty() {
            probe(&files.store)?;
        }
        Ok(files)
    }

    /// Counts the beginning or the end of a change, and returns its number.
    pub(super) fn count(&self) -> Result<u64, Error> {
        self.store.increment(&self.store.place.count(), 1)
    }

    /// Reads the keys. Returns of each path the numbers of the changes that have created it.
    pub(super) fn scan(&self) -> Result<BTreeMap<String, Vec<u64>>, Error> {
        let keys = self.store.list_keys()?;
        let mut listed = Listed::default();
        let mut created = BTreeMap::<String, Vec<u64>>::new();
        let parsed = || keys.iter().filter_map(|key| Some((key, self.store.place.parse_key(key)?)));
        for (_, key) in parsed() {
            let Key::File { path, count, bytes } = key else { continue };
            created.entry(path.to_owned()).or_default().push(count);
            // Of two changes that have created the same path, the later one counts.
            let file = listed.files.entry(path.to_owned()).or_insert(File { count, bytes });
            if file.count < count {
                *file = File { count, bytes };
            }
        }
        for (name, key) in parsed() {
            let (path, count, is_part) = match key {
                Key::File { path, count, .. } => (path, count, false),
                Key::Part { path, count } => (path, count, true),
            };
            if listed.files.get(path).is_none_or(|file| file.count != count) {
                listed.leftovers.entry(leftover(path, count)).or_default().push(name.clone());
            } else if is_part {
                listed.parts.entry(path.to_owned()).or_default().push(name.clone());
            }
        }
        *self.listed.borrow_mut() = listed;
        Ok(created)
    }

    pub(super) fn list(&self) -> Result<Vec<Entry>, Error> {
        self.scan()?;
        let listed = self.listed.borrow();
        let file =
            |(path, file): (&String, &File)| Entry { path: path.clone(), bytes: file.bytes, kind: EntryKind::File };
        let temporary = |path: &String| Entry { path: path.clone(), bytes: 0, kind: EntryKind::Temporary };
        Ok(listed.files.iter().map(file).chain(listed.leftovers.keys().map(temporary)).collect())
    }

    /// Returns the file of a path as the keys say it now.
    pub(super) fn look_up(&self, path: &str) -> Result<Option<File>, Error> {
        self.scan()?;
        Ok(self.listed.borrow().files.get(path).copied())
    }

    /// Returns the file of a path. What was not listed may have been created since then.
    pub(super) fn find(&self, path: &str) -> Result<File, Error> {
        let known = self.listed.borrow().files.get(path).copied();
        let found = if known.is_some() { known } else { self.look_up(path)? };
        found.ok_or_else(|| Error::NotFound(path.to_owned()))
    }

    /// Takes note of a file that was created.
    pub(super) fn created(&self, path: String, file: File, parts: Vec<String>) {
        let mut listed = self.listed.borrow_mut();
        listed.parts.insert(path.clone(), parts);
        listed.files.insert(path, file);
    }

    /// Deletes files and leftovers.
    pub(super) fn delete(&self, paths: &[String]) -> Result<(), Error> {
        let is_known = |listed: &Listed, path| listed.files.contains_key(path) || listed.leftovers.contains_key(path);
        if !paths.iter().all(|path| is_known(&self.listed.borrow(), path)) {
            self.scan()?;
        }
        let (mut heads, mut parts) = (Vec::new(), Vec::new());
        let mut listed = self.listed.borrow_mut();
        for path in paths {
            if let Some(File { count, bytes }) = listed.files.remove(path) {
                heads.push(self.store.place.file(path, count, bytes));
                parts.extend(listed.parts.remove(path).unwrap_or_default());
            }
            parts.extend(listed.leftovers.remove(path).unwrap_or_default());
        }
        // The keys of files go first, so that no file is listed whose parts are missing.
        self.store.delete_many(&heads)?;
        self.store.delete_many(&parts)
    }
}
