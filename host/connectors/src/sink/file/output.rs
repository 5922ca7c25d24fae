//! The file that is visible.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file that is created when something is published.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) path: PathBuf,
}

impl Output {
    pub(super) fn length(&self) -> io::Result<u64> {
        match std::fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            metadata => metadata.map(|metadata| metadata.len()),
        }
    }

    /// Whether the file has these bytes at an offset.
    pub(super) fn has(&self, offset: u64, bytes: &[u8]) -> io::Result<bool> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(bytes.is_empty()),
            file => file?,
        };
        file.seek(SeekFrom::Start(offset))?;
        let mut found = Vec::with_capacity(bytes.len());
        file.take(bytes.len() as u64).read_to_end(&mut found)?;
        Ok(found == bytes)
    }

    /// Writes bytes at an offset, and ends the file with them. Cut short by a crash, it is done again.
    pub(super) fn end_with(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(&self.path)?;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)?;
        file.set_len(offset + bytes.len() as u64)?;
        file.sync_all()?;
        self.sync_names()
    }

    /// Cuts off what is behind `end`.
    pub(super) fn cut(&self, end: u64) -> io::Result<()> {
        if self.length()? <= end {
            return Ok(());
        }
        let file = OpenOptions::new().write(true).open(&self.path)?;
        file.set_len(end)?;
        file.sync_all()
    }

    /// Makes the names in the directory durable: without it, a file that was created may be gone after a crash.
    pub(super) fn sync_names(&self) -> io::Result<()> {
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent)?.sync_all()
    }
}
