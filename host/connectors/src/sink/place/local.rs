//! A place in a directory of this machine.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::WaitingPlace;

/// A directory of this machine, which one process has at a time.
///
/// It has the file `records`, which is replaced as a whole when the next epoch is kept, and the file `records.new`
/// meanwhile. The file `delivery` is the note.
///
/// ```
/// use alluvium_connectors::sink::{LocalPlace, WaitingPlace};
///
/// let scratch = tempfile::tempdir()?;
/// let mut place = LocalPlace::new(scratch.path());
/// place.take()?;
/// place.begin()?;
/// place.append(b"late")?;
/// assert_eq!(place.records()?, None);
/// place.keep()?;
/// assert_eq!(place.records()?, Some(b"late".to_vec()));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct LocalPlace {
    directory: PathBuf,
    /// Held for as long as the sink is there.
    lock: Option<File>,
    /// The file of this epoch.
    epoch: Option<Epoch>,
}

#[derive(Debug)]
struct Epoch {
    file: BufWriter<File>,
    /// Whether it has its name already.
    is_named: bool,
}

const NAME: &str = "records";
const NEW_NAME: &str = "records.new";
const LOCK_NAME: &str = "lock";
const NOTE_NAME: &str = "delivery";
const NEW_NOTE_NAME: &str = "delivery.new";

impl LocalPlace {
    /// Returns the place in a directory, which is created when it is taken.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), lock: None, epoch: None }
    }

    /// Returns the directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

/// Reads a file that need not be there.
fn found<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

impl WaitingPlace for LocalPlace {
    fn name(&self) -> String {
        self.directory.display().to_string()
    }

    fn take(&mut self) -> io::Result<()> {
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

    fn records(&mut self) -> io::Result<Option<Vec<u8>>> {
        found(std::fs::read(self.directory.join(NAME)))
    }

    fn begin(&mut self) -> io::Result<()> {
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(true).to_owned();
        let file = BufWriter::new(options.open(self.directory.join(NEW_NAME))?);
        self.epoch = Some(Epoch { file, is_named: false });
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(epoch) = &mut self.epoch else { return Err(io::ErrorKind::NotFound.into()) };
        epoch.file.write_all(bytes)
    }

    fn written(&mut self) -> io::Result<Cow<'_, [u8]>> {
        let Some(epoch) = &mut self.epoch else { return Ok(Cow::default()) };
        epoch.file.flush()?;
        let mut file = epoch.file.get_ref();
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        // Reading ends where the next bytes are written.
        file.read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    fn keep(&mut self) -> io::Result<()> {
        let Some(epoch) = &mut self.epoch else { return Ok(()) };
        epoch.file.flush()?;
        epoch.file.get_ref().sync_all()?;
        if !epoch.is_named {
            std::fs::rename(self.directory.join(NEW_NAME), self.directory.join(NAME))?;
            File::open(&self.directory)?.sync_all()?;
            epoch.is_named = true;
        }
        Ok(())
    }

    fn end(&mut self) {
        self.epoch = None;
    }

    fn note(&mut self) -> io::Result<Option<String>> {
        found(std::fs::read_to_string(self.directory.join(NOTE_NAME)))
    }

    fn keep_note(&mut self, note: &str) -> io::Result<()> {
        let new = self.directory.join(NEW_NOTE_NAME);
        let mut file = File::create(&new)?;
        file.write_all(note.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(new, self.directory.join(NOTE_NAME))?;
        File::open(&self.directory)?.sync_all()
    }
}

impl Drop for LocalPlace {
    fn drop(&mut self) {
        // A process that is being started has the descriptor for a moment, and closing it here would leave the
        // lock there.
        if let Some(lock) = &self.lock {
            let _ = rustix::fs::flock(lock, FlockOperation::Unlock);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_free_again_although_another_process_has_its_descriptors() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = LocalPlace::new(directory.path());
        first.take().unwrap();
        let inherited = first.lock.as_ref().unwrap().try_clone().unwrap();
        let mut second = LocalPlace::new(directory.path());
        assert_eq!(second.take().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(first);
        second.take().unwrap();
        drop(inherited);
        assert!(LocalPlace::new(directory.path()).take().is_err());
    }
}
