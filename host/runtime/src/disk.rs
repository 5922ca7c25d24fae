//! What a plugin's directory takes of the disk.

use std::io;
use std::path::Path;

use crate::error::{EngineError, RuntimeError};
use crate::limits::{Limit, Limits};

/// Files below a directory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DiskUse {
    /// Their lengths together.
    pub(crate) bytes: u64,
    /// How many they are, with the directories among them.
    pub(crate) files: u64,
}

impl DiskUse {
    /// Counts what is there now.
    pub(crate) fn of(directory: &Path) -> Result<Self, RuntimeError> {
        let mut found = Self::default();
        let unreadable = |error| RuntimeError::Engine(EngineError::Io(format!("{}: {error}", directory.display())));
        found.add(directory, (u64::MAX, u64::MAX)).map_err(unreadable)?;
        Ok(found)
    }

    /// Counts what is there now, until it is past the limits: what is there may have no end.
    pub(crate) fn within(directory: &Path, limits: &Limits) -> Result<Self, RuntimeError> {
        let mut found = Self::default();
        let unreadable = |error| RuntimeError::Engine(EngineError::Io(format!("{}: {error}", directory.display())));
        found.add(directory, (limits.disk_bytes, limits.disk_files)).map_err(unreadable)?;
        Ok(found)
    }

    fn add(&mut self, directory: &Path, most: (u64, u64)) -> io::Result<()> {
        for entry in std::fs::read_dir(directory)? {
            if self.bytes > most.0 || self.files > most.1 {
                break;
            }
            let entry = entry?;
            // What goes while it is counted does not count.
            let metadata = match entry.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                metadata => metadata?,
            };
            self.files += 1;
            if metadata.is_dir() {
                self.add(&entry.path(), most)?;
            } else {
                self.bytes = self.bytes.saturating_add(metadata.len());
            }
        }
        Ok(())
    }
}

/// What may still be written to a directory: counted down with each file and each write, so that the
/// write that would be past a limit never reaches the disk.
#[derive(Debug)]
pub(crate) struct DiskBudget {
    bytes_left: u64,
    files_left: u64,
    limits: (u64, u64),
    refused: Option<(Limit, String)>,
}

impl Default for DiskBudget {
    /// No limit: while a directory is opened, when its plugin has not run yet.
    fn default() -> Self {
        Self { bytes_left: u64::MAX, files_left: u64::MAX, limits: (u64::MAX, u64::MAX), refused: None }
    }
}

impl DiskBudget {
    /// What the limits leave beside what is there.
    pub(crate) fn beside(used: DiskUse, limits: &Limits) -> Self {
        Self {
            bytes_left: limits.disk_bytes.saturating_sub(used.bytes),
            files_left: limits.disk_files.saturating_sub(used.files),
            limits: (limits.disk_bytes, limits.disk_files),
            refused: None,
        }
    }

    /// Whether so many bytes more may be written; they count as written then.
    pub(crate) fn take_bytes(&mut self, bytes: u64) -> bool {
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left = left.unwrap_or(self.bytes_left);
        if left.is_none() {
            let why = format!("its files would be more than {} bytes", self.limits.0);
            self.refused = Some((Limit::DiskBytes, why));
        }
        left.is_some()
    }

    /// Whether another file may be created.
    pub(crate) fn has_file(&mut self) -> bool {
        if self.files_left == 0 {
            self.refused = Some((Limit::DiskFiles, format!("its files would be more than {}", self.limits.1)));
        }
        self.files_left > 0
    }

    /// One was.
    pub(crate) fn take_file(&mut self) {
        self.files_left = self.files_left.saturating_sub(1);
    }

    /// What was refused since this was last asked.
    pub(crate) fn take_refusal(&mut self) -> Option<(Limit, String)> {
        self.refused.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_below() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("segments")).unwrap();
        std::fs::write(scratch.path().join("segments/1"), [0; 100]).unwrap();
        std::fs::write(scratch.path().join("2"), [0; 11]).unwrap();
        let found = DiskUse::of(scratch.path()).unwrap();
        assert_eq!(found, DiskUse { bytes: 111, files: 3 });
        assert!(DiskUse::of(&scratch.path().join("none")).is_err());
        let within = |bytes, files| {
            let limits = Limits { disk_bytes: bytes, disk_files: files, ..Limits::default() };
            DiskUse::within(scratch.path(), &limits).unwrap()
        };
        assert_eq!(within(111, 3), found);
        assert!(within(110, 3).bytes > 110 && within(111, 2).files > 2, "it says so");
        let few = within(10, 3);
        assert!(few.bytes > 10 && few.files < 3, "and looks no further: {few:?}");
    }

    #[test]
    fn what_is_there_and_what_comes_are_held_to_the_limits_to_the_byte() {
        let used = DiskUse { bytes: 111, files: 2 };
        let check = |bytes: &[u64], files: usize, expected: Option<Limit>| {
            let mut budget = DiskBudget::beside(used, &Limits { disk_bytes: 120, disk_files: 4, ..Limits::default() });
            let fits = bytes.iter().all(|&bytes| budget.take_bytes(bytes))
                && (0..files).all(|_| budget.has_file().then(|| budget.take_file()).is_some());
            let refused = budget.take_refusal().map(|(limit, _)| limit);
            assert_eq!((fits, refused), (expected.is_none(), expected), "{bytes:?} in {files} files");
        };
        check(&[4, 5], 2, None);
        check(&[4, 6], 0, Some(Limit::DiskBytes));
        check(&[u64::MAX], 0, Some(Limit::DiskBytes));
        check(&[9], 3, Some(Limit::DiskFiles));
        let mut past = DiskBudget::beside(used, &Limits { disk_bytes: 1, disk_files: 1, ..Limits::default() });
        assert!(past.take_bytes(0) && !past.take_bytes(1) && !past.has_file(), "a limit that was lowered");
    }
}
