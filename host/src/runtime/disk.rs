//! What a plugin's directory takes of the disk, and how often it may be written to.

use std::io;
use std::path::Path;

use super::limits::{Limit, Limits};
use super::{EngineError, RuntimeError};

/// Files below a directory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct DiskUse {
    /// Their lengths together.
    pub(super) bytes: u64,
    /// How many they are.
    pub(super) files: u64,
}

impl DiskUse {
    /// Counts what is there now.
    pub(super) fn of(directory: &Path) -> Result<Self, RuntimeError> {
        let mut found = Self::default();
        let unreadable = |error| RuntimeError::Engine(EngineError::Io(format!("{}: {error}", directory.display())));
        found.add(directory).map_err(unreadable)?;
        Ok(found)
    }

    fn add(&mut self, directory: &Path) -> io::Result<()> {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            // What goes while it is counted does not count.
            let metadata = match entry.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                metadata => metadata?,
            };
            if metadata.is_dir() {
                self.add(&entry.path())?;
            } else {
                self.bytes = self.bytes.saturating_add(metadata.len());
                self.files += 1;
            }
        }
        Ok(())
    }

    /// Refuses what is past the limits once `more` bytes have been written.
    pub(super) fn check(self, more: u64, limits: &Limits) -> Result<(), RuntimeError> {
        let over = |limit, why| Err(RuntimeError::Limit { who: "the plugin", limit, why });
        if self.bytes.saturating_add(more) > limits.disk_bytes {
            let (bytes, max) = (self.bytes, limits.disk_bytes);
            return over(
                Limit::DiskBytes,
                format!("{bytes} bytes of files and {more} to come are more than its {max}"),
            );
        }
        if self.files > limits.disk_files {
            return over(Limit::DiskFiles, format!("{} files are more than its {}", self.files, limits.disk_files));
        }
        Ok(())
    }
}

/// At most so many checkpoints and syncs a second, on average; as many at once after a pause.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: u32,
    /// Millionths of a checkpoint that may be taken now.
    saved_us: u64,
    last_us: u64,
}

impl Pace {
    pub(super) fn new(per_second: u32, now_us: u64) -> Self {
        Self { per_second, saved_us: u64::from(per_second).saturating_mul(1_000_000), last_us: now_us }
    }

    pub(super) fn take(&mut self, now_us: u64) -> Result<(), RuntimeError> {
        let max = u64::from(self.per_second).saturating_mul(1_000_000);
        let earned = now_us.saturating_sub(self.last_us).saturating_mul(u64::from(self.per_second));
        self.saved_us = self.saved_us.saturating_add(earned).min(max);
        self.last_us = now_us;
        match self.saved_us.checked_sub(1_000_000) {
            Some(rest) => {
                self.saved_us = rest;
                Ok(())
            }
            None => Err(RuntimeError::Limit {
                who: "the plugin",
                limit: Limit::CheckpointRate,
                why: format!("more than {} checkpoints and syncs a second", self.per_second),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_below_and_held_to_the_limits() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("segments")).unwrap();
        std::fs::write(scratch.path().join("segments/1"), [0; 100]).unwrap();
        std::fs::write(scratch.path().join("2"), [0; 11]).unwrap();
        let found = DiskUse::of(scratch.path()).unwrap();
        assert_eq!(found, DiskUse { bytes: 111, files: 2 });
        let limits = |disk_bytes, disk_files| Limits { disk_bytes, disk_files, ..Limits::default() };
        let check = |more, limits: Limits, expected: Option<Limit>| {
            let limit = match found.check(more, &limits) {
                Ok(()) => None,
                Err(RuntimeError::Limit { limit, .. }) => Some(limit),
                Err(error) => panic!("{error}"),
            };
            assert_eq!(limit, expected, "{more} more within {limits:?}");
        };
        check(0, limits(111, 2), None);
        check(1, limits(111, 2), Some(Limit::DiskBytes));
        check(u64::MAX, limits(u64::MAX - 1, 2), Some(Limit::DiskBytes));
        check(0, limits(111, 1), Some(Limit::DiskFiles));
        assert!(DiskUse::of(&scratch.path().join("none")).is_err());
    }

    #[test]
    fn a_pause_saves_up_a_second_and_no_more() {
        let mut pace = Pace::new(10, 0);
        let mut taken = |now_us| (0..99).take_while(|_| pace.take(now_us).is_ok()).count();
        assert_eq!([0, 0, 99_999, 100_000, 350_000, 60_000_000].map(&mut taken), [10, 0, 0, 1, 2, 10]);
        assert!(matches!(Pace::new(0, 0).take(9), Err(RuntimeError::Limit { limit: Limit::CheckpointRate, .. })));
    }
}
