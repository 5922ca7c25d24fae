//! A directory that keeps in memory the files that were read from it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;

use crate::directory::{Directory, DirectoryError, DirectoryErrorKind, Entry, NewFile, Operation};

/// How many bytes of files are kept in memory, so that a file is read once even if several checkpoints name
/// it. A file that does not fit is read again for each of them.
pub(super) const CACHE_BYTES_MAX: usize = if cfg!(target_pointer_width = "32") { 32 << 20 } else { 512 << 20 };

/// A directory whose files are read once and then kept in memory, as long as there is room.
pub(super) struct CachedDirectory<'a, D> {
    directory: &'a D,
    contents: Mutex<FxHashMap<String, Arc<[u8]>>>,
    most: usize,
}

impl<'a, D> CachedDirectory<'a, D> {
    /// Wraps a directory. At most `most` bytes of files are kept.
    pub(super) fn new(directory: &'a D, most: usize) -> Self {
        Self { directory, contents: Mutex::default(), most }
    }

    fn contents(&self) -> MutexGuard<'_, FxHashMap<String, Arc<[u8]>>> {
        // Entries are inserted and removed whole, so a panic elsewhere leaves nothing half done.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the files that are not wanted any more.
    pub(super) fn keep(&self, is_wanted: impl Fn(&str) -> bool) {
        self.contents().retain(|path, _| is_wanted(path));
    }
}

impl<D: Directory> Directory for CachedDirectory<'_, D> {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        self.directory.list().await
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        let held = self.contents().get(path).cloned();
        if let Some(held) = held {
            return Ok(held.to_vec());
        }
        let content = self.directory.read(path).await?;
        let mut contents = self.contents();
        if contents.values().map(|held| held.len()).sum::<usize>() + content.len() <= self.most {
            contents.insert(path.to_owned(), content.as_slice().into());
        }
        Ok(content)
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        let held = self.contents().get(path).cloned();
        let Some(held) = held else { return self.directory.read_range(path, offset, length).await };
        let range = usize::try_from(offset).ok().and_then(|start| Some(start..start.checked_add(length)?));
        range.and_then(|range| held.get(range)).map(<[u8]>::to_vec).ok_or_else(|| {
            DirectoryError::new(DirectoryErrorKind::OutOfRange, Operation::Read, path)
                .because(format!("{length} bytes at {offset} of a file of {}", held.len()))
        })
    }

    // Verification changes nothing.
    async fn create(&self, _: Vec<NewFile>) -> Result<(), DirectoryError> {
        Err(DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Create, ""))
    }

    async fn delete(&self, _: &[String]) -> Result<(), DirectoryError> {
        Err(DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Delete, ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{SimulatedDirectory, block_on};

    fn directory() -> SimulatedDirectory {
        SimulatedDirectory::from_files(1, [("a".into(), vec![1; 60]), ("b".into(), vec![2; 60])].into())
    }

    fn reads(directory: &SimulatedDirectory) -> usize {
        directory.calls().iter().filter(|call| **call == Operation::Read).count()
    }

    #[test]
    fn a_file_is_read_once_while_there_is_room_for_it() {
        let directory = directory();
        let cached = CachedDirectory::new(&directory, 100);
        for path in ["a", "b", "a", "b"] {
            assert_eq!(block_on(cached.read(path)), block_on(directory.read(path)), "{path}");
        }
        // Four of the reads were the comparison's own. Of the others, only `b` needed a second one.
        assert_eq!(reads(&directory) - 4, 3);
        cached.keep(|path| path != "a");
        block_on(cached.read("b")).unwrap();
        assert_eq!(block_on(cached.read("b")).unwrap(), [2; 60]);
        assert_eq!(reads(&directory) - 4, 4, "there is room for b once a is forgotten");
    }

    #[test]
    fn a_range_of_a_cached_file_is_held_to_the_length_of_the_file() {
        let directory = directory();
        let cached = CachedDirectory::new(&directory, 100);
        block_on(cached.read("a")).unwrap();
        let before = reads(&directory);
        assert_eq!(block_on(cached.read_range("a", 50, 10)).unwrap(), [1; 10]);
        for (offset, length) in [(51, 10), (61, 0), (u64::MAX, 2)] {
            let error = block_on(cached.read_range("a", offset, length)).unwrap_err();
            assert_eq!((error.kind(), error.name()), (DirectoryErrorKind::OutOfRange, "a"));
        }
        assert_eq!(reads(&directory), before);
    }

    #[test]
    fn nothing_is_changed_through_it() {
        let directory = directory();
        let cached = CachedDirectory::new(&directory, 100);
        let created = block_on(cached.create(vec![NewFile { path: "c".into(), content: Vec::new() }]));
        let deleted = block_on(cached.delete(&["a".into()]));
        for refused in [created, deleted] {
            assert_eq!(refused.unwrap_err().kind(), DirectoryErrorKind::Invalid);
        }
        assert_eq!(directory.calls(), []);
    }
}
