//! The file that is visible.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;

use crate::context::{Context, NEAR_BYTES};
use crate::files::{directory_of, file_id};

/// A file that is created when something is published. From then on it is held: if it is moved away, it is
/// still the one that is written to, until it is released.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) path: PathBuf,
    held: Option<File>,
}

impl Output {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path, held: None }
    }

    /// Returns the file that is held, or else the one at the path, if there is one.
    fn file(&self) -> io::Result<Option<File>> {
        if let Some(file) = &self.held {
            return file.try_clone().map(Some);
        }
        match OpenOptions::new().read(true).write(true).open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            file => file.map(Some),
        }
    }

    /// Holds the file at the path, if there is one.
    pub(super) fn hold(&mut self) -> io::Result<()> {
        self.held = self.file()?;
        Ok(())
    }

    /// Goes by the path again.
    pub(super) fn release(&mut self) {
        self.held = None;
    }

    /// Whether the file that is held is the one at the path.
    pub(super) fn is_in_place(&self) -> io::Result<bool> {
        let found = match std::fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            metadata => metadata?,
        };
        let held = self.held.as_ref().map(File::metadata).transpose()?;
        Ok(held.is_none_or(|held| file_id(&held) == file_id(&found)))
    }

    /// Returns how many bytes the file has; none if there is none, or if it was deleted.
    pub(super) fn length(&self) -> io::Result<u64> {
        let metadata = self.file()?.map(|file| file.metadata()).transpose()?;
        Ok(metadata.filter(|metadata| metadata.nlink() > 0).map_or(0, |metadata| metadata.len()))
    }

    /// Returns up to so many bytes at an offset; nothing if there is no file.
    pub(super) fn read(&self, offset: u64, bytes: u64) -> io::Result<Vec<u8>> {
        let Some(file) = self.file()? else { return Ok(Vec::new()) };
        // A token may ask for more than there is.
        let there = file.metadata()?.len().saturating_sub(offset).min(bytes);
        let mut found = vec![0; usize::try_from(there).map_err(io::Error::other)?];
        file.read_exact_at(&mut found, offset)?;
        Ok(found)
    }

    /// Returns what tells this file from others, by what is before an offset.
    pub(super) fn fingerprint(&self, offset: u64) -> io::Result<u64> {
        let near = offset.min(NEAR_BYTES as u64);
        Ok(Context::at(offset, self.read(0, near)?, self.read(offset - near, near)?).fingerprint())
    }

    /// Writes bytes at an offset, and ends the file with them. Cut short by a crash, it is done again.
    pub(super) fn end_with(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let file = self.opened()?;
        file.write_all_at(bytes, offset)?;
        file.set_len(offset + bytes.len() as u64)?;
        file.sync_all()?;
        self.held = Some(file);
        self.sync_names()
    }

    /// Writes bytes at an offset, and leaves what is behind them: a writer that was overtaken may write what the later
    /// one has written already.
    pub(super) fn add_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let file = self.opened()?;
        file.write_all_at(bytes, offset)?;
        file.sync_all()?;
        self.held = Some(file);
        self.sync_names()
    }

    /// Returns the file, and creates it if there is none.
    fn opened(&mut self) -> io::Result<File> {
        match self.held.take() {
            Some(file) => Ok(file),
            None => OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&self.path),
        }
    }

    /// Cuts off what is behind `end`.
    pub(super) fn cut(&self, end: u64) -> io::Result<()> {
        let Some(file) = self.file()? else { return Ok(()) };
        if file.metadata()?.len() <= end {
            return Ok(());
        }
        file.set_len(end)?;
        file.sync_all()
    }

    /// Makes the names in the directory durable: without it, a file that was created may be gone after a crash.
    pub(super) fn sync_names(&self) -> io::Result<()> {
        File::open(directory_of(&self.path))?.sync_all()
    }
}
