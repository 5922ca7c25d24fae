//! The directory in which records wait until they are published.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::token::{Token, records_in};
use crate::batch::Batch;

/// A directory that belongs to one sink. It has the file `records`, which is replaced as a whole when the next
/// epoch is made durable, and the file `records.new` meanwhile. A sink may keep a note of its own beside it.
#[derive(Debug)]
pub(super) struct Waiting {
    directory: PathBuf,
    /// Held for as long as the sink is there.
    lock: Option<File>,
    /// The file of this epoch, from its first record on.
    file: Option<Epoch>,
}

#[derive(Debug)]
struct Epoch {
    file: BufWriter<File>,
    header_bytes: u64,
    /// Whether it has its name already.
    is_named: bool,
}

/// What a directory holds. The header is what a sink knows when an epoch begins.
#[derive(Debug)]
pub(super) struct Held<H> {
    pub(super) header: H,
    pub(super) frames: Vec<u8>,
}

const NAME: &str = "records";
const NEW_NAME: &str = "records.new";
const LOCK_NAME: &str = "lock";
#[cfg(any(feature = "http", feature = "kafka"))]
const NOTE_NAME: &str = "delivery";
#[cfg(any(feature = "http", feature = "kafka"))]
const NEW_NOTE_NAME: &str = "delivery.new";

impl Waiting {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory, lock: None, file: None }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Takes the directory for this sink alone, and creates it if it is missing.
    pub(super) fn lock(&mut self) -> io::Result<()> {
        if self.lock.is_some() {
            return Ok(());
        }
        std::fs::create_dir_all(&self.directory)?;
        let options = OpenOptions::new().write(true).create(true).truncate(false).open(self.directory.join(LOCK_NAME));
        let lock = options?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        self.lock = Some(lock);
        Ok(())
    }

    /// Returns what an earlier process or epoch has made durable.
    ///
    /// `read` reads the header at the beginning of the file, and returns its length as well.
    pub(super) fn held<H>(&self, read: impl Fn(&[u8]) -> Option<(H, usize)>) -> io::Result<Option<Held<H>>> {
        let mut bytes = match std::fs::read(self.directory.join(NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => found?,
        };
        let (header, header_bytes) = read(&bytes).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("the file {NAME} is not one of this sink"))
        })?;
        Ok(Some(Held { header, frames: bytes.split_off(header_bytes) }))
    }

    /// Returns the note that was kept last.
    #[cfg(any(feature = "http", feature = "kafka"))]
    pub(super) fn note(&self) -> io::Result<Option<String>> {
        match std::fs::read_to_string(self.directory.join(NOTE_NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    /// Keeps a note in the place of the one before, and makes it durable.
    #[cfg(any(feature = "http", feature = "kafka"))]
    pub(super) fn keep_note(&self, note: &impl Display) -> io::Result<()> {
        let new = self.directory.join(NEW_NOTE_NAME);
        let mut file = File::create(&new)?;
        file.write_all(note.to_string().as_bytes())?;
        file.sync_all()?;
        std::fs::rename(new, self.directory.join(NOTE_NAME))?;
        File::open(&self.directory)?.sync_all()
    }

    /// Whether records of this epoch wait.
    pub(super) fn has_epoch(&self) -> bool {
        self.file.is_some()
    }

    /// Begins an epoch with frames that wait already.
    pub(super) fn begin(&mut self, header: &impl Display, frames: &[u8]) -> io::Result<()> {
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(true).to_owned();
        let mut file = BufWriter::new(options.open(self.directory.join(NEW_NAME))?);
        let header = header.to_string();
        file.write_all(header.as_bytes())?;
        file.write_all(frames)?;
        self.file = Some(Epoch { file, header_bytes: header.len() as u64, is_named: false });
        Ok(())
    }

    /// Appends records to the epoch, which has begun.
    pub(super) fn append(&mut self, records: &Batch) -> io::Result<()> {
        let Some(epoch) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        for record in records.records() {
            let length = u32::try_from(record.bytes().len()).map_err(io::Error::other)?;
            epoch.file.write_all(&length.to_le_bytes())?;
            epoch.file.write_all(record.bytes())?;
        }
        Ok(())
    }

    /// Makes the epoch durable, and lets it take the place of the one before.
    fn sync(&mut self) -> io::Result<()> {
        let Some(epoch) = &mut self.file else { return Ok(()) };
        epoch.file.flush()?;
        epoch.file.get_ref().sync_all()?;
        if !epoch.is_named {
            std::fs::rename(self.directory.join(NEW_NAME), self.directory.join(NAME))?;
            File::open(&self.directory)?.sync_all()?;
            epoch.is_named = true;
        }
        Ok(())
    }

    /// Makes the epoch durable, and returns the token of its records. `None` if it does not have so many, and no others.
    pub(super) fn prepare(&mut self, first: u64, count: u64) -> io::Result<Option<Token>> {
        self.sync()?;
        let frames = self.frames()?;
        let is_all = records_in(&frames, count).is_some_and(|(_, bytes)| bytes == frames.len());
        Ok(is_all.then(|| Token::of(first, count, &frames)))
    }

    /// Returns the frames of the epoch in two parts: those that a token stands for, and the rest. `None` if the epoch
    /// does not begin with those of the token.
    pub(super) fn divided(&mut self, token: Token) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
        let mut frames = self.frames()?;
        let bytes = token.frames_in(&frames).map(<[u8]>::len);
        Ok(bytes.map(|bytes| {
            let rest = frames.split_off(bytes);
            (frames, rest)
        }))
    }

    /// Returns the frames of the epoch, nothing if it has none.
    fn frames(&mut self) -> io::Result<Vec<u8>> {
        let Some(epoch) = &mut self.file else { return Ok(Vec::new()) };
        epoch.file.flush()?;
        let mut file = epoch.file.get_ref();
        let mut frames = Vec::new();
        file.seek(SeekFrom::Start(epoch.header_bytes))?;
        // Reading ends where the next record is written.
        file.read_to_end(&mut frames)?;
        Ok(frames)
    }

    /// Forgets the epoch. Its file stays until another takes its place.
    pub(super) fn end(&mut self) {
        self.file = None;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // A process that is being started has the descriptor for a moment, and closing it here would leave the
        // lock there.
        if let Some(lock) = &self.lock {
            let _ = rustix::fs::flock(lock, FlockOperation::Unlock);
        }
    }
}

/// Draws what a new stream of records is marked with.
pub(super) fn draw_id() -> io::Result<String> {
    Ok(format!("{:016x}", getrandom::u64().map_err(io::Error::other)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_free_again_although_another_process_has_its_descriptors() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = Waiting::new(directory.path().to_owned());
        first.lock().unwrap();
        let inherited = first.lock.as_ref().unwrap().try_clone().unwrap();
        let mut second = Waiting::new(directory.path().to_owned());
        assert_eq!(second.lock().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(first);
        second.lock().unwrap();
        drop(inherited);
        assert!(Waiting::new(directory.path().to_owned()).lock().is_err());
    }
}
