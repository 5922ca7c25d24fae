//! The file in which bytes wait until they are published.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::FileSink;
use super::names::is_of_writer;
use crate::files::directory_of;
use crate::sink::{SinkError, SinkErrorKind as Kind};

/// A file that is created by the first write.
#[derive(Debug)]
pub(super) struct Pending {
    path: PathBuf,
    /// The path without the name of the writer.
    of_all: PathBuf,
    /// Whether the writer has a name, so that there may be others.
    is_named: bool,
    file: Option<File>,
}

impl Pending {
    /// The pending file beside `path`, which names a file.
    pub(super) fn beside(path: &Path) -> Option<Self> {
        let path = FileSink::pending_path(path)?;
        Some(Self { of_all: path.clone(), path, is_named: false, file: None })
    }

    /// The pending file of a writer of this name.
    pub(super) fn named(self, writer: &str) -> Self {
        let mut path = self.of_all.clone().into_os_string();
        path.push(format!(".{writer}"));
        Self { path: path.into(), is_named: true, file: None, ..self }
    }

    /// The pending files of other writers.
    fn others(&self) -> Result<Vec<PathBuf>, SinkError> {
        let Some(lead) = self.of_all.file_name().filter(|_| self.is_named) else { return Ok(Vec::new()) };
        let entries = match std::fs::read_dir(directory_of(&self.of_all)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| self.failed(Kind::Io, error))?,
        };
        let mut others = Vec::new();
        for entry in entries {
            let name = entry.map_err(|error| self.failed(Kind::Io, error))?.file_name();
            let rest = name.as_encoded_bytes().strip_prefix(lead.as_encoded_bytes());
            if rest.is_some_and(is_of_writer) && self.path.file_name() != Some(&name) {
                others.push(self.of_all.with_file_name(name));
            }
        }
        others.sort_unstable();
        Ok(others)
    }

    /// Takes over what waits in the file of another writer, if it is what is wanted.
    pub(super) fn adopt(&mut self, is_wanted: impl Fn(&[u8]) -> bool) -> Result<(), SinkError> {
        if is_wanted(&self.read()?) {
            return Ok(());
        }
        for other in self.others()? {
            let bytes = std::fs::read(&other).map_err(|error| self.failed(Kind::Io, error))?;
            if is_wanted(&bytes) {
                self.replace(&bytes)?;
                return self.sync();
            }
        }
        Ok(())
    }

    /// Removes the files of other writers, which have been overtaken.
    pub(super) fn remove_others(&self) -> Result<(), SinkError> {
        for other in self.others()? {
            match std::fs::remove_file(&other) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.failed(Kind::Io, error)),
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, kind: Kind, error: io::Error) -> SinkError {
        SinkError::io(kind, self.path.display().to_string(), error)
    }

    fn file(&mut self) -> Result<&mut File, SinkError> {
        let file = match self.file.take() {
            Some(file) => file,
            None => self.open().map_err(|error| self.failed(Kind::Open, error))?,
        };
        Ok(self.file.insert(file))
    }

    /// Opens the file, and never what a link of this name leads to: such a link is another's.
    fn open(&self) -> io::Result<File> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let options = OpenOptions::new().write(true).create(true).truncate(false).custom_flags(flags).open(&self.path);
        let is_link = |error: &io::Error| error.raw_os_error() == Some(Errno::LOOP.raw_os_error());
        let file = options.map_err(|error| if is_link(&error) { io::Error::other("is a link") } else { error })?;
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("is no regular file")) }
    }

    /// Returns what waits, nothing if there is no file.
    pub(super) fn read(&self) -> Result<Vec<u8>, SinkError> {
        match std::fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read.map_err(|error| self.failed(Kind::Io, error)),
        }
    }

    /// Appends to what was written since the file was replaced.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        let written = self.file()?.write_all(bytes);
        written.map_err(|error| self.failed(Kind::Io, error))
    }

    /// Lets only these bytes wait, without making that durable.
    pub(super) fn replace(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        let file = self.file()?;
        let emptied = file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0)));
        emptied.and_then(|_| file.write_all(bytes)).map_err(|error| self.failed(Kind::Io, error))
    }

    /// Forgets what waits, if there is a file.
    pub(super) fn clear(&mut self) -> Result<(), SinkError> {
        if self.file.is_some() || self.path.exists() { self.replace(&[]) } else { Ok(()) }
    }

    pub(super) fn sync(&mut self) -> Result<(), SinkError> {
        let synced = self.file()?.sync_all();
        synced.map_err(|error| self.failed(Kind::Io, error))
    }
}
