//! Text in files and on the standard input, plain or compressed.

mod csv;
mod decoder;
mod follow;
mod following;
mod format;
mod lines;
mod options;
mod position;
mod raw;
mod reader;
mod records;
mod seeking;
mod spoiled;
mod text;

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::{Identity, Partition, Reader, Source, SourceError, SourceErrorKind as Kind};

use follow::Followed;
pub use format::{Csv, Format};
use options::Options;
pub use position::FilePosition;
use raw::Raw;
use reader::FileReader;

/// A source over the text of one file, or over the standard input.
///
/// In CSV the first record names the fields. Gzip and Zstandard are recognised by the first bytes, and not
/// by the name of the file. A plain file is read from its position on; compressed data and pipes are read
/// from their beginning, and the records before the position are skipped.
///
/// A position holds a checksum of the first bytes of the text and of those before the position. Another
/// file under the same name is refused as [`Replaced`](Kind::Replaced).
///
/// At the end of a plain file, a last record without a line end may be half of one. It is left to
/// [`unfinished`](Reader::unfinished), unless it is said to be [`final`](Self::final_record).
#[derive(Debug)]
pub struct FileSource {
    identity: Identity,
    /// `None` is the standard input.
    path: Option<PathBuf>,
    is_open: bool,
    options: Options,
}

/// The error of a name that is none of an encoding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no encoding: names are those of the web, as utf-8, latin1, windows-1252 or utf-16le")]
pub struct UnknownEncoding(String);

impl FileSource {
    /// Returns the source over a file, which is opened later. The file may be a pipe.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::of(Identity::new("file", path.display().to_string()), Some(path))
    }

    /// Returns the source over the standard input. It can be opened once.
    pub fn standard_input() -> Self {
        Self::of(Identity::new("pipe", "standard input"), None)
    }

    fn of(identity: Identity, path: Option<PathBuf>) -> Self {
        Self { identity, path, is_open: false, options: Options::default() }
    }

    /// The records stand like this in the text. CSV with commas is the default.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.options.format = format;
        self
    }

    /// The text has this encoding, by its name on the web. UTF-8 is the default. Text in another encoding
    /// is read from its beginning, as compressed data is.
    pub fn encoding(mut self, name: &str) -> Result<Self, UnknownEncoding> {
        let encoding = encoding_rs::Encoding::for_label(name.as_bytes());
        let encoding = encoding.ok_or_else(|| UnknownEncoding(name.to_owned()))?;
        self.options.encoding = Some(encoding).filter(|encoding| *encoding != encoding_rs::UTF_8);
        Ok(self)
    }

    /// A record has so many bytes at most. The default is 16 MiB.
    #[must_use]
    pub fn record_bytes_max(mut self, bytes: usize) -> Self {
        self.options.record_bytes_max = bytes;
        self
    }

    /// A last record without a line end is whole. Nothing more will come.
    #[must_use]
    pub fn final_record(mut self, is_final: bool) -> Self {
        self.options.is_final = is_final;
        self
    }

    /// The file has no end: more is waited for. If it is rotated, so that another file is at its path, that
    /// one is read next. A reader that continues finds its place in a rotated file by the position, if that
    /// is called like the file with a number or a date behind its name, and is not compressed. A pipe waits
    /// for further writers.
    #[must_use]
    pub fn follow(mut self, follows: bool) -> Self {
        self.options.follows = follows;
        self
    }

    fn open_raw(&mut self) -> Result<Raw, SourceError> {
        let name = self.identity.name();
        let Some(path) = &self.path else {
            if std::mem::replace(&mut self.is_open, true) {
                return Err(SourceError::new(Kind::Open, name, "is being read already"));
            }
            return Ok(Raw::standard_input());
        };
        let is_endless = self.options.follows && std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo());
        let file = if is_endless { open_endless(path) } else { open(path) };
        file.and_then(Raw::of_file).map_err(|error| match error.kind() {
            io::ErrorKind::IsADirectory => SourceError::io(Kind::Open, name, error).says("is a directory"),
            _ => SourceError::io(Kind::Open, name, error),
        })
    }
}

/// Opens a file. A pipe without a writer does not block: its reader waits, until a deadline.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
}

/// Opens a pipe that has no end, because this is one of its writers.
fn open_endless(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    File::options().read(true).write(true).custom_flags(flags).open(path)
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
        let followed = self.path.clone().filter(|_| self.options.follows && raw.is_file()).map(Followed);
        Ok(Box::new(FileReader::new(self.identity.name().to_owned(), raw, self.options, followed)))
    }
}

#[cfg(test)]
mod tests;
