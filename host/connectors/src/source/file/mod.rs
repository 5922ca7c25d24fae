//! CSV in files and on the standard input, plain or compressed by gzip.

mod csv;
mod position;
mod raw;
mod reader;
mod records;
mod text;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{Identity, Partition, Reader, Source, SourceError, SourceErrorKind as Kind};

pub use position::FilePosition;
use raw::Raw;
use reader::FileReader;

/// A source over one CSV file, or over the standard input.
///
/// The first line names the fields. Gzip is recognised by the first bytes, and not by the name of the
/// file. A plain file is read from its position on; compressed data and pipes are read from their
/// beginning, and the records before the position are skipped.
#[derive(Debug)]
pub struct FileSource {
    identity: Identity,
    /// `None` is the standard input.
    path: Option<PathBuf>,
    is_open: bool,
}

impl FileSource {
    /// Returns the source over a file, which is opened later. The file may be a pipe.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { identity: Identity::new("file", path.display().to_string()), path: Some(path), is_open: false }
    }

    /// Returns the source over the standard input. It can be opened once.
    pub fn standard_input() -> Self {
        Self { identity: Identity::new("pipe", "standard input"), path: None, is_open: false }
    }

    fn open_raw(&mut self) -> Result<Raw, SourceError> {
        let name = self.identity.name();
        let Some(path) = &self.path else {
            if std::mem::replace(&mut self.is_open, true) {
                return Err(SourceError::new(Kind::Open, name, "is being read already"));
            }
            return Ok(Raw::standard_input());
        };
        open(path).and_then(Raw::of_file).map_err(|error| match error.kind() {
            io::ErrorKind::IsADirectory => SourceError::io(Kind::Open, name, error).says("is a directory"),
            _ => SourceError::io(Kind::Open, name, error),
        })
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
}

impl Source for FileSource {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn partitions(&mut self) -> Result<Vec<Partition>, SourceError> {
        Ok(vec![Partition::whole()])
    }

    fn open(&mut self, partition: &Partition) -> Result<Box<dyn Reader>, SourceError> {
        if !partition.is_whole() {
            let what = format!("has no partition {:?}", partition.name());
            return Err(SourceError::new(Kind::Open, self.identity.name(), what));
        }
        let raw = self.open_raw()?;
        Ok(Box::new(FileReader::new(self.identity.name().to_owned(), raw)))
    }
}

#[cfg(test)]
mod tests;
