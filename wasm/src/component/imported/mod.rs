//! Implements [`Directory`] on a directory that the component imports, by the interface `directory`.
//!
//! The interface bounds what one call carries. So long files are read and written in parts, and listings come in pages.
//! What the other side answers is checked for its length. [`error`] converts its errors.

mod error;
#[cfg(test)]
mod tests;

use alluvium_core::directory::{
    Directory, DirectoryError, DirectoryErrorKind, Entry, EntryKind, NewFile, Operation, check_names,
};

use super::bindings::alluvium::checkpoint::directory as wit;
use super::pieces::next_piece;
use error::directory_error;

/// The most bytes that one call may read.
const READ_BYTES: usize = 8 << 20;

/// The most bytes that one call may write.
const WRITE_BYTES: usize = 1 << 20;

/// The most paths that one call may delete.
const DELETED_AT_ONCE: usize = 1_024;

/// An imported directory.
#[derive(Debug)]
pub struct ImportedDirectory(wit::Directory);

impl ImportedDirectory {
    /// Opens the directory that the other side knows by this name. Without a name, it opens the default.
    pub fn named(name: Option<&str>) -> Result<Self, DirectoryError> {
        let opened = wit::Directory::open(name);
        opened.map(Self).map_err(|error| directory_error(error, Operation::Open, name.unwrap_or_default()))
    }

    /// Returns the promises of the contract that the directory cannot keep, one sentence each.
    pub fn weaker_promises(&self) -> Vec<String> {
        self.0.weaker_promises()
    }

    /// Reads a part of a file: `length` bytes from `offset` on, or fewer where the file ends.
    fn part(&self, path: &str, offset: u64, length: usize) -> Result<wit::Part, DirectoryError> {
        let length = length.min(READ_BYTES);
        let wanted = u32::try_from(length).unwrap_or(u32::MAX);
        let part = self.0.read(path, offset, wanted).map_err(|error| directory_error(error, Operation::Read, path))?;
        let expected = part.file_bytes.saturating_sub(offset).min(length as u64);
        if part.bytes.len() as u64 == expected {
            return Ok(part);
        }
        let why = format!("the answer has {} bytes at {offset}, not {expected}", part.bytes.len());
        Err(DirectoryError::new(DirectoryErrorKind::Io, Operation::Read, path).because(why))
    }

    /// Reads what follows `first`, up to `length` bytes from `offset` on. The file has them.
    async fn rest(&self, path: &str, offset: u64, length: u64, first: wit::Part) -> Result<Vec<u8>, DirectoryError> {
        let mut content = first.bytes;
        let failed = |why: String| DirectoryError::new(DirectoryErrorKind::Io, Operation::Read, path).because(why);
        let length = usize::try_from(length).map_err(|error| failed(error.to_string()))?;
        // If all bytes have arrived in one part, that part is used without a copy.
        content.try_reserve_exact(length - content.len()).map_err(|error| failed(error.to_string()))?;
        while content.len() < length {
            next_piece().await;
            let part = self.part(path, offset + content.len() as u64, length - content.len())?;
            if part.file_bytes != first.file_bytes {
                return Err(failed(format!("the file has {} bytes now, not {}", part.file_bytes, first.file_bytes)));
            }
            content.extend_from_slice(&part.bytes);
        }
        Ok(content)
    }
}

impl Directory for ImportedDirectory {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        next_piece().await;
        let failed = |error| directory_error(error, Operation::List, "");
        let listing = self.0.list().map_err(failed)?;
        let mut entries = Vec::new();
        loop {
            let page = listing.next().map_err(failed)?;
            if page.is_empty() {
                break;
            }
            entries.extend(page.into_iter().map(entry));
            next_piece().await;
        }
        entries.sort_unstable();
        Ok(entries)
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        Ok(self.read_at_most(path, u64::MAX).await?.unwrap_or_default())
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        next_piece().await;
        let first = self.part(path, offset, length)?;
        let end = offset.checked_add(length as u64);
        if end.is_none_or(|end| end > first.file_bytes) {
            let why = format!("{length} bytes at {offset} of a file of {}", first.file_bytes);
            return Err(DirectoryError::new(DirectoryErrorKind::OutOfRange, Operation::Read, path).because(why));
        }
        self.rest(path, offset, length as u64, first).await
    }

    async fn read_at_most(&self, path: &str, bytes: u64) -> Result<Option<Vec<u8>>, DirectoryError> {
        next_piece().await;
        let first = self.part(path, 0, usize::try_from(bytes).unwrap_or(usize::MAX))?;
        if first.file_bytes > bytes {
            return Ok(None);
        }
        let length = first.file_bytes;
        self.rest(path, 0, length, first).await.map(Some)
    }

    async fn create(&self, files: Vec<NewFile>) -> Result<(), DirectoryError> {
        check_names(&files, |_| Ok(false))?;
        if files.is_empty() {
            return Ok(());
        }
        let batch = self.0.create();
        for file in &files {
            let failed = |error| directory_error(error, Operation::Create, &file.path);
            next_piece().await;
            batch.add(&file.path).map_err(failed)?;
            for part in file.content.chunks(WRITE_BYTES) {
                next_piece().await;
                batch.write(part).map_err(failed)?;
            }
        }
        next_piece().await;
        wit::Batch::commit(batch).map_err(|error| directory_error(error, Operation::Create, ""))
    }

    async fn pause(&self) {
        next_piece().await;
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        for paths in paths.chunks(DELETED_AT_ONCE) {
            next_piece().await;
            self.0.delete(paths).map_err(|error| directory_error(error, Operation::Delete, ""))?;
        }
        Ok(())
    }
}

fn entry(entry: wit::Entry) -> Entry {
    let kind = match entry.kind {
        wit::EntryKind::File => EntryKind::File,
        wit::EntryKind::EmptyDirectory => EntryKind::EmptyDirectory,
        wit::EntryKind::Temporary => EntryKind::Temporary,
        wit::EntryKind::Other => EntryKind::Other,
    };
    Entry { path: entry.path, bytes: entry.bytes, kind }
}
