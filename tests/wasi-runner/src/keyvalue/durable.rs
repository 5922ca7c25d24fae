//! A store in a directory: each value is a file, which is synced before the call returns.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::memory::sum;
use super::{Trouble, Values};

/// A store in a directory. One process has it at a time. After a kill, each value is as it was or as it was set.
pub struct DurableValues {
    folder: PathBuf,
    _lock: File,
}

/// The name of the file that is written before it takes the place of another.
const TEMPORARY: &str = "temporary";

/// What the names of the files of keys begin with.
const KEY: &str = "key-";

/// The name of the file that holds the lock.
const LOCK: &str = "lock";

fn failed(error: &io::Error) -> Trouble {
    Trouble::Answers(error.to_string())
}

impl DurableValues {
    /// Opens the store, unless another process has it.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let lock = File::create(folder.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(io::Error::other("another process has the store")),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Returns the file of a key. Keys have slashes, and no plus signs.
    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{KEY}{}", key.replace('/', "+")))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    fn write(&self, key: &str, value: &[u8]) -> io::Result<()> {
        let temporary = self.folder.join(TEMPORARY);
        let mut file = File::create(&temporary)?;
        file.write_all(value)?;
        file.sync_all()?;
        fs::rename(&temporary, self.path(key))?;
        self.sync_folder()
    }
}

impl Values for DurableValues {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Trouble> {
        match fs::read(self.path(key)) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Trouble> {
        self.write(key, &value).map_err(|error| failed(&error))
    }

    fn delete(&self, key: &str) -> Result<(), Trouble> {
        match fs::remove_file(self.path(key)) {
            Ok(()) => self.sync_folder().map_err(|error| failed(&error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }

    fn keys(&self) -> Result<Vec<String>, Trouble> {
        let mut keys = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(|error| failed(&error))? {
            let name = entry.map_err(|error| failed(&error))?.file_name().to_string_lossy().into_owned();
            keys.extend(name.strip_prefix(KEY).map(|key| key.replace('+', "/")));
        }
        keys.sort_unstable();
        Ok(keys)
    }

    fn increment(&self, key: &str, delta: u64) -> Result<u64, Trouble> {
        let sum = sum(self.get(key)?.as_deref(), delta)?;
        self.set(key, sum.to_string().into_bytes())?;
        Ok(sum)
    }
}
